#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "sinew/async/frame_pool.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/instant.hpp"

namespace sinew {
class TraceContext;
}

namespace sinew::async {

class Runtime;
class CancelSource;

template <class T>
class Task;

// What a task inherits from the one that awaits it. Held by a Scope or by the frame of with_*().
struct TaskContext {
  Runtime* runtime = nullptr;
  CancelSource* cancel = nullptr;
  Instant deadline = Instant::max();
  const TraceContext* trace = nullptr;
  const char* name = "task";  // of the handler, for the report of a stalled worker; static storage
  bool in_transaction = false;  // only tasks and what is marked `transaction_safe` may be awaited
};

// Marks an awaitable that a transaction's body may await: one that belongs to the transaction.
template <class A>
concept TransactionSafe = requires { typename std::remove_cvref_t<A>::transaction_safe; };

[[noreturn]] void throw_foreign_await();

class PromiseBase {
 public:
  static void* operator new(std::size_t size) { return FramePool::allocate(size); }
  static void operator delete(void* frame, std::size_t size) noexcept {
    FramePool::release(frame, size);
  }

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> handle) const noexcept {
      return handle.promise().continuation_;
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { failure_ = std::current_exception(); }

  template <class A>
  A&& await_transform(A&& awaitable) {
    if constexpr (!TransactionSafe<A>) {
      if (context_->in_transaction) throw_foreign_await();
    }
    return std::forward<A>(awaitable);
  }

  TaskContext& context() const noexcept { return *context_; }
  void attach(TaskContext& context, std::coroutine_handle<> continuation) noexcept {
    context_ = &context;
    continuation_ = continuation;
  }

 protected:
  std::exception_ptr failure_;

 private:
  TaskContext* context_ = nullptr;
  std::coroutine_handle<> continuation_ = std::noop_coroutine();
};

template <class T>
class Promise final : public PromiseBase {
 public:
  Task<T> get_return_object() noexcept;
  template <class U>
    requires std::convertible_to<U, T>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T take() {
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class Promise<void> final : public PromiseBase {
 public:
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() {
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }
};

// A lazy coroutine with one owner. It starts when awaited, on the awaiter's worker, and resumes its
// awaiter by symmetric transfer, so a chain of any length uses no stack. It inherits the awaiter's
// runtime, deadline, cancellation and trace context. What it throws comes out of the co_await.
//
// Parameters of a coroutine are taken by value unless the caller certainly awaits at once. A task
// that is dropped before it finished is destroyed with everything it waits for.
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = Promise<T>;
  using value_type = T;
  using transaction_safe = void;

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      reset();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~Task() { reset(); }

  struct Awaiter {
    std::coroutine_handle<Promise<T>> handle;
    TaskContext* context = nullptr;  // instead of the awaiter's own, when set

    bool await_ready() const noexcept { return false; }
    template <class Parent>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Parent> parent) const noexcept {
      handle.promise().attach(context != nullptr ? *context : parent.promise().context(), parent);
      return handle;
    }
    T await_resume() const { return handle.promise().take(); }
    using transaction_safe = void;
  };

  Awaiter operator co_await() && noexcept { return {handle_}; }
  Awaiter operator co_await() & noexcept { return {handle_}; }

  // Awaits it under `context`, which must outlive the await.
  Awaiter under(TaskContext& context) & noexcept { return {handle_, &context}; }

  // For those who run tasks by hand (Scope, Database): the frame itself.
  std::coroutine_handle<Promise<T>> handle() const noexcept { return handle_; }
  bool done() const noexcept { return handle_ == nullptr || handle_.done(); }

 private:
  friend class Promise<T>;
  explicit Task(std::coroutine_handle<Promise<T>> handle) noexcept : handle_(handle) {}
  void reset() noexcept {
    if (handle_ != nullptr) std::exchange(handle_, nullptr).destroy();
  }

  std::coroutine_handle<Promise<T>> handle_;
};

template <class T>
Task<T> Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

// co_await this_context() gives the TaskContext of the running task; it never suspends.
struct ThisContext {
  using transaction_safe = void;
  TaskContext* context = nullptr;
  bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> handle) noexcept {
    context = &handle.promise().context();
    return false;
  }
  TaskContext& await_resume() const noexcept { return *context; }
};
inline ThisContext this_context() noexcept { return {}; }

// Runs `task` with a deadline that is the earlier of `deadline` and the inherited one.
template <class T>
Task<T> with_deadline(Instant deadline, Task<T> task) {
  TaskContext context = co_await this_context();
  if (deadline < context.deadline) context.deadline = deadline;
  co_return co_await task.under(context);
}

// `name` for as long as the process lives; the same text is the same pointer. From any thread. For
// names made at registration, which are few and come again.
const char* lasting_name(std::string_view name);

// Tells the runtime that the running step works on what `context` names.
void announce(const TaskContext& context) noexcept;

// Runs `task` as the work of `name`, of static storage: the handler that a stall is blamed on.
template <class T>
Task<T> with_name(const char* name, Task<T> task) {
  TaskContext context = co_await this_context();
  context.name = name;
  announce(context);
  co_return co_await task.under(context);
}

// Runs `task` under a trace context, which it and all that it awaits pass on.
template <class T>
Task<T> with_trace(const TraceContext& trace, Task<T> task) {
  TaskContext context = co_await this_context();
  context.trace = &trace;
  co_return co_await task.under(context);
}

}  // namespace sinew::async

namespace sinew {
using async::Task;
}
