#include "sinew/resilience/timeout.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sinew/base/config.hpp"

namespace sinew::resilience {

using namespace std::chrono_literals;

Instant deadline_in(Duration timeout, Instant now) noexcept {
  if (timeout > Duration::zero() && now > Instant::max() - timeout) return Instant::max();
  if (timeout < Duration::zero() && now < Instant::min() - timeout) return Instant::min();
  return now + timeout;
}

Duration remaining(Instant deadline, Instant now) noexcept {
  if (deadline == Instant::max()) return Duration::max();
  if (expired(deadline, now)) return Duration::zero();
  // The distance of two moments on either side of zero may not fit.
  if (now < Instant() && deadline > Instant::max() + now.time_since_epoch()) {
    return Duration::max();
  }
  return deadline - now;
}

void TimeoutSettings::describe(config::Section<TimeoutSettings>& section) {
  section.option("attempt", &TimeoutSettings::attempt, "time for one attempt").range(1ms, 1h);
  section.option("total", &TimeoutSettings::total, "time for all attempts and delays")
      .range(1ms, 24h);
}

std::vector<std::string> TimeoutSettings::violations() const {
  if (attempt <= total) return {};
  return {fmt::format("attempt ({}) is above total ({}): it would never apply",
                      config::format_duration(attempt), config::format_duration(total))};
}

Instant TimeoutSettings::attempt_deadline(Instant now, Instant operation_deadline) const noexcept {
  return std::min(deadline_in(attempt, now), operation_deadline);
}

}  // namespace sinew::resilience
