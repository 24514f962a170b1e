#pragma once

#include <chrono>
#include <string_view>
#include <utility>
#include <variant>

#include "examples/commerce/fulfillment/contract/shipments.hpp"
#include "examples/commerce/fulfillment/shipments.hpp"
#include "examples/commerce/payment/contract/payments.hpp"
#include "examples/commerce/sales/contract/orders.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/base/secret.hpp"
#include "sinew/context/context.hpp"
#include "sinew/context/spec.hpp"

namespace commerce::fulfillment {

struct FulfillmentSettings {
  sinew::Secret carrier_secret;  // shared with the carriers; signs their reports
  // How far a report's time may be from ours, in either direction: 1 s to 24 h.
  sinew::Duration signature_tolerance = std::chrono::minutes(5);
};

// Books shipments with carriers and learns from their signed webhooks that they left. Carriers come
// by drop folder `carriers`.
class Fulfillment final : public sinew::context::Context {
 public:
  explicit Fulfillment(FulfillmentSettings settings) : settings_(std::move(settings)) {}

  std::string_view name() const noexcept override { return "fulfillment"; }
  void describe(sinew::context::ContextSpec& spec) override;
  sinew::Task<void> start() override;

 private:
  using Transaction = sinew::store::Transaction;

  sinew::Task<sinew::messaging::Answer<Booked>> book(Transaction& tx, Book command,
                                                     const sinew::event::Envelope& message);
  // The cancellation of an order: stop its shipment, and book it again when the money could not be
  // given back.
  sinew::Task<std::variant<ShipmentCancelled, ShipmentKept>> stop_shipment(
      Transaction& tx, sales::CancellationRequested event, const sinew::event::Envelope& message);
  sinew::Task<std::variant<std::monostate, ShipmentKept>> book_again(
      Transaction& tx, payment::RefundRefused event, const sinew::event::Envelope& message);
  sinew::Task<void> take_carriers(sinew::exchange::DroppedFile& file);
  // POST /carrier/reports
  sinew::Task<sinew::http::Response> take_report(const sinew::http::Request& request);
  sinew::Task<void> keep_report(Transaction& tx, Report report, sinew::event::Lineage lineage);
  // GET /shipments?status=&limit=&after=
  sinew::Task<sinew::http::Response> list_shipments(const sinew::http::Request& request);
  // GET /shipments/{order}
  sinew::Task<sinew::http::Response> show_shipment(const sinew::http::Request& request);

  FulfillmentSettings settings_;
};

}  // namespace commerce::fulfillment
