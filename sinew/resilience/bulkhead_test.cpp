#include "sinew/resilience/bulkhead.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "sinew/base/error.hpp"

namespace sinew::resilience {
namespace {

using namespace std::chrono_literals;
using enum Bulkhead::Entry;

TEST(Bulkhead, TakesSoManyLetsSoManyWaitAndRefusesTheRest) {
  Bulkhead bulkhead({.max_concurrent = 2, .max_waiting = 1});

  EXPECT_EQ(bulkhead.enter(), entered);
  EXPECT_EQ(bulkhead.enter(), entered);
  EXPECT_EQ(bulkhead.enter(), waits);
  EXPECT_EQ(bulkhead.enter(), refused);

  const auto now = bulkhead.snapshot();
  EXPECT_EQ(now.running, 2U);
  EXPECT_EQ(now.waiting, 1U);
  EXPECT_EQ(now.refused, 1U);
}

TEST(Bulkhead, HandsAPlaceOverBeforeItIsFree) {
  Bulkhead bulkhead({.max_concurrent = 1, .max_waiting = 5});
  bulkhead.enter();
  bulkhead.enter();

  EXPECT_TRUE(bulkhead.leave()) << "to the one that waits";
  EXPECT_EQ(bulkhead.enter(), waits) << "whoever comes now does not overtake it";
  EXPECT_TRUE(bulkhead.leave());
  EXPECT_FALSE(bulkhead.leave());
  EXPECT_EQ(bulkhead.snapshot().running, 0U);
}

TEST(Bulkhead, IsNotLeftByWhomDidNotEnter) {
  Bulkhead bulkhead({.max_concurrent = 1, .max_waiting = 5});
  bulkhead.enter();
  bulkhead.enter();

  bulkhead.give_up();

  EXPECT_FALSE(bulkhead.leave()) << "nobody waits any more";
  EXPECT_EQ(bulkhead.snapshot().gave_up, 1U);
}

TEST(Bulkhead, HasPatienceForItsWait) {
  const Bulkhead bulkhead({.max_wait = 300ms});

  EXPECT_EQ(bulkhead.patience(Instant(1s)), Instant(1300ms));
}

TEST(Bulkhead, IsSharedByThreads) {
  constexpr int kPlaces = 3;
  Bulkhead bulkhead({.max_concurrent = kPlaces, .max_waiting = 0, .max_wait = 0ms});
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 20'000; ++i) {
          if (bulkhead.enter() != entered) continue;
          const int here = ++inside;
          int seen = most.load();
          while (here > seen && !most.compare_exchange_weak(seen, here)) {
          }
          --inside;
          bulkhead.leave();
        }
      });
    }
  }

  EXPECT_LE(most, kPlaces);
  EXPECT_EQ(bulkhead.snapshot().running, 0U);
}

TEST(Bulkhead, RefusesContradictorySettings) {
  EXPECT_THROW(Bulkhead({.max_concurrent = 0}), Error);
  EXPECT_THROW(Bulkhead({.max_waiting = -1}), Error);
  EXPECT_THROW(Bulkhead({.max_waiting = 1, .max_wait = 0ms}), Error);
  EXPECT_NO_THROW(Bulkhead({.max_waiting = 0, .max_wait = 0ms}));
}

}  // namespace
}  // namespace sinew::resilience
