#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sinew/base/error.hpp"
#include "sinew/messaging/consumer.hpp"
#include "sinew/messaging/dead_letters.hpp"
#include "sinew/store/schema.hpp"
#include "tests/support/faulty_broker.hpp"
#include "tests/support/faulty_database.hpp"
#include "tests/support/simulated_process.hpp"

namespace sinew::messaging {

inline constexpr store::Migration consumer_test_tables[] = {
    {1, "effects", "CREATE TABLE effects (position IDENTITY, name TEXT NOT NULL);"}};

// What a handler does with a message: by its subject, once each time it comes; then the default,
// which writes the subject as its effect.
class ConsumerScript final : public Handler {
 public:
  using Act = std::function<Task<void>(Handling&)>;

  // The next `times` handlings of the message go so.
  void on(const std::string& subject, const Act& act, int times = 1) {
    for (int i = 0; i < times; ++i)
      acts_[subject].push_back(act);
  }
  void fail(const std::string& subject, Condition condition, int times = 1) {
    on(
        subject,
        [condition](Handling&) -> Task<void> {
          throw Error(condition, "as the script says");
          co_return;
        },
        times);
  }
  // From now on everything succeeds.
  void clear() { acts_.clear(); }

  static Task<void> write(Handling& handling) {
    const std::string name = handling.message().subject;
    co_await handling.commit([&](store::Transaction& tx) -> Task<void> {
      co_await tx.execute("INSERT INTO effects (name) VALUES (?)", {name});
    });
  }

  Task<void> handle(Handling& handling) override {
    const std::string& subject = handling.message().subject;
    attempts.push_back(subject + std::to_string(handling.attempt()));
    auto& acts = acts_[subject];
    if (acts.empty()) {
      co_await write(handling);
      co_return;
    }
    const Act act = std::move(acts.front());
    acts.erase(acts.begin());
    co_await act(handling);
  }

  std::vector<std::string> attempts;  // subject and number of the attempt

 private:
  std::map<std::string, std::vector<Act>> acts_;
};

// One consumer of the queue `work` on a process with its database and the embedded broker.
class ConsumerBench {
 public:
  explicit ConsumerBench(std::uint64_t seed = 1) : process(seed) {
    log::root().set_level(log::Level::off);  // what the script throws is no news
    settings.name = "billing";
    settings.source.source = {DestinationKind::queue, "work"};
    settings.source.group = "billing";
    settings.retry = {.max_attempts = 3,
                      .first_delay = std::chrono::seconds(10),
                      .max_delay = std::chrono::seconds(10)};
    run(prepare());
    wrap();
  }
  ~ConsumerBench() {
    if (!process.node().alive()) return;
    cancel();
    unwrap();
  }

  Task<void> prepare() {
    co_await process.database().migrate(store::store_migrations());
    co_await process.database().migrate(messaging_migrations());
    co_await process.database().migrate({"test", consumer_test_tables});
    co_await process.port().declare({.queues = {{.name = "work"}}, .topics = {{.name = "facts"}}});
  }
  void wrap() {
    database = std::make_unique<tests::FaultyDatabase>(process.database());
    broker = std::make_unique<tests::FaultyBroker>(process.port());
  }
  void unwrap() {
    broker.reset();
    database.reset();
  }

  void begin() {
    consumer = std::make_unique<Consumer>(process.node(), *database, *broker, script, settings);
    scope = std::make_unique<async::Scope>(process.node(), "test");
    scope->spawn(consumer->run());
  }
  void stop() {
    consumer->stop();
    process.node().run(scope->join());
    drop();
  }
  void cancel() {
    if (!scope) return;
    scope->cancel();
    process.node().run(scope->join());
    drop();
  }
  void drop() {
    scope.reset();
    consumer.reset();
  }
  void kill() {
    process.node().crash();
    drop();
    unwrap();
    process.crash();
    process.start();
    wrap();
  }

  void run(Task<void> task) { process.node().run(std::move(task)); }
  void run_for(Duration duration) { process.world().run_for(duration); }
  template <class Body>
  auto in(Body body) {
    return process.node().run(process.database().transaction(std::move(body)));
  }

  event::Envelope message(std::string subject, std::string key) {
    return {.id = process.node().new_id(),
            .source = "/test",
            .type = "test.happened",
            .subject = std::move(subject),
            .ordering_key = std::move(key)};
  }
  void publish(event::Envelope envelope) {
    const auto confirms =
        process.node().run(process.port().publish({{settings.source.source, std::move(envelope)}}));
    ASSERT_EQ(confirms, std::vector{Confirm::accepted});
  }
  void publish(std::string subject, std::string key) {
    publish(message(std::move(subject), std::move(key)));
  }

  std::vector<std::string> effects_in_order() {
    return in([](store::Transaction& tx) -> Task<std::vector<std::string>> {
      std::vector<std::string> names;
      for (const auto row : co_await tx.execute("SELECT name FROM effects ORDER BY position"))
        names.push_back(row.text(0));
      co_return names;
    });
  }
  std::vector<BacklogEntry> backlog() {
    return in([](store::Transaction& tx) { return list_dead_letters(tx, {.parked_only = false}); });
  }
  // Messages that the broker still has.
  std::int64_t left_in_queue() {
    const auto statistics = process.broker().statistics();
    return statistics.queues.at(0).ready + statistics.queues.at(0).in_work;
  }
  void replay_all() {
    in([&](store::Transaction& tx) -> Task<void> {
      co_await replay(tx, {}, {"ann", "", process.node().new_id(), process.node().wall_now()},
                      false);
    });
    consumer->wake();
  }

  tests::SimulatedProcess process;
  ConsumerScript script;
  ConsumerSettings settings;
  std::unique_ptr<tests::FaultyDatabase> database;
  std::unique_ptr<tests::FaultyBroker> broker;
  std::unique_ptr<Consumer> consumer;
  std::unique_ptr<async::Scope> scope;
};

}  // namespace sinew::messaging
