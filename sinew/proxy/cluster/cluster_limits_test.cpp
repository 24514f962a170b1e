#include "sinew/proxy/cluster/cluster_limits.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "sinew/base/error.hpp"
#include "sinew/proxy/cluster/test_cluster.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::proxy {
namespace {

constexpr ClusterLimit kEach[] = {ClusterLimit::connections, ClusterLimit::pending,
                                  ClusterLimit::requests, ClusterLimit::retries};

TEST(ClusterLimits, EachHoldsByItself) {
  ClusterLimits limits(
      {.max_connections = 1, .max_pending = 2, .max_requests = 3, .max_retries = 4});
  std::vector<ClusterLimits::Permit> permits;
  for (const auto limit : kEach) {
    while (auto permit = limits.try_take(limit))
      permits.push_back(std::move(*permit));
  }

  EXPECT_EQ(permits.size(), 10U);
  for (const auto limit : kEach) {
    EXPECT_EQ(limits.use(limit).in_use, limits.use(limit).maximum) << to_string(limit);
    EXPECT_EQ(limits.use(limit).refused, 1U);
  }
  permits.clear();
  for (const auto limit : kEach)
    EXPECT_EQ(limits.use(limit).in_use, 0) << to_string(limit);
}

TEST(ClusterLimits, ZeroPermitsNothing) {
  ClusterLimits limits({.max_retries = 0});
  EXPECT_FALSE(limits.try_take(ClusterLimit::retries));
}

// Requests that are cut off at any point, moved about, and given back early or twice.
TEST(ClusterLimits, NothingLeaksHoweverHoldersEnd) {
  tests::for_seeds(50, [](std::uint64_t seed) {
    TestRandom random(seed);
    ClusterLimits limits({.max_requests = 20});
    std::vector<ClusterLimits::Permit> held;
    for (int step = 0; step < 2'000; ++step) {
      const auto at = held.empty() ? 0 : random.below(held.size());
      switch (random.below(5)) {
        case 0:
        case 1:
          if (auto permit = limits.try_take(ClusterLimit::requests)) {
            held.push_back(std::move(*permit));
          }
          break;
        case 2:
          if (!held.empty()) held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
          break;
        case 3:
          if (!held.empty()) {
            std::swap(held[at], held.back());
            held.back().release();
            held.back().release();
            held.pop_back();
          }
          break;
        default:
          if (held.size() >= 2 && at > 0) {
            held[at - 1] = std::move(held[at]);
            held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
          }
      }
      ASSERT_EQ(limits.use(ClusterLimit::requests).in_use, std::ssize(held));
      ASSERT_LE(held.size(), 20U);
    }
    held.clear();
    EXPECT_EQ(limits.use(ClusterLimit::requests).in_use, 0);
  });
}

TEST(ClusterLimits, HoldExactlyForManyThreads) {
  ClusterLimits limits({.max_requests = 3});
  std::atomic<std::int64_t> most = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 20'000; ++n) {
        const auto permit = limits.try_take(ClusterLimit::requests);
        const auto seen = limits.use(ClusterLimit::requests).in_use;
        if (seen > most) most = seen;
      }
    });
  }
  for (auto& thread : threads)
    thread.join();

  EXPECT_LE(most, 3);
  EXPECT_EQ(limits.use(ClusterLimit::requests).in_use, 0);
}

TEST(ClusterLimits, ALoweredLimitLetsNobodyInUntilEnoughHaveLeft) {
  ClusterLimits limits({.max_requests = 3});
  std::vector<ClusterLimits::Permit> held;
  while (auto permit = limits.try_take(ClusterLimit::requests))
    held.push_back(std::move(*permit));

  limits.configure({.max_requests = 2});

  EXPECT_FALSE(limits.try_take(ClusterLimit::requests));
  held.pop_back();
  EXPECT_FALSE(limits.try_take(ClusterLimit::requests));
  held.pop_back();
  EXPECT_TRUE(limits.try_take(ClusterLimit::requests));
}

TEST(ClusterLimits, RefusesLimitsThatLetNothingThrough) {
  EXPECT_THROW(ClusterLimits({.max_connections = 0}), Error);
  EXPECT_THROW(ClusterLimits({.max_requests = -1}), Error);
}

}  // namespace
}  // namespace sinew::proxy
