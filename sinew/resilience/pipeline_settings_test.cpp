#include "sinew/resilience/pipeline_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "sinew/base/config.hpp"
#include "sinew/resilience/test_pipeline.hpp"

namespace sinew::resilience {
namespace {

using namespace std::chrono_literals;
using enum Step;
using testing::HasSubstr;

std::string refusal(const PipelineSettings& settings) {
  try {
    config::require_valid(settings, "the pipeline");
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::invalid_input);
    return error.detail();
  }
  return "accepted";
}

PipelineSettings in_order(std::vector<Step> steps) {
  PipelineSettings settings{.steps = std::move(steps)};
  if (settings.has(rate_limit)) settings.rate_limit = RateLimitSettings{.minute = 10};
  return settings;
}

TEST(PipelineSettings, TakesTheOrdersThatMakeSense) {
  const std::vector<Step> orders[] = {{fallback, cache, total_timeout, retry, hedge, rate_limit,
                                       breaker, bulkhead, attempt_timeout},
                                      {cache, breaker, retry, attempt_timeout},
                                      {total_timeout, breaker, retry, bulkhead, attempt_timeout},
                                      {breaker, total_timeout, hedge, attempt_timeout, bulkhead},
                                      {bulkhead},
                                      {attempt_timeout}};
  for (const auto& order : orders)
    EXPECT_EQ(refusal(in_order(order)), "accepted") << to_string(order.front());
}

TEST(PipelineSettings, RefusesOrdersThatContradictThemselves) {
  struct Row {
    std::vector<Step> steps;
    const char* expected;
  };
  const Row rows[] = {
      {{}, "steps is empty: it would do nothing"},
      {{retry, retry}, "steps names retry twice"},
      {{cache, fallback}, "fallback must stand before cache: it would keep the substitute"},
      {{retry, fallback}, "fallback must stand before retry"},
      {{breaker, cache}, "cache must stand before breaker: a kept answer does not call"},
      {{total_timeout, cache}, "cache must stand before total_timeout"},
      {{retry, total_timeout}, "total_timeout must stand before retry"},
      {{attempt_timeout, retry}, "retry must stand before attempt_timeout"},
      {{attempt_timeout, total_timeout}, "total_timeout must stand before attempt_timeout"},
      {{hedge, retry}, "retry must stand before hedge"},
      {{bulkhead, retry}, "retry must stand before bulkhead: the pauses would hold a place"},
      {{bulkhead, hedge}, "hedge must stand before bulkhead: a call that is made again"},
      {{rate_limit, retry}, "retry must stand before rate_limit"},
  };
  for (const auto& row : rows)
    EXPECT_THAT(refusal(in_order(row.steps)), HasSubstr(row.expected));
}

TEST(PipelineSettings, RefusesLimitsThatNeverApply) {
  struct Row {
    PipelineSettings settings;
    const char* expected;
  };
  const Row rows[] = {
      {{.steps = {total_timeout, retry, attempt_timeout},
        .timeout = TimeoutSettings{.attempt = 2s, .total = 2s}},
       "timeout.attempt (2s) is not below timeout.total (2s): it would never fire"},
      {{.steps = {total_timeout, retry},
        .timeout = TimeoutSettings{.attempt = 10ms, .total = 100ms}},
       "retry.first_delay (100ms) is not below timeout.total (100ms)"},
      {{.steps = {hedge, attempt_timeout},
        .timeout = TimeoutSettings{.attempt = 100ms},
        .hedge = HedgeSettings{.delay = 1s}},
       "hedge.delay (1s) is not below timeout.attempt (100ms): there would be no second call"},
      {{.steps = {attempt_timeout, bulkhead},
        .timeout = TimeoutSettings{.attempt = 1s},
        .bulkhead = BulkheadSettings{.max_wait = 2s}},
       "bulkhead.max_wait (2s) is not below timeout.attempt (1s)"},
      {{.steps = {retry}, .cache = CacheSettings{}}, "cache is set, but no step uses it"},
      {{.steps = {breaker}, .budget = RetryBudgetSettings{}}, "budget is set, but no step uses it"},
      {{.steps = {rate_limit}}, "steps names rate_limit, which has no limits by default"},
      {{.steps = {breaker},
        .breaker = CircuitBreakerSettings{.consecutive_failures = 0, .failure_percent = 0}},
       "it would never open"},
  };
  for (const auto& row : rows)
    EXPECT_THAT(refusal(row.settings), HasSubstr(row.expected));
}

TEST(PipelineSettings, AreReadFromAFileByTheSameNames) {
  config::Problems problems;
  const auto root = config::parse_yaml(R"(
steps: [cache, breaker, retry, attempt_timeout]
cache: {fresh: 5m, max_age_on_error: 1h}
timeout: {attempt: 3s}
retry: {max_attempts: 3, first_delay: 100ms, factor: 1, jitter: false}
)",
                                       "prices.yaml", problems);
  const auto settings = config::read<PipelineSettings>(root, problems);

  ASSERT_TRUE(problems.empty());
  EXPECT_EQ(settings.steps, (std::vector<Step>{cache, breaker, retry, attempt_timeout}));
  EXPECT_EQ(settings.cache->max_age_on_error, 1h);
  EXPECT_FALSE(settings.retry->jitter);
  EXPECT_FALSE(settings.breaker) << "by its defaults";
}

// Settings, order and what the program forgot, in one answer.
TEST(PipelineSettings, EverythingWrongIsToldAtOnce) {
  async::TestRuntime runtime;
  metrics::Registry metrics;
  PipelineRegistry registry(runtime, metrics, "shop", log::root());
  const PipelineSettings settings{
      .steps = {retry, fallback, cache},
      .cache = CacheSettings{.max_bytes = {4096}, .max_entry_bytes = {8192}},
      .bulkhead = BulkheadSettings{}};

  try {
    const Pipeline<std::string> pipeline(registry, "Prices!", settings);
    FAIL() << "accepted";
  } catch (const Error& error) {
    for (const char* expected :
         {"the pipeline Prices! is not usable", "max_entry_bytes (8KiB) is above max_bytes (4KiB)",
          "fallback must stand before retry", "cache must stand before retry",
          "bulkhead is set, but no step uses it", "name: expected", "names fallback, but none",
          "how many bytes"}) {
      EXPECT_THAT(error.detail(), HasSubstr(expected));
    }
  }
  EXPECT_TRUE(registry.all().empty());
}

}  // namespace
}  // namespace sinew::resilience
