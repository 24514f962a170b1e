#pragma once

#include <string_view>

#include "examples/commerce/fulfillment/contract/shipments.hpp"
#include "examples/commerce/inventory/contract/stock.hpp"
#include "examples/commerce/payment/contract/payments.hpp"
#include "examples/commerce/reporting/answers.hpp"
#include "examples/commerce/reporting/contract/books.hpp"
#include "examples/commerce/sales/contract/orders.hpp"
#include "sinew/context/context.hpp"
#include "sinew/context/spec.hpp"

namespace commerce::reporting {

// The read side: views made of everything that the other contexts publish, and the batches whose
// books are to balance.
class Reporting final : public sinew::context::Context {
 public:
  std::string_view name() const noexcept override { return "reporting"; }
  void describe(sinew::context::ContextSpec& spec) override;

 private:
  using Transaction = sinew::store::Transaction;
  using Envelope = sinew::event::Envelope;

  sinew::Task<void> order_placed(Transaction& tx, sales::OrderPlaced event, const Envelope&);
  sinew::Task<void> order_confirmed(Transaction& tx, sales::OrderConfirmed event, const Envelope&);
  sinew::Task<void> order_rejected(Transaction& tx, sales::OrderRejected event, const Envelope&);
  sinew::Task<void> order_cancelled(Transaction& tx, sales::OrderCancelled event, const Envelope&);
  sinew::Task<void> order_shipped(Transaction& tx, sales::OrderShipped event, const Envelope&);
  sinew::Task<void> stock_received(Transaction& tx, inventory::StockReceived event,
                                   const Envelope&);
  sinew::Task<void> stock_reserved(Transaction& tx, inventory::Reserved event, const Envelope&);
  sinew::Task<void> stock_released(Transaction& tx, inventory::Released event, const Envelope&);
  sinew::Task<void> stock_shipped(Transaction& tx, inventory::StockShipped event, const Envelope&);
  sinew::Task<void> charged(Transaction& tx, payment::Charged event, const Envelope&);
  sinew::Task<void> refunded(Transaction& tx, payment::Refunded event, const Envelope&);
  sinew::Task<void> booked(Transaction& tx, fulfillment::Booked event, const Envelope&);
  sinew::Task<void> dispatched(Transaction& tx, fulfillment::ShipmentDispatched event,
                               const Envelope&);

  // POST /batches, GET /batches, GET /progress, GET /rejections, GET /books
  sinew::Task<sinew::http::Response> register_batch(const RegisterBatch& batch);
  sinew::Task<sinew::http::Response> list_batches(const sinew::http::Request& request);
  sinew::Task<Progress> progress(const sinew::http::Request& request);
  sinew::Task<Rejections> rejections(const sinew::http::Request& request);
  sinew::Task<sinew::http::Response> show_books(const sinew::http::Request& request);
};

}  // namespace commerce::reporting
