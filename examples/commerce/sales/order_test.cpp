#include "examples/commerce/sales/order.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "sinew/base/error.hpp"
#include "sinew/sim/aggregate.hpp"

namespace commerce::sales {
namespace {

using sinew::Condition;
using sinew::Decimal;
using sinew::sim::given;
using testing::ElementsAre;
using testing::Field;

PlaceOrder command() {
  PlaceOrder order;
  order.order_id = "10248";
  order.customer_id = "VINET";
  order.required_date = sinew::parse_iso_date("1996-08-01");
  order.carrier_id = 3;
  order.freight = Decimal::parse("32.38");
  order.ship_to.country = "France";
  order.lines = {{11, 12, Decimal::parse("14"), Decimal()},
                 {42, 10, Decimal::parse("9.8"), Decimal()}};
  return order;
}

struct RuleCase {
  const char* name;
  std::function<void(PlaceOrder&)> breaks;
  const char* path;
};

class OrderRules : public testing::TestWithParam<RuleCase> {};

TEST_P(OrderRules, AreToldWithTheirPath) {
  PlaceOrder order = command();
  GetParam().breaks(order);

  try {
    Order::place(order);
    FAIL() << "was placed";
  } catch (const sinew::DocumentError& error) {
    EXPECT_THAT(error.errors(), ElementsAre(Field(&sinew::JsonError::path, GetParam().path)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, OrderRules,
    testing::Values(
        RuleCase{"freight", [](auto& o) { o.freight = Decimal::parse("1.005"); }, "freight"},
        RuleCase{"price", [](auto& o) { o.lines[1].unit_price = Decimal::parse("1.0005"); },
                 "lines[1].unit_price"},
        RuleCase{"discount", [](auto& o) { o.lines[0].discount = Decimal::parse("0.125"); },
                 "lines[0].discount"},
        RuleCase{"product", [](auto& o) { o.lines[1].product_id = 11; }, "lines[1].product_id"}),
    [](const auto& row) { return row.param.name; });

TEST(OrderForm, RefusesWhatTheContractForbids) {
  const auto refused = [](const std::function<void(PlaceOrder&)>& change) {
    PlaceOrder order = command();
    change(order);
    try {
      sinew::from_json<PlaceOrder>(sinew::to_json(order), sinew::ReadMode::strict);
      return std::string();
    } catch (const sinew::DocumentError& error) {
      return error.errors().front().path;
    }
  };

  EXPECT_EQ(refused([](auto&) {}), "");
  EXPECT_EQ(refused([](auto& o) { o.lines[0].unit_price = Decimal::parse("-1"); }),
            "lines[0].unit_price");
  EXPECT_EQ(refused([](auto& o) { o.lines[0].discount = Decimal::parse("1.01"); }),
            "lines[0].discount");
  EXPECT_EQ(refused([](auto& o) { o.lines[1].quantity = 0; }), "lines[1].quantity");
  EXPECT_EQ(refused([](auto& o) { o.lines.clear(); }), "lines");
  EXPECT_EQ(refused([](auto& o) { o.order_id = "a b"; }), "order_id");
  EXPECT_EQ(refused([](auto& o) { o.freight = Decimal::parse("-0.01"); }), "freight");
}

const Placed placed = Order::place(command());
const sinew::Date in_time = sinew::parse_iso_date("1996-08-01");
const sinew::Date too_late = sinew::parse_iso_date("1996-08-02");

TEST(Order, GoesFromPlacedOverConfirmedToShipped) {
  auto order = given<Order>();

  order.when(&Order::place, command()).then(placed);
  EXPECT_EQ(order.state().status(), OrderStatus::placed);

  order.when(&Order::confirm).then(Confirmed{});
  EXPECT_EQ(order.state().status(), OrderStatus::confirmed);
  EXPECT_EQ(order.state().late(), std::nullopt);

  order.when(&Order::ship, too_late).then(Shipped{too_late});
  EXPECT_EQ(order.state().status(), OrderStatus::shipped);
  EXPECT_EQ(order.state().late(), true);
}

TEST(Order, DecidesEachFactOnce) {
  auto order = given<Order>({placed, Confirmed{}, Shipped{in_time}});

  order.when(&Order::confirm).then_nothing();
  order.when(&Order::ship, too_late).then_nothing();

  EXPECT_EQ(order.state().late(), false);
}

// The carrier's report and the saga's last step come over different queues.
TEST(Order, ShipsBeforeItIsConfirmed) {
  auto order = given<Order>({placed, Shipped{in_time}});

  order.when(&Order::confirm).then(Confirmed{});

  EXPECT_EQ(order.state().status(), OrderStatus::shipped);
}

TEST(Order, ARejectedOneStaysSo) {
  auto order = given<Order>(placed);

  order.when(&Order::reject, "out_of_stock", "product 11 is out")
      .then(Rejected{"out_of_stock", "product 11 is out"});

  order.when(&Order::reject, "cancelled", "again").then_nothing();
  order.when(&Order::confirm).then_refused(Condition::conflict, "cannot be confirmed");
  order.when(&Order::ship, in_time).then_refused(Condition::conflict, "cannot be shipped");
}

TEST(Order, AConfirmedOneIsNotRejected) {
  given<Order>({placed, Confirmed{}})
      .when(&Order::reject, "cancelled", "too late")
      .then_refused(Condition::conflict, "order 10248 is confirmed");
}

TEST(Order, KnowsItsOwnCommand) {
  PlaceOrder other = command();
  other.lines[0].quantity = 13;

  const auto order = given<Order>(placed);

  EXPECT_TRUE(order.state().is(command()));
  EXPECT_FALSE(order.state().is(other));
}

TEST(Order, IsReadBackFromItsEvents) {
  const auto order = given<Order>({placed, Confirmed{}, Shipped{in_time}});

  EXPECT_TRUE(order.state().is(command()));
  EXPECT_TRUE(order.state().confirmed());
  EXPECT_EQ(order.state().status(), OrderStatus::shipped);
  EXPECT_EQ(StoredOrder("10248").stream(), "order-10248");
}

TEST(Order, IsReadBackFromARejectionThatHadNoCode) {
  const sinew::sim::Payload rejected(
      "order.rejected", 1,
      sinew::JsonObject{{"reason", "charge said no: card_declined: no money"}});

  const auto order = given<Order>({placed, rejected}, order_versions());

  EXPECT_EQ(order.state().status(), OrderStatus::rejected);
  EXPECT_EQ(order.state().code(), "card_declined");
  EXPECT_EQ(order.state().reason(), "charge said no: card_declined: no money");
}

TEST(Order, IsNamedByItsStream) {
  EXPECT_EQ(order_of("order-10248"), "10248");
  EXPECT_EQ(order_of("orders-1"), std::nullopt);
  EXPECT_EQ(order_of("order"), std::nullopt);
}

TEST(Order, AnnouncesItsAmountsInDollars) {
  const OrderPlaced event = announce(Order::place(command()));

  EXPECT_EQ(to_string(event.net), "266.00 USD");
  EXPECT_EQ(to_string(event.freight), "32.38 USD");
  EXPECT_EQ(to_string(event.payable), "298.38 USD");
}

}  // namespace
}  // namespace commerce::sales
