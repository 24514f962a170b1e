#include "sinew/resilience/retry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sinew/base/config.hpp"
#include "sinew/resilience/timeout.hpp"

namespace sinew::resilience {
namespace {

using namespace std::chrono_literals;

bool passes_by_itself(Condition condition) noexcept {
  return condition == Condition::exhausted || condition == Condition::unavailable ||
         condition == Condition::timeout;
}

}  // namespace

void RetrySettings::describe(config::Section<RetrySettings>& section) {
  section.option("max_attempts", &RetrySettings::max_attempts, "attempts, the first included")
      .range(1, 1'000);
  section.option("first_delay", &RetrySettings::first_delay, "longest wait before the second")
      .range(1ms, 1h);
  section.option("factor", &RetrySettings::factor, "by which each further wait grows")
      .range(1.0, 10.0);
  section.option("max_delay", &RetrySettings::max_delay, "longest wait of all").range(1ms, 24h);
  section.option("jitter", &RetrySettings::jitter, "each wait is drawn between 0 and its length");
  section.option("max_total", &RetrySettings::max_total, "no attempt begins later than this")
      .range(1ms, std::chrono::hours(24 * 30));
}

std::vector<std::string> RetrySettings::violations() const {
  std::vector<std::string> out;
  if (first_delay > max_delay) {
    out.push_back(fmt::format("first_delay ({}) is above max_delay ({})",
                              config::format_duration(first_delay),
                              config::format_duration(max_delay)));
  }
  if (max_attempts > 1 && max_total < first_delay) {
    out.push_back(
        fmt::format("max_total ({}) is below first_delay ({}): retries would mostly not "
                    "happen",
                    config::format_duration(max_total), config::format_duration(first_delay)));
  }
  return out;
}

std::string_view to_string(GiveUp reason) noexcept {
  switch (reason) {
    case GiveUp::permanent: return "permanent";
    case GiveUp::unsafe: return "unsafe";
    case GiveUp::attempts: return "attempts";
    case GiveUp::time: return "time";
  }
  return "unknown";
}

Duration backoff(const RetrySettings& settings, int attempts) noexcept {
  const auto longest = static_cast<double>(settings.max_delay.count());
  const auto delay =
      static_cast<double>(settings.first_delay.count()) * std::pow(settings.factor, attempts - 1);
  return delay < longest ? Duration(std::llround(delay)) : settings.max_delay;
}

Duration full_jitter(Duration longest, std::uint64_t random) noexcept {
  if (longest <= Duration::zero()) return Duration::zero();
  __extension__ using Wide = unsigned __int128;
  const auto choices = static_cast<std::uint64_t>(longest.count()) + 1;
  return Duration(static_cast<std::int64_t>((Wide{random} * choices) >> 64U));
}

std::expected<Duration, GiveUp> Retry::failed(const Failure& failure, Instant now,
                                              std::uint64_t random) noexcept {
  ++attempts_;
  if (!passes_by_itself(failure.condition)) return std::unexpected(GiveUp::permanent);
  if (failure.applied == Applied::unknown && repeatable_ == Repeatable::no) {
    return std::unexpected(GiveUp::unsafe);
  }
  if (attempts_ >= settings_.max_attempts) return std::unexpected(GiveUp::attempts);
  const Duration longest = backoff(settings_, attempts_);
  const Duration delay =
      std::max(settings_.jitter ? full_jitter(longest, random) : longest, failure.retry_after);
  const auto next = deadline_in(delay, now);
  if (next > deadline_in(settings_.max_total, started_) || expired(deadline_, next)) {
    return std::unexpected(GiveUp::time);
  }
  return delay;
}

}  // namespace sinew::resilience
