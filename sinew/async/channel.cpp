#include "sinew/async/channel.hpp"

namespace sinew::async {

Task<void> Event::wait() {
  while (!set_) {
    switch (co_await waiters_.wait()) {
      case WaitOutcome::timed_out:
        throw Error(Condition::timeout, "the deadline passed while waiting for an event");
      case WaitOutcome::cancelled:
        throw Error(Condition::cancelled, "cancelled while waiting for an event");
      default: break;
    }
  }
}

}  // namespace sinew::async
