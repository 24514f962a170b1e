#include "sinew/async/portal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "sinew/async/test_runtime.hpp"
#include "sinew/async/worker.hpp"
#include "tests/support/error_of.hpp"

namespace sinew::async {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using tests::error_of;

class PortalTest : public testing::Test {
 protected:
  ~PortalTest() override { runtime.run(portal->drain(1s)); }

  auto number(int value) {
    return [this, value]() -> Task<int> {
      ++begun;
      co_await sleep_for(10ms);
      co_return value;
    };
  }

  TestRuntime runtime;
  std::shared_ptr<Portal> portal = std::make_shared<Portal>(runtime, "shop", 3);
  int begun = 0;
};

TEST_F(PortalTest, GivesTheResultOrTheException) {
  portal->open();

  auto seven = portal->call(number(7));
  auto failure = portal->call([]() -> Task<int> { throw Error(Condition::conflict, "taken"); });
  EXPECT_FALSE(seven.ready());
  runtime.advance(20ms);

  EXPECT_EQ(seven.get(0s), 7);
  EXPECT_EQ(error_of([&] { failure.get(0s); }).condition(), Condition::conflict);
}

TEST_F(PortalTest, TellsACallbackOnceOnTheWorker) {
  portal->open();
  std::vector<int> told;

  portal->call(number(1), [&](Outcome<int> outcome) { told.push_back(outcome.take()); });
  EXPECT_THAT(told, ElementsAre());
  runtime.advance(20ms);

  EXPECT_THAT(told, ElementsAre(1));
}

TEST_F(PortalTest, RefusesAboveItsCapacityAndTakesAgainWhenACallEnded) {
  portal->open();
  std::vector<Future<int>> futures;
  for (int i = 0; i < 3; ++i)
    futures.push_back(portal->call(number(i)));

  const Error full = error_of([&] { (void)portal->call(number(3)); });
  runtime.advance(20ms);
  auto later = portal->call(number(4));
  runtime.advance(20ms);

  EXPECT_EQ(full.condition(), Condition::exhausted);
  EXPECT_EQ(full.applied(), Applied::no);
  EXPECT_THAT(full.detail(), HasSubstr("shop has 3 calls"));
  EXPECT_EQ(later.get(0s), 4);
  EXPECT_EQ(begun, 4);
}

TEST_F(PortalTest, HasRoomForACallbackThatCallsAgain) {
  portal->open();
  int calls = 0;
  std::function<void(Outcome<int>)> again = [&](const Outcome<int>&) {
    if (++calls < 5) portal->call(number(calls), again);
  };

  for (int i = 0; i < 3; ++i)
    portal->call(number(i), again);
  runtime.advance(1s);

  EXPECT_EQ(calls, 3 + 4);
}

TEST_F(PortalTest, RefusesBeforeItIsOpenAndAfterItsDrain) {
  const Error early = error_of([&] { (void)portal->call(number(1)); });
  portal->open();
  runtime.run(portal->drain(1s));
  const Error late = error_of([&] { (void)portal->call(number(1)); });

  EXPECT_EQ(early.condition(), Condition::unavailable);
  EXPECT_EQ(early.detail(), "shop has not started");
  EXPECT_EQ(late.condition(), Condition::unavailable);
  EXPECT_EQ(late.detail(), "shop drains, or has ended");
  EXPECT_EQ(begun, 0);
}

TEST_F(PortalTest, FinishesAtADrainWhatHasBegunAndRefusesWhatHasNot) {
  portal->open();
  auto under_way = portal->call(number(1));
  runtime.settle();
  std::optional<Future<int>> waiting;
  const auto call_and_drain = [&]() -> Task<bool> {
    waiting = portal->call(number(2));  // still in the mailbox when the drain begins
    co_return co_await portal->drain(1s);
  };

  const bool in_time = runtime.run(call_and_drain());

  EXPECT_TRUE(in_time);
  EXPECT_EQ(under_way.get(0s), 1);
  EXPECT_EQ(error_of([&] { waiting->get(0s); }).condition(), Condition::unavailable);
  EXPECT_EQ(begun, 1);
}

TEST_F(PortalTest, CancelsAtTheEndOfItsPatience) {
  portal->open();
  auto slow = portal->call([]() -> Task<void> { co_await sleep_for(1h); });
  runtime.settle();
  const Instant before = runtime.now();

  EXPECT_FALSE(runtime.run(portal->drain(2s)));

  EXPECT_EQ(error_of([&] { slow.get(0s); }).condition(), Condition::cancelled);
  EXPECT_LT(runtime.now() - before, 3s);
}

TEST_F(PortalTest, DoesNotBeginWhatItsCallerGaveUp) {
  portal->open();
  auto given_up = portal->call(number(1));
  const Error early = error_of([&] { given_up.get(0s); });
  runtime.advance(1s);

  EXPECT_EQ(early.condition(), Condition::timeout);
  EXPECT_EQ(early.applied(), Applied::no);
  EXPECT_EQ(begun, 0);
  EXPECT_EQ(error_of([&] { given_up.get(0s); }).condition(), Condition::timeout);
}

TEST_F(PortalTest, SaysUnknownOfWhatGoesOnBeyondTheTimeout) {
  portal->open();
  auto slow = portal->call(number(1));
  runtime.settle();
  const Error early = error_of([&] { slow.get(0s); });
  runtime.advance(1s);

  EXPECT_EQ(early.condition(), Condition::timeout);
  EXPECT_EQ(early.applied(), Applied::unknown);
  EXPECT_EQ(slow.get(0s), 1) << "it may be asked again";
}

TEST_F(PortalTest, TellsEverybodyWhenItsWorkerGoesOnNoMore) {
  auto doomed = std::make_shared<Portal>(runtime, "shop", 3);
  doomed->open();
  auto under_way = doomed->call(number(1));
  runtime.settle();

  doomed->abandon();

  const Error error = error_of([&] { under_way.get(0s); });
  EXPECT_EQ(error.condition(), Condition::unavailable);
  EXPECT_EQ(error.applied(), Applied::unknown);
}

TEST(PortalOfAWorker, TakesCallsFromManyThreadsUntilItDrains) {
  constexpr int threads = 4;
  constexpr int calls = 2000;
  WorkerGroup group({.workers = 1});
  Portal portal(group.reactor(0), "shop", 64);
  std::atomic<int> accepted = 0;
  std::atomic<int> answered = 0;
  std::atomic<int> gone = threads;
  int done = 0;  // no lock: only the worker touches it
  std::vector<std::jthread> callers;
  const auto one = [&done]() -> Task<int> { co_return ++done; };
  const auto call_all = [&] {
    for (int i = 0; i < calls; ++i) {
      try {
        portal.call(one, [&](Outcome<int> outcome) { answered += outcome.take() > 0 ? 1 : 0; });
        ++accepted;
      } catch (const Error& error) {
        EXPECT_EQ(error.condition(), Condition::exhausted);
      }
    }
    --gone;
  };

  group.run([&](Reactor&, std::size_t) -> Task<void> {
    portal.open();
    for (int i = 0; i < threads; ++i)
      callers.emplace_back(call_all);
    while (gone > 0)
      co_await sleep_for(1ms);
    co_await portal.drain(10s);
  });

  EXPECT_EQ(done, accepted);
  EXPECT_EQ(answered, accepted);
  EXPECT_GT(accepted, 64);
}

TEST(PortalOfAWorker, RefusesToBlockAWorker) {
  WorkerGroup group({.workers = 1});
  Portal portal(group.reactor(0), "shop");

  group.run([&](Reactor&, std::size_t) -> Task<void> {
    portal.open();
    auto future = portal.call([]() -> Task<int> { co_return 1; });
    const Error error = error_of([&] { future.get(1h); });
    EXPECT_EQ(error.condition(), Condition::invalid_input);
    EXPECT_THAT(error.detail(), HasSubstr("a worker's thread cannot wait"));
    co_await portal.drain(1s);
  });
}

}  // namespace
}  // namespace sinew::async
