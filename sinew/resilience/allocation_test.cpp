#include <gtest/gtest.h>

#include <string>

#include "sinew/resilience/bulkhead.hpp"
#include "sinew/resilience/cache.hpp"
#include "sinew/resilience/circuit_breaker.hpp"
#include "sinew/resilience/hedge.hpp"
#include "sinew/resilience/rate_limiter.hpp"
#include "sinew/resilience/retry.hpp"
#include "sinew/resilience/retry_budget.hpp"
#include "tests/support/counted_allocations.hpp"

namespace sinew::resilience {
namespace {

using namespace std::chrono_literals;
using test::allocations;

TEST(ResilienceAllocations, AreCounted) {
#if __has_feature(address_sanitizer)
  GTEST_SKIP() << "the sanitizer's operator new goes before the counting one";
#endif
  const auto before = allocations.load();
  // Called by its name: a new-expression whose memory nobody needs may be left out.
  void* const memory = ::operator new(1'000);

  EXPECT_GT(allocations.load(), before);
  ::operator delete(memory);
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

TEST(ResilienceAllocations, NoneOnAnyPathOfTheLimits) {
  Bulkhead bulkhead({.max_concurrent = 2, .max_waiting = 1});
  RateLimiter limiter({.bucket = TokenBucketSettings{.tokens = 100, .per = 1s, .burst = 5},
                       .minute = 1'000,
                       .month = 5'000});
  RetryBudget budget;
  std::uint64_t passed = 0;
  std::uint64_t refused = 0;
  const auto before = allocations.load();

  for (int tick = 0; tick < 100'000; ++tick) {
    const Instant now(tick * 1ms);
    const auto entry = bulkhead.enter();
    if (entry == Bulkhead::Entry::waits && tick % 2 == 0) bulkhead.give_up();
    if (entry == Bulkhead::Entry::refused) {
      while (bulkhead.leave()) {
      }
      bulkhead.leave();
    }
    ++(limiter.try_acquire(now, Timestamp(tick * 1ms)).allowed ? passed : refused);
    Hedge hedge({.delay = 1ms}, Repeatable::yes, now);
    hedge.try_second(budget, now);
    passed += hedge.ended(true) ? 1 : 0;
    passed += bulkhead.snapshot().running + limiter.left(CalendarWindow::minute, {}).value_or(0);
  }

  EXPECT_EQ(allocations.load(), before);
  EXPECT_GT(passed, 1'000U);
  EXPECT_GT(refused, 1'000U);
}

TEST(ResilienceAllocations, NoneForACachedAnswer) {
  Cache cache({.max_entries = 100, .fresh = 1min, .max_age_on_error = 1h});
  for (int i = 0; i < 100; ++i)
    cache.put(std::to_string(i), std::make_shared<const int>(i), 4, Instant(0s));
  std::uint64_t found = 0;
  const auto before = allocations.load();

  for (int i = 0; i < 10'000; ++i) {
    found += cache.find("17", Instant(1s)).freshness == Cache::Freshness::fresh ? 1 : 0;
    found += cache.find("nobody", Instant(1s)).freshness == Cache::Freshness::fresh ? 1 : 0;
    found += cache.find_on_error("18", Instant(2min)).value ? 1 : 0;
  }

  EXPECT_EQ(allocations.load(), before);
  EXPECT_EQ(found, 20'000U);
}

}  // namespace
}  // namespace sinew::resilience
