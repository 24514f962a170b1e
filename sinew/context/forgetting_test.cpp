#include "sinew/context/forgetting.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "sinew/async/scope.hpp"
#include "sinew/base/error.hpp"
#include "sinew/messaging/backlog.hpp"
#include "sinew/saga/instances.hpp"
#include "sinew/saga/journal.hpp"
#include "sinew/store/inbox.hpp"
#include "sinew/store/schema.hpp"
#include "tests/support/faulty_database.hpp"
#include "tests/support/for_seeds.hpp"
#include "tests/support/test_host.hpp"

namespace sinew::context {
namespace {

using namespace std::chrono_literals;
using store::Inbox;
using store::Transaction;
using testing::ElementsAre;
using testing::HasSubstr;

// Forgets on a database with Sinew's tables, in virtual time.
class ForgettingTest : public testing::Test {
 protected:
  void SetUp() override {
    log::root().set_level(log::Level::off);
    run(migrate());
    begin();
  }
  void TearDown() override { end(); }

  Task<void> migrate() {
    co_await sqlite.database().migrate(store::store_migrations());
    co_await sqlite.database().migrate(saga::saga_migrations());
  }
  void begin() {
    faulty = std::make_unique<tests::FaultyDatabase>(sqlite.database());
    forgetting = std::make_unique<Forgetting>(sqlite.node(), *faulty, remembering, log::root());
    scope = std::make_unique<async::Scope>(sqlite.node(), "forgetting");
    scope->spawn(forgetting->run());
  }
  void end() {
    scope->cancel();
    sqlite.node().run(scope->join());
    scope.reset();
    forgetting.reset();
    faulty.reset();
  }

  void run(Task<void> task) { sqlite.run(std::move(task)); }
  void pass(Duration duration) { sqlite.world().run_for(duration); }
  template <class Body>
  auto in(Body body) {
    return sqlite.node().run(sqlite.database().transaction(std::move(body)));
  }
  void mark(int times = 1) {
    in([&](Transaction& tx) -> Task<void> {
      for (int i = 0; i < times; ++i)
        co_await Inbox::mark(tx, "billing", "/sales", sqlite.node().new_id());
    });
  }
  std::int64_t marks() {
    return in([](Transaction& tx) { return Inbox::count(tx, Timestamp::min(), Timestamp::max()); });
  }

  tests::SimulatedSqlite sqlite{1};
  Remembering remembering{10h, 20h};
  std::unique_ptr<tests::FaultyDatabase> faulty;
  std::unique_ptr<Forgetting> forgetting;
  std::unique_ptr<async::Scope> scope;
};

TEST_F(ForgettingTest, ForgetsMarksThatAreOlderThanTheSetting) {
  mark(3);
  pass(5h);
  mark(2);

  pass(4h + 50min);
  EXPECT_EQ(marks(), 5);
  pass(30min);
  EXPECT_EQ(marks(), 2);
  pass(5h);
  EXPECT_EQ(marks(), 0);
}

TEST_F(ForgettingTest, CountsNoTimeInWhichNothingRan) {
  mark(3);
  pass(9h);
  end();
  pass(365 * 24h);
  begin();

  pass(40min);
  EXPECT_EQ(marks(), 3);
  pass(50min);
  EXPECT_EQ(marks(), 0);
}

TEST_F(ForgettingTest, DoesNotMindHowTheWallClockIsSet) {
  for (const auto jump : {365 * 24h, -365 * 24h, 11h, -11h}) {
    SCOPED_TRACE(jump.count());
    mark(3);
    pass(5h);
    sqlite.node().shift_wall(jump);
    mark(2);

    pass(4h + 40min);
    EXPECT_EQ(marks(), 5);
    pass(40min);
    EXPECT_EQ(marks(), 2);
    pass(5h);
    EXPECT_EQ(marks(), 0);
  }
}

TEST_F(ForgettingTest, ForgetsManyInSteps) {
  for (int i = 0; i < 25; ++i)
    mark(100);
  pass(11h);

  EXPECT_EQ(marks(), 0);
  EXPECT_EQ(forgetting->status().forgotten, 2500U);
}

TEST_F(ForgettingTest, TellsWhatTheInboxHolds) {
  mark(2);
  pass(15min);
  mark(3);
  pass(3h);
  in([&](Transaction& tx) -> Task<void> {
    co_await Inbox::hold(tx, "billing", "/sales", sqlite.node().new_id());
  });
  mark(7);
  EXPECT_EQ(forgetting->status().marks, 5) << "as of the last sweep";
  pass(11min);

  EXPECT_EQ(forgetting->status().marks, 12);
  EXPECT_GE(forgetting->status().oldest, 3h + 10min);
  EXPECT_LE(forgetting->status().oldest, 3h + 30min);
  end();
  begin();
  pass(1s);
  EXPECT_EQ(forgetting->status().marks, 12) << "of before";
  pass(8h);
  EXPECT_EQ(forgetting->status().marks, 7);
  EXPECT_EQ(forgetting->status().forgotten, 5U);
  pass(11h);
  EXPECT_EQ(forgetting->status().marks, 0);
  EXPECT_EQ(forgetting->status().oldest, 0s);
}

// What is not known to be counted is not counted.
TEST_F(ForgettingTest, ForgetsNothingEarlyOnADatabaseThatFails) {
  tests::for_seeds(20, [this](std::uint64_t seed) {
    async::sim::World dice(seed);
    mark(3);
    for (Duration passed{}; passed < 9h + 50min; passed += 10min) {
      faulty->failing = static_cast<int>(dice.random().below(2));
      faulty->losing_answers = static_cast<int>(dice.random().below(2));
      faulty->failing_reads = static_cast<int>(dice.random().below(2));
      pass(10min);
    }

    EXPECT_EQ(marks(), 3);
    faulty->failing = faulty->losing_answers = faulty->failing_reads = 0;
    pass(21h);
    EXPECT_EQ(marks(), 0);
    EXPECT_EQ(forgetting->status().marks, 0);
  });
}

TEST_F(ForgettingTest, TwoOnOneDatabaseCountTheTimeOnce) {
  pass(3min);
  tests::FaultyDatabase other_database(sqlite.database());
  Forgetting other(sqlite.node(), other_database, remembering, log::root());
  async::Scope running(sqlite.node(), "other");
  running.spawn(other.run());
  mark(3);

  pass(9h + 40min);
  EXPECT_EQ(marks(), 3);
  pass(1h);
  EXPECT_EQ(marks(), 0);
  EXPECT_EQ(forgetting->status().marks, 0);
  EXPECT_EQ(other.status().marks, 0);

  running.cancel();
  sqlite.node().run(running.join());
}

TEST_F(ForgettingTest, ForgetsTheJournalByItsOwnSetting) {
  const auto journal = [this] {
    return in([](Transaction& tx) { return saga::journal_of_key(tx, "k"); }).size();
  };
  in([this](Transaction& tx) -> Task<void> {
    event::Envelope event{.id = sqlite.node().new_id(), .type = "sales.sold"};
    event.time = sqlite.node().wall_now();
    event.ordering_key = "k";
    co_await saga::write_journal(tx, event, nullptr);
  });

  pass(19h);
  EXPECT_EQ(journal(), 1U);
  pass(2h);
  EXPECT_EQ(journal(), 0U);
}

// A copy of what the shop has published, as after a failure of the one who sent it.
class CopyTest : public testing::Test {
 protected:
  void start() {
    system.context_settings.inbox_retention = 1h;
    system.start();
  }
  void publish_copy() {
    const auto port = system.node->run(system.host->backend().connect_broker(*system.node, "test"));
    system.node->run(port->publish({{{messaging::DestinationKind::topic, "shop.events"}, copy}}));
    system.world.run_for(5s);
  }
  void first_time() {
    copy = {.id = system.node->new_id(), .source = "/shop", .ordering_key = "o-1"};
    copy = event::seal(OrderPlaced{"o-1"}, copy);
    publish_copy();
    ASSERT_EQ(heard(), 1);
  }
  std::int64_t heard() { return system.number("stock", "SELECT times FROM heard"); }

  TestHost system;
  event::Envelope copy;
};

TEST_F(CopyTest, HasNoEffectHoweverLongTheContextWasDown) {
  start();
  first_time();
  system.world.run_for(40min);
  system.drain();
  system.world.run_for(1000h);
  start();

  publish_copy();

  EXPECT_EQ(heard(), 1);
}

TEST_F(CopyTest, HasNoEffectWhenTheClockWasSetForward) {
  start();
  first_time();
  system.node->shift_wall(365 * 24h);
  system.world.run_for(20min);

  publish_copy();

  EXPECT_EQ(heard(), 1);
}

TEST_F(CopyTest, IsHandledAgainAfterTheRetention) {
  start();
  first_time();
  system.world.run_for(90min);

  publish_copy();

  EXPECT_EQ(heard(), 2);
}

TEST_F(CopyTest, OfAParkedMessageIsKnownHoweverLongItIsParked) {
  start();
  copy = {.id = system.node->new_id(),
          .source = "/shop",
          .type = "shop.order.placed",
          .ordering_key = "o-1"};
  copy.data = SharedBytes(R"({"order":7})");
  publish_copy();
  ASSERT_EQ(system.number("stock", "SELECT COUNT(*) FROM consumer_backlog"), 1);
  system.world.run_for(6h);

  publish_copy();

  EXPECT_EQ(system.number("stock", "SELECT COUNT(*) FROM consumer_backlog"), 1);
}

TEST_F(CopyTest, MetricsTellOfTheInbox) {
  start();
  first_time();
  system.world.run_for(30min);
  const auto metrics = [this] {
    return system
        .send(to_string(system.host->operator_endpoint()),
              {.method = http::Method::get, .url = "/metrics"})
        .body;
  };

  EXPECT_THAT(metrics(), HasSubstr(R"(sinew_inbox_marks{context="stock"} 1)"));
  EXPECT_THAT(metrics(),
              testing::ContainsRegex("sinew_inbox_oldest_seconds.context=\"stock\". 1[0-9]{3}"));
  system.world.run_for(1h);
  EXPECT_THAT(metrics(), HasSubstr(R"(sinew_inbox_forgotten_marks{context="stock"} 1)"));
  EXPECT_THAT(metrics(), HasSubstr(R"(sinew_inbox_marks{context="stock"} 0)"));
}

}  // namespace
}  // namespace sinew::context
