#include "sinew/proxy/cluster/peak_latency.hpp"

#include <algorithm>
#include <cmath>

namespace sinew::proxy {
namespace {

constexpr double kUnit = 100;  // nanoseconds
constexpr double kMaxUnits = 4'294'967'295.0;

std::uint32_t stamp(Instant now) noexcept {
  return static_cast<std::uint32_t>(now.time_since_epoch() / std::chrono::milliseconds(1));
}

// The weight left of what was measured at `then`. Threads may be a little late: no growth.
double weight(std::uint32_t then, std::uint32_t now, Duration decay) noexcept {
  const auto age = static_cast<std::int32_t>(now - then);
  if (age <= 0) return 1;
  return std::exp(-static_cast<double>(age) * 1e6 / static_cast<double>(decay.count()));
}

}  // namespace

void PeakLatency::add(Duration latency, Instant now, Duration decay) noexcept {
  auto word = word_.load(std::memory_order_relaxed);
  const double sample = std::clamp(static_cast<double>(latency.count()) / kUnit, 1.0, kMaxUnits);
  const auto average = static_cast<double>(word >> 32U);
  const auto at = stamp(now);
  double next = sample;
  if (average > sample) {
    next = sample + (average - sample) * weight(static_cast<std::uint32_t>(word), at, decay);
  }
  word_.compare_exchange_strong(word, static_cast<std::uint64_t>(next) << 32U | at,
                                std::memory_order_relaxed);
}

double PeakLatency::microseconds(Instant now, Duration decay) const noexcept {
  const auto word = word_.load(std::memory_order_relaxed);
  if (word == 0) return std::chrono::duration<double, std::micro>(kInitial).count();
  return static_cast<double>(word >> 32U) * kUnit / 1e3 *
         weight(static_cast<std::uint32_t>(word), stamp(now), decay);
}

}  // namespace sinew::proxy
