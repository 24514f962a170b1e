#pragma once

#include <boost/describe.hpp>
#include <string>

#include "sinew/base/described.hpp"
#include "sinew/base/money.hpp"
#include "sinew/event/typed.hpp"

// The published language of payment. Amounts are whole cents.
namespace commerce::payment {

struct Charged {
  static constexpr sinew::event::EventType type{"payment.charged", 1};
  std::string order_id;
  sinew::Money amount;
  std::string provider_reference;  // empty: the order is free
};
BOOST_DESCRIBE_STRUCT(Charged, (), (order_id, amount, provider_reference))

// Command: charges an order once, however often it is asked; nothing for one that is free.
// Rejections: card_declined and the
// provider's other definite codes, invalid_amount, refunded (its compensation came first).
struct Charge {
  static constexpr sinew::event::EventType type{"payment.charge", 1};
  using Reply = Charged;
  std::string order_id;
  sinew::Money amount;
  std::string payment_method;
};
BOOST_DESCRIBE_STRUCT(Charge, (), (order_id, amount, payment_method))
constexpr auto constraints(const Charge*) {
  return sinew::constraints(sinew::field(&Charge::order_id, sinew::length(1, 40)),
                            sinew::field(&Charge::payment_method, sinew::length(1, 100)));
}

struct Refunded {
  static constexpr sinew::event::EventType type{"payment.refunded", 1};
  std::string order_id;
  sinew::Money amount;
  std::string provider_reference;  // empty: nothing had been charged
};
BOOST_DESCRIBE_STRUCT(Refunded, (), (order_id, amount, provider_reference))

// Command: gives back what was charged for the order, if anything was.
struct Refund {
  static constexpr sinew::event::EventType type{"payment.refund", 1};
  using Reply = Refunded;
  std::string order_id;
};
BOOST_DESCRIBE_STRUCT(Refund, (), (order_id))

// The money of a cancelled shipment's order cannot be given back: the provider's definite no.
struct RefundRefused {
  static constexpr sinew::event::EventType type{"payment.refund_refused", 1};
  std::string order_id;
  std::string code;
  std::string detail;
};
BOOST_DESCRIBE_STRUCT(RefundRefused, (), (order_id, code, detail))

}  // namespace commerce::payment
