#include "sinew/store/position_waits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "sinew/async/scope.hpp"
#include "sinew/async/test_runtime.hpp"
#include "sinew/base/error.hpp"

namespace sinew::store {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// Tasks that wait for positions and say when they were woken, or why not.
class Waiting {
 public:
  void wait_for(std::uint64_t position, Duration patience = 1h) {
    scope_.spawn(async::with_deadline(runtime.now() + patience, wait(position)));
    runtime.settle();
  }
  void reach(std::uint64_t position) {
    waits.reached(Checkpoint::from_position(position));
    runtime.settle();
  }
  void cancel() {
    scope_.cancel();
    runtime.settle();
  }

  async::TestRuntime runtime;
  PositionWaits waits;
  std::vector<std::uint64_t> woken;
  std::vector<Condition> refused;

 private:
  Task<void> wait(std::uint64_t position) {
    try {
      co_await waits.wait(Checkpoint::from_position(position));
      woken.push_back(position);
    } catch (const Error& error) {
      refused.push_back(error.condition());
    }
  }
  async::Scope scope_{runtime};
};

TEST(PositionWaits, WakesThoseWhosePositionIsReachedAndNoOthers) {
  Waiting waiting;
  for (const std::uint64_t position : {30, 10, 20, 10})
    waiting.wait_for(position);

  waiting.reach(9);
  EXPECT_THAT(waiting.woken, IsEmpty());
  waiting.reach(20);

  EXPECT_THAT(waiting.woken, ElementsAre(10, 10, 20));
  EXPECT_EQ(waiting.waits.size(), 1);
}

TEST(PositionWaits, WakesEverybodyWhenItStandsStill) {
  Waiting waiting;
  waiting.wait_for(1);
  waiting.wait_for(1000);

  waiting.waits.interrupt();
  waiting.runtime.settle();

  EXPECT_THAT(waiting.woken, SizeIs(2));
}

TEST(PositionWaits, ForgetsThoseWhoGaveUp) {
  Waiting waiting;
  waiting.wait_for(1, 1s);
  waiting.wait_for(2);

  waiting.runtime.advance(2s);
  EXPECT_THAT(waiting.refused, ElementsAre(Condition::timeout));
  waiting.cancel();

  EXPECT_THAT(waiting.refused, ElementsAre(Condition::timeout, Condition::cancelled));
  EXPECT_EQ(waiting.waits.size(), 0);
}

TEST(PositionWaits, RefusesMoreThanItsCapacityAndHasRoomAgain) {
  Waiting waiting;
  for (std::size_t i = 0; i < PositionWaits::capacity; ++i)
    waiting.wait_for(1);

  waiting.wait_for(1);
  EXPECT_THAT(waiting.refused, ElementsAre(Condition::exhausted));
  waiting.reach(1);
  waiting.wait_for(2);

  EXPECT_THAT(waiting.woken, SizeIs(PositionWaits::capacity));
  EXPECT_EQ(waiting.waits.size(), 1);
}

}  // namespace
}  // namespace sinew::store
