#include "sinew/messaging/consumer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "sinew/messaging/test_consumer.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::messaging {
namespace {

using namespace std::chrono_literals;
using store::Transaction;
using Bench = ConsumerBench;
using Script = ConsumerScript;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;
using testing::UnorderedElementsAre;

TEST(Consumer, HandlesEachMessageOnceAndTellsTheBroker) {
  Bench bench;
  bench.begin();

  bench.publish("a", "k");
  const auto twice = bench.message("b", "k");
  bench.publish(twice);
  bench.publish(twice);
  bench.publish("c", "l");
  bench.run_for(2s);

  EXPECT_THAT(bench.effects_in_order(), UnorderedElementsAre("a", "b", "c"));
  EXPECT_EQ(bench.consumer->status().duplicates, 1U);
  EXPECT_EQ(bench.consumer->status().in_work, 0U);
  EXPECT_EQ(bench.left_in_queue(), 0);
}

TEST(Consumer, ParksAMessageThatCameTooFar) {
  Bench bench;
  bench.begin();
  for (const int hops : {62, 63, 64}) {
    auto message = bench.message(std::to_string(hops), "k" + std::to_string(hops));
    message.lineage.hops = hops;
    bench.publish(message);
  }
  bench.run_for(1s);

  EXPECT_THAT(bench.effects_in_order(), UnorderedElementsAre("62", "63"));
  const auto parked = bench.backlog();
  ASSERT_THAT(parked, SizeIs(1U));
  EXPECT_EQ(parked[0].reason, "hop_limit");
  EXPECT_EQ(parked[0].message.subject, "64");
  EXPECT_EQ(bench.left_in_queue(), 0);
}

TEST(Consumer, CommitsForAHandlerThatDoesNot) {
  Bench bench;
  bench.script.on("a", [](Handling&) -> Task<void> { co_return; });
  bench.begin();
  const auto message = bench.message("a", "k");
  bench.publish(message);
  bench.run_for(1s);
  bench.publish(message);
  bench.run_for(1s);

  EXPECT_EQ(bench.consumer->status().duplicates, 1U);
  EXPECT_EQ(bench.left_in_queue(), 0);
}

TEST(Consumer, CountsAsHandledWhatFailedAfterItsCommit) {
  Bench bench;
  bench.script.on("a", [](Handling& handling) -> Task<void> {
    co_await Script::write(handling);
    co_await handling.commit([](Transaction&) -> Task<void> { co_return; });
  });
  bench.begin();
  bench.publish("a", "k");
  bench.run_for(1min);

  EXPECT_THAT(bench.effects_in_order(), ElementsAre("a"));
  EXPECT_THAT(bench.backlog(), IsEmpty());
}

TEST(Consumer, TriesAgainLaterFromItsOwnDatabase) {
  Bench bench;
  bench.script.fail("a", Condition::unavailable, 2);
  bench.begin();
  bench.publish("a", "k");
  bench.run_for(1ms);
  while (bench.script.attempts.empty())
    bench.run_for(10ms);
  bench.run_for(50ms);

  EXPECT_EQ(bench.left_in_queue(), 0) << "the consumer has it now";
  const auto waiting = bench.backlog();
  ASSERT_THAT(waiting, SizeIs(Le(1U)));
  bench.run_for(25s);

  EXPECT_THAT(bench.script.attempts, ElementsAre("a1", "a2", "a3"));
  EXPECT_THAT(bench.effects_in_order(), ElementsAre("a"));
  EXPECT_THAT(bench.backlog(), IsEmpty());
  EXPECT_EQ(bench.consumer->status().backlog, 0);
}

TEST(Consumer, WaitsForTheTimeOfARetryAcrossARestart) {
  tests::for_seeds(5, [](std::uint64_t seed) {
    Bench bench(seed);
    bench.settings.retry.first_delay = bench.settings.retry.max_delay = 1h;
    bench.script.fail("a", Condition::timeout);
    bench.begin();
    bench.publish("a", "k");
    bench.run_for(1s);
    const auto waiting = bench.backlog();
    ASSERT_THAT(waiting, SizeIs(1U));
    EXPECT_EQ(waiting[0].attempts, 1);
    EXPECT_EQ(waiting[0].last_error, "timeout: as the script says");
    const Duration left = waiting[0].not_before - bench.process.node().wall_now();
    ASSERT_GT(left, 2s) << "an unlucky seed";

    bench.kill();
    bench.begin();
    bench.run_for(left - 2s);
    EXPECT_THAT(bench.script.attempts, ElementsAre("a1"));
    bench.run_for(3s);

    EXPECT_THAT(bench.script.attempts, ElementsAre("a1", "a2"));
    EXPECT_THAT(bench.effects_in_order(), ElementsAre("a"));
  });
}

TEST(Consumer, ParksWhatFailsTooOften) {
  Bench bench;
  bench.script.fail("a", Condition::unavailable, 3);
  bench.begin();
  bench.publish("a", "k");
  bench.run_for(1min);

  const auto parked = bench.backlog();
  ASSERT_THAT(parked, SizeIs(1U));
  EXPECT_EQ(parked[0].state, BacklogState::parked);
  EXPECT_EQ(parked[0].reason, "exhausted_retries");
  EXPECT_EQ(parked[0].attempts, 3);
  EXPECT_THAT(bench.script.attempts, ElementsAre("a1", "a2", "a3"));
  EXPECT_EQ(bench.consumer->status().parked, 1U);
}

TEST(Consumer, ParksAtOnceWhatARetryCannotHelp) {
  for (const Condition condition :
       {Condition::invalid_input, Condition::unsupported, Condition::corrupt}) {
    Bench bench;
    bench.script.fail("a", condition);
    bench.begin();
    bench.publish("a", "k");
    bench.run_for(1min);

    const auto parked = bench.backlog();
    ASSERT_THAT(parked, SizeIs(1U)) << to_string(condition);
    EXPECT_EQ(parked[0].state, BacklogState::parked);
    EXPECT_EQ(parked[0].reason, condition == Condition::unsupported ? "unknown_type" : "poison");
    EXPECT_THAT(bench.script.attempts, ElementsAre("a1"));
  }
}

TEST(Consumer, RepeatsAConflictAtOnceWithoutCountingIt) {
  Bench bench;
  bench.script.fail("a", Condition::conflict, 10);
  bench.begin();
  bench.publish("a", "k");
  bench.run_for(1s);

  EXPECT_THAT(bench.script.attempts, SizeIs(11U));
  EXPECT_THAT(bench.script.attempts, Each(std::string("a1")));
  EXPECT_THAT(bench.effects_in_order(), ElementsAre("a"));
}

TEST(Consumer, TakesAForeignExceptionForAFailureThatMayPass) {
  Bench bench;
  bench.script.on("a", [](Handling&) -> Task<void> {
    throw std::runtime_error("a bug");
    co_return;
  });
  bench.begin();
  bench.publish("a", "k");
  bench.run_for(15s);

  EXPECT_THAT(bench.effects_in_order(), ElementsAre("a"));
}

TEST(Consumer, GivesBackWhatAHandlerWasCancelledIn) {
  Bench bench;
  bench.script.fail("a", Condition::cancelled);
  bench.begin();
  bench.publish("a", "k");
  bench.run_for(5s);

  EXPECT_THAT(bench.script.attempts, ElementsAre("a1", "a1")) << "without blame";
  EXPECT_THAT(bench.effects_in_order(), ElementsAre("a"));
  EXPECT_EQ(bench.consumer->status().failed, 0U);
}

TEST(Consumer, TriesAMessageOnceThoughTheBacklogWasReadMeanwhile) {
  Bench bench;
  bench.script.fail("a", Condition::unavailable);
  bench.script.on("a", [&bench](Handling& handling) -> Task<void> {
    bench.database->slowness = 1s;  // the answer says that the message still waits
    bench.consumer->wake();
    co_await async::sleep_for(100ms);
    bench.database->slowness = 0s;
    co_await Script::write(handling);
  });
  bench.begin();
  bench.publish("a", "k");
  bench.run_for(30s);

  EXPECT_THAT(bench.script.attempts, ElementsAre("a1", "a2"));
}

TEST(Consumer, KeepsTheOrderOfAKeyThatAnotherHostHasBlocked) {
  for (const bool second_fails : {false, true}) {
    Bench bench;
    Consumer other(bench.process.node(), *bench.database, *bench.broker, bench.script,
                   bench.settings);
    bench.script.fail("a", Condition::invalid_input);
    if (second_fails) bench.script.fail("b", Condition::invalid_input);
    bench.begin();
    bench.run_for(1s);
    async::Scope scope(bench.process.node(), "other");
    scope.spawn(other.run());
    bench.run_for(1s);
    bench.publish("a", "k");
    bench.run_for(1s);
    // Which of the two had it? The other one does not know that the key is blocked.
    if (bench.consumer->status().parked == 1) {
      bench.consumer->stop();
    } else {
      other.stop();
    }
    bench.run_for(1s);
    bench.publish("b", "k");
    bench.run_for(1s);

    EXPECT_THAT(bench.effects_in_order(), IsEmpty());
    const auto backlog = bench.backlog();
    EXPECT_THAT(backlog, SizeIs(2U));
    if (backlog.size() == 2) EXPECT_EQ(backlog[1].state, BacklogState::behind);
    scope.cancel();
    bench.process.node().run(scope.join());
  }
}

TEST(Consumer, EndsAHandlingAtItsTimeout) {
  Bench bench;
  bench.settings.timeout = 5s;
  bench.script.on("a", [](Handling&) -> Task<void> { co_await async::sleep_for(24h); });
  bench.begin();
  bench.publish("a", "k");
  bench.run_for(20s);

  EXPECT_THAT(bench.script.attempts, ElementsAre("a1", "a2"));
  EXPECT_THAT(bench.effects_in_order(), ElementsAre("a"));
}

TEST(Consumer, KeepsAKeyInOrderBehindAWaitingMessageWhileOthersFlow) {
  tests::for_seeds(20, [](std::uint64_t seed) {
    Bench bench(seed);
    bench.script.fail("a", Condition::unavailable, 2);
    bench.script.fail("c", Condition::unavailable, 1);
    bench.begin();
    for (const char* subject : {"a", "b", "c", "d"})
      bench.publish(subject, "k");
    bench.publish("x", "other");
    bench.publish("y", "other");
    bench.run_for(2s);
    EXPECT_EQ(bench.left_in_queue(), 0);
    bench.publish("e", "k");
    bench.run_for(1min);

    std::vector<std::string> of_k, of_other;
    for (const auto& name : bench.effects_in_order())
      (name == "x" || name == "y" ? of_other : of_k).push_back(name);
    EXPECT_THAT(of_k, ElementsAre("a", "b", "c", "d", "e"));
    EXPECT_THAT(of_other, ElementsAre("x", "y"));
    EXPECT_THAT(bench.backlog(), IsEmpty());
  });
}

TEST(Consumer, LetsOtherKeysFlowPastOneThatWaits) {
  Bench bench;
  bench.settings.retry.first_delay = bench.settings.retry.max_delay = 24h;
  bench.script.fail("a", Condition::unavailable);
  bench.begin();
  bench.publish("a", "k");
  bench.publish("b", "k");
  bench.publish("x", "other");
  bench.run_for(2s);

  EXPECT_THAT(bench.effects_in_order(), ElementsAre("x"));
}

TEST(Consumer, ReplaysAParkedMessageOnceAndThenThoseBehindIt) {
  tests::for_seeds(10, [](std::uint64_t seed) {
    Bench bench(seed);
    bench.script.fail("a", Condition::invalid_input);
    bench.begin();
    for (const char* subject : {"a", "b", "c"})
      bench.publish(subject, "k");
    bench.run_for(1min);
    ASSERT_THAT(bench.effects_in_order(), IsEmpty());
    ASSERT_THAT(bench.backlog(), SizeIs(3U));

    bench.replay_all();
    bench.run_for(1s);
    bench.publish("d", "k");
    bench.run_for(1s);

    EXPECT_THAT(bench.effects_in_order(), ElementsAre("a", "b", "c", "d"));
    EXPECT_THAT(bench.backlog(), IsEmpty());
  });
}

TEST(Consumer, KnowsWhatIsBehindAParkedMessageAfterARestart) {
  Bench bench;
  bench.script.fail("a", Condition::invalid_input);
  bench.begin();
  const auto second = bench.message("b", "k");
  bench.publish("a", "k");
  bench.publish(second);
  bench.run_for(1s);
  bench.kill();
  bench.begin();
  bench.publish("c", "k");
  bench.publish(second);
  bench.run_for(1min);

  EXPECT_THAT(bench.effects_in_order(), IsEmpty());
  bench.replay_all();
  bench.run_for(2s);
  EXPECT_THAT(bench.effects_in_order(), ElementsAre("a", "b", "c"));
}

TEST(Consumer, PausesWhenItsBacklogIsFull) {
  Bench bench;
  bench.settings.max_backlog = 3;
  bench.settings.source.prefetch = 1;
  for (const char* subject : {"1", "2", "3", "4", "5"})
    bench.script.fail(subject, Condition::invalid_input);
  bench.begin();
  for (const char* subject : {"1", "2", "3", "4", "5"})
    bench.publish(subject, std::string("key") + subject);
  bench.run_for(5s);

  EXPECT_THAT(bench.backlog(), SizeIs(4U)) << "the bound, and what was on its way";
  EXPECT_TRUE(bench.consumer->status().paused);
  EXPECT_EQ(bench.left_in_queue(), 1);

  bench.script.clear();
  bench.replay_all();
  bench.run_for(5s);
  EXPECT_FALSE(bench.consumer->status().paused);
  EXPECT_THAT(bench.effects_in_order(), SizeIs(5U));
}

TEST(Consumer, CountsWhatIsBehindTowardsTheBound) {
  Bench bench;
  bench.settings.max_backlog = 3;
  bench.settings.source.prefetch = 1;
  bench.script.fail("1", Condition::invalid_input);
  bench.begin();
  for (const char* subject : {"1", "2", "3", "4", "5"})
    bench.publish(subject, "k");
  bench.run_for(5s);

  EXPECT_THAT(bench.backlog(), SizeIs(4U));
  EXPECT_EQ(bench.left_in_queue(), 1);
}

class OnATopic : public testing::Test {
 protected:
  static void use_topic(Bench& bench) {
    bench.settings.source.source = {DestinationKind::topic, "facts"};
  }
};

TEST_F(OnATopic, GoesOnWhereItsGroupWas) {
  Bench bench;
  use_topic(bench);
  bench.publish("a", "k");
  bench.begin();
  bench.publish("b", "k");
  bench.run_for(2s);
  bench.stop();
  bench.publish("c", "k");
  bench.begin();
  bench.run_for(2s);

  EXPECT_THAT(bench.effects_in_order(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(bench.consumer->status().duplicates, 0U);
}

// A topic has handed out the later messages of a key when the first goes back.
TEST_F(OnATopic, KeepsTheOrderOfAKeyWhileTheDatabaseFails) {
  tests::for_seeds(50, [](std::uint64_t seed) {
    Bench bench(seed);
    use_topic(bench);
    bench.settings.source.prefetch = 1 + static_cast<std::int32_t>(seed % 8);
    bench.begin();
    bench.run_for(1s);
    bench.database->failing = 1 + static_cast<int>(seed % 7);
    const std::vector<std::string> all{"a", "b", "c", "d", "e", "f", "g", "h"};
    for (const auto& subject : all)
      bench.publish(subject, "k");
    bench.run_for(2min);

    EXPECT_EQ(bench.effects_in_order(), all);
  });
}

// One that comes while the first is on its way back goes back as well.
TEST_F(OnATopic, KeepsTheOrderOfAKeyWhileAMessageGoesBack) {
  Bench bench;
  use_topic(bench);
  bench.broker->before_settle = []() -> Task<void> { co_await async::sleep_for(2s); };
  bench.begin();
  bench.run_for(1s);
  bench.database->failing = 2;  // to handle it, and to keep it
  bench.publish("a", "k");
  bench.run_for(500ms);
  ASSERT_THAT(bench.script.attempts, ElementsAre("a1"));
  bench.publish("b", "k");
  bench.run_for(30s);

  EXPECT_THAT(bench.effects_in_order(), ElementsAre("a", "b"));
}

TEST_F(OnATopic, KeepsTheOrderOfEachKeyThroughCrashes) {
  tests::for_seeds(30, [](std::uint64_t seed) {
    Bench bench(seed);
    use_topic(bench);
    bench.settings.max_crashes = 100;
    bench.begin();
    for (int i = 0; i < 8; ++i) {
      bench.publish(std::string("k") + std::to_string(i), "k");
      bench.publish(std::string("l") + std::to_string(i), "l");
    }
    for (int i = 0; i < 4; ++i) {
      bench.run_for(std::chrono::milliseconds(bench.process.world().random().below(60)));
      bench.kill();
      bench.begin();
    }
    bench.run_for(30s);

    std::string of_k, of_l;
    for (const auto& name : bench.effects_in_order())
      (name[0] == 'k' ? of_k : of_l) += name[1];
    EXPECT_EQ(of_k, "01234567");
    EXPECT_EQ(of_l, "01234567");
  });
}

}  // namespace
}  // namespace sinew::messaging
