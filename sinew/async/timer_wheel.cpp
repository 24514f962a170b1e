#include "sinew/async/timer_wheel.hpp"

#include <algorithm>
#include <bit>

namespace sinew::async {

TimerWheel::TimerWheel(Instant start) noexcept : present_(tick_of(start)), earliest_(present_) {}

TimerWheel::Tick TimerWheel::tick_of(Instant instant) noexcept {
  return static_cast<Tick>(std::max(instant.time_since_epoch(), Duration::zero()).count());
}

void TimerWheel::arm(Timer& timer, Instant when) noexcept {
  timer.when_ = instant_of(std::max(tick_of(when), earliest_));
  place(timer);
}

// The level is that of the highest digit in which the timer differs from the present, so timers of
// one instant share a slot whenever they were armed, and keep their order on the way down.
void TimerWheel::place(Timer& timer) noexcept {
  const Tick tick = tick_of(timer.when_);
  const Tick difference = (tick ^ present_) | 1;
  const auto level = static_cast<std::size_t>(std::bit_width(difference) - 1) / level_bits;
  const std::size_t slot = (tick >> (level * level_bits)) % slot_count;
  levels_[level].slots[slot].push_back(timer);
  levels_[level].occupied |= std::uint64_t{1} << slot;
}

// Every slot of a level is later than all of the level below, for its digit is above the present's.
std::optional<TimerWheel::Position> TimerWheel::first_slot() noexcept {
  for (std::size_t index = 0; index < level_count; ++index) {
    Level& level = levels_[index];
    while (level.occupied != 0) {
      const auto slot = static_cast<std::size_t>(std::countr_zero(level.occupied));
      if (level.slots[slot].empty()) {
        level.occupied &= level.occupied - 1;
        continue;
      }
      const std::size_t low_bits = (index + 1) * level_bits;
      const Tick above = low_bits < 64 ? present_ >> low_bits << low_bits : 0;
      return Position{index, slot, above | Tick{slot} << (index * level_bits)};
    }
  }
  return std::nullopt;
}

void TimerWheel::deal_out(const Position& position) noexcept {
  Slot timers;
  timers.splice_back(levels_[position.level].slots[position.slot]);
  while (!timers.empty()) {
    Timer& timer = timers.pop_front();
    if (position.level == 0) {
      timer.fire();
    } else {
      place(timer);
    }
  }
}

void TimerWheel::advance(Instant now) noexcept {
  const Tick target = tick_of(now);
  if (target < present_) return;
  earliest_ = target + 1;
  for (auto slot = first_slot(); slot && slot->start <= target; slot = first_slot()) {
    present_ = std::max(present_, slot->start);
    deal_out(*slot);
  }
  present_ = target;
  earliest_ = target;
}

std::optional<Instant> TimerWheel::next() noexcept {
  const auto position = first_slot();
  if (!position) return std::nullopt;
  if (position->level == 0) return instant_of(position->start);
  const Slot& slot = levels_[position->level].slots[position->slot];
  Instant earliest = Instant::max();
  std::size_t seen = 0;
  for (const Timer& timer : slot) {
    if (++seen > exact_bound) return instant_of(position->start);
    earliest = std::min(earliest, timer.when());
  }
  return earliest;
}

}  // namespace sinew::async
