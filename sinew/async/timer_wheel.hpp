#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "sinew/async/intrusive_list.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/base/instant.hpp"

namespace sinew::async {

// The timers of one runtime, on a clock that the runtime moves: sans-io, so virtual time works as
// real time does. Owned by a Runtime; one thread. Timers leave by their own hook when they are
// unlinked or destroyed, without the wheel's knowledge.
//
// Hierarchical (Varghese and Lauck, 1987, scheme 7): a level is 64 slots, a slot of level n is 64^n
// nanoseconds wide, eleven levels cover every Instant. A slot of level 0 is a single instant, so
// what fires there is a tie, in arming order; a slot above is dealt out to the levels below when
// its time begins. Arming is O(1); a timer moves at most ten times in its life, and one that is
// unlinked early, as deadlines are, mostly never.
class TimerWheel {
 public:
  explicit TimerWheel(Instant start) noexcept;

  // Arms `timer`, or moves it when it is armed already. An instant that has passed counts as the
  // present, also for Timer::when(): it fires in the next advance().
  void arm(Timer& timer, Instant when) noexcept;

  // Moves time to `now` and fires, in order of time, ties in arming order, what is due by then.
  // What is armed meanwhile fires in a later advance() at the earliest. An earlier `now` than the
  // last changes nothing.
  void advance(Instant now) noexcept;

  // The instant to which time may jump: no timer fires before. Exact when the next slot holds at
  // most `exact_bound` timers, else maybe earlier; advance() to it makes progress. Nothing when no
  // timer is armed.
  std::optional<Instant> next() noexcept;
  static constexpr std::size_t exact_bound = 8;

 private:
  using Tick = std::uint64_t;  // nanoseconds
  using Slot = IntrusiveList<Timer, TimerTag>;
  static constexpr unsigned level_bits = 6;
  static constexpr std::size_t slot_count = std::size_t{1} << level_bits;
  static constexpr std::size_t level_count = 11;  // 66 bits

  struct Level {
    std::array<Slot, slot_count> slots;
    std::uint64_t occupied = 0;  // a bit a slot; may stay set after the last timer has left
  };
  struct Position {
    std::size_t level;
    std::size_t slot;
    Tick start;
  };

  static Tick tick_of(Instant instant) noexcept;
  static Instant instant_of(Tick tick) noexcept { return Instant(Duration(tick)); }
  std::optional<Position> first_slot() noexcept;
  void place(Timer& timer) noexcept;
  void deal_out(const Position& position) noexcept;

  std::array<Level, level_count> levels_;
  Tick present_;   // every occupied slot but those of the present begins later
  Tick earliest_;  // where the past is placed: the present, or behind a running advance()
};

}  // namespace sinew::async
