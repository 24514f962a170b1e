#include "sinew/resilience/hedge.hpp"

#include <gtest/gtest.h>

#include "sinew/base/config.hpp"

namespace sinew::resilience {
namespace {

using namespace std::chrono_literals;

constexpr HedgeSettings kAfter{.delay = 200ms};

TEST(Hedge, CallsASecondTimeAfterItsDelay) {
  RetryBudget budget;
  Hedge hedge(kAfter, Repeatable::yes, Instant(1s));

  EXPECT_EQ(hedge.second_at(), Instant(1200ms));
  EXPECT_TRUE(hedge.try_second(budget, Instant(1200ms)));
  EXPECT_EQ(hedge.second_at(), Instant::max()) << "there is no third";
  EXPECT_EQ(budget.snapshot(Instant(1200ms)).retries, 1U);
}

TEST(Hedge, NeverRepeatsWhatIsNotRepeatable) {
  const Hedge hedge(kAfter, Repeatable::no, Instant(1s));

  EXPECT_EQ(hedge.second_at(), Instant::max());
}

TEST(Hedge, StaysWithOneCallWhenTheBudgetIsSpent) {
  RetryBudget budget({.ratio = 0, .min_per_second = 1, .window = 1s});
  EXPECT_TRUE(budget.try_retry(Instant(1s)));
  Hedge hedge(kAfter, Repeatable::yes, Instant(1s));

  EXPECT_FALSE(hedge.try_second(budget, Instant(1200ms)));
  EXPECT_EQ(hedge.second_at(), Instant::max());
  EXPECT_TRUE(hedge.ended(false)) << "the only one";
}

TEST(Hedge, TakesTheFirstGoodAnswer) {
  struct Row {
    const char* name;
    bool second;  // was started
    bool good;    // the one that ends first
    bool takes;
  };
  const Row rows[] = {{"good at once", false, true, true},
                      {"bad at once", false, false, true},
                      {"good, the other runs", true, true, true},
                      {"bad, the other runs", true, false, false}};
  for (const auto& row : rows) {
    RetryBudget budget;
    Hedge hedge(kAfter, Repeatable::yes, Instant(1s));
    if (row.second) hedge.try_second(budget, Instant(1200ms));
    EXPECT_EQ(hedge.ended(row.good), row.takes) << row.name;
    if (!row.takes) EXPECT_TRUE(hedge.ended(false)) << row.name;
  }
}

TEST(Hedge, RefusesADelayOutOfRange) {
  EXPECT_THROW(config::require_valid(HedgeSettings{.delay = 0ms}, "the hedge"), Error);
}

}  // namespace
}  // namespace sinew::resilience
