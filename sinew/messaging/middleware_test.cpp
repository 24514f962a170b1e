#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <concepts>
#include <string>
#include <type_traits>
#include <utility>

#include "sinew/messaging/allowed_senders.hpp"
#include "sinew/messaging/test_middleware.hpp"
#include "sinew/store/sim/interleaving_database.hpp"
#include "tests/support/counted_allocations.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::messaging::middleware_test {
namespace {

using namespace std::chrono_literals;
using store::Transaction;
using Bench = ConsumerBench;
using Script = ConsumerScript;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

// A place cannot be mistaken, and nobody but next() says that a message passed.
struct InTwoPlaces : DeliveryMiddleware, AttemptMiddleware {};
template <class M>
concept Registrable = requires(Middlewares& all, M& middleware) { all.add(middleware); };
template <class Place>
constexpr bool only_next_gives_it =
    !std::is_default_constructible_v<Passed<Place>> && !std::copy_constructible<Passed<Place>> &&
    !std::constructible_from<Passed<Place>, typename Place::Result>;
static_assert(!Registrable<InTwoPlaces> && !Registrable<int> && Registrable<AllowedSenders>);
static_assert(only_next_gives_it<DeliveryMiddleware> && only_next_gives_it<AttemptMiddleware> &&
              only_next_gives_it<TransactionMiddleware>);
static_assert(!std::convertible_to<Passed<AttemptMiddleware>, Passed<TransactionMiddleware>>);

TEST(Middleware, RunsInTheOrderOfThePlacesWhateverTheOrderOfRegistration) {
  Bench bench;
  Events events;
  InTransaction row({&events, "row"});
  OfAttempt outer({&events, "outer"});
  OfAttempt inner({&events, "inner"});
  Delivery log({&events, "log"});
  bench.settings.middleware.add(row);
  bench.settings.middleware.add(outer);
  bench.settings.middleware.add(log);
  bench.settings.middleware.add(inner);
  bench.script.fail("a", Condition::unavailable);
  bench.begin();
  bench.publish("a", "k");
  bench.run_for(30s);

  EXPECT_THAT(events,
              ElementsAre(">log a1", ">outer a1", ">inner a1", "<log a1", ">log a2", ">outer a2",
                          ">inner a2", ">row a2", "<row a2", "<inner a2", "<outer a2", "<log a2"));
  EXPECT_THAT(whats(log), ElementsAre(retried, handled));
  EXPECT_EQ(log.outcomes.at(0).reason, "failed");
  EXPECT_THAT(bench.effects_in_order(), ElementsAre("row of a", "a"));
}

TEST(Middleware, TellsWhatBecameOfEachMessage) {
  Bench bench;
  Delivery log;
  InTransaction rows;
  bench.settings.middleware.add(log);
  bench.settings.middleware.add(rows);
  bench.script.fail("poison", Condition::invalid_input);
  bench.begin();
  const auto twice = bench.message("a", "k");
  auto far = bench.message("far", "f");
  far.lineage.hops = event::Lineage::max_hops;
  for (const auto& message :
       {twice, twice, bench.message("poison", "p"), bench.message("b", "p"), far}) {
    bench.publish(message);
    bench.run_for(1s);
  }

  EXPECT_THAT(whats(log), ElementsAre(handled, Outcome::What::duplicate, parked,
                                      Outcome::What::behind, parked));
  EXPECT_EQ(log.outcomes.at(2).reason, "poison");
  EXPECT_EQ(log.outcomes.at(4).reason, "hop_limit");
  EXPECT_THAT(bench.effects_in_order(), ElementsAre("row of a", "a")) << "once, with its effect";
}

TEST(Middleware, RunsForMessagesThatNobodyHandles) {
  Bench bench;
  AllPlaces all;
  all.add_to(bench);
  bench.script.on("a", [](Handling&) -> Task<void> { co_return; });
  bench.begin();
  bench.publish("a", "k");
  bench.run_for(1s);

  EXPECT_THAT(bench.effects_in_order(), ElementsAre("row of a"));
}

TEST(Middleware, WhatFailsBeforeTheMessagePassedIsTriedAgain) {
  for (const char* place : places) {
    SCOPED_TRACE(place);
    Bench bench;
    AllPlaces all;
    all.add_to(bench);
    all.at(place).before = failing(Condition::unavailable, 2);
    bench.begin();
    bench.publish("a", "k");
    bench.publish("b", "k");
    bench.run_for(1s);
    EXPECT_THAT(bench.effects_in_order(), IsEmpty());
    EXPECT_EQ(bench.left_in_queue(), 0) << "the consumer keeps it";
    bench.run_for(1min);

    EXPECT_THAT(bench.effects_in_order(), ElementsAre("row of a", "a", "row of b", "b"));
    EXPECT_THAT(bench.backlog(), IsEmpty());
  }
}

TEST(Middleware, WhatFailsEachTimeIsParkedAfterItsAttempts) {
  for (const char* place : places) {
    SCOPED_TRACE(place);
    Bench bench;
    AllPlaces all;
    all.add_to(bench);
    all.at(place).before = failing(Condition::timeout, 100);
    bench.begin();
    bench.publish("a", "k");
    bench.run_for(2min);

    ASSERT_THAT(bench.backlog(), SizeIs(1U));
    EXPECT_EQ(bench.backlog()[0].reason, "exhausted_retries");
    EXPECT_EQ(bench.backlog()[0].attempts, 3);
    EXPECT_THAT(bench.effects_in_order(), IsEmpty());
  }
}

TEST(Middleware, WhatFailsAfterTheMessagePassedTakesBackOnlyInTheTransaction) {
  for (const char* place : places) {
    SCOPED_TRACE(place);
    Bench bench;
    AllPlaces all;
    all.add_to(bench);
    all.at(place).after = failing(Condition::unavailable);
    bench.begin();
    bench.publish("a", "k");
    bench.run_for(1s);
    const bool in_transaction = std::string(place) == "transaction";
    EXPECT_THAT(bench.effects_in_order(), SizeIs(in_transaction ? 0U : 2U));
    bench.run_for(1min);

    EXPECT_THAT(bench.effects_in_order(), ElementsAre("row of a", "a"));
    EXPECT_THAT(bench.script.attempts, SizeIs(in_transaction ? 2U : 1U));
    EXPECT_THAT(bench.backlog(), IsEmpty());
  }
}

// A handler that hides that its commit failed does not make its message done either.
TEST(Middleware, HoldsAgainstAHandlerThatHidesAFailedCommit) {
  Bench bench;
  AllPlaces all;
  all.add_to(bench);
  all.transaction.hooks.before = failing(Condition::invalid_input, 100);
  bench.script.on("a", [](Handling& handling) -> Task<void> {
    try {
      co_await Script::write(handling);
    } catch (const Error&) {
    }
  });
  bench.begin();
  bench.publish("a", "k");
  bench.run_for(1min);

  ASSERT_THAT(bench.backlog(), SizeIs(1U));
  EXPECT_EQ(bench.backlog()[0].reason, "poison");
  EXPECT_THAT(bench.effects_in_order(), IsEmpty());
}

// Hides the failure of what lies further in, and shows the pass of the message before.
struct Thief final : AttemptMiddleware {
  std::optional<Passed> stolen{};
  Task<Passed> around(Incoming incoming, Next next) override {
    if (incoming.message.subject == "first") {
      stolen.emplace(co_await next());
      throw Error(Condition::unavailable, "keeps its pass");
    }
    try {
      co_return co_await next();
    } catch (const Error&) {
    }
    co_return std::move(*stolen);
  }
};

TEST(Middleware, CannotSwallowAMessageWithTheProofOfAnother) {
  Bench bench;
  Thief thief;
  bench.settings.middleware.add(thief);
  bench.script.fail("second", Condition::unavailable, 100);
  bench.begin();
  bench.publish("first", "k");
  bench.run_for(1s);
  bench.publish("second", "k");
  bench.run_for(1min);

  EXPECT_THAT(bench.effects_in_order(), ElementsAre("first"));
  ASSERT_THAT(bench.backlog(), SizeIs(1U));
  EXPECT_THAT(bench.backlog()[0].last_error, HasSubstr("swallowed"));
}

struct Twice final : TransactionMiddleware {
  Task<Passed> around(Incoming, Transaction&, Next next) override {
    [[maybe_unused]] const auto once = co_await next();
    co_return co_await next();
  }
};

TEST(Middleware, CannotLetAMessagePassTwice) {
  Bench bench;
  Twice twice;
  bench.settings.middleware.add(twice);
  bench.begin();
  bench.publish("a", "k");
  bench.run_for(1s);

  EXPECT_THAT(bench.effects_in_order(), IsEmpty());
  ASSERT_THAT(bench.backlog(), SizeIs(1U));
  EXPECT_THAT(bench.backlog()[0].last_error, HasSubstr("twice"));
}

TEST(Middleware, ACrashAnywhereLeavesTheEffectAndItsRowOnce) {
  for (const char* place : places) {
    for (const bool before : {true, false}) {
      SCOPED_TRACE(std::string(place) + (before ? ", before" : ", after"));
      Bench bench;
      AllPlaces all;
      all.add_to(bench);
      const auto crash = [&bench, left = 1](Incoming) mutable -> Task<void> {
        if (left-- > 0) co_await bench.process.node().crash_here();
      };
      (before ? all.at(place).before : all.at(place).after) = crash;
      bench.begin();
      bench.publish("a", "k");
      for (int i = 0; i < 100 && bench.process.node().alive(); ++i)
        bench.run_for(10ms);
      ASSERT_FALSE(bench.process.node().alive());
      bench.kill();
      bench.begin();
      bench.run_for(1min);

      EXPECT_THAT(bench.effects_in_order(), ElementsAre("row of a", "a"));
    }
  }
}

TEST(Middleware, ReturnsWhatWaitsInADeliveryWhenItIsCancelled) {
  for (const char* place : {"delivery", "attempt"}) {
    SCOPED_TRACE(place);
    Bench bench;
    AllPlaces all;
    all.add_to(bench);
    all.at(place).before = [](Incoming) -> Task<void> { co_await async::sleep_for(5s); };
    bench.begin();
    bench.publish("a", "k");
    bench.run_for(1s);
    bench.cancel();
    EXPECT_THAT(bench.backlog(), IsEmpty());
    EXPECT_EQ(bench.left_in_queue(), 1);
    bench.begin();
    bench.run_for(1min);

    EXPECT_THAT(bench.effects_in_order(), ElementsAre("row of a", "a"));
    EXPECT_THAT(bench.script.attempts, ElementsAre("a1")) << "without blame";
  }
}

TEST(Middleware, HasTheTimeOfAnAttemptWithinIt) {
  Bench bench;
  AllPlaces all;
  all.add_to(bench);
  bench.settings.timeout = 5s;
  all.delivery.hooks.before = [](Incoming) -> Task<void> { co_await async::sleep_for(10s); };
  all.attempt.hooks.before = [](Incoming incoming) -> Task<void> {
    co_await async::sleep_for(incoming.attempt == 1 ? 10s : 1s);
  };
  bench.begin();
  bench.publish("a", "k");
  bench.run_for(1min);

  EXPECT_THAT(whats(all.delivery), ElementsAre(retried, handled));
  EXPECT_THAT(bench.script.attempts, ElementsAre("a2")) << "the first never came to the handler";
}

// Bodies run again, commits fail and are applied all the same.
TEST(Middleware, KeepsItsRowsWithTheEffectOverAFailingDatabase) {
  tests::for_seeds(30, [](std::uint64_t seed) {
    Bench bench(seed);
    store::sim::InterleavingDatabase interleaving(bench.process.world(), bench.process.database(),
                                                  {});
    bench.database = std::make_unique<tests::FaultyDatabase>(interleaving);
    AllPlaces all;
    all.add_to(bench);
    bench.settings.retry.max_attempts = 100;
    all.transaction.hooks.after = failing(Condition::unavailable, 3);
    bench.begin();
    for (const char* subject : {"a", "b", "c", "d"}) {
      const auto message = bench.message(subject, subject);
      bench.publish(message);
      bench.publish(message);
    }
    bench.run_for(5min);

    EXPECT_THAT(bench.effects_in_order(), UnorderedElementsAre("a", "b", "c", "d", "row of a",
                                                               "row of b", "row of c", "row of d"));
    bench.cancel();
    bench.unwrap();
    bench.wrap();
  });
}

std::size_t allocations_of_messages(bool with_middleware) {
  Bench bench;
  struct Through final : DeliveryMiddleware {
    Task<Passed> around(Incoming, Next next) override { co_return co_await next(); }
  } delivery;
  struct ThroughAttempt final : AttemptMiddleware {
    Task<Passed> around(Incoming, Next next) override { co_return co_await next(); }
  } attempt;
  struct ThroughTransaction final : TransactionMiddleware {
    Task<Passed> around(Incoming, Transaction&, Next next) override { co_return co_await next(); }
  } transaction;
  if (with_middleware) {
    bench.settings.middleware.add(delivery);
    bench.settings.middleware.add(attempt);
    bench.settings.middleware.add(transaction);
  }
  bench.begin();
  const auto some = [&bench] {
    for (int i = 0; i < 300; ++i)
      bench.publish("a", "key");
    bench.run_for(10s);
  };
  some();
  const std::size_t before = test::allocations;
  some();
  EXPECT_EQ(bench.consumer->status().handled, 600U);
  return test::allocations - before;
}

// The numbers themselves are those of the simulated disk and SQLite.
TEST(Middleware, AllocatesNothingForAMessage) {
#if __has_feature(address_sanitizer)
  GTEST_SKIP() << "under it the frames of coroutines come from the heap";
#endif
  EXPECT_LT(allocations_of_messages(true), allocations_of_messages(false) + 100);
}

}  // namespace
}  // namespace sinew::messaging::middleware_test
