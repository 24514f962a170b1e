#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/config_fwd.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/instant.hpp"

namespace sinew::resilience {

struct RetrySettings {
  int max_attempts = 3;                                   // the first included
  Duration first_delay = std::chrono::milliseconds(100);  // at most, before the second attempt
  double factor = 2.0;                                    // of each further delay
  Duration max_delay = std::chrono::seconds(10);
  // Each delay is uniform between nothing and its length; false: exactly that. Only for callers
  // who are few, since many retry at the same moments then.
  bool jitter = true;
  Duration max_total = std::chrono::minutes(1);  // from the first start to the last start

  static void describe(config::Section<RetrySettings>& section);
  std::vector<std::string> violations() const;
};

// May the operation be carried out twice? A repeatable one has an idempotency key or only reads.
enum class Repeatable { no, yes };

// What a decision to retry turns on.
struct Failure {
  Condition condition;
  Applied applied = Applied::unknown;
  Duration retry_after = Duration::zero();  // what the other side asked for (RFC 9110, 10.2.3)

  static Failure of(const Error& error) noexcept { return {error.condition(), error.applied()}; }
};

enum class GiveUp {
  permanent,  // the condition does not pass by itself
  unsafe,     // it may have been applied, and is not repeatable
  attempts,   // max_attempts are used
  time,       // the next attempt would begin after max_total or the deadline
};
std::string_view to_string(GiveUp reason) noexcept;

// The retries of one operation. Plain data without allocation; belongs to its caller.
class Retry {
 public:
  // Settings must be valid (config::require_valid).
  Retry(const RetrySettings& settings, Repeatable repeatable, Instant started,
        Instant deadline = Instant::max()) noexcept
      : settings_(settings), repeatable_(repeatable), started_(started), deadline_(deadline) {}

  // An attempt failed: the time to wait before the next, or why there is none. `random` is 64
  // uniform bits. Does not ask a RetryBudget: that is the caller's next question.
  std::expected<Duration, GiveUp> failed(const Failure& failure, Instant now,
                                         std::uint64_t random) noexcept;

  int attempts() const noexcept { return attempts_; }  // that failed so far

 private:
  RetrySettings settings_;
  Repeatable repeatable_;
  Instant started_;
  Instant deadline_;
  int attempts_ = 0;
};

// The longest delay after `attempts` failed ones (from 1): first_delay * factor^(attempts - 1), at
// most max_delay.
Duration backoff(const RetrySettings& settings, int attempts) noexcept;

// Uniform in [0, longest]: "full jitter", which spreads retries best and does the least work (AWS
// Architecture Blog, "Exponential Backoff And Jitter").
Duration full_jitter(Duration longest, std::uint64_t random) noexcept;

}  // namespace sinew::resilience
