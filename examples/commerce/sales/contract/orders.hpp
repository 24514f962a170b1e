#pragma once

#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sinew/base/decimal.hpp"
#include "sinew/base/described.hpp"
#include "sinew/base/money.hpp"
#include "sinew/base/time.hpp"
#include "sinew/event/typed.hpp"

// The published language of sales. Amounts are exact; `net` has up to five decimals, `payable` is
// net plus freight, rounded half even to cents, once an order.
namespace commerce::sales {

// Of one unit, and of freight: what a million units cost still fits a Decimal.
inline constexpr auto highest_amount = sinew::Decimal::from_micros(1'000'000'000'000);

struct Address {
  std::string name;
  std::string street;
  std::string city;
  std::string region;
  std::string postal_code;
  std::string country;
};
BOOST_DESCRIBE_STRUCT(Address, (), (name, street, city, region, postal_code, country))
constexpr auto constraints(const Address*) {
  return sinew::constraints(
      sinew::field(&Address::name, sinew::length(0, 200), sinew::defaulted()),
      sinew::field(&Address::street, sinew::length(0, 200), sinew::defaulted()),
      sinew::field(&Address::city, sinew::length(0, 100), sinew::defaulted()),
      sinew::field(&Address::region, sinew::length(0, 100), sinew::defaulted()),
      sinew::field(&Address::postal_code, sinew::length(0, 20), sinew::defaulted()),
      sinew::field(&Address::country, sinew::length(1, 100)));
}

struct Line {
  std::int64_t product_id = 0;
  std::int64_t quantity = 0;
  sinew::Decimal unit_price;
  sinew::Decimal discount;
};
BOOST_DESCRIBE_STRUCT(Line, (), (product_id, quantity, unit_price, discount))
constexpr auto constraints(const Line*) {
  return sinew::constraints(
      sinew::field(&Line::product_id, sinew::at_least(1)),
      sinew::field(&Line::quantity, sinew::between(1, 1'000'000), "units ordered"),
      sinew::field(&Line::unit_price, sinew::between(sinew::Decimal(), highest_amount),
                   "with at most three decimals"),
      sinew::field(&Line::discount,
                   sinew::between(sinew::Decimal(), sinew::Decimal::from_micros(1'000'000)),
                   "a fraction with at most two decimals"));
}

// POST /orders. The order id is the customer's own: posting the same order again is the same order.
struct PlaceOrder {
  std::string order_id;
  std::string customer_id;
  std::int64_t employee_id = 0;
  sinew::Date order_date{};
  sinew::Date required_date{};
  std::int64_t carrier_id = 0;
  sinew::Decimal freight;
  Address ship_to;
  std::string payment_method = "pm_card_visa";
  std::vector<Line> lines;
};
BOOST_DESCRIBE_STRUCT(PlaceOrder, (),
                      (order_id, customer_id, employee_id, order_date, required_date, carrier_id,
                       freight, ship_to, payment_method, lines))
constexpr auto constraints(const PlaceOrder*) {
  return sinew::constraints(
      sinew::field(&PlaceOrder::order_id, sinew::length(1, 40), sinew::pattern("^[A-Za-z0-9-]+$")),
      sinew::field(&PlaceOrder::customer_id, sinew::length(1, 40),
                   sinew::pattern("^[A-Za-z0-9]+$")),
      sinew::field(&PlaceOrder::employee_id, sinew::at_least(0), sinew::defaulted()),
      sinew::field(&PlaceOrder::carrier_id, sinew::at_least(1)),
      sinew::field(&PlaceOrder::freight, sinew::between(sinew::Decimal(), highest_amount),
                   "with at most two decimals"),
      sinew::field(&PlaceOrder::payment_method, sinew::length(1, 100), sinew::defaulted()),
      sinew::field(&PlaceOrder::lines, sinew::items(1, 500)));
}

// An order was taken; carries all that other contexts need to know of it.
struct OrderPlaced {
  static constexpr sinew::event::EventType type{"sales.order.placed", 1};
  std::string order_id;
  std::string customer_id;
  std::int64_t employee_id = 0;
  sinew::Date order_date{};
  sinew::Date required_date{};
  std::int64_t carrier_id = 0;
  Address ship_to;
  std::vector<Line> lines;
  sinew::Money net;
  sinew::Money freight;
  sinew::Money payable;
};
BOOST_DESCRIBE_STRUCT(OrderPlaced, (),
                      (order_id, customer_id, employee_id, order_date, required_date, carrier_id,
                       ship_to, lines, net, freight, payable))

// Every step of the saga succeeded: stock reserved, charged, shipment booked.
struct OrderConfirmed {
  static constexpr sinew::event::EventType type{"sales.order.confirmed", 1};
  std::string order_id;
};
BOOST_DESCRIBE_STRUCT(OrderConfirmed, (), (order_id))

// The order will not happen; what was done for it is undone. Since version 2 with the code, so that
// nobody must cut it out of the sentence; older ones are read by lift_orders() of versions.hpp.
struct OrderRejected {
  static constexpr sinew::event::EventType type{"sales.order.rejected", 2};
  std::string order_id;
  std::string code;  // out_of_stock, card_declined, ...: the participant's; cancelled: nobody's no
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(OrderRejected, (), (order_id, code, reason))

// POST /orders/{id}/cancel, of a confirmed order that has not left: 202 with the order, which is
// `cancelling`; 200 when it is cancelled; 409 when it is not confirmed yet, rejected or shipped.
// Whether it is then cancelled or kept is told by the events below.
struct CancelOrder {
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(CancelOrder, (), (reason))
constexpr auto constraints(const CancelOrder*) {
  return sinew::constraints(sinew::field(&CancelOrder::reason, sinew::length(1, 200)));
}

// The customer no longer wants a confirmed order. Each context then does its part and tells the
// next: the shipment is stopped, the money goes back, the order is cancelled, the goods are free.
struct CancellationRequested {
  static constexpr sinew::event::EventType type{"sales.order.cancellation_requested", 1};
  std::string order_id;
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(CancellationRequested, (), (order_id, reason))

// The confirmed order will not happen: its money is back.
struct OrderCancelled {
  static constexpr sinew::event::EventType type{"sales.order.cancelled", 1};
  std::string order_id;
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(OrderCancelled, (), (order_id, reason))

// The order could not be cancelled and goes on: it had left, or its money cannot be given back.
struct OrderKept {
  static constexpr sinew::event::EventType type{"sales.order.kept", 1};
  std::string order_id;
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(OrderKept, (), (order_id, reason))

// The goods are on their way: the order is complete.
struct OrderShipped {
  static constexpr sinew::event::EventType type{"sales.order.shipped", 1};
  std::string order_id;
  sinew::Date shipped_date{};
};
BOOST_DESCRIBE_STRUCT(OrderShipped, (), (order_id, shipped_date))

}  // namespace commerce::sales
