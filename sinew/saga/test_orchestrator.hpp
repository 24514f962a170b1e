#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sinew/base/error.hpp"
#include "sinew/messaging/backlog.hpp"
#include "sinew/saga/builder.hpp"
#include "sinew/saga/orchestrator.hpp"
#include "sinew/store/inbox.hpp"
#include "sinew/store/schema.hpp"
#include "tests/support/simulated_sqlite.hpp"

namespace sinew::saga {

// A saga of three commands, for tests.
struct Order {
  std::string id;
  std::int32_t units = 0;
};
BOOST_DESCRIBE_STRUCT(Order, (), (id, units))

struct Units {
  static constexpr event::EventType type{"units", 1};
  std::int32_t units = 0;
};
BOOST_DESCRIBE_STRUCT(Units, (), (units))

template <char Letter>
struct CommandType {
  using Reply = Units;
  std::string order;
};
struct Reserve : CommandType<'r'> {
  static constexpr event::EventType type{"stock.reserve", 1};
};
BOOST_DESCRIBE_STRUCT(Reserve, (), (order))
struct Release : CommandType<'l'> {
  static constexpr event::EventType type{"stock.release", 1};
};
BOOST_DESCRIBE_STRUCT(Release, (), (order))
struct Charge : CommandType<'c'> {
  static constexpr event::EventType type{"payment.charge", 1};
};
BOOST_DESCRIBE_STRUCT(Charge, (), (order))
struct Ship : CommandType<'s'> {
  static constexpr event::EventType type{"carrier.ship", 1};
};
BOOST_DESCRIBE_STRUCT(Ship, (), (order))

template <class C>
auto ask_for() {
  return ask<C>(
      [](const Order& order) {
        C command;
        command.order = order.id;
        return command;
      },
      [](Order& order, const Units& reply) { order.units += reply.units; });
}

inline Builder<Order> place_order(std::int32_t version = 1) {
  return define<Order>("place-order", Version{version})
      .step("reserve", ask_for<Reserve>())
      .timeout(std::chrono::seconds(30))
      .retry({.max_attempts = 2})
      .compensate(ask_for<Release>())
      .pivot("charge", ask_for<Charge>())
      .timeout(std::chrono::seconds(30))
      .retry({.max_attempts = 2})
      .step("ship", ask_for<Ship>())
      .timeout(std::chrono::seconds(30));
}

// A local step that writes a row, and throws afterwards as often as it is told.
struct Scribe {
  std::string word;
  int failures = 0;
  Condition with = Condition::invalid_input;
};
inline auto write(std::shared_ptr<Scribe> scribe) {
  return local([scribe = std::move(scribe)](store::Transaction& tx, Order& order) -> Task<void> {
    co_await tx.execute("INSERT INTO words (word) VALUES (?)", {scribe->word});
    order.units += 100;
    if (scribe->failures > 0) {
      --scribe->failures;
      throw Error(scribe->with, scribe->word + " does not work");
    }
  });
}

inline constexpr store::Migration saga_test_tables[] = {
    {1, "words", "CREATE TABLE words (word TEXT NOT NULL);"}};

// The orchestrator of one context; the test is all participants: it takes the commands from the
// outbox and hands replies to the handler.
class OrchestratorTest : public testing::Test {
 protected:
  void SetUp() override {
    sqlite.run(migrate());
    restart(place_order());
  }
  void TearDown() override { stop(); }

  Task<void> migrate() {
    co_await db().migrate(store::store_migrations());
    co_await db().migrate(messaging::messaging_migrations());
    co_await db().migrate(saga_migrations());
    co_await db().migrate({"test", saga_test_tables});
  }

  // A new process on the same database.
  void restart(const Definition& definition) {
    stop();
    sqlite.reopen();
    orchestrator =
        std::make_unique<Orchestrator>(node(), db(), outbox, Address{"/sales", "sales.replies"});
    orchestrator->add(definition);
    running = std::make_unique<async::Scope>(node(), "sagas");
    running->spawn(orchestrator->run());
  }
  void stop() {
    if (running) {
      running->cancel();
      node().run(running->join());
    }
    running.reset();
    orchestrator.reset();
  }

  async::sim::Node& node() { return sqlite.node(); }
  store::Database& db() { return sqlite.database(); }

  template <class Body>
  auto write_in(Body body) {
    return node().run(db().transaction(std::move(body)));
  }
  template <class Body>
  auto read_in(Body body) {
    return node().run(db().read(std::move(body)));
  }

  void start(std::string id) {
    write_in([&](store::Transaction& tx) -> Task<void> {
      event::Lineage lineage;
      lineage.correlation_id = node().new_id();
      co_await orchestrator->start(tx, "place-order", id, to_json(Order{id, 0}), lineage);
    });
  }
  template <class F>
  Error error_of(F action) {
    try {
      action();
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "no error";
    return Error(Condition::corrupt, "");
  }

  // The next command that leaves, within `patience` of virtual time.
  std::optional<store::OutboxEntry> command_within(Duration patience) {
    const Instant until = node().now() + patience;
    for (;;) {
      auto entries = read_in([&](store::Transaction& tx) -> Task<std::vector<store::OutboxEntry>> {
        std::vector<store::OutboxEntry> all;
        for (std::int32_t i = 0; i < store::Outbox::partitions; ++i) {
          for (auto& entry : co_await outbox.read(tx, i, 0, 100)) {
            if (entry.position > seen) all.push_back(std::move(entry));
          }
        }
        co_return all;
      });
      if (!entries.empty()) {
        std::ranges::sort(entries, {}, &store::OutboxEntry::position);
        seen = entries.front().position;
        return std::move(entries.front());
      }
      if (node().now() >= until) return std::nullopt;
      sqlite.world().run_for(
          std::min<Duration>(std::chrono::milliseconds(100), until - node().now()));
    }
  }
  event::Envelope command(std::string_view type, Duration patience = std::chrono::seconds(1)) {
    auto entry = command_within(patience);
    if (!entry) throw Error(Condition::timeout, "no command, expected " + std::string(type));
    EXPECT_EQ(entry->envelope.type, type);
    return entry->envelope;
  }
  bool silent(Duration patience) {
    sqlite.world().run_for(patience);
    return !command_within(std::chrono::seconds(0)).has_value();
  }

  // What a consumer does with a reply: mark and effect in one transaction.
  struct Received final : messaging::Handling {
    Received(OrchestratorTest& owner, const event::Envelope& envelope)
        : test(owner), reply(envelope) {}
    const event::Envelope& message() const noexcept override { return reply; }
    std::int32_t attempt() const noexcept override { return 1; }
    Task<bool> commit_body(Body& body) override {
      co_return co_await test.db().transaction([&](store::Transaction& tx) -> Task<bool> {
        if (!co_await store::Inbox::mark(tx, "replies", reply.source, reply.id)) {
          co_return false;
        }
        co_await body.run(tx);
        co_return true;
      });
    }
    OrchestratorTest& test;
    const event::Envelope& reply;
  };
  Task<void> deliver_one(event::Envelope reply) {
    Received received(*this, reply);
    co_await orchestrator->handle(received);
  }
  void deliver(const event::Envelope& reply) { node().run(deliver_one(reply)); }

  event::Envelope reply_to(const event::Envelope& command, const messaging::ReplyData& data) {
    event::Envelope header;
    header.id = node().new_id();
    header.source = "/participant";
    return messaging::make_reply(command, data, header);
  }
  void accept(const event::Envelope& command, std::int32_t units = 1) {
    deliver(reply_to(command, {to_json(Units{units}), std::nullopt}));
  }
  void reject(const event::Envelope& command, std::string code) {
    deliver(reply_to(command, {std::nullopt, messaging::Rejection{std::move(code), "no"}}));
  }

  Instance saga(std::string id) {
    return read_in([&](store::Transaction& tx) -> Task<Instance> {
      co_return (co_await find_instance(tx, "place-order", id)).value();
    });
  }
  std::string status(std::string id) { return std::string(to_string(saga(std::move(id)).status)); }
  std::vector<std::string> story(std::string id) {
    return read_in([&](store::Transaction& tx) -> Task<std::vector<std::string>> {
      std::vector<std::string> lines;
      for (const auto& entry : co_await history(tx, "place-order", id))
        lines.push_back(entry.step + (entry.step.empty() ? "" : " ") + entry.what);
      co_return lines;
    });
  }
  std::vector<std::string> written() {
    return read_in([](store::Transaction& tx) -> Task<std::vector<std::string>> {
      std::vector<std::string> all;
      for (const auto row : co_await tx.execute("SELECT word FROM words ORDER BY word"))
        all.push_back(row.text(0));
      co_return all;
    });
  }

  void ask_verb(std::string id, Verb verb, Json argument = {}) {
    write_in([&](store::Transaction& tx) -> Task<void> {
      VerbRequest request;
      request.id = node().new_id();
      request.target = {"place-order", id};
      request.verb = verb;
      request.argument = argument;
      request.actor = "ann";
      request.reason = "she knows";
      request.requested_at = node().wall_now();
      co_await request_verb(tx, request);
    });
    orchestrator->wake();
    sqlite.world().run_for(std::chrono::milliseconds(500));
  }
  std::size_t verbs_left() {
    return read_in([](store::Transaction& tx) -> Task<std::size_t> {
      co_return (co_await pending_verbs(tx, 100)).size();
    });
  }

  void walk_to_unknown_pivot(const std::string& id) {
    start(id);
    accept(command("stock.reserve"));
    command("payment.charge");
    command("payment.charge", std::chrono::seconds(31));
    ASSERT_TRUE(silent(std::chrono::seconds(31)));
    ASSERT_EQ(status(id), "suspended");
  }

  tests::SimulatedSqlite sqlite{1};
  store::Outbox outbox;
  std::unique_ptr<Orchestrator> orchestrator;
  std::unique_ptr<async::Scope> running;
  std::int64_t seen = 0;
};

}  // namespace sinew::saga
