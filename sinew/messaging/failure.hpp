#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include "sinew/base/config_fwd.hpp"
#include "sinew/base/instant.hpp"

namespace sinew::messaging {

// How often a consumer tries a message, and the pauses between: exponential with full jitter. The
// state is a row of the backlog, so attempts are counted over restarts and have no time in all;
// what an operation retries while it runs is resilience::Retry.
struct RetrySettings {
  std::int32_t max_attempts = 5;  // the first included
  Duration first_delay = std::chrono::milliseconds(200);
  Duration max_delay = std::chrono::seconds(60);
  Duration max_postponed = std::chrono::hours(24);  // since the first Postponed; then parked

  static void describe(config::Section<RetrySettings>& section);
  std::vector<std::string> violations() const;
};

enum class Verdict : std::uint8_t {
  again,     // at once, uncounted: another transaction was faster
  retry,     // later, by the schedule
  postpone,  // after `delay`, uncounted: the handler or its middleware asked for it
  park,      // set aside for an operator
  hand_back  // to the broker: the consumer is stopping
};

// What a failed handling means. `conflicts` counts the uncounted repetitions so far.
struct Failure {
  Verdict verdict = Verdict::park;
  std::string reason;  // failed, poison, unknown_type, exhausted_retries: fit for a column
  std::string error;   // the sentence, bounded to max_error_bytes
  Duration delay{};    // of Verdict::postpone

  static constexpr std::size_t max_error_bytes = 2000;
};

constexpr std::int32_t max_immediate_conflicts = 10;

Failure judge(const std::exception_ptr& failure, std::int32_t attempt, std::int32_t conflicts,
              const RetrySettings& settings);

// The pause before attempt `next` (from 2): uniform in [0, min(max_delay, first_delay *
// 2^(next-2))]. `random` is 64 uniform bits.
Duration retry_delay(const RetrySettings& settings, std::int32_t next, std::uint64_t random);

}  // namespace sinew::messaging
