#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "examples/commerce/test_input.hpp"
#include "sinew/context/naming.hpp"
#include "sinew/context/operations.hpp"
#include "tests/support/for_seeds.hpp"

// The cancellation of an order: a process that no context coordinates.
namespace commerce::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Cancellation : public testing::TestWithParam<sinew::sim::Databases> {};
INSTANTIATE_TEST_SUITE_P(Databases, Cancellation,
                         testing::Values(sinew::sim::Databases::plain,
                                         sinew::sim::Databases::interleaving),
                         [](const auto& test) {
                           const bool plain = test.param == sinew::sim::Databases::plain;
                           return std::string(plain ? "plain" : "interleaving");
                         });

sinew::http::Response cancel(TestSystem& system, const std::string& id,
                             const std::string& reason = "changed my mind") {
  return system.post("sales", "/orders/" + id + "/cancel", Json(JsonObject{{"reason", reason}}));
}

void confirm(TestSystem& system, const std::string& id) {
  system.post("sales", "/orders", order(id));
  system.settle();
  ASSERT_EQ(status_of(system, id), "confirmed");
}

std::int64_t free_stock(TestSystem& system, int product) {
  return system.get("inventory", "/stock/" + std::to_string(product))
      .json()
      .at("free")
      .as_integer();
}

// What the contexts' journals say of an order, by the hops from its cause: `fulfillment
// fulfillment.shipment.cancelled <- sales.order.cancellation_requested`.
std::vector<std::string> trace_of(TestSystem& system, const std::string& order) {
  std::vector<std::pair<std::int64_t, std::string>> told;
  for (const auto& [name, audit] : TestSystem::audits()) {
    auto& runner = system.context(name);
    const Json answer =
        system.node().run(sinew::context::operate(runner.runtime(), runner.database(), "trace.show",
                                                  "ann", Json(JsonObject{{"key", order}})));
    for (const Json& each : answer.at("entries").as_array()) {
      const std::string& what = each.at("what").as_string();
      if (what != "began" && what != "reacted") continue;
      told.emplace_back(each.at("hops").as_integer(), name + " " + each.at("type").as_string() +
                                                          " <- " + each.at("cause").as_string());
    }
  }
  std::ranges::sort(told);
  std::vector<std::string> lines;
  for (auto& [hops, line] : told)
    lines.push_back(std::to_string(hops) + " " + line);
  return lines;
}

TEST_P(Cancellation, UndoesAConfirmedOrderContextByContext) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  confirm(system, "10248");

  const auto asked = cancel(system, "10248");
  system.settle();

  EXPECT_EQ(asked.status, 202) << asked.body;
  EXPECT_EQ(asked.json().at("status").as_string(), "cancelling");
  EXPECT_EQ(status_of(system, "10248"), "cancelled");
  EXPECT_EQ(free_stock(system, 11), 30);
  EXPECT_EQ(system.provider.intents().begin()->second.refunded,
            system.provider.intents().begin()->second.amount);
  EXPECT_EQ(system.get("fulfillment", "/shipments/10248").json().at("status").as_string(),
            "cancelled");
  EXPECT_EQ(cancel(system, "10248").status, 200) << "it is cancelled";
  EXPECT_THAT(
      trace_of(system, "10248"),
      ElementsAre(
          "0 sales sales.order.cancellation_requested <- ",
          "1 fulfillment fulfillment.shipment.cancelled <- sales.order.cancellation_requested",
          "2 payment payment.refunded <- fulfillment.shipment.cancelled",
          "3 sales sales.order.cancelled <- payment.refunded",
          "4 inventory inventory.stock.released <- sales.order.cancelled"));
  expect_balanced(system);
}

// The carrier's report overtakes the cancellation on its way to fulfillment: the network decides,
// so the first seed is taken in which it does.
TEST_P(Cancellation, KeepsAnOrderWhoseGoodsHaveLeft) {
  bool overtaken = false;
  for (std::uint64_t seed = 1; seed <= 30 && !overtaken; ++seed) {
    TestSystem system(seed, {.databases = GetParam()});
    supply(system);
    confirm(system, "1");
    cancel(system, "1");
    overtaken = system.report("r1", "1", "1996-07-16").status == 200;
    system.settle();
    expect_balanced(system);
    if (!overtaken) continue;

    EXPECT_EQ(status_of(system, "1"), "shipped");
    EXPECT_THAT(system.get("sales", "/orders/1").json().at("reason").as_string(),
                HasSubstr("left on 1996-07-16"));
    EXPECT_EQ(cancel(system, "1").status, 409);
    EXPECT_EQ(system.activity().parked, 0);
  }
  EXPECT_TRUE(overtaken);
}

TEST_P(Cancellation, TakesBackWhatWasDoneWhenTheMoneyCannotBeGivenBack) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  confirm(system, "1");
  system.provider.refuses_refunds = true;

  cancel(system, "1");
  system.settle();

  EXPECT_EQ(status_of(system, "1"), "confirmed");
  EXPECT_THAT(system.get("sales", "/orders/1").json().at("reason").as_string(),
              HasSubstr("cannot be given back"));
  EXPECT_EQ(system.get("fulfillment", "/shipments/1").json().at("status").as_string(), "booked");
  EXPECT_THAT(trace_of(system, "1"),
              ElementsAre("0 sales sales.order.cancellation_requested <- ",
                          "1 fulfillment fulfillment.shipment.cancelled <- "
                          "sales.order.cancellation_requested",
                          "2 payment payment.refund_refused <- fulfillment.shipment.cancelled",
                          "3 fulfillment fulfillment.shipment.kept <- payment.refund_refused",
                          "4 sales sales.order.kept <- fulfillment.shipment.kept"));
  expect_balanced(system);

  system.provider.refuses_refunds = false;
  EXPECT_EQ(cancel(system, "1").status, 202) << "another request, under another key";
  system.settle();
  EXPECT_EQ(status_of(system, "1"), "cancelled");
  expect_balanced(system);
}

TEST_P(Cancellation, IsRefusedWhereThereIsNothingToCancel) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);

  EXPECT_EQ(cancel(system, "none").status, 404);
  system.post("sales", "/orders", order("placed"));
  EXPECT_EQ(cancel(system, "placed").status, 409);
  system.post("sales", "/orders", order("declined", "pm_card_chargeDeclined", 1));
  system.settle();
  EXPECT_EQ(cancel(system, "declined").status, 409);
  EXPECT_EQ(cancel(system, "placed", "").status, 400);
  EXPECT_EQ(status_of(system, "placed"), "confirmed");
  expect_balanced(system);
}

TEST_P(Cancellation, OfAFreeOrderMovesNoMoney) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  Json free = order("1");
  free.as_object().set("freight", "0");
  for (Json& line : free.as_object().find("lines")->as_array())
    line.as_object().set("unit_price", "0");
  system.post("sales", "/orders", free);
  system.settle();

  cancel(system, "1");
  system.settle();

  EXPECT_EQ(status_of(system, "1"), "cancelled");
  EXPECT_THAT(system.provider.bodies(), IsEmpty());
  expect_balanced(system);
}

// Asked twice, with messages that come twice, answers of the provider that get lost, and power that
// goes three times on the way.
TEST(CancellationCrash, HappensOnceHoweverOftenThePowerGoes) {
  sinew::tests::for_seeds(40, [](std::uint64_t seed) {
    TestSystem system(seed, {.disk = sinew::async::sim::DiskOptions{}, .duplicates = 0.2});
    supply(system);
    confirm(system, "1");
    confirm(system, "2");
    system.provider.failures = static_cast<int>(seed % 3);
    system.provider.refuses_refunds = seed % 4 == 0;

    EXPECT_EQ(cancel(system, "1").status, 202);
    cancel(system, "1");
    system.endure(3);
    EXPECT_TRUE(system.settle());

    EXPECT_EQ(status_of(system, "1"), system.provider.refuses_refunds ? "confirmed" : "cancelled");
    EXPECT_EQ(status_of(system, "2"), "confirmed");
    EXPECT_EQ(system.activity().parked, 0);
    expect_balanced(system);
  });
}

}  // namespace
}  // namespace commerce::test
