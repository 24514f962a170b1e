#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "sinew/async/channel.hpp"
#include "sinew/async/future.hpp"
#include "sinew/async/intrusive_list.hpp"
#include "sinew/async/offload.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/base/error.hpp"

namespace sinew::async {

// Lets threads that are no workers run tasks on one. call() may be called from any thread, at any
// time, as long as somebody holds the portal: before open() and after drain() it refuses.
//
// Bounded: `capacity` calls, waiting and under way; a further one is refused with `exhausted`. All
// that wait take one place of the worker's mailbox, so a flood of them keeps no other worker out.
class Portal {
 public:
  static constexpr std::size_t default_capacity = 1024;

  // `name` of what is behind it, for errors; `capacity` from 1.
  Portal(Runtime& runtime, std::string name, std::size_t capacity = default_capacity);
  Portal(const Portal&) = delete;
  Portal& operator=(const Portal&) = delete;
  ~Portal();

  // Has function(), which makes a Task<T>, run on the worker; `function` lives until the task ends.
  // Errors, at once and without effect: exhausted (try again later), unavailable (what is behind
  // the portal has not started, or drains). The task's own come out of the future, and cancelled,
  // when it was not done at the end of a drain.
  template <class F, class T = typename std::invoke_result_t<F&>::value_type>
  Future<T> call(F function) {
    auto state = std::make_shared<FutureState<T>>();
    enter(std::make_unique<TypedCall<F, ToFuture<T>>>(std::move(function), ToFuture<T>{state}));
    return Future<T>(std::move(state));
  }

  // The same with a callback instead of a future: done(Outcome<T>), once, on the worker, where it
  // must neither block nor throw. Not called when call() throws.
  template <class F, class Done, class T = typename std::invoke_result_t<F&>::value_type>
  void call(F function, Done done) {
    enter(std::make_unique<TypedCall<F, ToCallback<T, Done>>>(
        std::move(function), ToCallback<T, Done>{std::move(done)}));
  }

  // The following on the worker.
  void open();
  // Refuses what comes from now on, and what has not begun, with `unavailable`; waits up to
  // `patience` for what is under way, cancels the rest. True when nothing had to be cancelled.
  Task<bool> drain(Duration patience);
  // Without waiting, when the runtime does not go on: frames are destroyed, their callers hear
  // `unavailable`, applied unknown.
  void abandon() noexcept;

 private:
  struct CallTag;
  class Call : public ListHook<CallTag> {
   public:
    Call() = default;
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    virtual ~Call() = default;
    virtual bool begin() noexcept = 0;
    virtual Task<void> work() = 0;  // keeps the outcome; throws nothing
    virtual void fail(std::exception_ptr failure) noexcept = 0;
    virtual void settle() noexcept = 0;
  };
  template <class F, class Asker>
  class TypedCall;
  template <class T>
  struct ToFuture;
  template <class T, class Done>
  struct ToCallback;

  struct Wake final : Completion {
    explicit Wake(Portal& owner) noexcept : portal(owner) {}
    void run() noexcept override { portal.take_in(); }
    Portal& portal;
  };
  enum class State : std::uint8_t { not_open, open, closed };

  void enter(std::unique_ptr<Call> call);
  void require_room() const;
  void take_in() noexcept;
  Task<void> perform(Call& call);
  void close() noexcept;
  void end(Call& call) noexcept;
  void end(Call& call, const Error& failure) noexcept;
  Error ended(Applied applied) const;
  bool woken() const noexcept;

  Runtime& runtime_;
  const std::string name_;
  const std::size_t capacity_;
  Wake wake_{*this};

  mutable std::mutex mutex_;  // guards the next four
  State state_ = State::not_open;
  IntrusiveList<Call, CallTag> waiting_;
  std::size_t calls_ = 0;
  bool woken_ = false;  // wake_ is in the mailbox

  IntrusiveList<Call, CallTag> under_way_;  // of the worker
  std::optional<Scope> scope_;
  Event taken_in_;  // what waited
};

template <class T>
struct Portal::ToFuture {
  using Value = T;
  bool begin() noexcept { return state->progress.begin(); }
  void settle(Outcome<T> outcome) noexcept {
    state->outcome = std::move(outcome);
    state->progress.settle();
  }
  std::shared_ptr<FutureState<T>> state;
};

template <class T, class Done>
struct Portal::ToCallback {
  using Value = T;
  bool begin() noexcept { return true; }
  void settle(Outcome<T> outcome) noexcept { done(std::move(outcome)); }
  Done done;
};

template <class F, class Asker>
class Portal::TypedCall final : public Call {
 public:
  TypedCall(F function, Asker asker) : function_(std::move(function)), asker_(std::move(asker)) {}
  bool begin() noexcept override { return asker_.begin(); }
  Task<void> work() override { return capture(start(function_), outcome_); }
  void fail(std::exception_ptr failure) noexcept override { outcome_.fail(std::move(failure)); }
  void settle() noexcept override { asker_.settle(std::move(outcome_)); }

 private:
  using Value = typename Asker::Value;
  // What function() throws before it gives a task counts as the task's.
  static Task<Value> start(F& function) { co_return co_await function(); }

  F function_;
  Asker asker_;
  Outcome<Value> outcome_;
};

}  // namespace sinew::async
