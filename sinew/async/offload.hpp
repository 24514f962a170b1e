#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "sinew/async/runtime.hpp"
#include "sinew/async/task.hpp"

namespace sinew::async {

// The value or exception of something that ran elsewhere.
template <class T>
class Outcome {
 public:
  template <class F>
  void capture(F& function) noexcept {
    try {
      if constexpr (std::is_void_v<T>) {
        function();
      } else {
        value_.emplace(function());
      }
    } catch (...) {
      failure_ = std::current_exception();
    }
  }
  T take() {
    if (failure_) std::rethrow_exception(failure_);
    if constexpr (!std::is_void_v<T>) return std::move(*value_);
  }
  void fail(std::exception_ptr failure) noexcept { failure_ = std::move(failure); }
  template <class V>
  void set(V&& value) {
    value_.emplace(std::forward<V>(value));
  }

 private:
  struct Nothing {};
  std::optional<std::conditional_t<std::is_void_v<T>, Nothing, T>> value_;
  std::exception_ptr failure_;
};

// Runs `task` and keeps how it ended in `outcome`, which outlives it. For those who run a runtime.
template <class T>
Task<void> capture(Task<T> task, Outcome<T>& outcome) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await task;
    } else {
      outcome.set(co_await task);
    }
  } catch (...) {
    outcome.fail(std::current_exception());
  }
}

// co_await offload(f, lane): runs f on a thread of the lane's pool and gives its result here. Not
// cancellable: f holds references into this frame. f must not touch the runtime.
template <class F>
class Offload final : public Wait, private Job {
 public:
  using Result = std::invoke_result_t<F&>;
  Offload(F function, Lane lane) : Wait(Shield::yes), function_(std::move(function)), lane_(lane) {}

  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) noexcept {
    suspend(handle);
    handle.promise().context().runtime->offload(*this, lane_);
  }
  Result await_resume() { return result_.take(); }

 private:
  void execute() noexcept override { result_.capture(function_); }
  void run() noexcept override { complete(); }

  F function_;
  Lane lane_;
  Outcome<Result> result_;
};
template <class F>
Offload<F> offload(F function, Lane lane = Lane::general) {
  return Offload<F>(std::move(function), lane);
}

// A request to another worker: runs the task that `function` makes there and completes here. What
// runs there keeps its state in the caller's frame, which therefore neither deadline nor
// cancellation resumes early; the deadline goes along instead.
template <class F>
class CallOn final : public Wait, private Completion {
 public:
  using Result = typename std::invoke_result_t<F&>::value_type;
  CallOn(Runtime& target, F& function) : Wait(Shield::yes), target_(target), function_(function) {}
  // Before the end of the call only when neither runtime goes on (a crash in simulation).
  ~CallOn() {
    if (root_) root_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> handle) noexcept {
    const TaskContext& context = handle.promise().context();
    caller_ = context.runtime;
    there_.runtime = &target_;
    there_.deadline = context.deadline;
    there_.trace = context.trace;
    there_.name = context.name;
    suspend(handle);
    refused_ = !target_.submit(*this);
    return !refused_;
  }
  Result await_resume() {
    if (refused_) {
      throw Error(Condition::exhausted, "the worker's mailbox is full; try again later");
    }
    return result_.take();
  }

 private:
  struct Answer final : Completion {
    explicit Answer(CallOn& owner) noexcept : call(owner) {}
    void run() noexcept override { call.complete(); }
    CallOn& call;
  };

  struct Start final : Ready {
    void of(std::coroutine_handle<> handle, const char* name) noexcept {
      handle_ = handle;
      name_ = name;
    }
  };

  // The root on the target. Its frame is gone before the caller hears of the end, for the caller
  // may then end its own.
  struct Root {
    struct promise_type final : PromiseBase {
      struct Final {
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<promise_type> ended) const noexcept {
          CallOn& over = *ended.promise().call;
          over.root_ = nullptr;
          ended.destroy();
          over.caller_->complete(over.answer_);
        }
        void await_resume() const noexcept {}
      };
      explicit promise_type(CallOn& owner) noexcept : call(&owner) {}
      Root get_return_object() noexcept {
        return {std::coroutine_handle<promise_type>::from_promise(*this)};
      }
      Final final_suspend() const noexcept { return {}; }
      void return_void() const noexcept {}
      CallOn* call;
    };
    std::coroutine_handle<promise_type> handle;
  };

  static Root root(CallOn& call) {
    try {
      if constexpr (std::is_void_v<Result>) {
        co_await call.function_();
      } else {
        call.result_.set(co_await call.function_());
      }
    } catch (...) {
      call.result_.fail(std::current_exception());
    }
  }

  void run() noexcept override {
    root_ = root(*this).handle;
    root_.promise().attach(there_, std::noop_coroutine());
    start_.of(root_, there_.name);
    target_.schedule(start_);
  }

  Runtime& target_;
  F& function_;
  Runtime* caller_ = nullptr;
  TaskContext there_;
  bool refused_ = false;
  Outcome<Result> result_;
  Start start_;
  std::coroutine_handle<typename Root::promise_type> root_;
  Answer answer_{*this};
};

// Runs the task that function() makes on the worker of `target` and gives its result here; directly
// when that is this worker. What is called must end by itself or by the deadline: cancellation does
// not cross workers. Errors: exhausted when the target's mailbox is full; what the task throws.
template <class F, class Result = typename std::invoke_result_t<F&>::value_type>
Task<Result> call_on(Runtime& target, F function) {
  TaskContext& here = co_await this_context();
  if (here.runtime == &target) co_return co_await function();
  co_return co_await CallOn<F>(target, function);
}

}  // namespace sinew::async
