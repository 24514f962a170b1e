#pragma once

#include <exception>
#include <functional>
#include <utility>

#include "sinew/async/runtime.hpp"
#include "sinew/async/wait.hpp"

namespace sinew::proxy {

// co_await RemoteStep(there, step): runs `step` on another worker's thread, between two of its
// tasks, and goes on here when it has run. What it throws comes out of the await. Neither deadline
// nor cancellation ends the wait, since the step uses what the awaiter has: the other worker runs
// until then.
class [[nodiscard]] RemoteStep : public async::Wait {
 public:
  RemoteStep(async::Runtime& there, std::function<void()> step)
      : Wait(Shield::yes), there_(there), step_(std::move(step)) {}

  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) noexcept {
    home_ = handle.promise().context().runtime;
    suspend(handle);
    there_.complete(go_);
  }
  void await_resume() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  struct Go final : async::Completion {
    explicit Go(RemoteStep& of) noexcept : owner(of) {}
    void run() noexcept override {
      try {
        owner.step_();
      } catch (...) {
        owner.failure_ = std::current_exception();
      }
      owner.home_->complete(owner.back_);
    }
    RemoteStep& owner;
  };
  struct Back final : async::Completion {
    explicit Back(RemoteStep& of) noexcept : owner(of) {}
    void run() noexcept override { owner.complete(); }
    RemoteStep& owner;
  };

  async::Runtime& there_;
  async::Runtime* home_ = nullptr;
  std::function<void()> step_;
  std::exception_ptr failure_;
  Go go_{*this};
  Back back_{*this};
};

}  // namespace sinew::proxy
