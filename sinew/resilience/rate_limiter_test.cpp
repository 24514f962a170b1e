#include "sinew/resilience/rate_limiter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "sinew/base/error.hpp"

namespace sinew::resilience {
namespace {

using namespace std::chrono_literals;
using enum CalendarWindow;

Timestamp at(std::string_view text) { return parse_rfc3339(text); }

// How many of `calls` at that moment are let through.
int granted(RateLimiter& limiter, Instant now, Timestamp wall, int calls) {
  int through = 0;
  for (int i = 0; i < calls; ++i)
    through += limiter.try_acquire(now, wall).allowed ? 1 : 0;
  return through;
}

TEST(RateLimiter, BucketLetsABurstThroughAndThenItsRate) {
  RateLimiter limiter({.bucket = TokenBucketSettings{.tokens = 10, .per = 1s, .burst = 4}});
  const Timestamp wall;

  EXPECT_EQ(granted(limiter, Instant(5s), wall, 100), 4);
  EXPECT_EQ(granted(limiter, Instant(5s + 99ms), wall, 1), 0);
  EXPECT_EQ(granted(limiter, Instant(5s + 100ms), wall, 100), 1);
  EXPECT_EQ(granted(limiter, Instant(6s), wall, 100), 4) << "never more than the burst";
}

TEST(RateLimiter, BucketKeepsItsRateOverTime) {
  RateLimiter limiter({.bucket = TokenBucketSettings{.tokens = 7, .per = 1s, .burst = 1}});
  int through = 0;

  for (int ms = 0; ms < 100'000; ++ms)
    through += granted(limiter, Instant(1ms * ms), {}, 1);

  EXPECT_GE(through, 693) << "each token is up to a millisecond late here";
  EXPECT_LE(through, 701);
}

TEST(RateLimiter, SaysWhenAndWhy) {
  RateLimiter limiter({.bucket = TokenBucketSettings{.tokens = 10, .per = 1s, .burst = 1}});
  limiter.try_acquire(Instant(1s), {});

  const auto refused = limiter.try_acquire(Instant(1s + 30ms), {});

  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.retry_after, 70ms);
  EXPECT_EQ(refused.limit, "bucket");
  EXPECT_EQ(limiter.refused(), 1U);
}

TEST(RateLimiter, WindowsAreThoseOfTheCalendar) {
  struct Row {
    const char* name;
    CalendarWindow window;
    const char* last;   // moment of a window
    const char* first;  // of the next
  };
  const Row rows[] = {
      {"second", second, "2026-03-01T10:00:00.999999Z", "2026-03-01T10:00:01Z"},
      {"minute", minute, "2026-03-01T10:59:59Z", "2026-03-01T11:00:00Z"},
      {"hour", hour, "2026-03-01T23:59:59Z", "2026-03-02T00:00:00Z"},
      {"day", day, "2024-02-28T23:59:59Z", "2024-02-29T00:00:00Z"},
      {"month of a leap year", month, "2024-02-29T23:59:59Z", "2024-03-01T00:00:00Z"},
      {"month and year", month, "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"},
      {"year", year, "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"},
  };
  for (const auto& row : rows) {
    RateLimitSettings settings;
    (row.window == second   ? settings.second
     : row.window == minute ? settings.minute
     : row.window == hour   ? settings.hour
     : row.window == day    ? settings.day
     : row.window == month  ? settings.month
                            : settings.year) = 2;
    RateLimiter limiter(settings);

    EXPECT_EQ(end_of(row.window, at(row.last)), at(row.first)) << row.name;
    EXPECT_EQ(granted(limiter, {}, at(row.last), 5), 2) << row.name;
    EXPECT_EQ(limiter.try_acquire({}, at(row.last)).retry_after, at(row.first) - at(row.last))
        << row.name;
    EXPECT_EQ(granted(limiter, {}, at(row.first), 5), 2) << row.name;
  }
}

TEST(RateLimiter, KeepsSeveralAtOnceAndTakesFromAllOrNone) {
  RateLimiter limiter(
      {.bucket = TokenBucketSettings{.tokens = 1, .per = 1s, .burst = 2}, .minute = 3, .day = 4});
  const Timestamp noon = at("2026-05-04T12:00:00Z");

  EXPECT_EQ(granted(limiter, Instant(0s), noon, 9), 2) << "the bucket";
  EXPECT_EQ(limiter.left(minute, noon), 1) << "what the bucket refused took from no window";
  EXPECT_EQ(granted(limiter, Instant(9s), noon + 9s, 9), 1) << "the minute";
  EXPECT_EQ(limiter.left(day, noon + 9s), 1);
  EXPECT_EQ(granted(limiter, Instant(60s), noon + 1min, 9), 1) << "the day";
  EXPECT_EQ(limiter.try_acquire(Instant(90s), noon + 90s).limit, "day");
  EXPECT_EQ(limiter.left(hour, noon), std::nullopt);
}

TEST(RateLimiter, AClockThatGoesBackALittleGivesNothingTwice) {
  RateLimiter limiter({.minute = 2});
  const Timestamp noon = at("2026-05-04T12:00:00Z");
  granted(limiter, {}, noon, 2);

  EXPECT_EQ(granted(limiter, {}, noon - 1s, 5), 0) << "it had been noon already";
  EXPECT_EQ(granted(limiter, {}, noon - 1h, 5), 2) << "set right after it was wrong";
  EXPECT_EQ(granted(limiter, {}, noon, 5), 2);
}

TEST(RateLimiter, IsSharedByThreads) {
  RateLimiter limiter(
      {.bucket = TokenBucketSettings{.tokens = 1, .per = 1h, .burst = 5'000}, .day = 4'000});
  std::atomic<int> through = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] { through += granted(limiter, Instant(1s), {}, 3'000); });
  }

  EXPECT_EQ(through, 4'000);
}

TEST(RateLimiter, RefusesWhatContradictsItselfAllAtOnce) {
  try {
    const RateLimiter limiter({.minute = 10, .hour = 5, .year = 2});
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::invalid_input);
    EXPECT_THAT(error.detail(), testing::HasSubstr("hour (5) is below minute (10)"));
    EXPECT_THAT(error.detail(), testing::HasSubstr("year (2) is below hour (5)"));
  }
  EXPECT_THROW(RateLimiter({}), Error) << "it would limit nothing";
  EXPECT_THROW(RateLimiter({.bucket = TokenBucketSettings{.tokens = 1'000'000'000, .per = 1ms}}),
               Error);
}

}  // namespace
}  // namespace sinew::resilience
