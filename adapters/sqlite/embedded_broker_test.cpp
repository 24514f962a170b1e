#include "adapters/sqlite/embedded_broker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sqlite3.h>

#include <string>
#include <utility>
#include <variant>

#include "adapters/sqlite/faulty_vfs.hpp"
#include "adapters/sqlite/test_folder.hpp"
#include "sinew/async/offload.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/test_runtime.hpp"
#include "sinew/base/error.hpp"

namespace sinew::sqlite {
namespace {

using messaging::Confirm;
using messaging::Delivery;
using messaging::Settlement;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class EmbeddedBrokerTest : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void TearDown() override { close(); }

  void close() {
    port.reset();
    if (broker) runtime.run(broker->close());
    broker.reset();
  }
  void open() {
    settings.database.path = folder.database();
    settings.database.vfs = disk.name();
    settings.database.simulate(0);
    broker = runtime.run(EmbeddedBroker::open(runtime, settings));
    port = broker->connect(runtime);
  }

  messaging::Message message(std::string queue, std::string subject, std::string key = "") {
    event::Envelope envelope;
    envelope.id = runtime.new_id();
    envelope.source = "/test";
    envelope.type = "test.happened";
    envelope.subject = std::move(subject);
    envelope.ordering_key = std::move(key);
    return {{messaging::DestinationKind::queue, std::move(queue)}, std::move(envelope)};
  }
  std::vector<Confirm> publish(std::vector<messaging::Message> messages) {
    return runtime.run(port->publish(std::move(messages)));
  }
  std::unique_ptr<messaging::Subscription> subscribe(std::string queue) {
    messaging::SubscribeOptions options;
    options.source = {messaging::DestinationKind::queue, std::move(queue)};
    return runtime.run(port->subscribe(options));
  }

  void declare(std::string queue) {
    runtime.run(port->declare({.queues = {{.name = std::move(queue)}}, .topics = {}}));
  }
  // Takes and accepts everything; gives the subjects.
  std::vector<std::string> drain(messaging::Subscription& subscription) {
    std::vector<std::string> subjects;
    for (;;) {
      try {
        auto signals = runtime.run(async::with_deadline(runtime.now() + std::chrono::seconds(1),
                                                        subscription.receive(100)));
        std::vector<messaging::Settle> settlements;
        for (const auto& signal : signals) {
          const auto& delivery = std::get<Delivery>(signal);
          subjects.push_back(delivery.message.envelope.subject);
          settlements.push_back({delivery.tag, Settlement::accepted});
        }
        runtime.run(subscription.settle(std::move(settlements)));
      } catch (const Error& error) {
        if (error.condition() != Condition::timeout) throw;
        return subjects;
      }
    }
  }
  Error failure_of(Task<void> task) {
    try {
      runtime.run(std::move(task));
    } catch (const Error& error) {
      return error;
    }
    throw std::logic_error("no Error");
  }
  static Task<void> publish_into(messaging::Broker& port,
                                 std::vector<messaging::Message> messages) {
    co_await port.publish(std::move(messages));
  }

  void pass(Duration time) {
    const auto sleep = [time]() -> Task<void> { co_await async::sleep_for(time); };
    runtime.run(sleep());
  }

  static Task<void> purge_in(EmbeddedBroker& broker, std::string queue) {
    co_await broker.purge(std::move(queue), false);
  }

  TestFolder folder;
  FaultyVfs disk{"broker disk"};
  BrokerSettings settings;
  async::TestRuntime runtime;
  std::unique_ptr<EmbeddedBroker> broker;
  std::unique_ptr<messaging::Broker> port;
};

TEST_F(EmbeddedBrokerTest, DeliversWhatWasPublishedAndForgetsWhatWasAccepted) {
  declare("work");
  EXPECT_THAT(publish({message("work", "a", "k"), message("nowhere", "b"), message("work", "c")}),
              ElementsAre(Confirm::accepted, Confirm::unroutable, Confirm::accepted));
  auto subscription = subscribe("work");

  auto signals = runtime.run(subscription->receive(10));

  ASSERT_EQ(signals.size(), 2U);
  const auto& first = std::get<Delivery>(signals[0]);
  EXPECT_EQ(first.message.envelope.subject, "a");
  EXPECT_EQ(broker->statistics().queues[0].in_work, 2);
  runtime.run(subscription->settle({{first.tag, Settlement::accepted}}));
  EXPECT_EQ(broker->statistics().queues[0].in_work, 1);
  EXPECT_EQ(broker->statistics().queues[0].ready, 0);
}

TEST_F(EmbeddedBrokerTest, KeepsAcceptedMessagesAcrossALoss) {
  declare("work");
  publish({message("work", "a", "k"), message("work", "b", "k")});
  auto subscription = subscribe("work");
  runtime.run(subscription->receive(10));

  subscription.reset();
  port.reset();
  broker.reset();
  open();

  EXPECT_EQ(broker->statistics().queues[0].ready, 2);
  subscription = subscribe("work");
  const auto signals = runtime.run(subscription->receive(10));
  ASSERT_EQ(signals.size(), 1U);
  EXPECT_EQ(std::get<Delivery>(signals[0]).message.envelope.subject, "a");
}

// What a failed sync left behind is found out when the database is open again.
TEST_F(EmbeddedBrokerTest, CountsWhatAFailedSyncMayHaveWritten) {
  declare("work");
  publish({message("work", "before", "k")});
  disk.fail(FaultyVfs::Operation::sync, true, SQLITE_IOERR_FSYNC);

  const Error error =
      failure_of(publish_into(*port, {message("work", "a", "k"), message("work", "b")}));
  EXPECT_EQ(error.condition(), Condition::unavailable);
  EXPECT_EQ(error.applied(), Applied::unknown);
  runtime.advance(std::chrono::seconds(1));
  publish({message("work", "after", "k")});

  const auto subscription = subscribe("work");
  const std::vector<std::string> subjects = drain(*subscription);
  EXPECT_THAT(subjects, testing::AnyOf(testing::UnorderedElementsAre("before", "after"),
                                       testing::UnorderedElementsAre("before", "a", "b", "after")));
  EXPECT_EQ(subjects.front(), "before");
  EXPECT_EQ(broker->statistics().queues[0].ready, 0);
  EXPECT_EQ(broker->statistics().queues[0].in_work, 0);
}

// A transfer whose sync failed has moved all of its messages or none, and none twice.
TEST_F(EmbeddedBrokerTest, FindsOutWhetherExpiredMessagesWereMoved) {
  messaging::QueueSpec work;
  work.name = "work";
  work.dead_letter = "dead";
  runtime.run(port->declare({.queues = {{.name = "dead"}, work}, .topics = {}}));
  std::vector<messaging::Message> messages;
  for (const char* subject : {"a", "b", "c"}) {
    messages.push_back(message("work", subject));
    event::expire_after(messages.back().envelope, runtime.wall_now(), std::chrono::seconds(1));
  }
  publish(messages);
  disk.fail(FaultyVfs::Operation::sync, true, SQLITE_IOERR_FSYNC);

  runtime.advance(std::chrono::seconds(5));
  const auto dead = subscribe("dead");
  EXPECT_THAT(drain(*dead), testing::UnorderedElementsAre("a", "b", "c"));

  for (const auto& queue : broker->statistics().queues) {
    EXPECT_EQ(queue.ready, 0) << queue.name;
    EXPECT_EQ(queue.in_work, 0) << queue.name;
  }
}

TEST_F(EmbeddedBrokerTest, AnOperatorPurgesWhatNobodyHasInWork) {
  declare("work");
  for (int i = 0; i < 300; ++i)
    publish({message("work", std::to_string(i), "key" + std::to_string(i % 3))});
  messaging::Message later = message("work", "later");
  event::delay_by(later.envelope, runtime.wall_now(), std::chrono::hours(1));
  publish({later});
  const auto subscription = subscribe("work");
  const auto held = runtime.run(subscription->receive(1));
  ASSERT_EQ(held.size(), 1U);

  EXPECT_EQ(runtime.run(broker->purge("work", true)), 300);
  EXPECT_EQ(runtime.run(broker->purge("work", false)), 300);

  const auto status = runtime.run(broker->queues());
  EXPECT_EQ(status.at(0).ready, 0);
  EXPECT_EQ(status.at(0).in_work, 1);
  EXPECT_EQ(status.at(0).delayed, 0);
  EXPECT_EQ(status.at(0).published, 300U);
  runtime.run(subscription->settle({{std::get<Delivery>(held[0]).tag, Settlement::accepted}}));
  publish({message("work", "next", "key0")});
  EXPECT_THAT(drain(*subscription), ElementsAre("next"));
  EXPECT_EQ(failure_of(purge_in(*broker, "nowhere")).condition(), Condition::not_found);
}

TEST_F(EmbeddedBrokerTest, AnOperatorMovesDeadLettersBack) {
  messaging::QueueSpec work;
  work.name = "work";
  work.dead_letter = "dead";
  runtime.run(port->declare({.queues = {{.name = "dead"}, work}, .topics = {}}));
  messaging::Message stale = message("work", "stale", "k");
  event::expire_after(stale.envelope, runtime.wall_now(), std::chrono::seconds(1));
  publish({stale, message("dead", "foreign")});
  runtime.advance(std::chrono::seconds(3));
  EXPECT_EQ(runtime.run(broker->look("dead", 10)).size(), 2U);

  EXPECT_EQ(runtime.run(broker->redrive("dead", true)), 1);
  EXPECT_EQ(runtime.run(broker->redrive("dead", false)), 1);

  const auto worker = subscribe("work");
  EXPECT_THAT(drain(*worker), ElementsAre("stale"));
  const auto left = runtime.run(broker->look("dead", 10));
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].subject, "foreign");
}

TEST_F(EmbeddedBrokerTest, AFullDiskPublishesNothingAndTakesNoRoom) {
  runtime.run(port->declare({.queues = {{.name = "work", .max_messages = 2}}, .topics = {}}));
  disk.fail(FaultyVfs::Operation::write, true, SQLITE_FULL, 100);

  const Error error = failure_of(publish_into(*port, {message("work", "a"), message("work", "b")}));
  EXPECT_EQ(error.condition(), Condition::exhausted);
  EXPECT_EQ(error.applied(), Applied::no);
  disk.judge({});

  EXPECT_THAT(publish({message("work", "c"), message("work", "d")}),
              ElementsAre(Confirm::accepted, Confirm::accepted));
  EXPECT_EQ(broker->statistics().queues[0].ready, 2);
}

TEST_F(EmbeddedBrokerTest, ASettlementThatFailedMayBeRepeated) {
  declare("work");
  publish({message("work", "a")});
  const auto subscription = subscribe("work");
  const auto signals = runtime.run(subscription->receive(1));
  const std::uint64_t tag = std::get<Delivery>(signals[0]).tag;
  disk.fail(FaultyVfs::Operation::write, true, SQLITE_FULL, 100);

  EXPECT_EQ(failure_of(subscription->settle({{tag, Settlement::accepted}})).condition(),
            Condition::exhausted);
  EXPECT_EQ(broker->statistics().queues[0].in_work, 1);
  disk.judge({});
  runtime.run(subscription->settle({{tag, Settlement::accepted}}));

  EXPECT_EQ(broker->statistics().queues[0].in_work, 0);
}

TEST_F(EmbeddedBrokerTest, ClosingFailsWhoeverWaitsAndWaitsForThemToGo) {
  declare("work");
  auto subscription = subscribe("work");
  async::Scope scope(runtime);
  async::Outcome<std::vector<messaging::Signal>> received;
  scope.spawn(async::capture(subscription->receive(1), received));
  bool closed = false;
  const auto close = [&]() -> Task<void> {
    co_await broker->close();
    closed = true;
  };
  runtime.settle();

  scope.spawn(close());
  runtime.advance(std::chrono::seconds(1));

  EXPECT_FALSE(closed);
  try {
    received.take();
    ADD_FAILURE() << "something was received";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::unavailable);
  }
  EXPECT_EQ(failure_of(publish_into(*port, {message("work", "a")})).condition(),
            Condition::unavailable);
  subscription.reset();
  runtime.advance(std::chrono::seconds(1));
  EXPECT_TRUE(closed);
  port.reset();
  broker.reset();
}

TEST_F(EmbeddedBrokerTest, ShowsWhereGroupsAre) {
  runtime.run(port->declare({.queues = {}, .topics = {{.name = "news", .partitions = 1}}}));
  std::vector<messaging::Message> records;
  for (const char* subject : {"1", "2", "3"}) {
    records.push_back(message("", subject, "k"));
    records.back().destination = {messaging::DestinationKind::topic, "news"};
  }
  publish(std::move(records));
  messaging::SubscribeOptions options;
  options.source = {messaging::DestinationKind::topic, "news"};
  options.group = "sales";
  const auto subscription = runtime.run(port->subscribe(options));
  runtime.run(subscription->receive(1));
  const auto signals = runtime.run(subscription->receive(2));
  ASSERT_EQ(signals.size(), 2U);

  runtime.run(subscription->settle({{std::get<Delivery>(signals[0]).tag, Settlement::accepted}}));

  const BrokerStatistics statistics = broker->statistics();
  ASSERT_EQ(statistics.groups.size(), 1U);
  EXPECT_EQ(statistics.partitions[0].head, 3);
  EXPECT_EQ(statistics.groups[0].committed, 1);
  EXPECT_EQ(statistics.groups[0].lag, 2);
}

TEST_F(EmbeddedBrokerTest, StartsNoGroupBeyondTheEnd) {
  runtime.run(port->declare({.queues = {}, .topics = {{.name = "news", .partitions = 1}}}));
  messaging::SubscribeOptions options;
  options.source = {messaging::DestinationKind::topic, "news"};
  options.group = "sales";
  options.start_after[0] = store::Checkpoint::from_position(1);
  const auto attempt = [&]() -> Task<void> { co_await port->subscribe(options); };

  EXPECT_EQ(failure_of(attempt()).condition(), Condition::invalid_input);
}

TEST_F(EmbeddedBrokerTest, RefusesSettingsOutOfRangeAllAtOnce) {
  settings.database.path = folder.file("other.db");
  settings.limits.key_messages = 0;
  settings.retention_interval = std::chrono::milliseconds(99);
  const auto attempt = [&]() -> Task<void> { co_await EmbeddedBroker::open(runtime, settings); };

  const Error failure = failure_of(attempt());

  EXPECT_EQ(failure.condition(), Condition::invalid_input);
  EXPECT_THAT(failure.detail(), AllOf(HasSubstr("from 1"), HasSubstr("100 ms to 1 h")));
}

TEST_F(EmbeddedBrokerTest, RemovesWhatRetentionDoesNotKeepAtItsInterval) {
  close();
  settings.retention_interval = std::chrono::hours(1);
  open();
  const messaging::Retention newest{.bytes = 1};
  runtime.run(port->declare(
      {.queues = {}, .topics = {{.name = "news", .partitions = 1, .retention = newest}}}));
  auto record = message("news", "a", "k");
  record.destination.kind = messaging::DestinationKind::topic;
  pass(std::chrono::seconds(1));
  publish({record, record});
  const auto gone = [this] {
    return runtime.run(port->topics()).at(0).partitions.at(0).first.position();
  };

  pass(std::chrono::minutes(59));
  EXPECT_EQ(gone(), 0U);
  pass(std::chrono::minutes(2));
  EXPECT_EQ(gone(), 1U);
}

}  // namespace
}  // namespace sinew::sqlite
