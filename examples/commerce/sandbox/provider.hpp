#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "examples/commerce/sandbox/ledger.hpp"
#include "examples/commerce/sandbox/stripe_answers.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/base/secret.hpp"
#include "sinew/http/router.hpp"
#include "sinew/store/database.hpp"

namespace commerce::sandbox {

// A payment provider to try payments with: the part of Stripe's REST API that shops need, with its
// test methods (https://docs.stripe.com/testing). Every charge is durable before it is answered.
//
// POST /v1/payment_intents (confirmed at once: confirm=true), GET /v1/payment_intents[/{id}],
// POST /v1/refunds, GET /v1/refunds[/{id}]. Requests are forms with `Authorization: Bearer <key>`;
// under the same Idempotency-Key the same request gets the same answer, another one 400
// idempotency_error.
//
// Lives on its database's worker.
class Provider {
 public:
  Provider(sinew::async::Runtime& runtime, sinew::store::Database& database, sinew::Secret api_key)
      : runtime_(runtime), database_(database), api_key_(std::move(api_key)) {}

  // The routes refer to this provider, which outlives their server.
  sinew::http::Router routes();

 private:
  using Request = sinew::http::Request;
  using Response = sinew::http::Response;
  using Transaction = sinew::store::Transaction;
  using Work = std::function<sinew::Task<Answer>(Transaction&, const Form&)>;

  sinew::Task<Response> charge(const Request& request);
  sinew::Task<Response> refund(const Request& request);
  sinew::Task<Response> show_intent(const Request& request);
  sinew::Task<Response> show_refund(const Request& request);
  sinew::Task<Response> list_intents(const Request& request);
  sinew::Task<Response> list_refunds(const Request& request);

  sinew::Task<Response> once(const Request& request, Work work);
  // What `answer` gives, refusals included; 401 without the key. `request` and what `answer` refers
  // to outlive it.
  sinew::Task<Response> answering(const Request& request,
                                  std::function<sinew::Task<Answer>()> answer);
  std::int64_t now() const;
  std::string new_id(std::string_view prefix);

  sinew::async::Runtime& runtime_;
  sinew::store::Database& database_;
  sinew::Secret api_key_;
};

}  // namespace commerce::sandbox
