#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sinew::proxy {

// Whose turn it is, when each of several shall have turns in proportion to its weight, evenly
// spread and never in bursts: what nginx's smooth weighted round robin does by looking at every one
// for every choice, here in O(log n). Virtual time runs in rounds; one of weight w has w turns in
// each round, 1/w apart, from a phase of its own; the earliest is next. So each round gives
// everyone exactly its weight. Places never allocate once there was room for them. One worker.
class WeightedSchedule {
 public:
  void reserve(std::size_t places) { heap_.reserve(places); }
  void clear() noexcept { heap_.clear(); }
  bool empty() const noexcept { return heap_.empty(); }

  // `weight` from 1. `phase`: any 64 bits; they decide where in its interval the first turn lies,
  // so that of many schedules with other phases not all begin with the same place.
  void add(std::uint32_t place, std::uint16_t weight, std::uint64_t phase);

  // Not of an empty schedule.
  std::uint32_t next() noexcept;

 private:
  struct Turn {
    std::uint64_t at;     // round in the upper half, fraction of it in the lower
    std::uint32_t phase;  // fraction of the first turn of a round
    std::uint32_t step;   // fraction between two turns
    std::uint32_t place;
    std::uint16_t weight;
    std::uint16_t taken;  // turns in this round
  };

  static bool before(const Turn& a, const Turn& b) noexcept;
  void sink_top() noexcept;

  std::vector<Turn> heap_;  // the earliest on top
};

}  // namespace sinew::proxy
