// What docs/reference/back-pressure.md says of a context whose outbox, queue or disk is full.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sinew/sim/world.hpp"
#include "tests/support/test_host.hpp"

namespace sinew::context {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const store::Destination letters{store::DestinationKind::queue, "post.letters"};

// A host whose broker has a queue of two letters that nobody fetches.
class Crowded : public testing::Test {
 protected:
  void start(std::vector<std::unique_ptr<Context>> others = {}) {
    system.start(std::move(others));
    port = system.node->run(system.host->backend().connect_broker(*system.node, "post"));
    system.node->run(
        port->declare({.queues = {{.name = letters.name, .max_messages = 2}}, .topics = {}}));
  }
  void TearDown() override {
    if (!port) return;
    port.reset();
  }

  // In the outbox of the shop, each under a key of its own.
  void write_letters(int count) {
    system.node->run(system.context("shop").database().transaction(
        [this, count](store::Transaction& tx) -> Task<void> {
          store::Outbox outbox;
          for (int i = 0; i < count; ++i) {
            event::Envelope letter;
            letter.id = system.node->new_id();
            letter.source = "/shop";
            letter.type = "post.letter";
            letter.ordering_key = "letter " + std::to_string(++written_);
            co_await outbox.insert(tx, letters, letter);
          }
        }));
  }
  // Fetches letters until there are `count`.
  void fetch(int count) {
    const auto some = [this, count]() -> Task<void> {
      messaging::SubscribeOptions from;
      from.source = letters;
      const auto subscription = co_await port->subscribe(from);
      for (int fetched = 0; fetched < count;) {
        const auto signals = co_await subscription->receive(10);
        std::vector<messaging::Settle> done;
        for (const auto& signal : signals)
          done.push_back({std::get<messaging::Delivery>(signal).tag});
        fetched += static_cast<int>(done.size());
        co_await subscription->settle(std::move(done));
      }
      co_await subscription->close();
    };
    system.node->run(some());
  }
  std::vector<std::string> problems(const char* context) {
    return system.context(context).health().problems;
  }
  std::string metrics() {
    return system.send(to_string(system.host->operator_endpoint()), {.url = "/metrics"}).body;
  }

  TestHost system;
  std::unique_ptr<messaging::Broker> port;

 private:
  int written_ = 0;
};

TEST_F(Crowded, AFullQueueHoldsItsOwnKeysAndHealthSaysSo) {
  start();
  write_letters(5);
  system.world.run_for(1s);
  const auto placed = system.place("o-1", 1);
  system.world.run_for(5s);

  EXPECT_EQ(placed.status, 202);
  EXPECT_EQ(system.number("shop", "SELECT COUNT(*) FROM orders WHERE state = 'confirmed'"), 1);
  EXPECT_THAT(problems("shop"), Contains(HasSubstr("does not take the messages of 3 keys")));
  fetch(5);
  system.world.run_for(20s);
  EXPECT_THAT(problems("shop"), IsEmpty());
  EXPECT_EQ(system.number("shop", "SELECT COUNT(*) FROM outbox"), 0);
}

TEST_F(Crowded, AFullOutboxRefusesRequestsWholeUntilThereIsRoom) {
  system.context_settings.outbox_capacity = 8;
  start();
  write_letters(9);  // two lie in the queue
  system.world.run_for(1s);

  const auto refused = system.place("o-1", 1);

  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_EQ(refused.headers.get("Retry-After"), "1");
  EXPECT_EQ(refused.json().at("condition").as_string(), "exhausted");
  EXPECT_THAT(refused.json().at("detail").as_string(), HasSubstr("8 are its limit"));
  EXPECT_EQ(system.number("shop", "SELECT COUNT(*) FROM orders"), 0) << "nothing is half done";
  EXPECT_EQ(system.number("shop", "SELECT COUNT(*) FROM saga_instances"), 0);
  EXPECT_THAT(problems("shop"), Contains(HasSubstr("outbox: full")));
  EXPECT_THAT(metrics(), HasSubstr("sinew_messages{context=\"shop\",state=\"outbox\"} 7\n"));

  fetch(9);
  system.world.run_for(20s);
  EXPECT_THAT(problems("shop"), IsEmpty());
  EXPECT_EQ(system.place("o-1", 1).status, 202);
  system.world.run_for(5s);
  EXPECT_EQ(system.number("shop", "SELECT COUNT(*) FROM orders WHERE state = 'confirmed'"), 1);
}

// Writes a letter for each order that it hears of.
class Correspondent final : public Context {
 public:
  static constexpr store::Migration tables[] = {
      {1, "letters", "CREATE TABLE letters (order_id TEXT NOT NULL PRIMARY KEY);"}};
  std::string_view name() const noexcept override { return "correspondent"; }
  void describe(ContextSpec& spec) override {
    spec.migrations(tables)
        .retry({.max_attempts = 2, .first_delay = 1ms, .max_delay = 1ms})
        .handles(&Correspondent::hear);
  }
  Task<void> hear(store::Transaction& tx, OrderPlaced event, const event::Envelope& message) {
    co_await tx.execute("INSERT INTO letters (order_id) VALUES (?)", {event.order});
    event::Envelope letter = message;
    letter.type = "post.letter";
    letter.id = runtime().new_id();
    co_await outbox.insert(tx, letters, letter);
  }

 private:
  store::Outbox outbox{3};
};

// However long that takes, and however few attempts it has.
TEST_F(Crowded, AConsumerWithAFullOutboxWaitsWithoutBlame) {
  std::vector<std::unique_ptr<Context>> others;
  others.push_back(std::make_unique<Correspondent>());
  start(std::move(others));
  for (int i = 0; i < 12; ++i)
    system.place("o-" + std::to_string(i), 1);
  system.world.run_for(10min);

  const auto waiting = system.node->run(system.context("correspondent").activity());
  EXPECT_EQ(waiting.parked, 0);
  EXPECT_GT(waiting.waiting, 0);
  EXPECT_LT(system.number("correspondent", "SELECT COUNT(*) FROM letters"), 12);
  EXPECT_THAT(metrics(), HasSubstr("outcome=\"postponed\""));
  fetch(12);
  system.world.run_for(1min);

  EXPECT_EQ(system.number("correspondent", "SELECT COUNT(*) FROM letters"), 12);
  EXPECT_EQ(system.number("correspondent", "SELECT COUNT(*) FROM consumer_backlog"), 0);
  EXPECT_EQ(system.number("correspondent", "SELECT COUNT(*) FROM outbox"), 0);
}

// A machine whose disk a test fills, under all databases or only under the broker's.
class FullDisk : public testing::Test {
 protected:
  FullDisk() {
    world.add<Shop>().add<Stock>();
    world.start();
  }
  http::Response place(const std::string& order) {
    return world.post("shop", "/orders", to_json(PlaceOrder{order, 1}));
  }
  std::vector<std::string> problems() { return world.context("shop").health().problems; }

  sim::World world{{.disk = async::sim::DiskOptions{}}};
};

TEST_F(FullDisk, RefusesWritesWholeAndGoesOnWhenThereIsRoom) {
  world.fill_disk();
  int placed = 0;
  http::Response answer = place("o-0");
  for (; answer.status == 202 && placed < 1000; answer = place("o-" + std::to_string(placed)))
    ++placed;  // into what the files had

  EXPECT_EQ(answer.status, 503) << answer.body;
  EXPECT_EQ(answer.headers.get("Retry-After"), "1");
  EXPECT_THAT(answer.json().at("detail").as_string(), HasSubstr("the disk is full"));
  EXPECT_EQ(world.number("shop", "SELECT COUNT(*) FROM orders"), placed);
  EXPECT_EQ(world.number("shop", "SELECT COUNT(*) FROM saga_instances"), placed);
  EXPECT_EQ(world.get("shop", "/health").status, 200) << "what reads goes on";
  EXPECT_THAT(problems(), Contains(AllOf(HasSubstr("database: the last write did not fit"),
                                         HasSubstr("the disk is full"))));
  EXPECT_TRUE(world.context("shop").health().ready) << "what reads goes on";

  world.make_room();
  EXPECT_EQ(place("o-" + std::to_string(placed)).status, 202);
  ASSERT_TRUE(world.settle(5min));
  EXPECT_EQ(world.number("shop", "SELECT COUNT(*) FROM orders WHERE state = 'confirmed'"),
            placed + 1);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(FullDisk, UnderTheBrokerLeavesMessagesInTheOutbox) {
  world.fill_disk("broker");
  int placed = 0;
  const auto waiting = [this] { return world.number("shop", "SELECT COUNT(*) FROM outbox"); };
  // A consumer's settlement may meet the full disk first.
  while ((problems().empty() || waiting() == 0) && placed < 1000) {
    EXPECT_EQ(place("o-" + std::to_string(placed++)).status, 202) << "the shop has room";
    world.run_for(100ms);
  }

  EXPECT_THAT(problems(), Contains(HasSubstr("the disk is full")));
  EXPECT_GT(waiting(), 0);
  world.make_room();
  ASSERT_TRUE(world.settle(5min));
  EXPECT_EQ(world.number("shop", "SELECT COUNT(*) FROM orders WHERE state = 'confirmed'"), placed);
  EXPECT_EQ(world.number("stock", "SELECT COUNT(*) FROM consumer_backlog"), 0);
  EXPECT_THAT(problems(), IsEmpty());
}

}  // namespace
}  // namespace sinew::context
