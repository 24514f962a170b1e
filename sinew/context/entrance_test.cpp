#include "sinew/context/entrance.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sinew/base/error.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/for_seeds.hpp"
#include "tests/support/test_host.hpp"

namespace sinew::context {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using tests::error_of;

// Asks the stock, as a context of its own.
class Clerk final : public Context {
 public:
  std::string_view name() const noexcept override { return "clerk"; }
  void describe(ContextSpec& spec) override { spec.asks<Reserve>(); }
};
std::vector<std::unique_ptr<Context>> clerk() {
  std::vector<std::unique_ptr<Context>> others;
  others.push_back(std::make_unique<Clerk>());
  return others;
}

TEST(Entrance, PublishesAnEventThatIsHandledOnce) {
  TestHost system;
  system.start();
  const Entrance shop = system.host->entrance("shop");

  auto published = shop.publish(OrderPlaced{"o-1"}, "o-1");
  system.world.run_for(5s);

  EXPECT_FALSE(published.get(0s).is_nil());
  EXPECT_EQ(system.number("stock", "SELECT times FROM heard"), 1);
}

TEST(Entrance, MayPublishAgainUnderTheSameId) {
  TestHost system;
  system.start();
  const Entrance shop = system.host->entrance("shop");
  const Uuid id = system.node->new_id();

  std::vector<Uuid> ids;
  for (int i = 0; i < 2; ++i) {
    shop.publish(
        OrderPlaced{"o-1"}, "o-1",
        [&ids](async::Outcome<Uuid> outcome) { ids.push_back(outcome.take()); }, id);
  }
  system.world.run_for(5s);

  EXPECT_THAT(ids, ElementsAre(id, id));
  EXPECT_EQ(system.number("stock", "SELECT times FROM heard"), 1);
}

TEST(Entrance, RunsTransactionsAndCallsOfTheContext) {
  TestHost system;
  system.start();
  const Entrance shop = system.host->entrance("shop");

  auto written = shop.transaction([](store::Transaction& tx) -> Task<int> {
    co_await tx.execute("INSERT INTO orders (id, state) VALUES ('o-1', 'placed')");
    co_return 1;
  });
  auto called =
      shop.call([&system, order = PlaceOrder{"o-2", 1}] { return system.shop->place(order); });
  system.world.run_for(5s);
  auto read = shop.read([](store::Transaction& tx) -> Task<std::int64_t> {
    co_return (co_await tx.execute("SELECT COUNT(*) FROM orders"))[0].integer(0);
  });
  system.world.run_for(1s);

  EXPECT_EQ(written.get(0s), 1);
  EXPECT_EQ(called.get(0s).status, 202);
  EXPECT_EQ(read.get(0s), 2);
}

TEST(Entrance, AsksAnotherContext) {
  TestHost system;
  system.start(clerk());
  const Entrance desk = system.host->entrance("clerk");

  auto yes = desk.ask(Reserve{"o-1", 2}, 5s);
  auto no = desk.ask(Reserve{"o-2", Stock::limit + 1}, 5s);
  system.world.run_for(5s);

  EXPECT_EQ(std::get<Reserved>(yes.get(0s)).units, 2);
  EXPECT_EQ(std::get<messaging::Rejection>(no.get(0s)).code, "out_of_stock");
}

TEST(Entrance, RefusesBadInputAtTheCallOrInTheFuture) {
  TestHost system;
  system.start();
  const Entrance stock = system.host->entrance("stock");
  const Entrance shop = system.host->entrance("shop");

  const Error foreign = error_of([&] { (void)stock.publish(OrderPlaced{"o-1"}, "o-1"); });
  auto keyless = shop.publish(OrderPlaced{"o-1"}, "");
  auto unasked = shop.ask(Reserve{"o-1", 1}, 5s);
  system.world.run_for(1s);

  EXPECT_EQ(foreign.condition(), Condition::invalid_input);
  EXPECT_THAT(foreign.detail(), HasSubstr("stock publishes shop.order.placed"));
  EXPECT_EQ(error_of([&] { keyless.get(0s); }).condition(), Condition::invalid_input);
  EXPECT_EQ(error_of([&] { unasked.get(0s); }).condition(), Condition::invalid_input);
  EXPECT_EQ(error_of([&] { (void)system.host->entrance("none"); }).condition(),
            Condition::not_found);
}

TEST(Entrance, RefusesAboveTheCapacityOfTheSettings) {
  TestHost system;
  system.context_settings.entrance_capacity = 2;
  system.start();
  const Entrance shop = system.host->entrance("shop");
  auto first = shop.publish(OrderPlaced{"o-1"}, "o-1");
  auto second = shop.publish(OrderPlaced{"o-2"}, "o-2");

  const Error full = error_of([&] { (void)shop.publish(OrderPlaced{"o-3"}, "o-3"); });
  system.world.run_for(5s);

  EXPECT_EQ(full.condition(), Condition::exhausted);
  EXPECT_FALSE(first.get(0s).is_nil());
  EXPECT_FALSE(second.get(0s).is_nil());
  EXPECT_EQ(system.number("stock", "SELECT COUNT(*) FROM heard"), 2);
}

TEST(Entrance, OutlivesItsHost) {
  TestHost system;
  system.start();
  const Entrance shop = system.host->entrance("shop");
  system.drain();

  const Error ended = error_of([&] { (void)shop.publish(OrderPlaced{"o-1"}, "o-1"); });

  EXPECT_EQ(ended.condition(), Condition::unavailable);
  EXPECT_EQ(ended.applied(), Applied::no);
}

// What was confirmed is handled exactly once; what was refused or unknown is published again under
// its id, and is handled once as well.
TEST(Entrance, LosesAndDoublesNothingWhenTheHostIsKilled) {
  tests::for_seeds(20, [](std::uint64_t seed) {
    constexpr int orders = 12;
    TestHost system(seed);
    system.start();
    std::vector<Uuid> ids;
    std::vector<bool> confirmed(orders, false);
    for (int i = 0; i < orders; ++i)
      ids.push_back(system.outside.new_id());

    for (int round = 0; round < 4; ++round) {
      const Entrance shop = system.host->entrance("shop");
      for (std::size_t i = 0; i < orders; ++i) {
        if (confirmed[i]) continue;
        const std::string order = "o-" + std::to_string(i);
        shop.publish(
            OrderPlaced{order}, order,
            [&confirmed, i](async::Outcome<Uuid> outcome) {
              try {
                outcome.take();
                confirmed[i] = true;
              } catch (const Error& error) {
                EXPECT_EQ(error.applied(), Applied::unknown) << error.detail();
              }
            },
            ids[i]);
      }
      system.world.run_for(
          std::chrono::milliseconds(round == 3 ? 1000 : system.world.random().below(20)));
      system.crash();
      system.start();
    }
    system.world.run_for(1min);

    EXPECT_THAT(confirmed, testing::Each(true));
    EXPECT_EQ(system.number("stock", "SELECT COUNT(*) FROM heard"), orders);
    EXPECT_EQ(system.number("stock", "SELECT MAX(times) FROM heard"), 1);
  });
}

}  // namespace
}  // namespace sinew::context
