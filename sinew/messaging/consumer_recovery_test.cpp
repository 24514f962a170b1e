#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "sinew/messaging/test_consumer.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::messaging {
namespace {

using namespace std::chrono_literals;
using store::Transaction;
using Bench = ConsumerBench;
using Script = ConsumerScript;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

TEST(ConsumerRecovery, ParksAMessageThatEndsTheProcessEachTime) {
  for (const std::int32_t prefetch : {1, 64}) {
    tests::for_seeds(5, [prefetch](std::uint64_t seed) {
      Bench bench(seed);
      bench.settings.source.prefetch = prefetch;
      bench.script.on(
          "killer",
          [&bench](Handling&) -> Task<void> { co_await bench.process.node().crash_here(); }, 100);
      bench.publish("a", "k");
      bench.publish("killer", "k");
      bench.publish("b", "k");
      bench.publish("x", "other");
      bench.begin();
      int crashes = 0;
      for (int start = 0; start < 10; ++start) {
        for (int i = 0; i < 50 && bench.process.node().alive(); ++i)
          bench.run_for(100ms);
        if (bench.process.node().alive()) break;
        ++crashes;
        bench.kill();
        bench.begin();
      }

      EXPECT_EQ(crashes, 3);
      EXPECT_THAT(bench.effects_in_order(), UnorderedElementsAre("a", "x"));
      const auto backlog = bench.backlog();
      ASSERT_THAT(backlog, SizeIs(2U));
      EXPECT_EQ(backlog[0].message.subject, "killer");
      EXPECT_EQ(backlog[0].reason, "crashed");
      EXPECT_EQ(backlog[1].message.subject, "b");
    });
  }
}

TEST(ConsumerRecovery, DoesNotBlameWhatWasInWorkBesides) {
  Bench bench;
  const auto end = [&bench](Handling&) -> Task<void> {
    co_await async::sleep_for(100ms);
    co_await bench.process.node().crash_here();
  };
  bench.script.on("killer", end, 100);
  bench.script.on(
      "slow",
      [](Handling& handling) -> Task<void> {
        co_await async::sleep_for(3s);
        co_await Script::write(handling);
      },
      100);
  for (int i = 0; i < 4; ++i)
    bench.publish("slow", "slow key " + std::to_string(i));
  bench.publish("killer", "k");
  bench.begin();
  for (int start = 0; start < 10; ++start) {
    for (int i = 0; i < 300 && bench.process.node().alive(); ++i)
      bench.run_for(100ms);
    if (bench.process.node().alive()) break;
    bench.kill();
    bench.begin();
  }

  EXPECT_THAT(bench.effects_in_order(), SizeIs(4U));
  ASSERT_THAT(bench.backlog(), SizeIs(1U));
  EXPECT_EQ(bench.backlog()[0].message.subject, "killer");
}

TEST(ConsumerRecovery, ParksARetriedMessageThatEndsTheProcessEachTime) {
  Bench bench;
  bench.script.fail("killer", Condition::unavailable);
  bench.script.on(
      "killer", [&bench](Handling&) -> Task<void> { co_await bench.process.node().crash_here(); },
      100);
  bench.publish("killer", "k");
  bench.begin();
  int crashes = 0;
  for (int start = 0; start < 10; ++start) {
    for (int i = 0; i < 50 && bench.process.node().alive(); ++i)
      bench.run_for(1s);
    if (bench.process.node().alive()) break;
    ++crashes;
    bench.kill();
    bench.begin();
  }

  EXPECT_EQ(crashes, 3);
  ASSERT_THAT(bench.backlog(), SizeIs(1U));
  EXPECT_EQ(bench.backlog()[0].reason, "crashed");
}

TEST(ConsumerRecovery, DoesNotBlameWhatIsRetriedBesides) {
  Bench bench;
  bench.script.fail("killer", Condition::unavailable);
  bench.script.on(
      "killer",
      [&bench](Handling&) -> Task<void> {
        co_await async::sleep_for(100ms);
        co_await bench.process.node().crash_here();
      },
      100);
  for (const char* slow : {"b", "c", "d", "e"}) {
    bench.script.fail(slow, Condition::unavailable);
    bench.script.on(
        slow,
        [](Handling& handling) -> Task<void> {
          co_await async::sleep_for(3s);
          co_await Script::write(handling);
        },
        100);
    bench.publish(slow, slow);
  }
  bench.publish("killer", "k");
  bench.begin();
  bench.run_for(50ms);
  ASSERT_THAT(bench.backlog(), SizeIs(5U)) << "each failed once";
  for (int start = 0; start < 10; ++start) {
    bench.kill();
    bench.run_for(20s);  // all are due
    bench.begin();
    for (int i = 0; i < 300 && bench.process.node().alive(); ++i)
      bench.run_for(100ms);
    if (bench.process.node().alive()) break;
  }

  EXPECT_THAT(bench.effects_in_order(), UnorderedElementsAre("b", "c", "d", "e"));
  ASSERT_THAT(bench.backlog(), SizeIs(1U));
  EXPECT_EQ(bench.backlog()[0].message.subject, "killer");
  EXPECT_EQ(bench.backlog()[0].reason, "crashed");
}

TEST(ConsumerRecovery, BeginsOnceTheDatabaseIsThere) {
  for (const bool lost_answer : {false, true}) {
    Bench bench;
    bench.publish("a", "k");
    (lost_answer ? bench.database->losing_answers : bench.database->failing) = 2;
    bench.begin();

    bench.run_for(10s);

    EXPECT_THAT(bench.effects_in_order(), ElementsAre("a"));
    EXPECT_THAT(bench.consumer->status().last_error, IsEmpty());
  }
}

// What it cannot read yet may hold earlier messages of a key.
TEST(ConsumerRecovery, OpensItsBacklogAgainWhenItCannotBeRead) {
  Bench bench;
  bench.script.fail("a", Condition::invalid_input);
  bench.publish("a", "k");
  bench.begin();
  bench.run_for(1s);
  bench.stop();
  ASSERT_THAT(bench.backlog(), SizeIs(1U));

  bench.publish("b", "k");
  bench.publish("x", "other");
  bench.database->failing_reads = 3;
  bench.begin();
  bench.run_for(10s);

  EXPECT_THAT(bench.effects_in_order(), ElementsAre("x"));
  EXPECT_THAT(bench.backlog(), SizeIs(2U));
  bench.replay_all();
  bench.run_for(10s);
  EXPECT_THAT(bench.effects_in_order(), ElementsAre("x", "a", "b"));
}

// Whatever it was about to do with it, a start included.
TEST(ConsumerRecovery, KeepsOrderOnADatabaseThatFailsNowAndThen) {
  tests::for_seeds(50, [](std::uint64_t seed) {
    Bench bench(seed);
    bench.settings.retry.max_attempts = 100;
    auto& random = bench.process.world().random();
    for (const char* subject : {"a", "c", "e"})
      bench.script.fail(subject, Condition::unavailable, static_cast<int>(random.below(3)));
    for (const char* subject : {"a", "b", "c", "d", "e", "f"})
      bench.publish(subject, "k");
    for (int life = 0; life < 4; ++life) {
      bench.database->failing_reads = static_cast<int>(random.below(3));
      bench.begin();
      for (int i = 0; i < 20; ++i) {
        bench.database->failing = static_cast<int>(random.below(2));
        bench.database->failing_reads = static_cast<int>(random.below(2));
        bench.database->losing_answers = random.chance(0.3) ? 1 : 0;
        bench.run_for(std::chrono::milliseconds(random.below(1000)));
      }
      bench.kill();
    }
    bench.begin();
    bench.run_for(10min);

    const auto effects = bench.effects_in_order();
    EXPECT_THAT(effects, ElementsAre("a", "b", "c", "d", "e", "f"));
    EXPECT_THAT(bench.backlog(), IsEmpty());
    EXPECT_EQ(bench.left_in_queue(), 0);
  });
}

// A handler whose failure cannot be kept has not ended the process.
TEST(ConsumerRecovery, ADatabaseThatIsAwayIsNoCrash) {
  Bench bench;
  bench.begin();
  bench.run_for(1s);
  bench.kill();  // unclean: the next messages are counted
  bench.script.on(
      "a",
      [&bench](Handling&) -> Task<void> {
        bench.database->failing = 2;  // to keep it, and to forget that it was begun
        throw Error(Condition::unavailable, "as the script says");
        co_return;
      },
      5);
  bench.publish("a", "k");
  bench.begin();

  bench.run_for(300s);

  EXPECT_THAT(bench.effects_in_order(), ElementsAre("a"));
  EXPECT_THAT(bench.backlog(), IsEmpty());
}

TEST(ConsumerRecovery, FinishesWhatIsInWorkWhenItStops) {
  tests::for_seeds(20, [](std::uint64_t seed) {
    Bench bench(seed);
    bench.settings.source.prefetch = 2;
    for (const char* subject : {"a", "b"}) {
      bench.script.on(subject, [](Handling& handling) -> Task<void> {
        co_await async::sleep_for(5s);
        co_await Script::write(handling);
      });
    }
    bench.begin();
    for (const char* subject : {"a", "b", "c", "d"})
      bench.publish(subject, std::string("key ") + subject);
    while (bench.consumer->status().in_work < 2)
      bench.run_for(10ms);

    bench.stop();

    EXPECT_THAT(bench.effects_in_order(), UnorderedElementsAre("a", "b"));
    EXPECT_EQ(bench.left_in_queue(), 2) << "those in work were settled, the others were not taken";
    bench.begin();
    bench.run_for(2s);
    EXPECT_EQ(bench.consumer->status().duplicates, 0U);
    EXPECT_THAT(bench.effects_in_order(), SizeIs(4U));
  });
}

// As when a host is stopped and the message takes longer than its drain.
TEST(ConsumerRecovery, DoesNotBlameWhatWasCancelled) {
  for (const bool stopped_before : {false, true}) {
    for (const bool retried : {false, true}) {
      SCOPED_TRACE(stopped_before);
      SCOPED_TRACE(retried);
      Bench bench;
      bench.settings.timeout = 2h;
      if (retried) bench.script.fail("slow", Condition::unavailable);
      bench.script.on("slow", [](Handling&) -> Task<void> { co_await async::sleep_for(1h); }, 10);
      bench.publish("slow", "k");
      bench.begin();
      bench.run_for(1s);
      bench.kill();
      bench.run_for(1min);
      for (int start = 0; start < 5; ++start) {
        bench.begin();
        bench.run_for(10s);
        ASSERT_EQ(bench.consumer->status().in_work, 1U);
        if (stopped_before) bench.consumer->stop();
        bench.cancel();
      }

      bench.script.clear();
      bench.begin();
      bench.run_for(1min);

      EXPECT_THAT(bench.effects_in_order(), ElementsAre("slow"));
      EXPECT_THAT(bench.backlog(), IsEmpty());
    }
  }
}

// An end that cannot be written down does not last longer than others.
TEST(ConsumerRecovery, EndsThoughTheDatabaseIsAway) {
  Bench bench;
  bench.settings.timeout = 2h;
  bench.begin();
  bench.run_for(1s);
  bench.kill();
  bench.script.on("slow", [&bench](Handling&) -> Task<void> {
    bench.database->failing = 1'000'000;
    co_await async::sleep_for(1h);
  });
  bench.publish("slow", "k");
  bench.begin();
  bench.run_for(1s);
  const Instant asked = bench.process.node().now();

  bench.cancel();

  EXPECT_LT(bench.process.node().now() - asked, 5s);
}

TEST(ConsumerRecovery, BeginsWhenItsDatabaseIsThere) {
  Bench bench;
  bench.publish("a", "k");
  bench.database->failing = 2;

  bench.begin();
  bench.run_for(1ms);

  EXPECT_FALSE(bench.consumer->status().last_error.empty()) << "its health says what it waits for";
  bench.run_for(10s);
  EXPECT_THAT(bench.effects_in_order(), ElementsAre("a"));
  EXPECT_THAT(bench.consumer->status().last_error, IsEmpty());
}

TEST(ConsumerRecovery, SuspectsNobodyAfterACleanStop) {
  Bench bench;
  bench.begin();
  bench.run_for(1s);
  bench.stop();
  bench.begin();
  bench.database->transactions = 0;
  bench.publish("a", "k");
  bench.run_for(1s);
  const int after_a_stop = bench.database->transactions;
  bench.kill();
  bench.begin();
  bench.database->transactions = 0;
  bench.publish("b", "k");
  bench.run_for(1s);

  EXPECT_EQ(bench.database->transactions, after_a_stop + 2)
      << "its start is counted, and forgotten";
}

TEST(ConsumerRecovery, StopsBeforeItBegan) {
  Bench bench;
  bench.begin();
  bench.stop();
  EXPECT_EQ(bench.left_in_queue(), 0);
}

TEST(ConsumerRecovery, StopsAtOnceWhileTheBrokerIsAway) {
  Bench bench;
  bench.broker->before_subscribe = []() -> Task<void> {
    throw Error(Condition::unavailable, "no broker");
    co_return;
  };
  bench.begin();
  bench.run_for(1min);
  const Instant asked = bench.process.node().now();

  bench.stop();

  EXPECT_LT(bench.process.node().now() - asked, 100ms) << "though it would try again much later";
  Backlog backlog("billing");
  EXPECT_FALSE(bench.in([&](Transaction& tx) { return backlog.opened(tx); })) << "a clean stop";
}

TEST(ConsumerRecovery, IsNoCleanStopWhenItIsCancelled) {
  Bench bench;
  bench.begin();
  bench.run_for(1s);
  bench.cancel();

  Backlog backlog("billing");
  EXPECT_TRUE(bench.in([&](Transaction& tx) { return backlog.opened(tx); }));
}

TEST(ConsumerRecovery, FindsTheMarkOfTheOneWhoseLeaseExpired) {
  Bench bench;
  bench.settings.timeout = 2min;
  bench.broker->renews = false;
  bench.script.on("a", [](Handling& handling) -> Task<void> {
    co_await async::sleep_for(40s);
    co_await Script::write(handling);
  });
  bench.begin();
  Consumer second(bench.process.node(), *bench.database, *bench.broker, bench.script,
                  bench.settings);
  bench.scope->spawn(second.run());
  bench.publish("a", "k");
  bench.run_for(35s);
  EXPECT_THAT(bench.effects_in_order(), ElementsAre("a")) << "the other one took it";
  bench.publish("b", "k");
  bench.run_for(30s);

  EXPECT_THAT(bench.effects_in_order(), ElementsAre("a", "b"));
  EXPECT_EQ(bench.consumer->status().duplicates + second.status().duplicates, 1U);
  EXPECT_EQ(bench.left_in_queue(), 0);
  bench.cancel();
}

TEST(ConsumerRecovery, RenewsTheLeasesOfALongHandling) {
  Bench bench;
  bench.settings.timeout = 10min;
  bench.script.on("a", [](Handling& handling) -> Task<void> {
    co_await async::sleep_for(5min);
    co_await Script::write(handling);
  });
  bench.begin();
  Consumer second(bench.process.node(), *bench.database, *bench.broker, bench.script,
                  bench.settings);
  bench.scope->spawn(second.run());
  bench.publish("a", "k");
  bench.run_for(6min);

  EXPECT_THAT(bench.script.attempts, ElementsAre("a1"));
  bench.cancel();
}

TEST(ConsumerRecovery, SubscribesAgainWhenTheBrokerWasAway) {
  Bench bench;
  bool away = true;
  bench.broker->before_subscribe = [&away]() -> Task<void> {
    if (away) throw Error(Condition::unavailable, "no broker");
    co_return;
  };
  bench.begin();
  bench.publish("a", "k");
  bench.run_for(30s);
  EXPECT_EQ(bench.consumer->status().last_error, "no broker");

  away = false;
  bench.run_for(20s);
  EXPECT_EQ(bench.consumer->status().last_error, "") << "healthy, though nothing came";
  EXPECT_THAT(bench.effects_in_order(), ElementsAre("a"));
}

TEST(ConsumerRecovery, OpensASubscriptionAgainThatCannotSettle) {
  Bench bench;
  int failures = 1;
  bench.broker->before_settle = [&failures]() -> Task<void> {
    if (failures-- > 0) throw Error(Condition::unavailable, "the connection broke");
    co_return;
  };
  bench.begin();
  bench.publish("a", "k");
  bench.run_for(5s);

  EXPECT_EQ(bench.left_in_queue(), 0);
  EXPECT_THAT(bench.effects_in_order(), ElementsAre("a"));
  EXPECT_EQ(bench.consumer->status().duplicates, 1U);
}

TEST(ConsumerRecovery, LosesNothingWhenAnAnswerOfTheDatabaseIsLost) {
  tests::for_seeds(20, [](std::uint64_t seed) {
    Bench bench(seed);
    bench.begin();
    bench.run_for(1s);
    bench.database->losing_answers = 1 + static_cast<int>(seed % 4);
    for (const char* subject : {"a", "b", "c"})
      bench.publish(subject, "k");
    bench.run_for(1min);

    EXPECT_THAT(bench.effects_in_order(), ElementsAre("a", "b", "c"));
    EXPECT_THAT(bench.backlog(), IsEmpty());
  });
}

// More keys than it keeps in mind: it looks each up before the handler, which might ask the world.
TEST(ConsumerRecovery, KnowsABlockedKeyAmongVeryMany) {
  constexpr int many = 10'001;
  Bench bench;
  bench.settings.max_backlog = 100'000;
  bench.in([&](Transaction& tx) -> Task<void> {
    Backlog backlog(bench.settings.name);
    for (int i = 0; i < many; ++i) {
      BacklogEntry entry;
      entry.message = bench.message("parked", "k" + std::to_string(i));
      entry.sequence = bench.process.node().new_id();
      entry.state = BacklogState::parked;
      entry.key = entry.message.ordering_key;
      co_await backlog.add(tx, std::move(entry));
    }
  });
  bench.publish("behind", "k4711");
  bench.publish("free", "other");
  bench.script.fail("failing", Condition::invalid_input);
  bench.publish("failing", "new");
  bench.publish("behind the failing", "new");

  bench.begin();
  bench.run_for(1s);

  EXPECT_THAT(bench.script.attempts, UnorderedElementsAre("free1", "failing1"));
  EXPECT_THAT(bench.effects_in_order(), ElementsAre("free"));
  EXPECT_EQ(bench.consumer->status().backlog, many + 3);
  bench.stop();
}

TEST(ConsumerRecovery, RetriesInTimeHoweverTheWallClockIsSet) {
  for (const auto jump : {-8760h, 8760h}) {
    SCOPED_TRACE(jump.count());
    Bench bench;  // one pause of at most 10 s between two attempts
    bench.script.fail("a", Condition::unavailable);
    bench.publish("a", "k");
    bench.publish("b", "k");
    bench.begin();
    bench.run_for(10ms);
    ASSERT_THAT(bench.script.attempts, ElementsAre("a1"));

    bench.process.node().shift_wall(jump);
    bench.run_for(11s);

    EXPECT_THAT(bench.effects_in_order(), ElementsAre("a", "b"));
    EXPECT_THAT(bench.backlog(), IsEmpty());
    bench.stop();
  }
}

}  // namespace
}  // namespace sinew::messaging
