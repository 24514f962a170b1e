#pragma once

#include <atomic>
#include <cstdint>
#include <system_error>

#include "sinew/async/descriptor.hpp"
#include "sinew/async/intrusive_list.hpp"

namespace sinew::async {

// What a descriptor is ready for. `failed` includes a hang-up of both directions.
struct PollEvents {
  bool readable = false;
  bool writable = false;
  bool peer_finished = false;
  bool failed = false;
};

// What the kernel is asked to report. An edge is reported when it happens, a level while it lasts,
// `once` a level a single time.
enum class Trigger : std::uint8_t { edge, level, once };
struct Subscription {
  bool readable = false;
  bool writable = false;
  Trigger trigger = Trigger::edge;
};
inline constexpr Subscription both_edges{.readable = true, .writable = true};

// Hears of a descriptor. It only notes what it hears and wakes who waits; it runs no task's code,
// so nothing is destroyed while a batch of events is handed out.
struct AgainTag;
class PollTarget : public ListHook<AgainTag> {
 public:
  virtual void on_ready(PollEvents events) noexcept = 0;

 protected:
  PollTarget() noexcept = default;
  ~PollTarget() = default;

 private:
  friend class Poller;
  PollEvents again_;
};

// The only place that knows epoll. Owned by a Reactor, on its thread; wake() from any.
class Poller {
 public:
  static constexpr int events_per_wait = 256;

  Poller();

  // ENOENT and EEXIST come back as errors, for those whose descriptors may change under them.
  std::error_code add(int descriptor, Subscription what, PollTarget& target) noexcept;
  std::error_code modify(int descriptor, Subscription what, PollTarget& target) noexcept;
  // Before the descriptor is closed: a child between fork and exec may hold a copy of it, and the
  // kernel would go on to report it.
  void remove(int descriptor) noexcept;

  // Tells `target` in the next wait(), which then does not block.
  void again(PollTarget& target, PollEvents events) noexcept;
  bool tells_again() const noexcept { return !again_.empty(); }

  // Readable while wait() has something to hand out.
  int descriptor() const noexcept { return epoll_.get(); }

  // Waits and hands out what is ready: at most `timeout_ms`, -1 for ever, 0 not at all.
  void wait(int timeout_ms) noexcept;
  // How often wait() was called: budgets are kept a turn.
  std::uint64_t turn() const noexcept { return turn_; }

  // Between about_to_sleep() and the end of the next wait() a wake() ends that wait. Who hands work
  // over publishes it before wake(); who sleeps looks for work after about_to_sleep().
  void about_to_sleep() noexcept { asleep_.store(true); }
  void wake() noexcept;

 private:
  std::error_code control(int operation, int descriptor, Subscription what,
                          PollTarget& target) noexcept;
  void tell_again() noexcept;

  Descriptor epoll_;
  Descriptor wakeup_;
  std::uint64_t turn_ = 0;
  IntrusiveList<PollTarget, AgainTag> again_;
  std::atomic<bool> asleep_ = false;
};

// How much a stream may move in one turn, so that one fast peer does not hold the worker.
class TurnBudget {
 public:
  explicit TurnBudget(std::size_t a_turn) noexcept : a_turn_(a_turn) {}
  bool spent(std::uint64_t turn) noexcept {
    if (turn != turn_) {
      turn_ = turn;
      used_ = 0;
    }
    return used_ >= a_turn_;
  }
  void use(std::size_t amount) noexcept { used_ += amount; }

 private:
  std::size_t a_turn_;
  std::size_t used_ = 0;
  std::uint64_t turn_ = 0;
};

}  // namespace sinew::async
