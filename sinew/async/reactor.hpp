#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <utility>

#include "sinew/async/completion_queue.hpp"
#include "sinew/async/offload.hpp"
#include "sinew/async/offload_pool.hpp"
#include "sinew/async/os_random.hpp"
#include "sinew/async/poller.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/async/timer_wheel.hpp"
#include "sinew/async/watch_table.hpp"
#include "sinew/async/watchdog.hpp"

namespace sinew::async {

// The real Runtime: one thread's event loop on epoll. It runs on the thread that calls run();
// timers have a resolution of a millisecond and are never early. Its Instants count from the
// machine's boot, so deadlines travel between the reactors of a process.
//
// A turn: hand out events, run what other threads completed, fire timers, resume at most
// `resumes_per_turn` ready tasks, end the turn (TurnEnd), wait until there is something to do.
class Reactor final : public Runtime {
 public:
  // So that a flood of ready tasks delays events by a millisecond or so, not for ever.
  static constexpr std::size_t resumes_per_turn = 1024;

  // The pools outlive the reactor.
  explicit Reactor(OffloadPools& pools);
  // Waits for the jobs that it offloaded; what they would resume stays suspended. Its streams,
  // listeners and scopes are gone by then.
  ~Reactor() override;

  // Runs `task` and everything else until it ends; gives its result or throws its exception.
  template <class T>
  T run(Task<T> task) {
    Outcome<T> outcome;
    run_to_end(capture(std::move(task), outcome));
    return outcome.take();
  }
  // Runs until `condition` holds, which is looked at between turns.
  void run_until(const std::function<bool()>& condition);
  // Instead of run(): turns of a foreign loop, on one thread, the same from turn to turn. The loop
  // watches descriptor() for reading, asks poll_timeout_ms() right before each wait, which lasts no
  // longer than that (-1: no limit), and calls pump() after it, whatever ended it.
  int descriptor() const noexcept { return poller_.descriptor(); }
  int poll_timeout_ms() noexcept;
  void pump() noexcept;
  // From any thread: cancels the task of run(), this one or the next; run() returns when it ended.
  void stop() noexcept;

  const Activity& activity() const noexcept { return activity_; }

  Instant now() const noexcept override { return now_; }
  Timestamp wall_now() const noexcept override;
  std::uint64_t random() noexcept override { return random_.next(); }
  void schedule(Ready& ready) noexcept override { ready_.push_back(ready); }
  void arm(Timer& timer, Instant when) noexcept override { timers_.arm(timer, when); }
  void at_turn_end(TurnEnd& hook) noexcept override { turn_end_.push_back(hook); }
  bool quiet() const noexcept override;
  void complete(Completion& completion) noexcept override;
  bool submit(Completion& request) noexcept override;
  void working_on(const char* name) noexcept override { activity_.begin(name); }
  void offload(Job& job, Lane lane) noexcept override;
  Task<std::unique_ptr<Stream>> connect(Endpoint endpoint) override;
  void watch(int descriptor, Interest interest, Wait& wait) override;
  void unwatch(int descriptor) noexcept override;

 private:
  std::unique_ptr<Listener> open_listener(Endpoint endpoint, const ListenOptions& options) override;
  void run_to_end(Task<void> task);
  void turn() noexcept;
  void work() noexcept;
  int timeout_ms() noexcept;
  void run_mailbox() noexcept;
  void run_ready() noexcept;
  void end_turn() noexcept;

  OffloadPools& pools_;
  Poller poller_;
  WatchTable watches_;
  Instant now_;
  TimerWheel timers_;
  OsRandom random_;
  Activity activity_;
  IntrusiveList<Ready, ReadyTag> ready_;
  IntrusiveList<TurnEnd, TurnTag> turn_end_;
  IntrusiveList<TurnEnd, TurnTag> ending_;  // hooks of the turn that ends now
  CompletionQueue completions_;
  CompletionQueue requests_;
  std::atomic<std::size_t> requests_waiting_ = 0;
  std::atomic<bool> stop_ = false;
};

}  // namespace sinew::async
