#include "tests/conformance/saga_suite.hpp"

#include <gmock/gmock.h>

#include <chrono>

#include "sinew/messaging/audit.hpp"
#include "sinew/messaging/backlog.hpp"
#include "sinew/saga/tombstone.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::conformance {

using namespace std::chrono_literals;
using saga::Instance;
using saga::Status;
using saga::Verb;
using saga::VerbRequest;
using store::Transaction;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

void SagaConformance::SetUp() { use_seed(0); }

void SagaConformance::use_seed(std::uint64_t seed) {
  Conformance::use_seed(seed);
  run([this]() -> Task<void> {
    co_await db().migrate(messaging::messaging_migrations());
    co_await db().migrate(saga::saga_migrations());
  });
}

Instance SagaConformance::instance(std::string definition, std::string id) {
  Instance instance;
  instance.definition = std::move(definition);
  instance.id = std::move(id);
  instance.started_at = instance.updated_at = noon;
  return instance;
}

Task<bool> SagaConformance::insert(Instance instance) {
  co_return co_await db().transaction(
      [&](Transaction& tx) { return saga::insert_instance(tx, instance); });
}

Task<void> SagaConformance::update(Instance instance) {
  co_await db().transaction([&](Transaction& tx) { return saga::update_instance(tx, instance); });
}

Task<Instance> SagaConformance::find(std::string definition, std::string id) {
  auto found =
      co_await db().read([&](Transaction& tx) { return saga::find_instance(tx, definition, id); });
  if (!found) throw Error(Condition::not_found, "no instance " + id);
  co_return std::move(*found);
}

VerbRequest SagaConformance::verb(std::string id, Verb verb, Timestamp at) {
  VerbRequest request;
  request.id = new_id();
  request.target = {"place-order", std::move(id)};
  request.verb = verb;
  request.argument = Json(JsonObject{{"units", 3}});
  request.actor = "ann";
  request.reason = "she knows";
  request.requested_at = at;
  return request;
}

Task<void> SagaConformance::request(VerbRequest request) {
  co_await db().transaction([&](Transaction& tx) { return saga::request_verb(tx, request); });
}

TEST_P(SagaConformance, InsertsAnIdOnceInADefinition) {
  run([this]() -> Task<void> {
    EXPECT_TRUE(co_await insert(instance("place-order", "1")));
    Instance again = instance("place-order", "1");
    again.step = 7;
    EXPECT_FALSE(co_await insert(again));
    EXPECT_TRUE(co_await insert(instance("return-order", "1")));

    EXPECT_EQ((co_await find("place-order", "1")).step, 0);
    const auto both = co_await db().read([](Transaction& tx) { return saga::find_by_id(tx, "1"); });
    EXPECT_EQ(both.size(), 2U);
  });
}

TEST_P(SagaConformance, KeepsAllThatAnInstanceIs) {
  Instance full = instance("place-order", "o-1");
  full.definition_version = 3;
  full.status = Status::compensating;
  full.step = 4;
  full.step_name = "charge";
  full.kind = saga::StepKind::pivot;
  full.attempt = 5;
  full.group = 6;
  full.command_id = new_id();
  full.wake_at = noon + 1s;
  full.rejected = true;
  full.error = "charge said no";
  full.rejection = "declined";
  full.data = Json(JsonObject{{"units", 3}, {"name", "Käse"}});
  full.lineage = {new_id(), new_id(), "00-aa-bb-01", 9};

  run([&]() -> Task<void> {
    co_await insert(full);
    const Instance found = co_await find("place-order", "o-1");
    EXPECT_EQ(found.definition_version, 3);
    EXPECT_EQ(found.status, Status::compensating);
    EXPECT_EQ(found.step, 4);
    EXPECT_EQ(found.step_name, "charge");
    EXPECT_EQ(found.kind, saga::StepKind::pivot);
    EXPECT_EQ(found.attempt, 5);
    EXPECT_EQ(found.group, 6);
    EXPECT_EQ(found.command_id, full.command_id);
    EXPECT_EQ(found.wake_at, full.wake_at);
    EXPECT_TRUE(found.rejected);
    EXPECT_EQ(found.error, full.error);
    EXPECT_EQ(found.rejection, full.rejection);
    EXPECT_EQ(found.data, full.data);
    EXPECT_EQ(found.lineage, full.lineage);
    EXPECT_EQ(found.revision, 0);
    EXPECT_EQ(found.started_at, noon);

    Instance moved = found;
    moved.status = Status::completed;
    moved.wake_at.reset();
    moved.command_id = {};
    moved.definition_version = 4;
    moved.step_name = "ship";
    moved.kind = saga::StepKind::retriable;
    moved.rejected = false;
    moved.rejection = "refused";
    moved.updated_at = noon + 1h;
    co_await update(moved);
    const Instance later = co_await find("place-order", "o-1");
    EXPECT_EQ(later.status, Status::completed);
    EXPECT_EQ(later.wake_at, std::nullopt);
    EXPECT_TRUE(later.command_id.is_nil());
    EXPECT_FALSE(later.rejected);
    EXPECT_EQ(later.rejection, "refused");
    EXPECT_EQ(later.definition_version, 4);
    EXPECT_EQ(later.step_name, "ship");
    EXPECT_EQ(later.kind, saga::StepKind::retriable);
    EXPECT_EQ(later.revision, 1);
    EXPECT_EQ(later.started_at, noon);
    EXPECT_EQ(later.updated_at, noon + 1h);
  });
}

TEST_P(SagaConformance, MovesByCompareAndSet) {
  run([this]() -> Task<void> {
    co_await insert(instance("place-order", "1"));
    co_await update(instance("place-order", "1"));
  });
  EXPECT_EQ(condition_of([this] { return update(instance("place-order", "1")); }),
            Condition::conflict);
  EXPECT_EQ(condition_of([this] { return update(instance("place-order", "2")); }),
            Condition::conflict);
}

Task<void> SagaConformance::move(Instance stale, int number, int& moved) {
  stale.step = number;
  try {
    co_await update(stale);
    ++moved;
  } catch (const Error& error) {
    if (error.condition() != Condition::conflict && error.applied() != Applied::unknown) throw;
  }
}

TEST_P(SagaConformance, LetsOneOfConcurrentTransitionsWin) {
  tests::for_seeds(seeds, [this](std::uint64_t seed) {
    use_seed(seed);
    const Instance stale = instance("place-order", "1");
    run([&]() -> Task<void> {
      co_await insist(
          [&](Transaction& tx) -> Task<void> { co_await saga::insert_instance(tx, stale); });
    });
    int moved = 0;
    std::vector<Task<void>> tasks;
    for (int i = 1; i <= 6; ++i)
      tasks.push_back(move(stale, i, moved));

    run_together(std::move(tasks));

    EXPECT_LE(moved, 1);
    run([&]() -> Task<void> {
      const Instance now = co_await find("place-order", "1");
      EXPECT_LE(now.revision, 1);
      EXPECT_GE(now.revision, moved);
    });
  });
}

TEST_P(SagaConformance, FindsWhatIsDueEarliestFirst) {
  run([this]() -> Task<void> {
    const auto add = [this](std::string id, std::optional<Timestamp> wake_at) -> Task<void> {
      Instance each = instance("place-order", std::move(id));
      each.wake_at = wake_at;
      co_await insert(std::move(each));
    };
    co_await add("second", noon - 1s);
    co_await add("first", noon - 2s);
    co_await add("now", noon);
    co_await add("later", noon + 1s);
    co_await add("much later", noon + 9s);
    co_await add("never", std::nullopt);
    const auto due = [this](Timestamp now, std::size_t limit) -> Task<std::vector<std::string>> {
      std::vector<std::string> ids;
      const auto keys =
          co_await db().read([&](Transaction& tx) { return saga::due_instances(tx, now, limit); });
      for (const auto& key : keys)
        ids.push_back(key.id);
      co_return ids;
    };

    EXPECT_THAT(co_await due(noon, 100), ElementsAre("first", "second", "now"));
    EXPECT_THAT(co_await due(noon, 2), ElementsAre("first", "second"));
    const auto next = co_await db().read([](Transaction& tx) { return saga::next_wake(tx, noon); });
    EXPECT_EQ(next, noon + 1s);
    const auto none =
        co_await db().read([](Transaction& tx) { return saga::next_wake(tx, noon + 1h); });
    EXPECT_EQ(none, std::nullopt);
  });
}

TEST_P(SagaConformance, CountsLiveInstancesByStatusAndVersion) {
  run([this]() -> Task<void> {
    int id = 0;
    for (const Status status :
         {Status::running, Status::compensating, Status::suspended, Status::compensation_failed,
          Status::completed, Status::compensated}) {
      Instance each = instance("place-order", std::to_string(++id));
      each.status = status;
      each.definition_version = status == Status::running ? 2 : 1;
      co_await insert(std::move(each));
    }
    const auto counts =
        co_await db().read([](Transaction& tx) { return saga::count_instances(tx); });
    EXPECT_EQ(counts.running, 2);
    EXPECT_EQ(counts.stuck, 2);
    std::vector<std::string> versions;
    for (const auto& live :
         co_await db().read([](Transaction& tx) { return saga::live_versions(tx); })) {
      versions.push_back(live.definition + " " + std::to_string(live.version) + ": " +
                         std::to_string(live.instances) + " as " + live.example);
    }
    EXPECT_THAT(versions, UnorderedElementsAre("place-order 1: 3 as 2", "place-order 2: 1 as 1"));
  });
}

TEST_P(SagaConformance, ListsPagesNewestFirst) {
  run([this]() -> Task<void> {
    for (int i = 1; i <= 4; ++i) {
      Instance each = instance(i == 4 ? "return-order" : "place-order", std::to_string(i));
      each.started_at = noon + std::chrono::minutes(i);
      each.status = i == 2 ? Status::suspended : Status::running;
      co_await insert(std::move(each));
    }
    const auto list = [this](saga::InstanceFilter filter) -> Task<std::string> {
      std::string ids;
      const auto found =
          co_await db().read([&](Transaction& tx) { return saga::list_instances(tx, filter); });
      for (const auto& each : found)
        ids += each.id;
      co_return ids;
    };
    saga::InstanceFilter filter;
    EXPECT_EQ(co_await list(filter), "4321");
    filter.limit = 2;
    EXPECT_EQ(co_await list(filter), "43");
    filter.before = noon + 3min;
    EXPECT_EQ(co_await list(filter), "21");
    filter = {.definition = "place-order", .status = Status::running, .before = std::nullopt};
    EXPECT_EQ(co_await list(filter), "31");
  });
}

TEST_P(SagaConformance, TellsTheHistoryInOrder) {
  run([this]() -> Task<void> {
    const Instance one = instance("place-order", "1");
    co_await db().transaction([&](Transaction& tx) -> Task<void> {
      for (const char* what : {"started", "sent", "accepted"})
        co_await saga::record(tx, one, new_id(), "reserve", what, "");
      co_await saga::record(tx, instance("return-order", "1"), new_id(), "", "started", "");
    });
    std::vector<std::string> told;
    for (const auto& entry : co_await db().read(
             [](Transaction& tx) { return saga::history(tx, "place-order", "1"); })) {
      told.push_back(entry.what);
    }
    EXPECT_THAT(told, ElementsAre("started", "sent", "accepted"));
  });
}

TEST_P(SagaConformance, KeepsVerbsInTheOrderTheyWereAskedFor) {
  run([this]() -> Task<void> {
    co_await insert(instance("place-order", "1"));
    const VerbRequest later = verb("1", Verb::resolve, noon + 1s);
    co_await request(later);
    co_await request(verb("1", Verb::retry, noon));

    auto verbs = co_await db().read([](Transaction& tx) { return saga::pending_verbs(tx, 10); });
    EXPECT_EQ(verbs.size(), 2U);
    if (verbs.size() != 2) co_return;
    EXPECT_EQ(verbs[0].verb, Verb::retry);
    EXPECT_EQ(verbs[1].verb, Verb::resolve);
    EXPECT_EQ(verbs[1].id, later.id);
    EXPECT_EQ(verbs[1].target.id, "1");
    EXPECT_EQ(verbs[1].argument, later.argument);
    EXPECT_EQ(verbs[1].actor, "ann");
    EXPECT_EQ(verbs[1].reason, "she knows");

    co_await db().transaction(
        [&](Transaction& tx) { return saga::settle_verb(tx, later.id, "", noon); });
    verbs = co_await db().read([](Transaction& tx) { return saga::pending_verbs(tx, 10); });
    EXPECT_EQ(verbs.size(), 1U);
    const auto trail =
        co_await db().read([](Transaction& tx) { return messaging::audit_trail(tx, 10); });
    EXPECT_EQ(trail.size(), 2U) << "the record stays";
  });
}

TEST_P(SagaConformance, RefusesAVerbForWhatIsNotThereOrFinished) {
  run([this]() -> Task<void> {
    Instance done = instance("place-order", "done");
    done.status = Status::completed;
    co_await insert(done);
  });
  EXPECT_EQ(condition_of([this] { return request(verb("none", Verb::retry, noon)); }),
            Condition::not_found);
  EXPECT_EQ(condition_of([this] { return request(verb("done", Verb::retry, noon)); }),
            Condition::conflict);
  run([this]() -> Task<void> {
    const auto trail =
        co_await db().read([](Transaction& tx) { return messaging::audit_trail(tx, 10); });
    EXPECT_EQ(trail.size(), 0U);
  });
}

TEST_P(SagaConformance, KeepsWhatBecameOfAVerbForAWeek) {
  run([this]() -> Task<void> {
    co_await insert(instance("place-order", "1"));
    const VerbRequest done = verb("1", Verb::retry, noon);
    const VerbRequest refused = verb("1", Verb::skip, noon);
    const VerbRequest later = verb("1", Verb::edit, noon);
    const auto outcome = [this](Uuid id) -> Task<std::string> {
      const auto found =
          co_await db().read([id](Transaction& tx) { return saga::verb_outcome(tx, id); });
      co_return !found ? "none" : found->refusal.empty() ? "done" : found->refusal;
    };
    co_await request(done);
    co_await request(refused);
    EXPECT_EQ(co_await outcome(done.id), "none");

    co_await db().transaction([&](Transaction& tx) -> Task<void> {
      EXPECT_TRUE(co_await saga::settle_verb(tx, done.id, "", noon));
      EXPECT_FALSE(co_await saga::settle_verb(tx, done.id, "late", noon)) << "by another host";
      co_await saga::settle_verb(tx, refused.id, "it does not fit", noon + 1h);
    });

    EXPECT_EQ(co_await outcome(done.id), "done");
    EXPECT_EQ(co_await outcome(refused.id), "it does not fit");
    const auto left =
        co_await db().read([](Transaction& tx) { return saga::pending_verbs(tx, 10); });
    EXPECT_TRUE(left.empty());
    co_await request(later);
    co_await db().transaction([&](Transaction& tx) {
      return saga::settle_verb(tx, later.id, "", noon + saga::outcomes_kept + 1s);
    });
    EXPECT_EQ(co_await outcome(done.id), "none");
    EXPECT_EQ(co_await outcome(refused.id), "it does not fit");
  });
}

TEST_P(SagaConformance, FindsLiveInstancesOfOtherVersionsByPages) {
  run([this]() -> Task<void> {
    for (int i = 1; i <= 5; ++i) {
      Instance each = instance("place-order", std::to_string(i));
      each.definition_version = i == 2 ? 2 : 1;
      each.status = i == 3 ? Status::completed : Status::suspended;
      co_await insert(std::move(each));
    }
    co_await insert(instance("return-order", "4"));
    const auto page = [this](std::string after) -> Task<std::string> {
      std::string ids;
      for (const auto& each : co_await db().read([&](Transaction& tx) {
             return saga::instances_of_other_versions(tx, "place-order", 2, after, 2);
           }))
        ids += each.id;
      co_return ids;
    };
    EXPECT_EQ(co_await page(""), "14");
    EXPECT_EQ(co_await page("4"), "5");
    EXPECT_EQ(co_await page("5"), "");
  });
}

TEST_P(SagaConformance, FindsTombstonesByActionAndKey) {
  run([this]() -> Task<void> {
    co_await db().transaction([](Transaction& tx) -> Task<void> {
      co_await saga::Tombstones::leave(tx, "reserve", "o-1", noon);
      co_await saga::Tombstones::leave(tx, "reserve", "o-1", noon + 1s);
      EXPECT_TRUE(co_await saga::Tombstones::exists(tx, "reserve", "o-1"));
      EXPECT_FALSE(co_await saga::Tombstones::exists(tx, "reserve", "o-2"));
      EXPECT_FALSE(co_await saga::Tombstones::exists(tx, "charge", "o-1"));
    });
  });
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SagaConformance);

}  // namespace sinew::conformance
