#include "sinew/proxy/cluster/endpoint_health.hpp"

#include <utility>

#include "sinew/base/config.hpp"

namespace sinew::proxy {
namespace {

constexpr int kMaxThreshold = 255;  // Kong's; a counter has 8 bits

int threshold_of(HealthSignal signal, const HealthThresholds& thresholds) noexcept {
  switch (signal) {
    case HealthSignal::success: return thresholds.successes;
    case HealthSignal::http_failure: return thresholds.http_failures;
    case HealthSignal::tcp_failure: return thresholds.tcp_failures;
    case HealthSignal::timeout: return thresholds.timeouts;
  }
  return 0;
}

std::uint8_t& counter_of(HealthSignal signal, EndpointHealth::Counts& counts) noexcept {
  switch (signal) {
    case HealthSignal::success: return counts.successes;
    case HealthSignal::http_failure: return counts.http_failures;
    case HealthSignal::tcp_failure: return counts.tcp_failures;
    case HealthSignal::timeout: break;
  }
  return counts.timeouts;
}

// What is left of the counts when `signal` comes: the other direction begins anew, as far as who
// reports it looks at that. Traffic whose checks are off must not end a row of failed probes.
void clear_opposite(HealthSignal signal, const HealthThresholds& thresholds,
                    EndpointHealth::Counts& counts) noexcept {
  if (signal != HealthSignal::success) {
    if (thresholds.successes > 0) counts.successes = 0;
    return;
  }
  if (thresholds.http_failures > 0) counts.http_failures = 0;
  if (thresholds.tcp_failures > 0) counts.tcp_failures = 0;
  if (thresholds.timeouts > 0) counts.timeouts = 0;
}

}  // namespace

std::string_view to_string(HealthState state) noexcept {
  switch (state) {
    case HealthState::healthy: return "healthy";
    case HealthState::unhealthy: return "unhealthy";
    case HealthState::unchecked: return "unchecked";
  }
  return "unknown";
}

std::string_view to_string(HealthSignal signal) noexcept {
  switch (signal) {
    case HealthSignal::success: return "success";
    case HealthSignal::http_failure: return "http_failure";
    case HealthSignal::tcp_failure: return "tcp_failure";
    case HealthSignal::timeout: return "timeout";
  }
  return "unknown";
}

void HealthThresholds::describe(config::Section<HealthThresholds>& section) {
  using S = HealthThresholds;
  section.option("successes", &S::successes, "in a row that make it healthy; 0: none do")
      .range(0, kMaxThreshold);
  section.option("http_failures", &S::http_failures, "unhealthy answers in a row; 0: off")
      .range(0, kMaxThreshold);
  section.option("tcp_failures", &S::tcp_failures, "failed connections in a row; 0: off")
      .range(0, kMaxThreshold);
  section.option("timeouts", &S::timeouts, "timeouts in a row; 0: off").range(0, kMaxThreshold);
}

EndpointHealth::Word EndpointHealth::Word::unpack(std::uint64_t bits) noexcept {
  const auto byte = [bits](unsigned at) { return static_cast<std::uint8_t>(bits >> (8 * at)); };
  return {static_cast<HealthState>(byte(4)), {byte(0), byte(1), byte(2), byte(3)}};
}

std::uint64_t EndpointHealth::Word::pack() const noexcept {
  return std::uint64_t{counts.successes} | std::uint64_t{counts.http_failures} << 8U |
         std::uint64_t{counts.tcp_failures} << 16U | std::uint64_t{counts.timeouts} << 24U |
         std::uint64_t{std::to_underlying(state)} << 32U;
}

std::optional<HealthTransition> EndpointHealth::report(
    HealthSignal signal, const HealthThresholds& thresholds) noexcept {
  const auto to = signal == HealthSignal::success ? HealthState::healthy : HealthState::unhealthy;
  const int threshold = threshold_of(signal, thresholds);
  auto bits = load();
  while (true) {
    auto word = Word::unpack(bits);
    const auto from = word.state;
    clear_opposite(signal, thresholds, word.counts);
    bool turns = false;
    if (from != to && threshold > 0) {
      const int count = ++counter_of(signal, word.counts);
      turns = count >= threshold || from == HealthState::unchecked;
    }
    if (turns) word = {to, {}};
    // Most signals say what is known already, and write nothing.
    if (word.pack() == bits) return std::nullopt;
    if (!word_.compare_exchange_weak(bits, word.pack(), std::memory_order_relaxed)) continue;
    if (!turns) return std::nullopt;
    return HealthTransition{from, to, signal};
  }
}

HealthState EndpointHealth::set(HealthState state) noexcept {
  const auto before = word_.exchange(Word{state, {}}.pack(), std::memory_order_relaxed);
  return Word::unpack(before).state;
}

}  // namespace sinew::proxy
