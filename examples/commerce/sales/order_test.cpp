#include "examples/commerce/sales/order.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "sinew/base/error.hpp"

namespace commerce::sales {
namespace {

using sinew::Condition;
using sinew::Decimal;
using sinew::Error;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

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

Order placed() {
  Order order;
  order.apply(Order::place(command()));
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

TEST(Order, GoesFromPlacedOverConfirmedToShipped) {
  Order order = placed();
  EXPECT_EQ(order.status(), OrderStatus::placed);

  order.apply(order.confirm().value());
  EXPECT_EQ(order.status(), OrderStatus::confirmed);
  EXPECT_EQ(order.late(), std::nullopt);

  order.apply(order.ship(sinew::parse_iso_date("1996-08-02")).value());
  EXPECT_EQ(order.status(), OrderStatus::shipped);
  EXPECT_EQ(order.late(), true);
}

TEST(Order, DecidesEachFactOnce) {
  Order order = placed();
  order.apply(order.confirm().value());
  order.apply(order.ship(sinew::parse_iso_date("1996-08-01")).value());

  EXPECT_FALSE(order.confirm());
  EXPECT_FALSE(order.ship(sinew::parse_iso_date("1996-08-03")));
  EXPECT_EQ(order.late(), false);
}

// The carrier's report and the saga's last step come over different queues.
TEST(Order, ShipsBeforeItIsConfirmed) {
  Order order = placed();
  order.apply(order.ship(sinew::parse_iso_date("1996-07-16")).value());

  order.apply(order.confirm().value());

  EXPECT_EQ(order.status(), OrderStatus::shipped);
}

TEST(Order, ARejectedOneStaysSo) {
  Order order = placed();
  order.apply(order.reject("out_of_stock", "product 11 is out").value());

  EXPECT_EQ(order.code(), "out_of_stock");
  EXPECT_EQ(order.reason(), "product 11 is out");
  EXPECT_FALSE(order.reject("cancelled", "again"));
  EXPECT_THROW(order.confirm(), Error);
  EXPECT_THROW(order.ship({}), Error);
}

TEST(Order, AConfirmedOneIsNotRejected) {
  Order order = placed();
  order.apply(order.confirm().value());

  EXPECT_THROW(order.reject("cancelled", "too late"), Error);
}

TEST(Order, KnowsItsOwnCommand) {
  PlaceOrder other = command();
  other.lines[0].quantity = 13;

  EXPECT_TRUE(placed().is(command()));
  EXPECT_FALSE(placed().is(other));
}

template <sinew::event::Typed E>
sinew::store::RecordedEvent recorded(const E& fact, std::int64_t version) {
  sinew::store::RecordedEvent event;
  event.stream = "order-10248";
  event.stream_version = version;
  event.type = E::type.name;
  event.version = E::type.version;
  event.data = sinew::event::write_data(fact);
  return event;
}

TEST(Order, IsReadBackFromItsEvents) {
  StoredOrder order("10248");
  order.replay(recorded(Order::place(command()), 0), {});
  order.replay(recorded(Confirmed{}, 1), {});
  order.replay(recorded(Shipped{sinew::parse_iso_date("1996-07-16")}, 2), {});

  EXPECT_TRUE(order.state().is(command()));
  EXPECT_TRUE(order.state().confirmed());
  EXPECT_EQ(order.state().status(), OrderStatus::shipped);
  EXPECT_EQ(order.stream(), "order-10248");
}

TEST(Order, IsReadBackFromARejectionThatHadNoCode) {
  StoredOrder order("10248");
  order.replay(recorded(Order::place(command()), 0), order_versions());
  auto rejected = recorded(Rejected{}, 1);
  rejected.version = 1;
  rejected.data = sinew::SharedBytes(R"({"reason":"charge said no: card_declined: no money"})");

  order.replay(rejected, order_versions());

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
