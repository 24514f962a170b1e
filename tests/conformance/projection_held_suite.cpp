#include <string>
#include <vector>

#include "sinew/store/projection_verbs.hpp"
#include "tests/conformance/projection_suite.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::conformance {

using store::OnRefusal;
using store::ProjectionRunner;
using store::ProjectionState;
using store::Transaction;
using Lines = std::vector<std::string>;

namespace {

Task<void> resume(store::Database& database, ProjectionRunner& runner, std::string key) {
  bool done = false;
  while (!done) {
    try {
      co_await database.transaction(
          [&](Transaction& tx) { return store::resume_projection(tx, "lists", key); });
      done = true;
    } catch (const Error& error) {
      done = error.condition() == Condition::not_found;  // caught up after a lost answer
      if (!done && error.applied() != Applied::unknown) throw;
    }
  }
  runner.wake();
}

}  // namespace

TEST_P(ProjectionHeldConformance, HoldsAKeyAndGoesOnWithTheOthers) {
  Lists view;
  view.policy = OnRefusal::pause_key;
  view.refused = {"bad"};
  ProjectionRunner runner(db(), view);
  bool held_back = false;
  const auto work = [&]() -> Task<void> {
    co_await append("a", {"1", "bad"});
    co_await append("b", {"1"});
    co_await append("a", {"2"});
    co_await append("b", {"2"});
    co_await until([&] { return runner.status().applied == 5; });
    const auto events = co_await db().read(
        [this](Transaction& tx) { return db().event_log().read_all(tx, {}, 10); });
    co_await runner.reached(events[4].position, std::chrono::seconds(1));
    try {
      co_await runner.reached(events[3].position, std::chrono::seconds(1));
    } catch (const Error& error) {
      held_back = error.condition() == Condition::unavailable;
    }
  };
  run([&]() -> Task<void> {
    co_await project(runner, work(), [&] { return runner.status().applied == 5; });
    EXPECT_EQ(co_await lists(), (Lines{"a: 1", "b: 1 2"}));
    EXPECT_EQ(runner.status().held_keys, 1u);
    EXPECT_EQ(runner.status().held_events, 2u);
    const auto held =
        co_await db().read([](Transaction& tx) { return store::held_keys(tx, "lists", 10); });
    EXPECT_EQ(held.at(0).key, "a");
    EXPECT_EQ(held.at(0).events, 2);
    EXPECT_NE(held.at(0).reason.find("stream a, version 1"), std::string::npos);
    EXPECT_TRUE(held_back) << "nobody is told that the view has what it holds back";
  });
}

TEST_P(ProjectionHeldConformance, CatchesAKeyUpInOrderWhileMoreOfItComes) {
  tests::for_seeds(seeds, [this](std::uint64_t seed) {
    use_seed(seed);
    Lists view;
    view.policy = OnRefusal::pause_key;
    view.refused = {"0", "3"};
    ProjectionRunner runner(db(), view, {.batch = 3});
    const auto write = [this](std::string stream, int from, int to) -> Task<void> {
      for (int i = from; i < to; ++i)
        co_await append(stream, {std::to_string(i)});
    };
    const auto work = [&]() -> Task<void> {
      async::Scope scope(co_await async::this_context());
      scope.spawn(write("a", 0, 30));
      scope.spawn(write("b", 1, 12));
      co_await until([&] { return runner.status().held_keys == 2; });
      view.refused = {};
      co_await resume(db(), runner, "a");
      co_await resume(db(), runner, "b");
      co_await scope.join();
    };
    run([&]() -> Task<void> {
      co_await project(runner, work(), [&] {
        return runner.status().position == store::Checkpoint::from_position(41) &&
               runner.status().held_keys == 0;
      });
      EXPECT_EQ(co_await lists(), co_await expected());
      EXPECT_EQ(co_await count("SELECT COUNT(*) FROM projection_held_events"), 0);
      EXPECT_EQ(runner.status().held_events, 0u);
    });
  });
}

// More than one transaction takes.
TEST_P(ProjectionHeldConformance, CatchesUpAllOfAKeyHoweverMuchItIs) {
  constexpr int most = 200;
  Lists view;
  view.policy = OnRefusal::pause_key;
  view.refused = {"0"};
  ProjectionRunner runner(db(), view);
  run([&]() -> Task<void> {
    const auto work = [&]() -> Task<void> {
      Lines texts;
      for (int i = 0; i < most; ++i)
        texts.push_back(std::to_string(i));
      co_await append("a", texts);
      co_await until([&] { return runner.status().held_events == most; });
      view.refused.clear();
      co_await resume(db(), runner, "a");
    };
    co_await project(runner, work(), [&] { return runner.status().held_keys == 0; });
    EXPECT_EQ(co_await lists(), co_await expected());
    EXPECT_EQ(co_await count("SELECT COUNT(*) FROM projection_held_events"), 0);
  });
}

TEST_P(ProjectionHeldConformance, StaysHeldAtTheNextEventThatFails) {
  Lists view;
  view.policy = OnRefusal::pause_key;
  view.refused = {"bad", "worse"};
  ProjectionRunner runner(db(), view);
  const auto work = [&]() -> Task<void> {
    co_await append("a", {"1", "bad", "2", "worse", "3"});
    co_await until([&] { return runner.status().held_events == 4; });
    view.refused = {"worse"};
    co_await resume(db(), runner, "a");
    co_await until([&] { return runner.status().held_events == 2; });
  };
  const auto held = [this] {
    return db().read([](Transaction& tx) { return store::held_keys(tx, "lists", 10); });
  };
  run([&]() -> Task<void> {
    co_await project(runner, work(), [&] { return true; });
    EXPECT_EQ(co_await lists(), Lines{"a: 1 bad 2"});
    const auto keys = co_await held();
    EXPECT_EQ(keys.size(), 1u);
    EXPECT_EQ(keys.at(0).events, 2);
  });
}

TEST_P(ProjectionHeldConformance, NamesWhatItStaysHeldFor) {
  Lists view;
  view.policy = OnRefusal::pause_key;
  view.refused = {"bad", "worse"};
  ProjectionRunner runner(db(), view);
  run([&]() -> Task<void> {
    std::string reason;
    const auto work = [&]() -> Task<void> {
      co_await append("a", {"bad", "worse"});
      co_await until([&] { return runner.status().held_events == 2; });
      view.refused = {"worse"};
      co_await resume(db(), runner, "a");
      for (int look = 0; look < 1000 && reason.find("version 1") == std::string::npos; ++look) {
        co_await async::Sleep(std::chrono::milliseconds(10));
        reason =
            (co_await db().read([](Transaction& tx) { return store::held_keys(tx, "lists", 10); }))
                .at(0)
                .reason;
      }
    };
    co_await project(runner, work(), [&] { return true; });
    EXPECT_NE(reason.find("stream a, version 1"), std::string::npos) << reason;
  });
}

TEST_P(ProjectionHeldConformance, SkipsOnlyTheEventThatAnOperatorNames) {
  Lists view;
  view.policy = OnRefusal::pause_key;
  view.refused = {"bad"};
  ProjectionRunner runner(db(), view);
  run([&]() -> Task<void> {
    const auto skip = [&](Uuid event) -> Task<void> {
      co_await db().transaction([&](Transaction& tx) {
        return store::skip_event(tx, "lists", {event, "", "lost", "tester", {}});
      });
    };
    const auto work = [&]() -> Task<void> {
      co_await append("a", {"1", "bad", "2"});
      co_await until([&] { return runner.status().held_events == 2; });
      const auto events = co_await db().read(
          [this](Transaction& tx) { return db().event_log().read_stream(tx, "a", 0, 10); });
      bool refused = false;
      try {
        co_await skip(events[2].id);
      } catch (const Error& error) {
        refused = error.condition() == Condition::conflict;
      }
      EXPECT_TRUE(refused) << "the second that waits";
      co_await skip(events[1].id);
      runner.wake();
    };
    co_await project(runner, work(), [&] { return runner.status().held_keys == 0; });
    EXPECT_EQ(co_await lists(), Lines{"a: 1 2"});
    const auto skips =
        co_await db().read([](Transaction& tx) { return store::skipped_events(tx, "lists", 10); });
    EXPECT_EQ(skips.size(), 1u);
    EXPECT_EQ(skips.at(0).actor, "tester");
    EXPECT_NE(skips.at(0).error.find("stream a, version 1"), std::string::npos);
  });
}

TEST_P(ProjectionHeldConformance, SkipsAnEventForTheViewThatWasNamedOnly) {
  Lists view;
  view.policy = OnRefusal::pause_key;
  view.refused = {"bad"};
  ProjectionRunner runner(db(), view);
  run([&]() -> Task<void> {
    co_await append("a", {"1", "bad"});
    co_await insist([this](Transaction& tx) -> Task<void> {
      const auto events = co_await db().event_log().read_stream(tx, "a", 1, 1);
      co_await tx.execute(
          "INSERT INTO projection_skips (projection, event_id, error, reason, actor, skipped_at) "
          "VALUES ('another', ?, '', '', '', 0) ON CONFLICT DO NOTHING",
          {events.at(0).id});
    });
    co_await project(runner, append("b", {"1"}), [&] {
      return runner.status().position == store::Checkpoint::from_position(3);
    });
    EXPECT_EQ(runner.status().held_events, 1u);
  });
}

// It is read as it is: the running code knows its tables no more.
TEST_P(ProjectionHeldConformance, AFrozenViewTakesNothingOfAKeyThatIsResumed) {
  Lists first;
  first.policy = OnRefusal::pause_key;
  first.refused = {"bad"};
  Lists second(2);
  second.policy = OnRefusal::pause_key;
  second.refused = {"1"};
  ProjectionRunner runner(db(), second);
  run([&]() -> Task<void> {
    ProjectionRunner old_runner(db(), first);
    co_await project(old_runner, append("a", {"1", "bad"}),
                     [&] { return old_runner.status().held_events == 1; });
    const auto work = [&]() -> Task<void> {
      co_await until([&] { return runner.status().rebuild && runner.status().rebuild->paused; });
      co_await resume(db(), runner, "a");
      co_await async::Sleep(std::chrono::seconds(1));
      const auto held =
          co_await db().read([](Transaction& tx) { return store::held_keys(tx, "lists", 10); });
      EXPECT_TRUE(held.at(0).released) << held.at(0).reason;
      EXPECT_EQ(co_await lists(), Lines{"a: 1"});
      second.refused.clear();
      co_await insist([](Transaction& tx) { return store::resume_projection(tx, "lists", {}); });
      runner.wake();
    };
    co_await project(runner, work(), [&] { return runner.status().version == 2; });
    EXPECT_EQ(co_await lists(), co_await expected());
  });
}

TEST_P(ProjectionHeldConformance, HoldsAcrossARestart) {
  Lists view;
  view.policy = OnRefusal::pause_key;
  view.refused = {"bad"};
  run([&]() -> Task<void> {
    ProjectionRunner runner(db(), view);
    co_await project(runner, append("a", {"bad", "1"}),
                     [&] { return runner.status().held_events == 2; });
  });
  bench().reopen();
  view.refused.clear();
  run([&]() -> Task<void> {
    ProjectionRunner runner(db(), view);
    const auto work = [&]() -> Task<void> {
      co_await append("a", {"2"});
      co_await until([&] { return runner.status().held_events == 3; });
      EXPECT_TRUE((co_await lists()).empty()) << "a held key waits for its operator";
      co_await resume(db(), runner, "a");
    };
    co_await project(runner, work(), [&] { return runner.status().held_keys == 0; });
    EXPECT_EQ(co_await lists(), co_await expected());
  });
}

TEST_P(ProjectionHeldConformance, PausesAsAWholeWhenTooManyKeysAreHeld) {
  Lists view;
  view.policy = OnRefusal::pause_key;
  view.refused = {"bad"};
  ProjectionRunner runner(db(), view, {.max_held_keys = 2});
  run([&]() -> Task<void> {
    const auto work = [&]() -> Task<void> {
      for (const char* stream : {"a", "b", "c", "d"})
        co_await append(stream, {"bad"});
      co_await until([&] { return runner.status().state == ProjectionState::paused; });
      EXPECT_EQ(runner.status().held_keys, 2u);
      view.refused.clear();
      co_await resume(db(), runner, "a");
      co_await resume(db(), runner, "b");
      co_await insist([](Transaction& tx) { return store::resume_projection(tx, "lists", {}); });
      runner.wake();
    };
    co_await project(runner, work(), [&] { return runner.status().applied == 4; });
    EXPECT_EQ(co_await lists(), co_await expected());
  });
}

TEST_P(ProjectionHeldConformance, PausesAsAWholeWhenTooManyEventsWait) {
  Lists view;
  view.policy = OnRefusal::pause_key;
  view.refused = {"bad"};
  ProjectionRunner runner(db(), view, {.batch = 4, .max_held_events = 5});
  run([&]() -> Task<void> {
    const auto work = [&]() -> Task<void> {
      co_await append("a", {"bad", "1", "2", "3", "4", "5", "6"});
      co_await until([&] { return runner.status().state == ProjectionState::paused; });
      EXPECT_EQ(runner.status().held_events, 5u);
      EXPECT_NE(runner.status().error.find("5 events wait"), std::string::npos);
      view.refused.clear();
      co_await resume(db(), runner, "a");
      co_await until([&] { return runner.status().held_events == 0; });
      co_await insist([](Transaction& tx) { return store::resume_projection(tx, "lists", {}); });
      runner.wake();
    };
    co_await project(runner, work(), [&] { return runner.status().applied == 7; });
    EXPECT_EQ(co_await lists(), co_await expected());
  });
}

TEST_P(ProjectionHeldConformance, ARebuildTakesInWhatWasHeld) {
  Lists view;
  view.policy = OnRefusal::pause_key;
  view.refused = {"bad"};
  ProjectionRunner runner(db(), view);
  run([&]() -> Task<void> {
    const auto work = [&]() -> Task<void> {
      co_await append("a", {"1", "bad", "2"});
      co_await until([&] { return runner.status().held_events == 2; });
      view.refused.clear();
      co_await ask_for_rebuild(runner);
    };
    co_await project(runner, work(),
                     [&] { return runner.status().held_keys == 0 && !runner.status().rebuild; });
    EXPECT_EQ(co_await lists(), co_await expected());
    EXPECT_EQ(co_await count("SELECT COUNT(*) FROM projection_held_events"), 0);
  });
}

TEST_P(ProjectionHeldConformance, TellsWhatMovesFromWhatWaitsForAnOperator) {
  for (const OnRefusal policy : {OnRefusal::pause_key, OnRefusal::pause_all}) {
    use_seed(1);
    Lists view;
    view.policy = policy;
    view.refused = {"bad"};
    ProjectionRunner runner(db(), view);
    const auto at_work = [this] {
      return db().read(
          [this](Transaction& tx) { return store::views_at_work(tx, db().event_log()); });
    };
    run([&]() -> Task<void> {
      co_await runner.prepare();
      co_await append("a", {"1", "bad", "2"});
      const auto before = co_await at_work();
      EXPECT_EQ(before.behind, 3);
      EXPECT_EQ(before.stalled, 0);
      const auto stalled = [&] {
        const auto status = runner.status();
        return status.state == ProjectionState::paused ||
               (status.held_events == 2 && status.position == store::Checkpoint::from_position(4));
      };
      co_await project(runner, append("b", {"1"}), stalled);
      const auto after = co_await at_work();
      EXPECT_EQ(after.behind, 0);
      EXPECT_EQ(after.stalled, 1);
    });
  }
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ProjectionHeldConformance);

}  // namespace sinew::conformance
