#pragma once

#include <poll.h>

#include <algorithm>
#include <map>
#include <memory>
#include <stdexcept>
#include <utility>

#include "sinew/async/completion_queue.hpp"
#include "sinew/async/offload.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/timer_wheel.hpp"

namespace sinew::async {

// A runtime for unit tests of what suspends: one thread, virtual time, no network. Ready tasks run
// in order; a job is executed at once and completed in a later step. Descriptors are real ones, and
// looked at whenever something runs. sim::Node is the one with streams, faults and seeds.
class TestRuntime final : public Runtime {
 public:
  static constexpr Instant start{std::chrono::hours(1)};

  Instant now() const noexcept override { return now_; }
  Timestamp wall_now() const noexcept override {
    return Timestamp(std::chrono::floor<std::chrono::microseconds>(now_.time_since_epoch()));
  }
  std::uint64_t random() noexcept override { return random_ += 0x9E3779B97F4A7C15; }
  void schedule(Ready& ready) noexcept override { ready_.push_back(ready); }
  void arm(Timer& timer, Instant when) noexcept override { timers_.arm(timer, when); }
  void at_turn_end(TurnEnd& hook) noexcept override { turn_end_.push_back(hook); }
  bool quiet() const noexcept override {
    return ready_.empty() && turn_end_.empty() && completions_.empty();
  }
  void complete(Completion& completion) noexcept override { completions_.push(completion); }
  bool submit(Completion& request) noexcept override {
    if (refuse_requests) return false;
    completions_.push(request);
    return true;
  }
  void offload(Job& job, Lane) noexcept override {
    ++offloaded;
    job.execute();
    complete(job);
  }

  Task<std::unique_ptr<Stream>> connect(Endpoint) override {
    throw Error(Condition::unsupported, "a TestRuntime has no network");
  }
  void watch(int descriptor, Interest interest, Wait& wait) override {
    watched_[{descriptor, interest}].push_back(wait);
  }
  void unwatch(int descriptor) noexcept override {
    watched_.erase({descriptor, Interest::readable});
    watched_.erase({descriptor, Interest::writable});
  }
  void working_on(const char*) noexcept override {}

  // Runs what can run without time passing.
  void settle() {
    do {
      completions_.run_all();
      complete_watched();
      timers_.advance(now_);
      while (!ready_.empty())
        ready_.pop_front().handle().resume();
      IntrusiveList<TurnEnd, TurnTag> hooks;
      hooks.splice_back(turn_end_);
      while (!hooks.empty())
        hooks.pop_front().turn_ended();
    } while (!ready_.empty() || !turn_end_.empty() || !completions_.empty());
  }

  // Lets time pass: timers fire at their own instants, and what they resume runs then.
  void advance(Duration duration) {
    const Instant until = now_ + duration;
    settle();
    for (auto next = timers_.next(); next && *next <= until; next = timers_.next()) {
      now_ = std::max(now_, *next);
      settle();
    }
    now_ = until;
    settle();
  }

  // Runs `task` to its end; time jumps from timer to timer. Throws std::logic_error when it waits
  // for something that nobody will complete.
  template <class T>
  T run(Task<T> task) {
    Outcome<T> outcome;
    Scope scope(*this);
    scope.spawn(capture(std::move(task), outcome));
    for (settle(); scope.size() > 0; settle()) {
      const auto next = timers_.next();
      if (!next) throw std::logic_error("the task waits for ever");
      now_ = std::max(now_, *next);
    }
    return outcome.take();
  }

  bool refuse_requests = false;
  int offloaded = 0;  // jobs so far

 private:
  std::unique_ptr<Listener> open_listener(Endpoint, const ListenOptions&) override {
    throw Error(Condition::unsupported, "a TestRuntime has no network");
  }

  // A wait that was given up has left its list.
  void complete_watched() noexcept {
    for (auto& [key, waits] : watched_) {
      const short wanted = key.second == Interest::readable ? POLLIN : POLLOUT;
      pollfd one{.fd = key.first, .events = wanted, .revents = 0};
      if (waits.empty() || ::poll(&one, 1, 0) != 1) continue;
      while (!waits.empty())
        waits.front().complete();
    }
  }

  Instant now_ = start;
  TimerWheel timers_{start};
  std::uint64_t random_ = 0;
  IntrusiveList<Ready, ReadyTag> ready_;
  IntrusiveList<TurnEnd, TurnTag> turn_end_;
  CompletionQueue completions_;
  std::map<std::pair<int, Interest>, IntrusiveList<Wait, WaitQueueTag>> watched_;
};

}  // namespace sinew::async
