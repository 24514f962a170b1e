#include "sinew/saga/orchestrator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "sinew/messaging/audit.hpp"
#include "sinew/saga/test_orchestrator.hpp"

namespace sinew::saga {
namespace {

using namespace std::chrono_literals;
using store::Transaction;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(OrchestratorTest, WalksASagaToItsEnd) {
  start("1");

  accept(command("stock.reserve"), 5);
  accept(command("payment.charge"), 2);
  EXPECT_EQ(status("1"), "running");
  accept(command("carrier.ship"), 3);

  EXPECT_EQ(status("1"), "completed");
  EXPECT_EQ(to_text(saga("1").data), R"({"id":"1","units":10})");
  EXPECT_THAT(story("1"),
              ElementsAre("reserve started", "reserve sent", "reserve accepted", "charge sent",
                          "charge accepted", "ship sent", "ship accepted", "completed"));
  EXPECT_TRUE(silent(10min));
}

TEST_F(OrchestratorTest, AddressesItsCommands) {
  start("1");
  const auto entry = command_within(1s).value();

  EXPECT_EQ(entry.destination,
            (store::Destination{store::DestinationKind::queue, "stock.commands"}));
  const event::Envelope& envelope = entry.envelope;
  EXPECT_EQ(envelope.source, "/sales");
  EXPECT_EQ(envelope.reply_to, "sales.replies");
  EXPECT_EQ(envelope.ordering_key, "1");
  EXPECT_EQ(envelope.id, saga("1").command_id);
  EXPECT_EQ(envelope.extensions.at("idempotencykey"),
            to_string(idempotency_key(saga("1"), "reserve")));
  EXPECT_EQ(envelope.lineage.correlation_id, saga("1").lineage.correlation_id);
  EXPECT_EQ(envelope.lineage.hops, 1);
  EXPECT_EQ(envelope.data.view(), R"({"order":"1"})");
}

TEST_F(OrchestratorTest, RefusesToStartWhatItCannot) {
  start("1");
  const auto start_as = [this](std::string name, std::string id) {
    write_in([&](Transaction& tx) -> Task<void> {
      co_await orchestrator->start(tx, name, id, to_json(Order{}), {});
    });
  };

  EXPECT_EQ(error_of([&] { start("1"); }).condition(), Condition::conflict);
  EXPECT_EQ(error_of([&] { start_as("no-such", "2"); }).condition(), Condition::not_found);
  EXPECT_EQ(error_of([&] { start_as("place-order", ""); }).condition(), Condition::invalid_input);
  EXPECT_EQ(error_of([&] { start_as("place-order", std::string(201, 'x')); }).condition(),
            Condition::invalid_input);
  EXPECT_EQ(error_of([&] { orchestrator->add(place_order()); }).condition(), Condition::conflict);
  command("stock.reserve");
  EXPECT_TRUE(silent(1s)) << "the refused starts left nothing";
}

TEST_F(OrchestratorTest, AsksAgainUnderTheSameKeyAndIgnoresTheLateReply) {
  start("1");
  const auto first = command("stock.reserve");
  EXPECT_TRUE(silent(29s));
  const auto second = command("stock.reserve", 2s);
  EXPECT_NE(second.id, first.id);
  EXPECT_EQ(second.extensions.at("idempotencykey"), first.extensions.at("idempotencykey"));

  accept(first, 7);
  EXPECT_EQ(orchestrator->late_replies(), 1U);
  EXPECT_TRUE(silent(1s));
  EXPECT_THAT(story("1"), Contains("late_reply"));

  accept(second, 1);
  command("payment.charge");
  EXPECT_EQ(to_text(saga("1").data), R"({"id":"1","units":1})");
}

TEST_F(OrchestratorTest, CompensatesAStepThatMayHaveHappened) {
  start("1");
  const auto first = command("stock.reserve");
  command("stock.reserve", 31s);

  const auto release = command("stock.release", 31s);
  EXPECT_EQ(status("1"), "compensating");
  accept(first);
  EXPECT_EQ(status("1"), "compensating") << "a late yes does not turn it round";
  accept(release);

  EXPECT_EQ(status("1"), "compensated");
  EXPECT_THAT(saga("1").error, HasSubstr("did not answer 2 times"));
}

TEST_F(OrchestratorTest, CompensatesInReverseWhatHappenedBeforeANo) {
  start("1");
  accept(command("stock.reserve"));
  reject(command("payment.charge"), "declined");

  accept(command("stock.release"));

  EXPECT_EQ(status("1"), "compensated");
  EXPECT_EQ(saga("1").error, "charge said no: declined: no");
}

TEST_F(OrchestratorTest, TakesAReplyOnceHoweverOftenItComes) {
  start("1");
  const auto reserve = command("stock.reserve");
  const auto reply = reply_to(reserve, {to_json(Units{5}), std::nullopt});

  deliver(reply);
  deliver(reply);                                                 // by the broker again
  deliver(reply_to(reserve, {to_json(Units{5}), std::nullopt}));  // by the participant again

  command("payment.charge");
  EXPECT_TRUE(silent(1s));
  EXPECT_EQ(to_text(saga("1").data), R"({"id":"1","units":5})");
  EXPECT_EQ(orchestrator->late_replies(), 1U);
}

TEST_F(OrchestratorTest, CountsRepliesThatNobodyWaitsFor) {
  start("1");
  auto stranger = command("stock.reserve");
  stranger.extensions["sagaid"] = "no such";
  accept(stranger);
  accept(event::Envelope{.id = node().new_id(), .source = "/x", .type = "x.y"});

  EXPECT_EQ(orchestrator->late_replies(), 2U);
  EXPECT_EQ(saga("1").step, 0);
}

TEST_F(OrchestratorTest, DoesNotTakeAReplyWithoutCauseWhileItWaitsForNone) {
  const auto scribe = std::make_shared<Scribe>(Scribe{"note", 1});
  restart(define<Order>("place-order", Version{1})
              .step("reserve", ask_for<Reserve>())
              .step("note", write(scribe)));
  start("1");
  const auto reserve = command("stock.reserve");
  accept(reserve);
  ASSERT_TRUE(saga("1").command_id.is_nil());

  auto forged = reply_to(reserve, {to_json(Units{5}), std::nullopt});
  forged.lineage.causation_id = {};
  deliver(forged);

  EXPECT_EQ(status("1"), "running");
  EXPECT_EQ(saga("1").step, 1);
}

TEST_F(OrchestratorTest, SuspendsAnUnknownPivotUntilAnOperatorDecides) {
  walk_to_unknown_pivot("1");
  EXPECT_TRUE(silent(24h));

  ask_verb("1", Verb::retry);
  const auto again = command("payment.charge");
  EXPECT_EQ(again.extensions.at("idempotencykey"), to_string(idempotency_key(saga("1"), "charge")));
  accept(again);

  command("carrier.ship");
  EXPECT_EQ(saga("1").error, "");
}

TEST_F(OrchestratorTest, ExecutesEachVerbOnceWithARecord) {
  walk_to_unknown_pivot("skipped");
  walk_to_unknown_pivot("resolved");
  walk_to_unknown_pivot("undone");

  ask_verb("skipped", Verb::skip);
  command("carrier.ship");
  ask_verb("resolved", Verb::resolve, to_json(Units{41}));
  command("carrier.ship");
  EXPECT_EQ(to_text(saga("resolved").data), R"({"id":"resolved","units":42})");
  ask_verb("undone", Verb::compensate);
  accept(command("stock.release"));
  EXPECT_EQ(status("undone"), "compensated");

  EXPECT_EQ(verbs_left(), 0U);
  EXPECT_THAT(story("skipped"), Contains("charge operator_skip"));
  const auto trail = read_in([](Transaction& tx) { return messaging::audit_trail(tx, 10); });
  ASSERT_EQ(trail.size(), 3U);
  EXPECT_EQ(trail[0].verb, "saga compensate");
  EXPECT_EQ(trail[0].target, "place-order/undone");
  EXPECT_EQ(trail[0].actor, "ann");
}

TEST_F(OrchestratorTest, RefusesVerbsThatDoNotFitAndGoesOnWithTheRest) {
  start("1");
  accept(command("stock.reserve"));
  command("payment.charge");

  EXPECT_EQ(error_of([&] { ask_verb("1", Verb::compensate); }).condition(), Condition::conflict)
      << "its row says that it is at the pivot";
  ask_verb("1", Verb::edit, Json(JsonObject{{"units", "many"}}));
  ask_verb("1", Verb::resolve, "not units");
  EXPECT_EQ(verbs_left(), 0U);
  EXPECT_EQ(std::ranges::count(story("1"), "verb_refused"), 2);
  ask_verb("1", Verb::retry);
  accept(command("payment.charge"));
  accept(command("carrier.ship"));

  EXPECT_EQ(error_of([&] { ask_verb("1", Verb::retry); }).condition(), Condition::conflict);
  EXPECT_EQ(error_of([&] { ask_verb("no such", Verb::retry); }).condition(), Condition::not_found);
}

TEST_F(OrchestratorTest, ExecutesAfterTheStartWhatWasAskedOfAStoppedFolder) {
  walk_to_unknown_pivot("1");
  stop();
  write_in([&](Transaction& tx) -> Task<void> {
    VerbRequest request;
    request.id = node().new_id();
    request.target = {"place-order", "1"};
    request.verb = Verb::skip;
    co_await request_verb(tx, request);
  });

  restart(place_order());

  command("carrier.ship");
}

TEST_F(OrchestratorTest, FiresATimeoutAtItsTimeAfterARestart) {
  start("1");
  command("stock.reserve");
  sqlite.world().run_for(10s);
  restart(place_order());

  EXPECT_TRUE(silent(19s));
  command("stock.reserve", 2s);
}

TEST_F(OrchestratorTest, WaitsTwiceAsLongAtMostWhenTheClockIsSetBack) {
  for (const auto jump : {1s, 20s, 60s, 31'536'000s}) {
    for (const bool while_it_is_down : {false, true}) {
      SCOPED_TRACE(std::to_string(jump.count()) + (while_it_is_down ? " s, down" : " s"));
      const std::string id = std::to_string(jump.count()) + (while_it_is_down ? "d" : "");
      start(id);
      command("stock.reserve");
      sqlite.world().run_for(15s);

      if (while_it_is_down) stop();
      node().shift_wall(-jump);
      if (while_it_is_down) restart(place_order());

      EXPECT_TRUE(silent(14s)) << "not earlier either";
      accept(command("stock.reserve", 46s));
      accept(command("payment.charge"));
      accept(command("carrier.ship"));
      EXPECT_EQ(status(id), "completed");
    }
  }
}

TEST_F(OrchestratorTest, LeavesTimersAloneThatWereSetAfterTheClock) {
  node().shift_wall(-24h);
  start("1");
  command("stock.reserve");
  sqlite.world().run_for(20s);
  start("2");  // the orchestrator looks
  command("stock.reserve");

  EXPECT_EQ(command("stock.reserve", 11s).extensions.at("sagaid"), "1");
}

TEST_F(OrchestratorTest, FiresTimeoutsThatPassedWhileItWasDown) {
  for (int i = 0; i < 300; ++i)
    start(std::to_string(i));
  stop();
  sqlite.world().run_for(1min);

  restart(place_order());
  sqlite.world().run_for(5s);

  std::size_t commands = 0;
  while (command_within(0s))
    ++commands;
  EXPECT_EQ(commands, 600U) << "each asked twice";
}

TEST_F(OrchestratorTest, WakesForATimeoutSoonerThanItSlept) {
  restart(define<Order>("place-order", Version{1})
              .step("reserve", ask_for<Reserve>())
              .timeout(1s)
              .step("charge", ask_for<Charge>())
              .timeout(1s));
  sqlite.world().run_for(1s);
  start("1");
  command("stock.reserve");
  accept(command("stock.reserve", 2s));
  command("payment.charge");
  command("payment.charge", 2s);
}

TEST_F(OrchestratorTest, FiresATimeoutOnceWithTwoHosts) {
  Orchestrator second(node(), db(), outbox, Address{"/sales", "sales.replies"});
  second.add(place_order());
  running->spawn(second.run());
  for (int i = 0; i < 50; ++i)
    start(std::to_string(i));
  sqlite.world().run_for(31s);

  std::size_t commands = 0;
  while (command_within(0s))
    ++commands;
  EXPECT_EQ(commands, 100U);
  running->cancel();
  node().run(running->join());
}

TEST_F(OrchestratorTest, KeepsAnInstanceAtItsVersion) {
  start("old");
  const auto reserve = command("stock.reserve");
  stop();
  restart(place_order());
  orchestrator->add(define<Order>("place-order", Version{2}).step("ship", ask_for<Ship>()));
  node().run(orchestrator->check_live_versions());

  accept(reserve);
  command("payment.charge");
  start("new");
  command("carrier.ship");
  EXPECT_EQ(saga("new").definition_version, 2);
}

TEST_F(OrchestratorTest, RefusesToStartWithALiveInstanceOfAnUnknownVersion) {
  start("o-17");
  restart(place_order(2));

  const Error error = error_of([&] { node().run(orchestrator->check_live_versions()); });

  EXPECT_EQ(error.condition(), Condition::unsupported);
  EXPECT_THAT(error.detail(), HasSubstr("saga place-order version 1 has 1 live instances, such as "
                                        "o-17"));
  EXPECT_THAT(error.detail(),
              HasSubstr("sinew saga migrate --definition place-order --to 2 --all"));
}

TEST_F(OrchestratorTest, ForgetsTheVersionOfFinishedInstances) {
  start("1");
  reject(command("stock.reserve"), "no");
  ASSERT_EQ(status("1"), "compensated");

  restart(place_order(2));

  EXPECT_NO_THROW(node().run(orchestrator->check_live_versions()));
}

TEST_F(OrchestratorTest, SuspendsASagaWhoseReplyItCannotTake) {
  start("1");
  start("2");
  const auto one = command("stock.reserve");
  const auto two = command("stock.reserve");

  deliver(reply_to(one, {Json("not units"), std::nullopt}));
  accept(two);

  EXPECT_EQ(status("1"), "suspended");
  EXPECT_THAT(saga("1").error, HasSubstr("reserve cannot go on: "));
  command("payment.charge");
  EXPECT_EQ(orchestrator->late_replies(), 0U);

  ask_verb("1", Verb::retry);
  accept(command("stock.reserve"));
  command("payment.charge");
}

TEST_F(OrchestratorTest, LetsNoSagaKeepTheOthersFromWaking) {
  start("bad");
  start("good");
  command("stock.reserve");
  command("stock.reserve");
  write_in([](Transaction& tx) -> Task<void> {
    co_await tx.execute("UPDATE saga_instances SET data = '[]' WHERE id = 'bad'");
  });

  const auto again = command("stock.reserve", 31s);

  EXPECT_EQ(again.subject, "good");
  EXPECT_EQ(status("bad"), "suspended");
}

}  // namespace
}  // namespace sinew::saga
