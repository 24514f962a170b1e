#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapters/sqlite/backend.hpp"
#include "sinew/async/sim/node.hpp"
#include "sinew/base/log.hpp"
#include "sinew/context/host.hpp"
#include "sinew/http/client.hpp"
#include "sinew/sim/interleaving_backend.hpp"
#include "tests/support/simulated_sqlite.hpp"

namespace sinew::context {

// Two contexts for tests: a shop that takes orders over HTTP and runs a saga, and a stock that
// answers its commands and listens to its events.
struct OrderPlaced {
  static constexpr event::EventType type{"shop.order.placed", 1};
  std::string order;
};
BOOST_DESCRIBE_STRUCT(OrderPlaced, (), (order))

struct Reserved {
  static constexpr event::EventType type{"stock.reserve.reply", 1};
  std::int32_t units = 0;
};
BOOST_DESCRIBE_STRUCT(Reserved, (), (units))
struct Reserve {
  static constexpr event::EventType type{"stock.reserve", 1};
  using Reply = Reserved;
  std::string order;
  std::int32_t units = 0;
};
BOOST_DESCRIBE_STRUCT(Reserve, (), (order, units))
struct Release : Reserve {
  static constexpr event::EventType type{"stock.release", 1};
};
BOOST_DESCRIBE_STRUCT(Release, (Reserve), ())
// A command that the stock does not know.
struct Count {
  static constexpr event::EventType type{"stock.count", 1};
  using Reply = Reserved;
  std::int32_t shelf = 0;
};
BOOST_DESCRIBE_STRUCT(Count, (), (shelf))

struct PlaceOrder {
  std::string order;
  std::int32_t units = 0;
};
BOOST_DESCRIBE_STRUCT(PlaceOrder, (), (order, units))

class Shop : public Context {
 public:
  static constexpr store::Migration tables[] = {
      {1, "orders", "CREATE TABLE orders (id TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL);"}};

  std::string_view name() const noexcept override { return "shop"; }
  void describe(ContextSpec& spec) override {
    spec.migrations(tables)
        .route(http::Method::post, "/orders", &Shop::place)
        .saga(saga::define<PlaceOrder>("place-order", saga::Version{1})
                  .step("reserve", saga::ask<Reserve>([](const PlaceOrder& data) {
                          return Reserve{data.order, data.units};
                        }))
                  .compensate(saga::ask<Release>(
                      [](const PlaceOrder& data) { return Release{{data.order, data.units}}; }))
                  .pivot("confirm",
                         saga::local([](store::Transaction& tx, PlaceOrder& data) -> Task<void> {
                           co_await tx.execute("UPDATE orders SET state = 'confirmed' WHERE id = ?",
                                               {data.order});
                         })));
  }

  // More units than `limit` are refused by the stock.
  Task<http::Response> place(const PlaceOrder& order) {
    const auto lineage = co_await new_lineage();
    co_await database().transaction([&](store::Transaction& tx) -> Task<void> {
      co_await tx.execute("INSERT INTO orders (id, state) VALUES (?, 'placed')", {order.order});
      co_await publish(tx, OrderPlaced{order.order}, order.order, lineage);
      co_await sagas().start(tx, "place-order", order.order, to_json(order), lineage);
    });
    co_return http::accepted(Json(order.order));
  }

  Task<void> send_unknown_command() {
    co_await database().transaction([&](store::Transaction& tx) -> Task<void> {
      event::Envelope envelope;
      envelope.id = runtime().new_id();
      envelope.source = "/shop";
      envelope.ordering_key = "shelf 1";
      store::Outbox outbox;
      co_await outbox.insert(tx, {store::DestinationKind::queue, "stock.commands"},
                             event::seal(Count{1}, envelope));
    });
  }
};

class Stock : public Context {
 public:
  static constexpr std::int32_t limit = 10;
  static constexpr store::Migration tables[] = {
      {1, "stock",
       "CREATE TABLE reservations (order_id TEXT NOT NULL PRIMARY KEY, units BIGINT NOT NULL);"
       "CREATE TABLE heard (order_id TEXT NOT NULL PRIMARY KEY, times BIGINT NOT NULL);"}};

  std::string_view name() const noexcept override { return "stock"; }
  void describe(ContextSpec& spec) override {
    spec.migrations(tables).answers(&Stock::reserve).answers(&Stock::release).handles(&Stock::hear);
  }

  Task<messaging::Answer<Reserved>> reserve(store::Transaction& tx, Reserve command,
                                            const event::Envelope&) {
    if (command.units > limit) co_return messaging::Rejection{"out_of_stock", "there are ten"};
    // A second one would be a constraint's conflict: the inbox and the derived ids prevent it.
    co_await tx.execute("INSERT INTO reservations (order_id, units) VALUES (?, ?)",
                        {command.order, command.units});
    co_return Reserved{command.units};
  }
  Task<messaging::Answer<Reserved>> release(store::Transaction& tx, Release command,
                                            const event::Envelope&) {
    co_await tx.execute("DELETE FROM reservations WHERE order_id = ?", {command.order});
    co_return Reserved{0};
  }
  Task<void> hear(store::Transaction& tx, OrderPlaced event, const event::Envelope&) {
    co_await tx.execute(
        "INSERT INTO heard (order_id, times) VALUES (?, 1) "
        "ON CONFLICT (order_id) DO UPDATE SET times = heard.times + 1",
        {event.order});
  }
};

// A host in a simulated world on SQLite and the embedded broker, and a client outside.
class TestHost {
 public:
  using Databases = sim::Databases;

  explicit TestHost(std::uint64_t seed = 1, Databases databases = Databases::plain)
      : world(seed),
        databases_(databases),
        outside(world.add_node("outside")),
        client(outside, resolver_) {
    log::root().set_level(log::Level::off);
  }
  ~TestHost() {
    if (host) drain();
  }

  // A process with these contexts; `other` ones come after shop and stock.
  void start(std::vector<std::unique_ptr<Context>> other = {}) {
    node = &world.add_node("host");
    sqlite::Settings settings;
    settings.simulate(world.seed());
    backend_ = sim::make_backend(world, databases_, std::move(settings));
    HostSettings host_settings;
    host_settings.folder = folder();
    host_settings.address = address;
    host_settings.contexts = context_settings;
    host = std::make_unique<Host>(std::move(host_settings), *backend_,
                                  std::vector<async::Runtime*>{node});
    auto own = std::make_unique<Shop>();
    shop = own.get();
    host->add(std::move(own));
    host->add(std::make_unique<Stock>());
    for (auto& each : other)
      host->add(std::move(each));
    node->run(host->start());
  }
  void drain() {
    node->run(host->drain());
    drop();
  }
  void crash() {
    node->crash();
    drop();
  }
  void drop() {
    host.reset();
    backend_.reset();
  }

  std::filesystem::path folder() const { return folder_.file("system"); }
  ContextRunner& context(std::string_view name) {
    for (auto* runner : host->contexts()) {
      if (runner->name() == name) return *runner;
    }
    throw Error(Condition::not_found, "no context " + std::string(name));
  }

  http::Response send(const std::string& origin, http::ClientRequest request) {
    request.url = "http://" + origin + request.url;
    return outside.run(client.send(std::move(request)));
  }
  http::Response place(std::string order, std::int32_t units) {
    return send(to_string(context("shop").endpoint()),
                {.method = http::Method::post,
                 .url = "/orders",
                 .headers = {{"Content-Type", "application/json"}},
                 .body = to_text(to_json(PlaceOrder{std::move(order), units}))});
  }

  std::vector<std::string> rows(std::string_view name, const char* sql) {
    return node->run(context(name).database().read(
        [sql](store::Transaction& tx) -> Task<std::vector<std::string>> {
          std::vector<std::string> texts;
          for (const auto row : co_await tx.execute(store::Statement::dynamic(sql)))
            texts.push_back(row.text(0));
          co_return texts;
        }));
  }
  std::int64_t number(std::string_view name, const char* sql) {
    return node->run(
        context(name).database().read([sql](store::Transaction& tx) -> Task<std::int64_t> {
          co_return (co_await tx.execute(store::Statement::dynamic(sql)))[0].integer(0);
        }));
  }

  async::sim::World world;
  ContextSettings context_settings;  // of the next start()
  std::string address = HostSettings().address;

 private:
  Databases databases_;

 public:
  async::sim::Node& outside;
  async::sim::Node* node = nullptr;
  std::unique_ptr<Host> host;
  Shop* shop = nullptr;

 private:
  tests::TemporaryFolder folder_;
  net::FixedResolver resolver_;

 public:
  http::Client client;

 private:
  std::unique_ptr<Backend> backend_;
};

}  // namespace sinew::context
