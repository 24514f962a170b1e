#include "sinew/resilience/sliding_window.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace sinew::resilience {
namespace {

using namespace std::chrono_literals;

TEST(SlidingWindow, ForgetsByTenths) {
  SlidingWindow window(10s);
  window.add(Instant(0s));
  window.add_marked(Instant(500ms));
  window.add(Instant(5s));

  struct Row {
    Duration now;
    std::uint64_t plain;
    std::uint64_t marked;
  };
  const Row rows[] = {{5s, 2, 1},          {9s + 999ms, 2, 1}, {10s, 1, 0},
                      {14s + 999ms, 1, 0}, {15s, 0, 0},        {1000h, 0, 0}};
  for (const auto& row : rows) {
    const auto counts = window.counts(Instant(row.now));
    EXPECT_EQ(counts.plain, row.plain) << row.now.count();
    EXPECT_EQ(counts.marked, row.marked) << row.now.count();
  }
}

TEST(SlidingWindow, TakesOldBucketsOver) {
  SlidingWindow window(10s);
  for (int second = 0; second < 1'000; ++second)
    window.add(Instant(std::chrono::seconds(second)));

  EXPECT_EQ(window.counts(Instant(999s)).plain, 10U);
}

TEST(SlidingWindow, WorksAnywhereInTime) {
  // 24 bits of stamp: half-way and beyond, where a fresh bucket must not look newer than now.
  for (const Duration start : {Duration(1s), Duration(9'000'000s), Duration(17'000'000s)}) {
    SlidingWindow window(10s);
    window.add(Instant(start));
    window.add(Instant(start + 9s));
    EXPECT_EQ(window.counts(Instant(start + 9s)).plain, 2U) << start.count();
    EXPECT_EQ(window.counts(Instant(start + 10s)).plain, 1U) << start.count();
  }
}

TEST(SlidingWindow, ALateThreadCountsInTheCurrentTenth) {
  SlidingWindow window(10s);
  window.add(Instant(15s));
  window.add(Instant(5s));  // the same bucket, ten tenths ago

  EXPECT_EQ(window.counts(Instant(15s)).plain, 2U);
}

TEST(SlidingWindow, AFullBucketTakesNeitherKind) {
  SlidingWindow window(10s);
  for (std::uint64_t i = 0; i < SlidingWindow::kMaxCount + 10; ++i)
    window.add(Instant());
  window.add_marked(Instant());

  EXPECT_EQ(window.counts(Instant()).plain, SlidingWindow::kMaxCount);
  EXPECT_EQ(window.counts(Instant()).marked, 0U);
}

TEST(SlidingWindow, ClearForgetsAll) {
  SlidingWindow window(1s);
  window.add(Instant(3s));
  window.clear();

  EXPECT_EQ(window.counts(Instant(3s)).total(), 0U);
}

TEST(SlidingWindow, CountsFromThreadsAreExactWhileTimeStands) {
  SlidingWindow window(10s);
  constexpr int kEach = 20'000;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&window] {
        for (int i = 0; i < kEach; ++i) {
          window.add(Instant(1s));
          window.add_marked(Instant(2s));
        }
      });
    }
  }
  EXPECT_EQ(window.counts(Instant(2s)).plain, 4U * kEach);
  EXPECT_EQ(window.counts(Instant(2s)).marked, 4U * kEach);
}

}  // namespace
}  // namespace sinew::resilience
