#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>

#include "sinew/async/descriptor.hpp"
#include "sinew/async/offload.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/base/error.hpp"

namespace sinew::async {

// A loop that is not ours (a window system's, a game's, poll(2) in main) as a place where callbacks
// run: workers post them, the loop watches descriptor() and calls run_posted() on its own thread.
// A thread without a loop is one with wait() and run_posted(). Outlives those who post to it.
class ForeignLoop {
 public:
  using Callback = std::move_only_function<void()>;
  static constexpr std::size_t default_capacity = 1024;

  // `capacity` of post(), in callbacks, from 1. Errors: exhausted (no descriptor is left).
  explicit ForeignLoop(std::size_t capacity = default_capacity);
  ForeignLoop(const ForeignLoop&) = delete;
  ForeignLoop& operator=(const ForeignLoop&) = delete;

  // From any thread. False when `capacity` callbacks wait already.
  bool post(Callback callback);
  // From any thread, never refused: an answer to something that was bounded when it was asked.
  void deliver(Callback callback);
  // done(outcome) in the loop: the callback to give to Portal::call() and its like.
  template <class Done>
  auto answered(Done done) {
    return [this, done = std::move(done)](auto outcome) mutable noexcept {
      deliver([done = std::move(done), outcome = std::move(outcome)]() mutable {
        done(std::move(outcome));
      });
    };
  }

  // Readable (poll, epoll, level-triggered) while a callback waits. Not to be read from.
  int descriptor() const noexcept { return event_.get(); }
  // On the loop's thread: runs what has been posted until now, in order; gives how many. What one
  // throws comes out of here, and those behind it wait for the next call.
  std::size_t run_posted();
  // Blocks until a callback waits, at most `timeout`. False when none came.
  bool wait(Duration timeout) const;

 private:
  void push(Callback callback);
  bool take(Callback& callback);

  Descriptor event_;
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::deque<Callback> posted_;
};

// What call_in() has run in a loop. Shared by the task that waits for it and the loop.
class Errand : public Completion {
 public:
  explicit Errand(Runtime& home) noexcept : home_(home) {}
  virtual ~Errand() = default;

  // In the loop.
  void execute() noexcept;
  // On the worker: whether it can be sure that execute() does nothing any more.
  bool withdraw() noexcept;
  // Waits for the end of execute(). Throws cancelled or timeout, without effect, when it had not
  // begun by then; one that has begun is waited for.
  Task<void> over();

 protected:
  virtual void perform() noexcept = 0;

 private:
  enum class Phase : std::uint8_t { waiting, running, withdrawn };
  void run() noexcept final;

  Runtime& home_;
  std::atomic<Phase> phase_ = Phase::waiting;
  std::mutex completing_;
  bool over_ = false;
  Wait* waiter_ = nullptr;
};

template <class F>
class TypedErrand final : public Errand {
 public:
  TypedErrand(Runtime& home, F function) : Errand(home), function_(std::move(function)) {}
  Outcome<std::invoke_result_t<F&>> outcome;

 private:
  void perform() noexcept override { outcome.capture(function_); }
  F function_;
};

// Runs function() on the thread of `loop` and gives its result here, or throws what it throws.
// References into the caller's frame hold. Errors: exhausted (the loop has too much waiting);
// cancelled, timeout: it was not begun and will not be.
template <class F, class R = std::invoke_result_t<F&>>
Task<R> call_in(ForeignLoop& loop, F function) {
  TaskContext& here = co_await this_context();
  const auto errand = std::make_shared<TypedErrand<F>>(*here.runtime, std::move(function));
  if (!loop.post([errand] { errand->execute(); })) {
    throw Error(Condition::exhausted, "the loop has as many callbacks waiting as it takes");
  }
  co_await errand->over();
  auto outcome = std::move(errand->outcome);  // an exception is this thread's alone
  co_return outcome.take();
}

}  // namespace sinew::async
