#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "sinew/async/stream.hpp"
#include "sinew/async/task.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/base/id.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/base/time.hpp"

namespace sinew::async {

class Runtime;

// Work handed to a runtime from any thread: run() is called once, on the runtime's own thread.
// Intrusive, never refused: it answers something that this runtime asked for before.
class Completion {
 public:
  virtual void run() noexcept = 0;

 protected:
  Completion() noexcept = default;
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;
  ~Completion() = default;

 private:
  friend class CompletionQueue;
  Completion* next_ = nullptr;
};

// Work for a thread of a pool: execute() there, then run() on the worker that offloaded it.
class Job : public Completion {
 public:
  virtual void execute() noexcept = 0;

 protected:
  ~Job() = default;

 private:
  friend class OffloadPool;
  Runtime* home_ = nullptr;
  Job* next_job_ = nullptr;
};

// Which pool executes a Job: commits must not wait behind slow work of other kinds.
enum class Lane : std::uint8_t { general, commit };

// Called when a turn ends: every ready task has run, nothing was waited for yet. Group commit and
// buffered writers collect their work of a turn there. Armed for one turn at a time.
struct TurnTag;
class TurnEnd : public ListHook<TurnTag> {
 public:
  virtual void turn_ended() noexcept = 0;

 protected:
  TurnEnd() noexcept = default;
  ~TurnEnd() = default;
};

enum class Interest : std::uint8_t { readable, writable };

// One worker's view of the world: time, randomness, scheduling, network, other threads. The real
// one is Reactor, the simulated one sim::Node. All of it is called on the worker's own thread,
// except complete() and submit().
class Runtime {
 public:
  Runtime() = default;
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  virtual ~Runtime() = default;

  // Time since an arbitrary start, taken once a turn. Leases and timers use nothing else.
  virtual Instant now() const noexcept = 0;
  // Wall-clock time, for records that people read. It may jump.
  virtual Timestamp wall_now() const noexcept = 0;
  // 64 uniform bits; from the operating system's generator, or from the seed in simulation.
  virtual std::uint64_t random() noexcept = 0;
  // A UUIDv7, ascending within this runtime.
  Uuid new_id();

  virtual void schedule(Ready& ready) noexcept = 0;
  virtual void arm(Timer& timer, Instant when) noexcept = 0;
  virtual void at_turn_end(TurnEnd& hook) noexcept = 0;
  // Whether nothing else is known to wait for this worker: no task, message or hook of this turn.
  // What the operating system has for it is not looked at.
  virtual bool quiet() const noexcept = 0;

  // From any thread. The completion must stay alive until it ran.
  virtual void complete(Completion& completion) noexcept = 0;
  // From any thread: a request to this worker. False when `mailbox_capacity` requests wait already;
  // the caller then fails with `exhausted`.
  virtual bool submit(Completion& request) noexcept = 0;
  static constexpr std::size_t mailbox_capacity = 4096;

  // The step that runs now goes on as work of `name`, of static storage: what stalls it from here
  // on is reported under that. Called by announce().
  virtual void working_on(const char* name) noexcept = 0;

  // Executes `job` on a thread of the lane's pool, then runs it here. It must stay alive until
  // then.
  virtual void offload(Job& job, Lane lane) noexcept = 0;

  // Connects to a numeric address. Errors: unavailable (refused, unreachable), timeout.
  virtual Task<std::unique_ptr<Stream>> connect(Endpoint endpoint) = 0;
  // Listens; port 0 takes a free one. Errors: conflict (address in use), unauthorized,
  // invalid_input.
  std::unique_ptr<Listener> listen(Endpoint endpoint, const ListenOptions& options = {}) {
    return open_listener(std::move(endpoint), options);
  }

  // Completes `wait` once when the foreign descriptor is ready; one-shot, level-triggered. The
  // caller re-arms. unwatch() before the descriptor is closed.
  virtual void watch(int descriptor, Interest interest, Wait& wait) = 0;
  virtual void unwatch(int descriptor) noexcept = 0;

 private:
  virtual std::unique_ptr<Listener> open_listener(Endpoint endpoint,
                                                  const ListenOptions& options) = 0;

  UuidGenerator ids_;
};

}  // namespace sinew::async
