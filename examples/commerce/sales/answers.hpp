#pragma once

#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "examples/commerce/sales/order.hpp"
#include "sinew/base/described.hpp"
#include "sinew/store/checkpoint.hpp"

// What sales takes and answers over HTTP.
namespace commerce::sales {

// POST /baskets: orders that a customer sends off together, such as one for each carrier.
struct Basket {
  std::vector<PlaceOrder> orders;
};
BOOST_DESCRIBE_STRUCT(Basket, (), (orders))
constexpr auto constraints(const Basket*) {
  return sinew::constraints(sinew::field(&Basket::orders, sinew::items(1, 20)));
}

// GET /orders/{id}
struct OrderAnswer {
  OrderStatus status = OrderStatus::placed;
  std::optional<std::string> code;    // of a rejected one: out_of_stock, ...
  std::optional<std::string> reason;  // the same for people
  std::optional<sinew::Date> shipped_date;
  sinew::Money gross;
  sinew::Money net;
  sinew::Money freight;
  sinew::Money payable;
  PlaceOrder order;
};
BOOST_DESCRIBE_STRUCT(OrderAnswer, (),
                      (status, code, reason, shipped_date, gross, net, freight, payable, order))

OrderAnswer answer_of(const Order& order);

// POST /baskets, in the order in which they were sent.
struct BasketAnswer {
  std::vector<OrderAnswer> orders;
};
BOOST_DESCRIBE_STRUCT(BasketAnswer, (), (orders))

struct OrderSummary {
  std::string order_id;
  std::string status;
  std::string customer_id;
  std::string order_date;
  std::string country;
  std::int64_t lines = 0;
  std::int64_t units = 0;
  sinew::Decimal payable;
  std::optional<std::string> reason;
  std::optional<std::string> shipped_date;
};
BOOST_DESCRIBE_STRUCT(OrderSummary, (),
                      (order_id, status, customer_id, order_date, country, lines, units, payable,
                       reason, shipped_date))

// GET /orders: by order id; `next` is the `after` of the following page.
struct OrderList {
  std::vector<OrderSummary> orders;
  std::optional<std::string> next;
};
BOOST_DESCRIBE_STRUCT(OrderList, (), (orders, next))

// POST /customers/{id}/erasure: who wants a customer forgotten, and why; kept for good.
struct ErasureRequest {
  std::string by;
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(ErasureRequest, (), (by, reason))
constexpr auto constraints(const ErasureRequest*) {
  return sinew::constraints(
      sinew::field(&ErasureRequest::by, sinew::length(1, 200)),
      sinew::field(&ErasureRequest::reason, sinew::length(0, 500), sinew::defaulted()));
}

struct ErasureAnswer {
  bool erased = false;  // there was something to forget in the orders
  bool purged = false;  // and its key is in no file any more; else after the next start
};
BOOST_DESCRIBE_STRUCT(ErasureAnswer, (), (erased, purged))

// GET /journal?since=&type=&after=&limit=: what happened to orders, in the order in which it did. A
// page may be empty; `next` is the `after` of the following one, until it is at_end, and afterwards
// for what happens later. Its Sinew-Position is the end of the log, whichever page it is.
struct Fact {
  std::string order_id;
  std::int64_t version = 0;  // from 0, of this order's facts
  std::string type;
  sinew::Timestamp at{};
};
BOOST_DESCRIBE_STRUCT(Fact, (), (order_id, version, type, at))

struct Journal {
  std::vector<Fact> facts;
  sinew::store::Checkpoint next;
  bool at_end = false;
};
BOOST_DESCRIBE_STRUCT(Journal, (), (facts, next, at_end))

// GET /products/{id}/availability?units=: whether so many, one by default, could be ordered now.
// Nothing is reserved by asking.
struct Availability {
  std::int64_t product_id = 0;
  std::int64_t units = 1;  // asked for
  std::int64_t free = 0;
  bool available = false;
};
BOOST_DESCRIBE_STRUCT(Availability, (), (product_id, units, free, available))

}  // namespace commerce::sales
