#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "examples/commerce/fulfillment/contract/shipments.hpp"
#include "examples/commerce/payment/accounts.hpp"
#include "examples/commerce/payment/contract/payments.hpp"
#include "examples/commerce/payment/provider/stripe_gateway.hpp"
#include "examples/commerce/payment/request_log.hpp"
#include "sinew/base/secret.hpp"
#include "sinew/context/context.hpp"
#include "sinew/context/spec.hpp"
#include "sinew/messaging/allowed_senders.hpp"

namespace commerce::payment {

struct PaymentSettings {
  std::string provider_url;  // of Stripe's API or what speaks it: http://localhost:12111
  sinew::Secret api_key;
  ProviderPolicy policy = {};
};

// Charges and refunds orders through a payment provider. The provider is asked outside the
// transaction, with idempotency keys derived from the order, so asking again is harmless.
class Payment final : public sinew::context::Context {
 public:
  explicit Payment(PaymentSettings settings);

  std::string_view name() const noexcept override { return "payment"; }
  void describe(sinew::context::ContextSpec& spec) override;
  sinew::Task<void> start() override;

 private:
  using Transaction = sinew::store::Transaction;

  sinew::Task<void> charge(sinew::messaging::Handling& handling, Charge command);
  sinew::Task<void> refund(sinew::messaging::Handling& handling, Refund command);
  // The cancellation of an order: give its money back, or say that it cannot be.
  sinew::Task<void> give_back(sinew::messaging::Handling& handling,
                              fulfillment::ShipmentCancelled event);
  sinew::Task<void> keep_charge(Transaction& tx, const sinew::event::Envelope& message,
                                ChargeRow row);
  sinew::Task<void> keep_refund(Transaction& tx, const sinew::event::Envelope& message,
                                RefundRow row);
  sinew::Task<void> refuse_later_charge(sinew::messaging::Handling& handling, std::string order_id);
  sinew::Task<std::variant<RefundRow, sinew::messaging::Rejection>> refund_of(
      Account account, std::string order_id, std::string request_key);
  sinew::Task<Account> account_of(std::string order_id);

  // GET /payments/{order}
  sinew::Task<sinew::http::Response> show_payment(const sinew::http::Request& request);

  // GET /payments/{order}/requests
  sinew::Task<sinew::http::Response> show_requests(const sinew::http::Request& request);

  PaymentSettings settings_;
  sinew::messaging::AllowedSenders senders_;
  RequestLog request_log_;
  std::unique_ptr<StripeGateway> provider_;
};

}  // namespace commerce::payment
