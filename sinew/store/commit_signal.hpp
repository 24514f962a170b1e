#pragma once

#include <cstdint>

#include "sinew/async/task.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/store/transaction.hpp"

namespace sinew::store {

// Lets tasks sleep until something is committed, without polling and without missing one: take
// count(), look, and when there is nothing to do await beyond() that count. Lives on the database's
// worker.
class CommitSignal final : public CommitListener {
 public:
  void committed() noexcept override {
    ++count_;
    waiting_.notify_all();
  }

  std::uint64_t count() const noexcept { return count_; }

  // Returns once count() differs from `seen`. Errors: timeout, cancelled.
  Task<void> beyond(std::uint64_t seen);

 private:
  std::uint64_t count_ = 0;
  async::WaitQueue waiting_;
};

}  // namespace sinew::store
