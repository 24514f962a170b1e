#include "sinew/resilience/retry_budget.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "sinew/base/config.hpp"
#include "sinew/base/error.hpp"

namespace sinew::resilience {
namespace {

using namespace std::chrono_literals;

int retries_granted(RetryBudget& budget, Instant now, int asked) {
  int granted = 0;
  for (int i = 0; i < asked; ++i)
    granted += budget.try_retry(now) ? 1 : 0;
  return granted;
}

TEST(RetryBudget, AllowsAShareOfRecentRequestsAndAMinimum) {
  struct Row {
    const char* name;
    RetryBudgetSettings settings;
    int requests;
    int granted;
  };
  const Row rows[] = {
      {"quiet", {.ratio = 0.2, .min_per_second = 1}, 0, 10},
      {"busy", {.ratio = 0.2, .min_per_second = 1}, 1'000, 210},
      {"share only", {.ratio = 0.5, .min_per_second = 0}, 10, 5},
      {"share only, quiet", {.ratio = 0.2, .min_per_second = 0}, 4, 0},
      {"minimum only", {.ratio = 0, .min_per_second = 2}, 1'000, 20},
  };
  for (const auto& row : rows) {
    RetryBudget budget(row.settings);
    for (int i = 0; i < row.requests; ++i)
      budget.request(Instant(1s));
    EXPECT_EQ(retries_granted(budget, Instant(2s), 10'000), row.granted) << row.name;
  }
}

TEST(RetryBudget, ComesBackAsTheWindowMoves) {
  RetryBudget budget({.ratio = 0, .min_per_second = 1});
  EXPECT_EQ(retries_granted(budget, Instant(0s), 100), 10);

  EXPECT_FALSE(budget.try_retry(Instant(9s)));
  EXPECT_EQ(retries_granted(budget, Instant(10s), 100), 10);
}

TEST(RetryBudget, AFailingTargetGetsNoMoreThanItsShare) {
  RetryBudget budget({.ratio = 0.2, .min_per_second = 0});
  int sent = 0;
  // Every call fails and wants three retries, for a minute.
  for (int tick = 0; tick < 6'000; ++tick) {
    const Instant now(tick * 10ms);
    budget.request(now);
    sent += 1 + retries_granted(budget, now, 3);
  }
  EXPECT_LE(sent, 6'000 * 1.25);
  EXPECT_GE(sent, 6'000 * 1.15);
}

TEST(RetryBudget, SnapshotTellsTheOperator) {
  RetryBudget budget({.ratio = 0.5, .min_per_second = 0});
  for (int i = 0; i < 4; ++i)
    budget.request(Instant());
  retries_granted(budget, Instant(), 5);

  const auto snapshot = budget.snapshot(Instant());
  EXPECT_EQ(snapshot.requests, 4U);
  EXPECT_EQ(snapshot.retries, 2U);
  EXPECT_EQ(snapshot.allowed, 2U);
  EXPECT_EQ(snapshot.refused, 3U);
}

TEST(RetryBudget, IsSharedByThreads) {
  constexpr int kThreads = 4;
  RetryBudget budget({.ratio = 0, .min_per_second = 100});
  std::atomic<int> granted = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] { granted += retries_granted(budget, Instant(), 5'000); });
    }
  }
  EXPECT_GE(granted, 1'000);
  EXPECT_LE(granted, 1'000 + kThreads - 1);
}

TEST(RetryBudget, RefusesSettingsThatNeverAllowARetry) {
  EXPECT_THROW(RetryBudget({.ratio = 0, .min_per_second = 0}), Error);
  EXPECT_THROW(RetryBudget({.ratio = -1}), Error);
  EXPECT_THROW(RetryBudget({.window = 0s}), Error);
}

}  // namespace
}  // namespace sinew::resilience
