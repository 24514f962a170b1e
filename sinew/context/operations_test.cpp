#include "sinew/context/operations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/messaging/backlog.hpp"
#include "sinew/saga/instances.hpp"
#include "sinew/saga/journal.hpp"
#include "sinew/saga/locks.hpp"
#include "sinew/saga/verb_requests.hpp"
#include "sinew/store/schema.hpp"
#include "tests/support/simulated_sqlite.hpp"

namespace sinew::context {
namespace {

using messaging::Backlog;
using messaging::BacklogEntry;
using messaging::BacklogState;
using saga::Instance;
using saga::Status;
using store::Transaction;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Timestamp noon = from_micros(1'767'268'800'000'000);

// A database as a host leaves it: three sagas and two parked messages with one behind.
class OperationsTest : public testing::Test {
 protected:
  void SetUp() override { sqlite.run(prepare()); }

  Task<void> prepare() {
    co_await db().migrate(store::store_migrations());
    co_await db().migrate(messaging::messaging_migrations());
    co_await db().migrate(saga::saga_migrations());
    co_await db().transaction([&](Transaction& tx) -> Task<void> {
      co_await add_saga(tx, "place-order", "o-1", Status::suspended, 1);
      co_await add_saga(tx, "place-order", "o-2", Status::completed, 2);
      co_await add_saga(tx, "return-order", "o-2", Status::running, 3);
      co_await add_message(tx, first, "k", BacklogState::parked, "poison");
      co_await add_message(tx, behind, "k", BacklogState::behind, "");
      co_await add_message(tx, other, "l", BacklogState::parked, "crashed");
    });
  }
  Task<void> add_saga(Transaction& tx, std::string definition, std::string id, Status status,
                      int minutes) {
    Instance instance;
    instance.definition = std::move(definition);
    instance.id = std::move(id);
    instance.status = status;
    instance.error = "charge did not answer";
    instance.data = Json(JsonObject{{"units", 3}});
    instance.started_at = instance.updated_at = noon + std::chrono::minutes(minutes);
    co_await saga::insert_instance(tx, instance);
    co_await saga::record(tx, instance, sqlite.node().new_id(), "charge", "sent", "attempt 1");
  }
  Task<void> add_message(Transaction& tx, Uuid sequence, std::string key, BacklogState state,
                         std::string reason) {
    BacklogEntry entry;
    entry.sequence = sequence;
    entry.state = state;
    entry.reason = std::move(reason);
    entry.message.id = sqlite.node().new_id();
    entry.message.source = "/shop";
    entry.message.type = "shop.order.placed";
    entry.message.ordering_key = entry.key = std::move(key);
    entry.message.data = SharedBytes(R"({"order":"o-1"})");
    Backlog backlog("stock/shop.events");
    co_await backlog.add(tx, entry);
  }

  store::Database& db() { return sqlite.database(); }
  Json operate(std::string operation, std::string_view arguments = "{}") {
    return sqlite.node().run(
        context::operate(sqlite.node(), db(), std::move(operation), "ann", parse_json(arguments)));
  }
  Error refusal(std::string operation, std::string_view arguments) {
    try {
      operate(std::move(operation), arguments);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "not refused";
    return Error(Condition::corrupt, "");
  }
  std::size_t sagas(std::string_view arguments) {
    return operate("saga.list", arguments).at("sagas").as_array().size();
  }
  std::size_t messages(std::string_view arguments) {
    return operate("dlq.list", arguments).at("messages").as_array().size();
  }
  std::size_t records() { return operate("audit.list").at("entries").as_array().size(); }
  static std::string with_id(const Uuid& id) { return R"({"id":")" + to_string(id) + R"("})"; }
  static std::string with_ids(const Uuid& id, const std::string& more = "") {
    return R"({"ids":[")" + to_string(id) + R"("])" + more + "}";
  }

  tests::SimulatedSqlite sqlite{1};
  const Uuid first = sqlite.node().new_id();
  const Uuid behind = sqlite.node().new_id();
  const Uuid other = sqlite.node().new_id();
};

TEST_F(OperationsTest, ListsSagasNewestFirst) {
  const Json list = operate("saga.list");

  const auto& all = list.at("sagas").as_array();
  ASSERT_THAT(all, SizeIs(3U));
  EXPECT_EQ(all[0].at("definition").as_string(), "return-order");
  EXPECT_EQ(all[2].at("id").as_string(), "o-1");
  EXPECT_EQ(all[2].at("status").as_string(), "suspended");
  EXPECT_EQ(all[2].at("error").as_string(), "charge did not answer");
  EXPECT_EQ(sagas(R"({"definition":"place-order"})"), 2U);
  EXPECT_EQ(sagas(R"({"status":"running"})"), 1U);
  EXPECT_EQ(sagas(R"({"definition":"place-order","status":"running"})"), 0U);
  EXPECT_EQ(sagas(R"({"limit":1})"), 1U);
}

TEST_F(OperationsTest, ShowsASagaWithItsDataAndHistory) {
  const Json shown = operate("saga.show", R"({"id":"o-1"})");

  EXPECT_EQ(shown.at("saga").at("data").at("units").as_integer(), 3);
  ASSERT_THAT(shown.at("history").as_array(), SizeIs(1U));
  EXPECT_EQ(shown.at("history").as_array()[0].at("detail").as_string(), "attempt 1");
}

TEST_F(OperationsTest, WantsTheDefinitionWhereAnIdIsNotEnough) {
  const Error error = refusal("saga.show", R"({"id":"o-2"})");

  EXPECT_EQ(error.condition(), Condition::conflict);
  EXPECT_THAT(error.detail(), HasSubstr("definition/id"));
  const Json shown = operate("saga.show", R"({"definition":"return-order","id":"o-2"})");
  EXPECT_EQ(shown.at("saga").at("status").as_string(), "running");
}

TEST_F(OperationsTest, RecordsAVerbForTheHostWithItsAudit) {
  const Json answer =
      operate("saga.resolve", R"({"id":"o-1","result":{"paid":true},"reason":"I saw it"})");

  EXPECT_EQ(answer.at("requested").at("definition").as_string(), "place-order");
  const auto verbs =
      sqlite.node().run(db().read([](Transaction& tx) { return saga::pending_verbs(tx, 10); }));
  ASSERT_THAT(verbs, SizeIs(1U));
  EXPECT_EQ(verbs[0].verb, saga::Verb::resolve);
  EXPECT_EQ(to_text(verbs[0].argument), R"({"paid":true})");
  EXPECT_EQ(verbs[0].actor, "ann");
  const Json audit = operate("audit.list");
  const Json& entry = audit.at("entries").as_array().at(0);
  EXPECT_EQ(entry.at("verb").as_string(), "saga resolve");
  EXPECT_EQ(entry.at("target").as_string(), "place-order/o-1");
  EXPECT_EQ(entry.at("detail").as_string(), "I saw it");
}

TEST_F(OperationsTest, RefusesVerbsThatMakeNoSense) {
  EXPECT_EQ(refusal("saga.retry", R"({"id":"o-9"})").condition(), Condition::not_found);
  EXPECT_EQ(refusal("saga.retry", R"({"definition":"place-order","id":"o-2"})").condition(),
            Condition::conflict);
  EXPECT_EQ(refusal("saga.resolve", R"({"id":"o-1"})").condition(), Condition::invalid_input);
  EXPECT_EQ(refusal("saga.retry", R"({"id":"o-1","result":1})").condition(),
            Condition::invalid_input);
  EXPECT_EQ(records(), 0U);
}

TEST_F(OperationsTest, TellsWhatToDoNextWithAStuckSagaOnly) {
  const auto next = [this](std::string_view arguments) {
    std::vector<std::string> verbs;
    for (const Json& each : operate("saga.show", arguments).at("next").as_array())
      verbs.push_back(each.at("verb").as_string());
    return verbs;
  };

  EXPECT_THAT(next(R"({"id":"o-1"})"),
              ElementsAre("retry", "edit", "resolve", "skip", "compensate"));
  EXPECT_THAT(next(R"({"definition":"return-order","id":"o-2"})"), IsEmpty());
  EXPECT_THAT(next(R"({"definition":"place-order","id":"o-2"})"), IsEmpty());
  const Json list = operate("saga.list", R"({"status":"suspended"})");
  EXPECT_EQ(list.at("sagas").as_array().at(0).at("next").as_string(),
            "retry, edit, resolve, skip, compensate");
}

TEST_F(OperationsTest, RefusesAnEditThatIsNone) {
  for (const char* data : {"1", "{}", "[]"}) {
    EXPECT_EQ(refusal("saga.edit", R"({"id":"o-1","data":)" + std::string(data) + "}").condition(),
              Condition::invalid_input);
  }
  EXPECT_EQ(refusal("saga.edit", R"({"id":"o-1"})").condition(), Condition::invalid_input);
  EXPECT_EQ(refusal("saga.retry", R"({"id":"o-1","data":{"a":1}})").condition(),
            Condition::invalid_input);
  EXPECT_EQ(records(), 0U);
}

TEST_F(OperationsTest, SaysWhatBecameOfAVerb) {
  const Json answer = operate("saga.retry", R"({"id":"o-1"})");
  const std::string request = answer.at("requested").at("request").as_string();
  const auto outcome = [&] {
    return operate("saga.outcome", R"({"request":")" + request + R"("})");
  };
  EXPECT_EQ(outcome().at("state").as_string(), "pending");

  sqlite.node().run(db().transaction([&](Transaction& tx) {
    return saga::settle_verb(tx, Uuid::parse(request), "it does not fit", noon);
  }));

  EXPECT_EQ(outcome().at("state").as_string(), "refused");
  EXPECT_EQ(outcome().at("refusal").as_string(), "it does not fit");
}

TEST_F(OperationsTest, RecordsMigrationsOfAllThatLiveInOtherVersions) {
  const Json answer = operate("saga.migrate", R"({"definition":"place-order","to":2,"all":true})");

  ASSERT_THAT(answer.at("requested").as_array(), SizeIs(1U));
  EXPECT_EQ(answer.at("requested").as_array()[0].at("id").as_string(), "o-1");
  const auto verbs = sqlite.node().run(
      db().read([](Transaction& tx) { return saga::pending_migrations(tx, 10); }));
  ASSERT_THAT(verbs, SizeIs(1U));
  EXPECT_EQ(verbs[0].argument.as_integer(), 2);
  EXPECT_EQ(records(), 1U);
}

TEST_F(OperationsTest, RefusesMigrationsThatMakeNoSense) {
  const auto condition = [this](std::string_view arguments) {
    return refusal("saga.migrate", arguments).condition();
  };
  EXPECT_EQ(condition(R"({"definition":"place-order","to":2})"), Condition::invalid_input);
  EXPECT_EQ(condition(R"({"definition":"place-order","to":2,"all":true,"ids":["o-1"]})"),
            Condition::invalid_input);
  EXPECT_EQ(condition(R"({"definition":"place-order","to":0,"all":true})"),
            Condition::invalid_input);
  EXPECT_EQ(condition(R"({"to":2,"all":true})"), Condition::invalid_input);
  EXPECT_EQ(condition(R"({"definition":"place-order","to":2,"ids":["o-2"]})"), Condition::conflict);
  EXPECT_EQ(condition(R"({"definition":"place-order","to":2,"ids":["o-9"]})"),
            Condition::not_found);
  EXPECT_EQ(condition(R"({"definition":"place-order","to":2,"all":true,"dry_run":true})"),
            Condition::unsupported)
      << "nobody here knows the definitions";
  EXPECT_EQ(records(), 0U);
}

TEST_F(OperationsTest, ShowsLocksAndForcesThem) {
  sqlite.node().run(db().transaction([this](Transaction& tx) -> Task<void> {
    event::Envelope hold;
    hold.id = sqlite.node().new_id();
    hold.source = "/shop";
    hold.type = "hall.hold";
    hold.extensions = {{"sagatype", "buy"}, {"sagaid", "ann"}};
    saga::Locks locks("hall/hall.commands");
    co_await locks.leave(tx, {hold, saga::LockUse::acquire, "A1", {}, noon}, true);
  }));

  const Json held = operate("saga.locks").at("locks").as_array().at(0);
  EXPECT_EQ(held.at("resource").as_string(), "A1");
  EXPECT_EQ(held.at("saga").as_string(), "buy/ann");
  EXPECT_EQ(held.at("state").as_string(), "held");
  EXPECT_EQ(refusal("saga.unlock", R"({"resource":"B2"})").condition(), Condition::not_found);
  EXPECT_EQ(refusal("saga.unlock", "{}").condition(), Condition::invalid_input);
  EXPECT_EQ(records(), 0U);

  operate("saga.unlock", R"({"resource":"A1","reason":"ann is gone"})");

  EXPECT_THAT(operate("saga.locks").at("locks").as_array(), IsEmpty());
  const Json record = operate("audit.list").at("entries").as_array().at(0);
  EXPECT_EQ(record.at("verb").as_string(), "saga unlock");
  EXPECT_EQ(record.at("target").as_string(), "A1");
  EXPECT_EQ(record.at("detail").as_string(), "ann is gone");
}

TEST_F(OperationsTest, TracesAProcessByItsCorrelationOrKey) {
  event::Envelope first;
  first.id = sqlite.node().new_id();
  first.source = "/shop";
  first.type = "shop.order.cancelled";
  first.ordering_key = "o-7";
  first.lineage.correlation_id = sqlite.node().new_id();
  first.time = noon;
  event::Envelope second = first;
  second.id = sqlite.node().new_id();
  second.type = "stock.freed";
  second.lineage = event::caused_by(first);
  second.time = noon + std::chrono::seconds(1);
  sqlite.node().run(db().transaction([&](Transaction& tx) -> Task<void> {
    co_await saga::write_journal(tx, first, nullptr);
    co_await saga::write_journal(tx, second, &first);
    BacklogEntry parked;
    parked.sequence = sqlite.node().new_id();
    parked.state = BacklogState::parked;
    parked.reason = "hop_limit";
    parked.message = second;
    parked.key = "o-7";
    parked.arrived_at = noon + std::chrono::seconds(2);
    Backlog backlog("shop/stock.events");
    co_await backlog.add(tx, parked);
  }));
  const auto trace = [this](const std::string& arguments) {
    std::vector<std::string> lines;
    for (const Json& each : operate("trace.show", arguments).at("entries").as_array()) {
      lines.push_back(each.at("what").as_string() + " " + each.at("type").as_string() + " <- " +
                      each.at("cause").as_string() + each.at("detail").as_string());
    }
    return lines;
  };

  const auto whole = testing::ElementsAre("began shop.order.cancelled <- ",
                                          "reacted stock.freed <- shop.order.cancelled",
                                          "parked stock.freed <- hop_limit: ");
  EXPECT_THAT(trace(R"({"key":"o-7"})"), whole);
  EXPECT_THAT(trace(R"({"correlation":")" + to_string(first.lineage.correlation_id) + R"("})"),
              whole);
  EXPECT_THAT(trace(R"({"key":"o-8"})"), IsEmpty());
  EXPECT_EQ(refusal("trace.show", "{}").condition(), Condition::invalid_input);
  EXPECT_EQ(refusal("trace.show", R"({"correlation":"no"})").condition(), Condition::invalid_input);
}

TEST_F(OperationsTest, ListsAndShowsMessages) {
  EXPECT_EQ(messages("{}"), 2U);
  EXPECT_EQ(messages(R"({"all":true})"), 3U);
  EXPECT_EQ(messages(R"({"reason":"crashed"})"), 1U);
  EXPECT_EQ(messages(R"({"key":"k"})"), 1U);

  const Json shown = operate("dlq.show", with_id(first));
  EXPECT_EQ(shown.at("message").at("state").as_string(), "parked");
  EXPECT_EQ(shown.at("message").at("data").at("order").as_string(), "o-1");
  EXPECT_EQ(refusal("dlq.show", with_id(sqlite.node().new_id())).condition(), Condition::not_found);
  EXPECT_EQ(refusal("dlq.show", "{}").condition(), Condition::invalid_input);
}

TEST_F(OperationsTest, ReplaysByIdFilterOrAllAndNeverByAccident) {
  EXPECT_EQ(refusal("dlq.replay", "{}").condition(), Condition::invalid_input);
  EXPECT_EQ(refusal("dlq.discard", "{}").condition(), Condition::invalid_input);
  EXPECT_EQ(refusal("dlq.discard", R"({"all":true,"key":"k"})").condition(),
            Condition::invalid_input);

  const Json dry = operate("dlq.replay", R"({"all":true,"dry_run":true})");
  EXPECT_EQ(dry.at("messages").as_integer(), 2);
  EXPECT_EQ(records(), 0U);

  EXPECT_EQ(operate("dlq.replay", with_ids(behind)).at("messages").as_integer(), 0);
  EXPECT_EQ(operate("dlq.replay", with_ids(first)).at("messages").as_integer(), 1);
  EXPECT_EQ(operate("dlq.replay", with_ids(first)).at("messages").as_integer(), 0);
  EXPECT_EQ(operate("dlq.replay", R"({"reason":"crashed"})").at("messages").as_integer(), 1);
  EXPECT_EQ(messages("{}"), 0U);
  EXPECT_EQ(messages(R"({"all":true})"), 3U);
  EXPECT_EQ(records(), 2U);
}

TEST_F(OperationsTest, ReplaysAllHoweverManyUnlessALimitIsGiven) {
  constexpr int many = 2100;
  sqlite.run(db().transaction([&](Transaction& tx) -> Task<void> {
    for (int i = 0; i < many; ++i) {
      co_await add_message(tx, sqlite.node().new_id(), "m-" + std::to_string(i),
                           BacklogState::parked, "poison");
    }
  }));

  EXPECT_EQ(messages("{}"), 1000U) << "a page";
  EXPECT_EQ(operate("dlq.replay", R"({"all":true,"limit":5})").at("messages").as_integer(), 5);
  EXPECT_EQ(operate("dlq.replay", R"({"all":true})").at("messages").as_integer(), many + 2 - 5);
  EXPECT_EQ(messages("{}"), 0U);
  EXPECT_EQ(records(), 2U);
}

TEST_F(OperationsTest, DiscardsWhatIsParked) {
  EXPECT_EQ(
      operate("dlq.discard", R"({"key":"k","why":"a test order"})").at("messages").as_integer(), 1);

  EXPECT_EQ(messages(R"({"all":true})"), 2U);
  EXPECT_EQ(refusal("dlq.show", with_id(first)).condition(), Condition::not_found);
  EXPECT_EQ(operate("dlq.show", with_id(behind)).at("message").at("state").as_string(), "waiting");
}

TEST_F(OperationsTest, NamesWhatIsWrongWithItsArguments) {
  struct {
    const char* operation;
    const char* arguments;
    const char* says;
  } const rows[] = {
      {"saga.list", R"({"limit":0})", "limit"},
      {"saga.list", R"({"statuss":"running"})", "statuss"},
      {"dlq.list", R"({"limit":"ten"})", "limit"},
      {"dlq.replay", R"({"ids":["x"]})", "ids[0]"},
  };
  for (const auto& row : rows) {
    const Error error = refusal(row.operation, row.arguments);
    EXPECT_EQ(error.condition(), Condition::invalid_input) << row.arguments;
    EXPECT_THAT(error.detail(), HasSubstr(row.says));
  }
  EXPECT_EQ(refusal("dlq.dance", "{}").condition(), Condition::not_found);
  EXPECT_EQ(refusal("saga.dance", "{}").condition(), Condition::not_found);
}

}  // namespace
}  // namespace sinew::context
