#include <gtest/gtest.h>

#include <string>

#include "sinew/resilience/circuit_breaker.hpp"
#include "sinew/resilience/retry.hpp"
#include "sinew/resilience/retry_budget.hpp"
#include "tests/support/counted_allocations.hpp"

namespace sinew::resilience {
namespace {

using namespace std::chrono_literals;
using test::allocations;

TEST(ResilienceAllocations, AreCounted) {
  const auto before = allocations.load();
  const std::string text(1'000, 'x');

  EXPECT_GT(allocations.load(), before) << text.size();
}

TEST(ResilienceAllocations, NoneOnAnyPathOfTheMachines) {
  CircuitBreaker breaker({.consecutive_failures = 3, .open_for = 20ms});
  RetryBudget budget;
  std::uint64_t passed = 0;
  const auto before = allocations.load();

  for (int tick = 0; tick < 10'000; ++tick) {
    const Instant now(tick * 1ms);
    budget.request(now);
    Retry retry({}, Repeatable::yes, now);
    auto permit = breaker.try_enter(now);
    if (!permit) continue;
    ++passed;
    if (tick % 1'000 < 10) {
      permit->report(Condition::unavailable, now);
      const auto delay = retry.failed({Condition::unavailable}, now, 1);
      if (delay && budget.try_retry(now)) ++passed;
    } else {
      permit->succeed(now);
    }
    passed += breaker.snapshot(now).recent.plain & 1U;
  }

  const auto after = allocations.load();
  EXPECT_EQ(after, before);
  EXPECT_GT(passed, 1'000U);
  EXPECT_GT(breaker.snapshot(Instant(10s)).opened, 0U);
}

}  // namespace
}  // namespace sinew::resilience
