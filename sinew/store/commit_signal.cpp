#include "sinew/store/commit_signal.hpp"

#include "sinew/base/error.hpp"

namespace sinew::store {

Task<void> CommitSignal::beyond(std::uint64_t seen) {
  while (count_ == seen) {
    switch (co_await waiting_.wait()) {
      case async::WaitOutcome::timed_out:
        throw Error(Condition::timeout, "the deadline passed while waiting for a commit");
      case async::WaitOutcome::cancelled:
        throw Error(Condition::cancelled, "cancelled while waiting for a commit");
      default: break;
    }
  }
}

}  // namespace sinew::store
