#include "examples/commerce/replay/progress_bar.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace commerce::replay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(ProgressLine, ShowsHowFarHowFastAndHowLong) {
  const Stage stage{.orders = 800,
                    .finished = 400,
                    .in_flight = 28,
                    .shipped = 380,
                    .elapsed = seconds(1),
                    .finished_before = 0};

  EXPECT_EQ(progress_line(stage, 100),
            "[############............] 400/800  400/s  1 s left  28 sagas in flight  380 shipped");
}

TEST(ProgressLine, CountsTheRateFromWhereThisRunBegan) {
  const Stage stage{.orders = 830,
                    .finished = 500,
                    .in_flight = 1,
                    .shipped = 1,
                    .elapsed = milliseconds(500),
                    .finished_before = 400};

  EXPECT_DOUBLE_EQ(rate_of(stage), 200);
}

TEST(ProgressLine, WaitsWhileNothingIsFinished) {
  const Stage stage{.orders = 10,
                    .finished = 0,
                    .in_flight = 0,
                    .shipped = 0,
                    .elapsed = seconds(0),
                    .finished_before = 0};

  EXPECT_THAT(progress_line(stage, 100), testing::HasSubstr("0/10  0/s  waiting"));
}

TEST(ProgressLine, SaysWhatIsInTheWay) {
  const Stage stage{.orders = 10,
                    .finished = 1,
                    .in_flight = 3,
                    .shipped = 0,
                    .elapsed = seconds(2),
                    .finished_before = 0,
                    .trouble = "the disk is full"};

  EXPECT_THAT(progress_line(stage, 200), testing::EndsWith("0 shipped  the disk is full"));
}

TEST(ProgressLine, FitsTheTerminal) {
  const Stage stage{.orders = 10,
                    .finished = 10,
                    .in_flight = 0,
                    .shipped = 9,
                    .elapsed = seconds(2),
                    .finished_before = 0};

  EXPECT_EQ(progress_line(stage, 30).size(), 30u);
}

}  // namespace
}  // namespace commerce::replay
