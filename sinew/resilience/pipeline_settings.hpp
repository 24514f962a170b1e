#pragma once

#include <boost/describe/enum.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/config_fwd.hpp"
#include "sinew/resilience/bulkhead.hpp"
#include "sinew/resilience/cache.hpp"
#include "sinew/resilience/circuit_breaker.hpp"
#include "sinew/resilience/hedge.hpp"
#include "sinew/resilience/rate_limiter.hpp"
#include "sinew/resilience/retry.hpp"
#include "sinew/resilience/retry_budget.hpp"
#include "sinew/resilience/timeout.hpp"

namespace sinew::resilience {

// What a call passes through on its way to the target.
enum class Step : std::uint8_t {
  fallback,         // a substitute for an answer that cannot be had
  cache,            // a kept answer; callers of one key share one call
  total_timeout,    // of all attempts and the pauses between them
  retry,            // a failed attempt again, within a budget
  hedge,            // a second call for one that is late, within the same budget
  rate_limit,       // so many calls in a time
  breaker,          // none to a target that fails
  bulkhead,         // so many at the same time
  attempt_timeout,  // of one attempt
};
BOOST_DESCRIBE_ENUM(Step, fallback, cache, total_timeout, retry, hedge, rate_limit, breaker,
                    bulkhead, attempt_timeout)
std::string_view to_string(Step step) noexcept;

// A pipeline, declared. A step that has no section of its own below works by that one's defaults;
// rate_limit has none. docs/reference/resilience.md has the orders that make sense.
struct PipelineSettings {
  std::vector<Step> steps;  // outermost first
  std::optional<CacheSettings> cache = {};
  std::optional<TimeoutSettings> timeout = {};  // of total_timeout and attempt_timeout
  std::optional<RetrySettings> retry = {};
  std::optional<RetryBudgetSettings> budget = {};  // of retry and hedge together
  std::optional<HedgeSettings> hedge = {};
  std::optional<RateLimitSettings> rate_limit = {};
  std::optional<CircuitBreakerSettings> breaker = {};
  std::optional<BulkheadSettings> bulkhead = {};

  bool has(Step step) const noexcept;

  static void describe(config::Section<PipelineSettings>& section);
  // Orders that contradict themselves, sections without their step, limits that never apply.
  std::vector<std::string> violations() const;
};

}  // namespace sinew::resilience
