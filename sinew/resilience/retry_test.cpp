#include "sinew/resilience/retry.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "sinew/base/config.hpp"

namespace sinew::resilience {
namespace {

using namespace std::chrono_literals;

constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
constexpr Failure kRefused{.condition = Condition::unavailable, .applied = Applied::no};

// Knuth's MMIX generator; its upper half is uniform enough to choose by.
using Random = std::linear_congruential_engine<std::uint64_t, 6364136223846793005ULL,
                                               1442695040888963407ULL, 0>;

TEST(Retry, DecidesByConditionAndApplied) {
  struct Row {
    const char* name;
    Failure failure;
    Repeatable repeatable;
    std::optional<GiveUp> expected;
  };
  using enum Condition;
  const Row rows[] = {
      {"refused", {unavailable, Applied::no}, Repeatable::no, std::nullopt},
      {"full", {exhausted, Applied::no}, Repeatable::no, std::nullopt},
      {"no answer", {timeout, Applied::unknown}, Repeatable::no, GiveUp::unsafe},
      {"no answer, with key", {timeout, Applied::unknown}, Repeatable::yes, std::nullopt},
      {"wrong", {invalid_input, Applied::no}, Repeatable::yes, GiveUp::permanent},
      {"cancelled", {cancelled, Applied::no}, Repeatable::yes, GiveUp::permanent},
      {"conflict", {conflict, Applied::no}, Repeatable::yes, GiveUp::permanent},
      {"corrupt", {corrupt, Applied::no}, Repeatable::yes, GiveUp::permanent},
  };
  for (const auto& row : rows) {
    Retry retry(RetrySettings{}, row.repeatable, Instant());
    const auto decision = retry.failed(row.failure, Instant(1ms), 0);
    EXPECT_EQ(decision.has_value(), !row.expected) << row.name;
    if (row.expected && !decision) EXPECT_EQ(decision.error(), *row.expected) << row.name;
  }
}

TEST(Retry, DelaysGrowToTheirCap) {
  const RetrySettings settings{.max_attempts = 100, .first_delay = 100ms, .max_delay = 1s};
  struct Row {
    int attempts;
    Duration expected;
  };
  const Row rows[] = {{1, 100ms}, {2, 200ms}, {3, 400ms}, {4, 800ms}, {5, 1s}, {100'000, 1s}};
  for (const auto& row : rows)
    EXPECT_EQ(backoff(settings, row.attempts), row.expected);
}

TEST(Retry, FullJitterCoversTheWholeRange) {
  EXPECT_EQ(full_jitter(100ms, 0), 0ms);
  EXPECT_EQ(full_jitter(100ms, kMost), 100ms);
  EXPECT_EQ(full_jitter(100ms, kMost / 2), 50ms);
  EXPECT_EQ(full_jitter(Duration::max(), kMost), Duration::max());
  EXPECT_EQ(full_jitter(0ms, kMost), 0ms);

  constexpr unsigned kSeed = 7;
  Random random(kSeed);
  constexpr int kEach = 2'500;
  int quarters[4] = {};
  for (int i = 0; i < 4 * kEach; ++i)
    ++quarters[full_jitter(3ns, random()).count()];
  for (const int count : quarters)
    EXPECT_NEAR(count, kEach, 200) << "seed " << kSeed;
}

TEST(Retry, StopsAtItsAttempts) {
  Retry retry({.max_attempts = 3}, Repeatable::no, Instant());

  EXPECT_EQ(retry.failed(kRefused, Instant(), kMost), 100ms);
  EXPECT_EQ(retry.failed(kRefused, Instant(), kMost), 200ms);
  EXPECT_EQ(retry.failed(kRefused, Instant(), kMost).error(), GiveUp::attempts);
  EXPECT_EQ(retry.attempts(), 3);
}

TEST(Retry, OneAttemptMeansNoRetry) {
  Retry retry({.max_attempts = 1}, Repeatable::yes, Instant());

  EXPECT_EQ(retry.failed(kRefused, Instant(), 0).error(), GiveUp::attempts);
}

TEST(Retry, DoesNotWaitForWhatComesTooLate) {
  const RetrySettings settings{.max_attempts = 9, .first_delay = 1s, .max_total = 5s};
  struct Row {
    const char* name;
    Instant deadline;
    Duration now;
    bool again;
  };
  const Row rows[] = {
      {"within both", Instant(10s), 3s, true},
      {"exactly at the total", Instant(10s), 4s, true},
      {"after the total", Instant(10s), 4s + 1ns, false},
      {"at the deadline", Instant(4s), 3s, false},
      {"before the deadline", Instant(4s + 1ns), 3s, true},
      {"no deadline", Instant::max(), 3s, true},
  };
  for (const auto& row : rows) {
    Retry retry(settings, Repeatable::no, Instant(), row.deadline);
    const auto decision = retry.failed(kRefused, Instant(row.now), kMost);
    EXPECT_EQ(decision.has_value(), row.again) << row.name;
    if (!row.again && !decision) EXPECT_EQ(decision.error(), GiveUp::time) << row.name;
  }
}

TEST(Retry, HonoursRetryAfter) {
  Retry retry(RetrySettings{}, Repeatable::no, Instant());
  auto failure = kRefused;
  failure.retry_after = 7s;

  EXPECT_EQ(retry.failed(failure, Instant(), kMost), 7s);
  failure.retry_after = Duration::max();
  EXPECT_EQ(retry.failed(failure, Instant(), kMost).error(), GiveUp::time);
}

TEST(Retry, ReportsAllContradictionsAtOnce) {
  const RetrySettings settings{.first_delay = 20s, .max_delay = 10s, .max_total = 1s};

  EXPECT_EQ(settings.violations().size(), 2U);
  EXPECT_THROW(config::require_valid(settings, "retry"), Error);
  EXPECT_NO_THROW(config::require_valid(RetrySettings{}, "retry"));
}

TEST(Retry, WithoutJitterWaitsExactlyItsDelay) {
  const RetrySettings apart{.first_delay = 100ms, .factor = 1.0, .jitter = false};
  Retry retry(apart, Repeatable::yes, Instant());

  EXPECT_EQ(retry.failed(kRefused, Instant(), 0), Duration(100ms));
  EXPECT_EQ(retry.failed(kRefused, Instant(), kMost), Duration(100ms));
  EXPECT_FALSE(retry.failed(kRefused, Instant(), 0));
}

}  // namespace
}  // namespace sinew::resilience
