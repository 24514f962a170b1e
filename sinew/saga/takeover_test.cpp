#include "sinew/saga/takeover.hpp"

#include <gmock/gmock.h>

#include "sinew/saga/test_orchestrator.hpp"
#include "sinew/saga/verbs.hpp"

namespace sinew::saga {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// What an Order of version 2 is: the data of version 1 with a note.
struct NotedOrder {
  std::string id;
  std::int32_t units = 0;
  std::string note;
};
BOOST_DESCRIBE_STRUCT(NotedOrder, (), (id, units, note))

template <class C>
auto ask_of_noted() {
  return ask<C>([](const NotedOrder& order) {
    C command;
    command.order = order.id;
    return command;
  });
}

JsonObject with_note(JsonObject order) {
  order.set("note", "taken over");
  return order;
}

// Version 2 weighs before it ships and calls the first step otherwise.
Builder<NotedOrder> second_version() {
  return define<NotedOrder>("place-order", Version{2})
      .step("reserve", ask_of_noted<Reserve>())
      .compensate(ask_of_noted<Release>())
      .pivot("charge", ask_of_noted<Charge>())
      .timeout(30s)
      .step("weigh", ask_of_noted<Ship>())
      .step("dispatch", ask_of_noted<Ship>())
      .takes_over(Version{1}, {{"reserve", "reserve"}, {"charge", "charge"}, {"ship", "dispatch"}},
                  with_note);
}

Instance standing_at(std::int32_t step, Status status = Status::running) {
  Instance instance;
  instance.definition = "place-order";
  instance.id = "1";
  instance.step = step;
  instance.status = status;
  instance.data = to_json(Order{"1", 3});
  name_step(place_order(), instance);
  return instance;
}

std::string refusal_of(Instance instance, const Definition& definition = second_version()) {
  const Json data = instance.data;
  try {
    take_over(definition, instance);
  } catch (const Error& error) {
    EXPECT_EQ(instance.definition_version, 1) << "untouched";
    EXPECT_EQ(instance.data, data);
    return error.detail();
  }
  return "";
}

TEST(Takeover, MovesTheStepToItsCounterpartAndLiftsTheData) {
  Instance instance = standing_at(2, Status::suspended);
  instance.rejected = true;
  instance.attempt = 4;

  take_over(second_version(), instance);

  EXPECT_EQ(instance.definition_version, 2);
  EXPECT_EQ(instance.step, 3);
  EXPECT_EQ(instance.step_name, "dispatch");
  EXPECT_EQ(instance.status, Status::suspended);
  EXPECT_EQ(instance.attempt, 4);
  EXPECT_EQ(to_text(instance.data), R"({"id":"1","units":3,"note":"taken over"})");
}

TEST(Takeover, RefusesWhatCannotGoOn) {
  EXPECT_THAT(refusal_of(standing_at(2)), HasSubstr("outcome of ship is open"));
  EXPECT_THAT(refusal_of(standing_at(0, Status::completed)), HasSubstr("it is completed"));
  Instance unnamed = standing_at(0);
  unnamed.kind.reset();
  EXPECT_THAT(refusal_of(unnamed), HasSubstr("retry it once first"));
  Instance other = standing_at(1);
  other.step_name = "weigh";
  EXPECT_THAT(refusal_of(other), HasSubstr("stands at weigh"));
  Definition none = second_version();
  none.takeovers.clear();
  EXPECT_THAT(refusal_of(standing_at(0), none),
              HasSubstr("does not say how to take over version 1"));
  EXPECT_EQ(refusal_of(standing_at(0)), "");
  EXPECT_EQ(refusal_of(standing_at(1)), "");
}

TEST(Takeover, RefusesAStepWithoutCounterpartAndDataThatDoesNotFit) {
  Definition gone = second_version();
  gone.takeovers[0].steps[1].now = "";
  EXPECT_THAT(refusal_of(standing_at(1), gone), HasSubstr("step charge has no counterpart"));
  Definition wrong = second_version();
  wrong.takeovers[0].lift = {};
  EXPECT_THAT(refusal_of(standing_at(1), wrong), HasSubstr("note"));
}

TEST(Takeover, RefusesToMoveAcrossThePivot) {
  const Definition late_pivot =
      define<Order>("place-order", Version{2})
          .step("reserve", ask_for<Reserve>())
          .step("charge", ask_for<Charge>())
          .pivot("ship", ask_for<Ship>())
          .takes_over(Version{1}, {{"reserve", "reserve"}, {"charge", "charge"}, {"ship", "ship"}});

  EXPECT_THAT(refusal_of(standing_at(1), late_pivot),
              HasSubstr("its step charge is the pivot, and charge there comes before the pivot"));
  EXPECT_THAT(refusal_of(standing_at(2), late_pivot),
              HasSubstr("its step ship comes after the pivot, and ship there is the pivot"));
  EXPECT_EQ(refusal_of(standing_at(0), late_pivot), "");
}

TEST(Takeover, RefusesWhereGoingBackWouldUndoWhatWasNotDone) {
  const Definition earlier =
      define<Order>("place-order", Version{2})
          .step("look", ask_for<Ship>())
          .step("reserve", ask_for<Reserve>())
          .pivot("charge", ask_for<Charge>())
          .takes_over(Version{1}, {{"reserve", "reserve"}, {"charge", "charge"}, {"ship", ""}});

  EXPECT_THAT(refusal_of(standing_at(1), earlier),
              HasSubstr("it has done [reserve], and before charge come [look, reserve] there"));
}

TEST(Takeover, IsCheckedAtRegistration) {
  Definition wrong = second_version();
  wrong.takeovers.push_back({2, {{"reserve", "nowhere"}}, {}});
  wrong.takeovers.push_back({1, {}, {}});
  wrong.takeovers.push_back({0, {{"a", "charge"}, {"a", "reserve"}}, {}});
  std::string said;
  try {
    validate(wrong);
  } catch (const Error& error) {
    said = error.detail();
  }
  EXPECT_THAT(said, HasSubstr("version 2 cannot take over version 2"));
  EXPECT_THAT(said, HasSubstr("goes on as nowhere"));
  EXPECT_THAT(said, HasSubstr("version 1 is taken over twice"));
  EXPECT_THAT(said, HasSubstr("name them"));
  EXPECT_THAT(said, HasSubstr("two steps called a"));
  EXPECT_THAT(said, HasSubstr("change places at reserve"));
}

TEST(Verbs, AdviseWhatFitsWhereASagaIsStuck) {
  const auto verbs = [](const Instance& instance) {
    std::vector<std::string> names;
    for (const Advice& each : advice(instance))
      names.emplace_back(to_string(each.verb));
    return names;
  };
  EXPECT_THAT(verbs(standing_at(1, Status::suspended)),
              ElementsAre("retry", "edit", "resolve", "skip", "compensate"));
  EXPECT_THAT(verbs(standing_at(2, Status::suspended)),
              ElementsAre("retry", "edit", "resolve", "skip"));
  EXPECT_THAT(verbs(standing_at(0, Status::compensation_failed)),
              ElementsAre("retry", "edit", "resolve", "skip"));
  EXPECT_THAT(verbs(standing_at(0)), IsEmpty());
  Instance refused = standing_at(1, Status::suspended);
  refused.rejected = true;
  EXPECT_THAT(advice(refused).front().text, HasSubstr("new key"));
}

class OperatorsVerbs : public OrchestratorTest {
 protected:
  std::string last_detail(const std::string& id) {
    return read_in([&](store::Transaction& tx) -> Task<std::string> {
      co_return (co_await history(tx, "place-order", id)).back().detail;
    });
  }
};

TEST_F(OperatorsVerbs, CorrectTheDataBeforeARetry) {
  walk_to_unknown_pivot("1");

  ask_verb("1", Verb::edit, Json(JsonObject{{"id", "better"}}));

  EXPECT_EQ(status("1"), "suspended") << "an edit moves nothing";
  EXPECT_EQ(last_detail("1"), "by ann: she knows; id: \"1\" -> \"better\"");
  ask_verb("1", Verb::retry);
  const auto charge = command("payment.charge");
  EXPECT_EQ(from_json<Charge>(parse_json(charge.data.view())).order, "better");
}

TEST_F(OperatorsVerbs, AreRefusedForDataThatIsNoneOfTheDefinition) {
  walk_to_unknown_pivot("1");
  const Json before = saga("1").data;

  ask_verb("1", Verb::edit, Json(JsonObject{{"units", "many"}}));
  ask_verb("1", Verb::edit, Json(JsonObject{{"unknown", 1}}));

  EXPECT_EQ(std::ranges::count(story("1"), "verb_refused"), 2);
  EXPECT_EQ(saga("1").data, before);
}

TEST_F(OperatorsVerbs, LeaveACommandOnItsWayAlone) {
  start("1");
  const auto reserve = command("stock.reserve");

  ask_verb("1", Verb::edit, Json(JsonObject{{"units", 40}}));
  accept(reserve, 2);

  command("payment.charge");
  EXPECT_EQ(from_json<Order>(saga("1").data).units, 42);
}

TEST_F(OperatorsVerbs, MigrateASagaWithItsCommandOnTheWay) {
  start("1");
  accept(command("stock.reserve"));
  const auto charge = command("payment.charge");
  stop();
  restart(place_order());
  orchestrator->add(second_version());

  ask_verb("1", Verb::migrate, Json(2));

  EXPECT_EQ(saga("1").definition_version, 2);
  EXPECT_THAT(last_detail("1"), HasSubstr("version 1 -> 2, at charge"));
  accept(charge);
  accept(command("carrier.ship"));
  accept(command("carrier.ship"));
  EXPECT_EQ(status("1"), "completed");
  EXPECT_EQ(saga("1").step_name, "dispatch");
}

TEST_F(OperatorsVerbs, MigrateInAFolderWhoseProgramDoesNotKnowTheOldVersion) {
  walk_to_unknown_pivot("1");
  start("2");
  const auto reserve = command("stock.reserve");
  stop();
  const auto ask_migration = [&](std::string id) {
    write_in([&](store::Transaction& tx) -> Task<void> {
      VerbRequest request;
      request.id = node().new_id();
      request.target = {"place-order", id};
      request.verb = Verb::migrate;
      request.argument = Json(2);
      co_await request_verb(tx, request);
    });
  };
  ask_migration("1");
  restart(second_version());
  const Error error = error_of([&] { node().run(orchestrator->check_live_versions()); });
  EXPECT_THAT(error.detail(), HasSubstr("1 live instances, such as 2"));

  ask_migration("2");
  node().run(orchestrator->check_live_versions());

  accept(reserve);
  command("payment.charge");
  ask_verb("1", Verb::compensate);
  accept(command("stock.release"));
  EXPECT_EQ(status("1"), "compensated");
}

TEST_F(OperatorsVerbs, TakeEffectOnceWithTwoHosts) {
  Orchestrator second(node(), db(), outbox, Address{"/sales", "sales.replies"});
  second.add(place_order());
  running->spawn(second.run());
  walk_to_unknown_pivot("1");

  write_in([&](store::Transaction& tx) -> Task<void> {
    VerbRequest request;
    request.id = node().new_id();
    request.target = {"place-order", "1"};
    request.verb = Verb::retry;
    co_await request_verb(tx, request);
  });
  orchestrator->wake();
  second.wake();

  command("payment.charge");
  EXPECT_TRUE(silent(1s));
  EXPECT_EQ(std::ranges::count(story("1"), "charge operator_retry"), 1);
  stop();
}

TEST_F(OperatorsVerbs, RefuseAMigrationThatCannotBe) {
  walk_to_unknown_pivot("1");

  ask_verb("1", Verb::migrate, Json(7));

  EXPECT_EQ(story("1").back(), "verb_refused");
  EXPECT_THAT(last_detail("1"), HasSubstr("version 7 is not registered"));
  EXPECT_EQ(saga("1").definition_version, 1);
}

}  // namespace
}  // namespace sinew::saga
