#include "sinew/async/watchdog.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

namespace sinew::async {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1h};

class StallDetectorTest : public testing::Test {
 protected:
  std::optional<Stall> observe(Duration at) {
    return detector.observe(start + at, activity.sample());
  }

  StallDetector detector{100ms};
  Activity activity;
};

TEST_F(StallDetectorTest, NamesTheHandlerOfAStepThatLastsOnce) {
  activity.begin("place_order");

  EXPECT_FALSE(observe(0ms));
  EXPECT_FALSE(observe(99ms));
  const auto stall = observe(120ms);
  ASSERT_TRUE(stall);
  EXPECT_STREQ(stall->handler, "place_order");
  EXPECT_EQ(stall->duration, 120ms);
  EXPECT_FALSE(observe(10s));
}

TEST_F(StallDetectorTest, ReportsTheNextStallOfTheSameHandler) {
  activity.begin("place_order");
  observe(0ms);
  ASSERT_TRUE(observe(100ms));

  activity.begin("place_order");
  EXPECT_FALSE(observe(150ms));
  EXPECT_TRUE(observe(250ms));
}

TEST_F(StallDetectorTest, ManyShortStepsAreNoStall) {
  for (int i = 0; i < 100; ++i) {
    activity.begin("busy");
    EXPECT_FALSE(observe(i * 90ms));
  }
}

TEST_F(StallDetectorTest, WaitingForEventsIsNoStall) {
  activity.begin("place_order");
  activity.idle();

  for (int i = 0; i < 100; ++i)
    EXPECT_FALSE(observe(i * 90ms));
}

TEST(Watchdog, ReportsAStalledWorkerFromItsOwnThread) {
  Activity idle, stalled;
  stalled.begin("slow_handler");
  std::atomic<const char*> handler = nullptr;
  std::atomic<std::size_t> worker = 0;

  Watchdog watchdog({&idle, &stalled}, 1ms, [&](const Stall& stall) {
    worker.store(stall.worker);
    handler.store(stall.handler);
    handler.notify_all();
  });
  handler.wait(nullptr);

  EXPECT_STREQ(handler.load(), "slow_handler");
  EXPECT_EQ(worker.load(), 1u);
}

}  // namespace
}  // namespace sinew::async
