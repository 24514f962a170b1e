#include "sinew/resilience/timeout.hpp"

#include <gtest/gtest.h>

#include "sinew/base/config.hpp"
#include "sinew/base/error.hpp"

namespace sinew::resilience {
namespace {

using namespace std::chrono_literals;

TEST(Timeout, DeadlinesSaturate) {
  const Instant now(10s);

  EXPECT_EQ(deadline_in(5s, now), Instant(15s));
  EXPECT_EQ(deadline_in(-5s, now), Instant(5s));
  EXPECT_EQ(deadline_in(Duration::max(), now), Instant::max());
  EXPECT_EQ(deadline_in(Duration::min(), Instant(-1s)), Instant::min());
}

TEST(Timeout, RemainingIsNeverNegative) {
  const Instant now(10s);

  EXPECT_EQ(remaining(Instant(12s), now), 2s);
  EXPECT_EQ(remaining(Instant(10s), now), 0s);
  EXPECT_EQ(remaining(Instant(1s), now), 0s);
  EXPECT_EQ(remaining(Instant::max(), now), Duration::max());
  EXPECT_EQ(remaining(Instant::max() - 1ns, Instant(-1h)), Duration::max());
  EXPECT_TRUE(expired(now, now));
  EXPECT_FALSE(expired(Instant::max(), now));
}

TEST(Timeout, AnAttemptEndsWithItsOperation) {
  const TimeoutSettings settings{.attempt = 3s, .total = 10s};

  EXPECT_EQ(settings.attempt_deadline(Instant(0s), Instant(10s)), Instant(3s));
  EXPECT_EQ(settings.attempt_deadline(Instant(8s), Instant(10s)), Instant(10s));
  EXPECT_EQ(settings.attempt_deadline(Instant(8s), Instant::max()), Instant(11s));
}

TEST(Timeout, AnAttemptLongerThanTheTotalIsRefused) {
  EXPECT_NO_THROW(config::require_valid(TimeoutSettings{}, "t"));
  EXPECT_THROW(config::require_valid(TimeoutSettings{.attempt = 11s, .total = 10s}, "t"), Error);
  EXPECT_THROW(config::require_valid(TimeoutSettings{.attempt = 0s, .total = 10s}, "t"), Error);
}

}  // namespace
}  // namespace sinew::resilience
