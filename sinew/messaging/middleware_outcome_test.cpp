#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "sinew/messaging/test_middleware.hpp"

// What middleware says becomes of a message: Refused and Postponed.
namespace sinew::messaging::middleware_test {
namespace {

using namespace std::chrono_literals;
using Bench = ConsumerBench;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(MiddlewareOutcome, RefusesAMessageAtOnceAndKeepsTheOrderOfItsKey) {
  for (const char* place : places) {
    SCOPED_TRACE(place);
    Bench bench;
    AllPlaces all;
    all.add_to(bench);
    all.at(place).before = only("a", throwing(Refused("closed_account", "it is closed")));
    bench.begin();
    bench.publish("a", "k");
    bench.publish("b", "k");
    bench.publish("c", "l");
    bench.run_for(1min);

    EXPECT_THAT(bench.effects_in_order(), ElementsAre("row of c", "c"));
    ASSERT_THAT(bench.backlog(), SizeIs(2U));
    EXPECT_EQ(bench.backlog()[0].reason, "closed_account");
    EXPECT_EQ(bench.backlog()[0].last_error, "invalid_input: it is closed");
    bench.replay_all();
    bench.run_for(5s);
    EXPECT_THAT(bench.effects_in_order(), ElementsAre("row of c", "c", "row of a", "a",  //
                                                      "row of b", "b"));
  }
}

// More often than there are attempts, over a restart.
TEST(MiddlewareOutcome, PostponesAMessageWithoutBlame) {
  for (const char* place : places) {
    SCOPED_TRACE(place);
    Bench bench;
    Events events;
    AllPlaces all;
    all.add_to(bench);
    all.delivery.hooks.events = &events;
    all.at(place).before = only("a", throwing(Postponed(1h, "closed for the night"), 5));
    bench.begin();
    bench.publish("a", "k");
    bench.publish("b", "k");
    bench.run_for(1min);
    bench.kill();
    bench.begin();
    bench.run_for(5h - 5min);
    EXPECT_THAT(bench.effects_in_order(), IsEmpty());
    ASSERT_THAT(bench.backlog(), SizeIs(2U));
    EXPECT_EQ(bench.backlog()[0].attempts, 0);
    EXPECT_EQ(bench.backlog()[0].last_error, "unavailable: closed for the night");
    bench.run_for(10min);

    EXPECT_THAT(bench.effects_in_order(), ElementsAre("row of a", "a", "row of b", "b"));
    EXPECT_THAT(events, testing::Contains(">"
                                          " a1")
                            .Times(6));
    EXPECT_THAT(bench.script.attempts, testing::Contains("a1")) << "it was the first to count";
    EXPECT_EQ(bench.consumer->status().failed, 0U);
  }
}

TEST(MiddlewareOutcome, PostponesForHandlersToo) {
  Bench bench;
  Delivery log;
  bench.settings.middleware.add(log);
  bench.script.on("a", [](Handling&) -> Task<void> { throw Postponed(2min, "not yet"); });
  bench.begin();
  bench.publish("a", "k");
  bench.run_for(119s);
  EXPECT_THAT(bench.effects_in_order(), IsEmpty());
  bench.run_for(3s);

  EXPECT_THAT(bench.effects_in_order(), ElementsAre("a"));
  EXPECT_THAT(whats(log), ElementsAre(postponed, handled));
}

TEST(MiddlewareOutcome, PostponesNoLongerThanThePolicySays) {
  Bench bench;
  OfAttempt never;
  bench.settings.retry.max_postponed = 3h;
  bench.settings.middleware.add(never);
  never.hooks.before = throwing(Postponed(1h, "closed for good"), 100);
  bench.begin();
  bench.publish("a", "k");
  bench.run_for(2h + 50min);
  EXPECT_EQ(bench.backlog().at(0).state, BacklogState::waiting);
  bench.run_for(20min);

  ASSERT_THAT(bench.backlog(), SizeIs(1U));
  EXPECT_EQ(bench.backlog()[0].reason, "postponed_too_long");
  never.hooks.before = throwing(Postponed(1h, "once more"), 1);
  bench.replay_all();
  bench.run_for(30min);
  EXPECT_EQ(bench.backlog().at(0).state, BacklogState::waiting) << "counted anew";
  bench.run_for(40min);
  EXPECT_THAT(bench.effects_in_order(), ElementsAre("a"));
}

TEST(MiddlewareOutcome, AClockSetBackDelaysRetriesByTheirScheduleAndPostponedOnesByADay) {
  Bench bench;
  OfAttempt night;
  bench.settings.middleware.add(night);
  bench.settings.retry.max_postponed = 20 * 24h;
  bench.script.fail("retried", Condition::unavailable);
  night.hooks.before = [](Incoming incoming) -> Task<void> {
    if (incoming.message.subject == "late") throw Postponed(10h, "closed for the night");
    co_return;
  };
  bench.begin();
  bench.publish("late", "l");
  bench.publish("retried", "r");
  bench.run_for(1s);
  bench.process.node().shift_wall(-10 * 24h);
  bench.run_for(25s);
  EXPECT_THAT(bench.effects_in_order(), ElementsAre("retried"));
  bench.run_for(3min);

  EXPECT_EQ(bench.consumer->status().postponed, 2U) << "asked again at once, not in ten days";
}

TEST(MiddlewareOutcome, RefusesOutcomesOutOfRange) {
  for (const auto& reason : {std::string(), std::string("Not Fit"), std::string(41, 'a')})
    EXPECT_THROW(Refused(reason, "x"), Error) << reason;
  for (const Duration delay : {Duration(0s), Duration(-1s), Duration(24h + 1ms)})
    EXPECT_THROW(Postponed(delay, "x"), Error) << delay.count();
}

}  // namespace
}  // namespace sinew::messaging::middleware_test
