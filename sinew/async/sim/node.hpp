#pragma once

#include <coroutine>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "sinew/async/offload.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/sim/world.hpp"
#include "sinew/async/timer_wheel.hpp"

namespace sinew::async::sim {

// One simulated process with one worker. Made by World::add_node() and owned by the world.
//
// Jobs are executed inline, in a later step and after a drawn time, others' in between. A turn ends
// when no task is ready, or after a drawn number of resumes. watch() throws Error unsupported:
// foreign descriptors have no place in virtual time.
class Node final : public Runtime {
 public:
  ~Node() override;

  std::string_view name() const noexcept { return name_; }
  World& world() noexcept { return world_; }
  bool alive() const noexcept { return alive_; }

  // Runs the world until `task` is done on this node; gives its value or throws what it threw.
  // Throws Stuck when it can no longer end, or the node crashed.
  template <class T>
  T run(Task<T> task);

  // The process ends at once: what is scheduled, timers, jobs without effect yet, completions and
  // listeners are dropped, connections are reset. Nothing of it runs any more, and calls to it have
  // no effect. Its frames are destroyed by their owner (a Scope), before or after, in the same
  // step. Nodes that reach each other by call_on() are workers of one process: crash them together.
  void crash() noexcept;

  // co_await node.crash_here(): the process ends at this very place, also inside a transaction.
  struct CrashHere {
    using transaction_safe = void;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const noexcept { node.crash(); }
    void await_resume() const noexcept {}
    Node& node;
  };
  CrashHere crash_here() noexcept { return {*this}; }

  // The running task uses the processor for `busy` >= 0: time goes on for everyone.
  void spend(Duration busy) noexcept { world_.advance(busy); }
  // Sets this node's wall clock forward or, when negative, back.
  void shift_wall(Timestamp::duration by) noexcept { wall_shift_ += by; }

  Instant now() const noexcept override { return world_.now(); }
  Timestamp wall_now() const noexcept override { return world_.wall_now() + wall_shift_; }
  std::uint64_t random() noexcept override { return world_.random().next(); }
  void schedule(Ready& ready) noexcept override;
  void arm(Timer& timer, Instant when) noexcept override;
  void at_turn_end(TurnEnd& hook) noexcept override;
  bool quiet() const noexcept override { return !runnable(); }
  void complete(Completion& completion) noexcept override;
  bool submit(Completion& request) noexcept override;
  void working_on(const char* name) noexcept override;
  void offload(Job& job, Lane lane) noexcept override;
  Task<std::unique_ptr<Stream>> connect(Endpoint endpoint) override;
  void watch(int descriptor, Interest interest, Wait& wait) override;
  void unwatch(int descriptor) noexcept override;

 private:
  friend class World;

  struct Mail {
    Completion* completion;
    bool request;
  };

  Node(World& world, std::string name, std::uint64_t id);

  std::unique_ptr<Listener> open_listener(Endpoint endpoint, const ListenOptions& options) override;
  bool runnable() const noexcept;
  void step();
  void begin_turn() noexcept;
  void end_turn() noexcept;
  void open_mail() noexcept;
  void resume_one();
  void begin_work(const char* name) noexcept;
  void end_work() noexcept;
  Ready& pick() noexcept;
  void fire_timers() noexcept { wheel_.advance(world_.now()); }
  Instant next_timer() noexcept { return wheel_.next().value_or(Instant::max()); }
  std::string describe() const;

  void run_to_end(const Scope& scope);

  World& world_;
  std::string name_;
  std::uint64_t id_;
  bool alive_ = true;
  Timestamp::duration wall_shift_{};
  std::uint64_t left_in_turn_ = 0;
  std::size_t requests_ = 0;
  IntrusiveList<Ready, ReadyTag> ready_;
  IntrusiveList<TurnEnd, TurnTag> hooks_;
  std::deque<Mail> mail_;
  TimerWheel wheel_;
  const char* work_ = "task";  // what the running step works on, and since when
  Instant work_began_{};
  std::map<std::string_view, Instant> last_resumed_;  // by task name, for reports
};

template <class T>
T Node::run(Task<T> task) {
  Outcome<T> outcome;
  Scope scope(*this, "run");
  scope.spawn(capture(std::move(task), outcome));
  run_to_end(scope);
  return outcome.take();
}

}  // namespace sinew::async::sim
