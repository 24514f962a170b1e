#pragma once

#include <boost/describe.hpp>
#include <optional>
#include <string>

#include "examples/commerce/payment/accounts.hpp"
#include "sinew/base/described.hpp"

// What payment answers to questions over HTTP.
namespace commerce::payment {

// GET /payments/{order}
struct PaymentAnswer {
  std::string order_id;
  ChargeStatus status = ChargeStatus::charged;
  sinew::Money amount;
  std::string payment_method;
  std::optional<std::string> provider_reference;
  std::optional<std::string> declined_because;
  std::optional<sinew::Money> refunded;
};
BOOST_DESCRIBE_STRUCT(PaymentAnswer, (),
                      (order_id, status, amount, payment_method, provider_reference,
                       declined_because, refunded))

// Of an account with a charge.
PaymentAnswer payment_answer(const Account& account);

}  // namespace commerce::payment
