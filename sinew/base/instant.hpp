#pragma once

#include <chrono>

namespace sinew {

using Duration = std::chrono::nanoseconds;

// The clock of the Runtime: nanoseconds since it started, real or simulated. It has no now():
// whoever needs the time asks the Runtime or is handed an Instant, so that tests own it.
struct MonotonicClock {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;
};

// A moment on that clock. Comparable within one Runtime only; never stored or sent.
using Instant = MonotonicClock::time_point;

}  // namespace sinew
