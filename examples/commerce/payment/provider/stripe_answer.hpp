#pragma once

#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "sinew/base/described.hpp"

// The parts of Stripe's answers that payment reads, by Stripe's own names; all else is ignored.
// https://docs.stripe.com/api/errors, /payment_intents/object, /refunds/object
namespace commerce::payment::stripe {

// A payment intent or a refund.
struct Object {
  std::string id;
  std::string status;
  std::int64_t amount = 0;  // in the smallest unit of the currency: cents
};
BOOST_DESCRIBE_STRUCT(Object, (), (id, status, amount))

struct ErrorBody {
  std::string type;  // card_error, idempotency_error, invalid_request_error, api_error
  std::optional<std::string> code;
  std::optional<std::string> decline_code;
  std::optional<std::string> message;
};
BOOST_DESCRIBE_STRUCT(ErrorBody, (), (type, code, decline_code, message))

struct ErrorAnswer {
  ErrorBody error;
};
BOOST_DESCRIBE_STRUCT(ErrorAnswer, (), (error))

}  // namespace commerce::payment::stripe
