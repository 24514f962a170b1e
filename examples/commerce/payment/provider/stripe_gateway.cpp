#include "examples/commerce/payment/provider/stripe_gateway.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <utility>

#include "examples/commerce/payment/provider/form.hpp"
#include "examples/commerce/payment/provider/stripe_answer.hpp"
#include "sinew/base/error.hpp"
#include "sinew/messaging/middleware.hpp"

namespace commerce::payment {

using sinew::Applied;
using sinew::Condition;
using sinew::Decimal;
using sinew::Error;
using sinew::Money;
using sinew::Task;
using sinew::http::ClientRequest;
using sinew::http::Response;
using sinew::messaging::Postponed;
using sinew::messaging::Rejection;

namespace {

constexpr std::int64_t micros_per_cent = 10'000;

std::string in_cents(const Money& amount) {
  return std::to_string(amount.amount().micros() / micros_per_cent);
}

// What no Decimal holds is no amount that we asked for; zero says so.
Decimal from_cents(std::int64_t cents) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / micros_per_cent;
  return cents >= 0 && cents <= most ? Decimal::from_micros(cents * micros_per_cent) : Decimal();
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

// A success that cannot be read, such as a proxy's page, says nothing: the same key asks again.
stripe::Object object_of(const Response& response) {
  try {
    return sinew::from_json<stripe::Object>(response.json());
  } catch (const Error& error) {
    throw Error(Condition::unavailable,
                fmt::format("the payment provider's answer cannot be read: {}", error.detail()),
                Applied::unknown);
  }
}

// What Stripe says is wrong, read as well as it can be.
stripe::ErrorBody error_of(const Response& response) {
  try {
    return sinew::from_json<stripe::ErrorAnswer>(response.json()).error;
  } catch (const Error&) {
    return {"api_error", {}, {}, fmt::format("the provider answered {}", response.status)};
  }
}

Rejection rejection_of(const stripe::ErrorBody& error) {
  return {error.decline_code.value_or(error.code.value_or(error.type)),
          error.message.value_or("the payment provider refused without a reason")};
}

// Which of Stripe's answers are a definite no, and which say nothing about what happened.
// https://docs.stripe.com/api/errors and /error-low-level
StripeGateway::Outcome outcome_of(const Response& response) {
  if (response.success()) {
    const auto object = object_of(response);
    // A refund is on its way when it is pending; a payment is not done while it is processing.
    if (object.status == "succeeded" || object.status == "pending") {
      return StripeGateway::Payment{object.id, from_cents(object.amount)};
    }
    if (object.status == "processing") {
      throw Error(Condition::unavailable, fmt::format("{} is not decided yet", object.id),
                  Applied::unknown);
    }
    return Rejection{object.status, fmt::format("{} is {}", object.id, object.status)};
  }
  const auto error = error_of(response);
  const std::string what = fmt::format("the payment provider answered {}: {}", response.status,
                                       error.message.value_or(error.type));
  const auto wait = retry_after(response);
  // It says itself when to come again: that is no failure of the message.
  if ((response.status == 429 || response.status == 503) && wait > sinew::Duration::zero()) {
    throw Postponed(wait, what);
  }
  switch (response.status) {
    case 402: return rejection_of(error);
    case 401:
    case 403: throw Error(Condition::unauthorized, what + "; check its key", Applied::no);
    case 409: throw Error(Condition::unavailable, what, Applied::unknown);
    case 429: throw Error(Condition::exhausted, what, Applied::unknown);
    default: break;
  }
  if (response.status >= 500) throw Error(Condition::unavailable, what, Applied::unknown);
  // The same key was used with other content: ours is wrong, and no retry can mend it.
  if (error.type == "idempotency_error") throw Error(Condition::corrupt, what, Applied::unknown);
  return rejection_of(error);
}

}  // namespace

StripeGateway::StripeGateway(sinew::resilience::PipelineRegistry& pipelines,
                             sinew::http::Client& client, Settings settings)
    : settings_(std::move(settings)), client_(pipelines, client, settings_.policy) {}

Task<StripeGateway::Outcome> StripeGateway::charge(std::string order_id, Money amount,
                                                   std::string method,
                                                   std::string idempotency_key) {
  if (amount.amount().is_zero()) co_return Payment{};
  Form form;
  form.add("amount", in_cents(amount))
      .add("currency", lower_case(amount.currency().view()))
      .add("payment_method", method)
      .add("confirm", "true")
      .add("metadata[order_id]", order_id);
  co_return co_await post("/v1/payment_intents", form.text(), std::move(idempotency_key));
}

Task<StripeGateway::Outcome> StripeGateway::refund(std::string order_id, std::string reference,
                                                   std::string idempotency_key) {
  if (reference.empty()) co_return Payment{};
  Form form;
  form.add("payment_intent", reference).add("metadata[order_id]", order_id);
  co_return co_await post("/v1/refunds", form.text(), std::move(idempotency_key));
}

Task<StripeGateway::Outcome> StripeGateway::post(std::string path, std::string form,
                                                 std::string idempotency_key) {
  ClientRequest request;
  request.method = sinew::http::Method::post;
  request.url = settings_.url + path;
  request.headers.set("Authorization", fmt::format("Bearer {}", settings_.api_key.reveal()));
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  request.headers.set("Idempotency-Key", std::move(idempotency_key));
  request.body = std::move(form);
  co_return outcome_of(co_await client_.send(std::move(request)));
}

}  // namespace commerce::payment
