#pragma once

#include <coroutine>
#include <cstdint>

#include "sinew/async/intrusive_list.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/instant.hpp"

namespace sinew::async {

struct ReadyTag;
struct TimerTag;
struct CancelTag;
struct WaitQueueTag;

// A coroutine that can go on; the runtime resumes it in a later step of its loop.
class Ready : public ListHook<ReadyTag> {
 public:
  std::coroutine_handle<> handle() const noexcept { return handle_; }
  const char* name() const noexcept { return name_; }

 protected:
  Ready() noexcept = default;
  ~Ready() = default;
  std::coroutine_handle<> handle_;
  const char* name_ = "task";
};

// Something that fires once at an instant. Armed by Runtime::arm; leaves the wheel when destroyed.
class Timer : public ListHook<TimerTag> {
 public:
  Instant when() const noexcept { return when_; }
  virtual void fire() noexcept = 0;

 protected:
  Timer() noexcept = default;
  ~Timer() = default;

 private:
  friend class TimerWheel;
  Instant when_{};
};

class CancelHook : public ListHook<CancelTag> {
 public:
  virtual void on_cancel() noexcept = 0;

 protected:
  CancelHook() noexcept = default;
  ~CancelHook() = default;
};

// Cancels, once and for good, everything that waits under it, sources of inner scopes included.
class CancelSource final : private CancelHook {
 public:
  explicit CancelSource(CancelSource* parent = nullptr) noexcept;

  bool cancelled() const noexcept { return cancelled_; }
  void cancel() noexcept;
  void attach(CancelHook& hook) noexcept { hooks_.push_back(hook); }

 private:
  void on_cancel() noexcept override { cancel(); }

  IntrusiveList<CancelHook, CancelTag> hooks_;
  bool cancelled_ = false;
};

enum class WaitOutcome : std::uint8_t { idle, waiting, done, timed_out, cancelled };

// One suspended coroutine and the three things that may resume it: completion, the deadline it
// inherited, cancellation. The first wins and disarms the others. Every awaiter of the library that
// can suspend is built on it, so each await has the deadline and cancellation of its task, and a
// frame destroyed while suspended is forgotten by all of them.
class Wait : public Ready, public ListHook<WaitQueueTag>, private Timer, private CancelHook {
 public:
  enum class Shield : bool { no, yes };  // yes: neither deadline nor cancellation resumes it

  explicit Wait(Shield shield = Shield::no) noexcept : shield_(shield) {}

  // Called from await_suspend.
  template <class P>
  void suspend(std::coroutine_handle<P> handle) noexcept {
    start(handle, handle.promise().context());
  }
  void start(std::coroutine_handle<> handle, TaskContext& context) noexcept;

  // Resumes the coroutine in a later step of its runtime. Does nothing unless waiting.
  void complete() noexcept { finish(WaitOutcome::done); }

  WaitOutcome outcome() const noexcept { return outcome_; }
  bool waiting() const noexcept { return outcome_ == WaitOutcome::waiting; }

  // Throws Error timeout or cancelled unless the wait is done. `what` names what was waited for.
  void check(const char* what) const;

 private:
  void fire() noexcept override { finish(WaitOutcome::timed_out); }
  void on_cancel() noexcept override { finish(WaitOutcome::cancelled); }
  void finish(WaitOutcome outcome) noexcept;

  Runtime* runtime_ = nullptr;
  WaitOutcome outcome_ = WaitOutcome::idle;
  Shield shield_;
};

// Those who wait for one condition, first come first served. One worker only.
class WaitQueue {
 public:
  // co_await queue.wait(): gives the outcome; throws nothing.
  class Awaiter : public Wait {
   public:
    explicit Awaiter(WaitQueue& queue) noexcept : queue_(&queue) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;
    ~Awaiter() {
      if (woken_but_not_resumed()) queue_->notify_one();
    }
    bool await_ready() const noexcept { return false; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> handle) noexcept {
      suspend(handle);
      if (waiting()) queue_->waits_.push_back(*this);
    }
    WaitOutcome await_resume() const noexcept { return outcome(); }

   private:
    // Its frame is dropped in between: whom it was woken for would wait for ever. Being in `woken_`
    // shows that the queue still lives, being ready that nobody has resumed it.
    bool woken_but_not_resumed() const noexcept {
      return outcome() == WaitOutcome::done && Hook::linked() && ListHook<ReadyTag>::linked();
    }
    using Hook = ListHook<WaitQueueTag>;
    WaitQueue* queue_;
  };

  Awaiter wait() noexcept { return Awaiter(*this); }
  bool empty() const noexcept { return waits_.empty(); }
  void notify_one() noexcept;
  void notify_all() noexcept;

 private:
  IntrusiveList<Wait, WaitQueueTag> waits_;
  IntrusiveList<Wait, WaitQueueTag> woken_;
};

// co_await sleep_until(t) / sleep_for(d): returns at the instant, or throws Error timeout or
// cancelled when the task's own deadline or cancellation comes first.
class Sleep : public Wait {
 public:
  explicit Sleep(Instant until) noexcept : until_(until) {}
  explicit Sleep(Duration duration) noexcept : duration_(duration) {}

  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) noexcept {
    suspend(handle);
    arm(handle.promise().context());
  }
  void await_resume() const { check("a pause"); }

 private:
  struct Alarm final : async::Timer {
    explicit Alarm(Wait& target) noexcept : sleeper(&target) {}
    void fire() noexcept override { sleeper->complete(); }
    Wait* sleeper;
  };
  void arm(TaskContext& context) noexcept;

  Instant until_{};
  Duration duration_ = Duration::zero();
  Alarm alarm_{*this};
};
inline Sleep sleep_until(Instant instant) noexcept { return Sleep(instant); }
inline Sleep sleep_for(Duration duration) noexcept { return Sleep(duration); }

// co_await yield(): lets every other ready task of the worker run once.
class Yield : public Wait {
 public:
  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) noexcept {
    suspend(handle);
    complete();
  }
  void await_resume() const { check("a yield"); }
};
inline Yield yield() noexcept { return Yield(); }

}  // namespace sinew::async
