#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "examples/commerce/payment/provider/provider_client.hpp"
#include "sinew/base/money.hpp"
#include "sinew/base/secret.hpp"
#include "sinew/http/client.hpp"
#include "sinew/messaging/reply.hpp"

namespace commerce::payment {

// The anti-corruption layer to Stripe's REST API (https://docs.stripe.com/api: payment intents,
// refunds, errors, idempotent requests): nothing of its language goes further than this class.
// Asking again with the same key is safe, whatever came of the first time. Lives on the context's
// worker.
class StripeGateway {
 public:
  struct Settings {
    std::string url;  // without a slash at the end
    sinew::Secret api_key;
    ProviderPolicy policy = {};
  };

  struct Payment {
    std::string reference;  // the provider's
    sinew::Decimal amount;  // what it says it moved
  };
  // A definite no comes as a Rejection with the provider's code: card_declined, expired_card, ...
  using Outcome = std::variant<Payment, sinew::messaging::Rejection>;

  StripeGateway(sinew::resilience::PipelineRegistry& pipelines, sinew::http::Client& client,
                Settings settings);

  // `amount` in whole cents; of nothing the provider, which moves no nothing, is not told: it is
  // paid at once, without a reference. Errors, all transient with applied unknown unless nothing
  // was sent: unavailable (no connection, 5xx, the same key in use at this moment, or the breaker
  // is open: applied no), timeout, exhausted (429), Postponed (429 or 503 that
  // says when to come again); lasting: unauthorized (the API key is refused),
  // corrupt (the idempotency key was used for something else).
  sinew::Task<Outcome> charge(std::string order_id, sinew::Money amount, std::string method,
                              std::string idempotency_key);
  // Gives back all of a payment; one without a reference was of nothing.
  sinew::Task<Outcome> refund(std::string order_id, std::string reference,
                              std::string idempotency_key);

 private:
  sinew::Task<Outcome> post(std::string path, std::string form, std::string idempotency_key);

  Settings settings_;
  ProviderClient client_;
};

}  // namespace commerce::payment
