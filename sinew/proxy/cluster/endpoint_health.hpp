#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/config_fwd.hpp"

namespace sinew::proxy {

enum class HealthState : std::uint8_t {
  healthy,
  unhealthy,
  unchecked,  // nobody knows yet: not chosen; the next signal, whichever, decides
};
std::string_view to_string(HealthState state) noexcept;

// What one request or probe says about its endpoint.
enum class HealthSignal : std::uint8_t {
  success,       // an answer with a status of the healthy list
  http_failure,  // one of the unhealthy list
  tcp_failure,   // no connection, or one that broke
  timeout,
};
std::string_view to_string(HealthSignal signal) noexcept;

// How many signals of a kind in a row turn an endpoint, by Kong's names; 0: that kind is not looked
// at. Failures of the three kinds are counted apart.
struct HealthThresholds {
  int successes = 0;      // that make it healthy
  int http_failures = 0;  // that make it unhealthy
  int tcp_failures = 0;
  int timeouts = 0;

  bool operator==(const HealthThresholds&) const = default;
  static void describe(config::Section<HealthThresholds>& section);
};

struct HealthTransition {
  HealthState from;
  HealthState to;
  HealthSignal signal;  // the one that made the number full
};

// Whether an endpoint is healthy, by counting signals: of probes, of traffic, or of both, as in
// Kong, where both move one state, each by its own thresholds. A success clears the failures that
// its own thresholds look at, a failure the successes, so a threshold counts consecutive ones (in
// Kong only where `successes` is set; without, failures of all times add up there). Healthy
// endpoints count no successes, unhealthy ones no failures.
//
// Shared by workers: state and counters are one word and a transition is one step, so of several
// threads that report at the same time exactly one gets the transition, to log it.
class EndpointHealth {
 public:
  HealthState state() const noexcept { return Word::unpack(load()).state; }
  bool available() const noexcept { return state() == HealthState::healthy; }

  // Whoever gets a transition calls ClusterSignals::changed(). HealthPolicy::report() does.
  std::optional<HealthTransition> report(HealthSignal signal,
                                         const HealthThresholds& thresholds) noexcept;

  // What an operator decides, or what holds at first; nothing counted so far counts any more.
  // Returns the state before.
  HealthState set(HealthState state) noexcept;

  struct Counts {
    std::uint8_t successes;
    std::uint8_t http_failures;
    std::uint8_t tcp_failures;
    std::uint8_t timeouts;
  };
  Counts counts() const noexcept { return Word::unpack(load()).counts; }

 private:
  struct Word {
    HealthState state;
    Counts counts;

    static Word unpack(std::uint64_t bits) noexcept;
    std::uint64_t pack() const noexcept;
  };

  std::uint64_t load() const noexcept { return word_.load(std::memory_order_relaxed); }

  std::atomic<std::uint64_t> word_ = 0;  // healthy, nothing counted
};

}  // namespace sinew::proxy
