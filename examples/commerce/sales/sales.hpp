#pragma once

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "examples/commerce/fulfillment/contract/shipments.hpp"
#include "examples/commerce/payment/contract/payments.hpp"
#include "examples/commerce/sales/answers.hpp"
#include "examples/commerce/sales/contract/orders.hpp"
#include "examples/commerce/sales/orders_view.hpp"
#include "examples/commerce/sales/place_order_saga.hpp"
#include "sinew/context/context.hpp"
#include "sinew/context/spec.hpp"

namespace commerce::sales {

// Takes orders and brings each to its end: the order is event-sourced (streams order-<id>), the
// saga place-order asks inventory, payment and fulfillment. Customers come by drop folder
// `customers` (customers.csv of the input format).
class Sales final : public sinew::context::Context {
 public:
  Sales() : view_([this]() -> const Orders& { return *orders_; }) {}

  std::string_view name() const noexcept override { return "sales"; }
  void describe(sinew::context::ContextSpec& spec) override;
  sinew::Task<void> start() override;

 private:
  using Transaction = sinew::store::Transaction;

  // POST /orders: 201; 200 when the same order was placed before; 409 with other content.
  sinew::Task<sinew::http::Response> place_order(const PlaceOrder& command);
  // POST /baskets: all of its orders or none. 201; 200 when all were placed before; 409 when one
  // was placed before with other content.
  sinew::Task<sinew::http::Response> place_basket(const Basket& basket);
  // POST /orders/{id}/cancel: see CancelOrder.
  sinew::Task<sinew::http::Response> cancel_order(const sinew::http::Request& request);
  // GET /orders/{id}
  sinew::Task<sinew::http::Response> show_order(const sinew::http::Request& request);
  // GET /orders?status=&limit=&after=: from the view, which the client may wait for by the
  // Sinew-Position of what it changed or read before.
  sinew::Task<sinew::http::Response> list_orders(const sinew::http::Request& request);
  // POST /customers/{id}/erasure: name and address leave the orders, contact and phone the
  // customer; 404 for one that sales does not know.
  sinew::Task<sinew::http::Response> forget_customer(const sinew::http::Request& request);
  // GET /journal?since=&type=&after=&limit=
  sinew::Task<sinew::http::Response> show_journal(const sinew::http::Request& request);
  // GET /products/{id}/availability?units=: asks inventory; 504 when it does not answer in time.
  sinew::Task<sinew::http::Response> show_availability(const sinew::http::Request& request);
  sinew::Task<void> take_customers(sinew::exchange::DroppedFile& file);
  sinew::Task<void> complete_order(Transaction& tx, fulfillment::ShipmentDispatched event,
                                   const sinew::event::Envelope& message);

  // What other contexts say of an order that is to be cancelled.
  sinew::Task<std::variant<std::monostate, OrderCancelled>> finish_cancellation(
      Transaction& tx, payment::Refunded event, const sinew::event::Envelope& message);
  sinew::Task<std::variant<std::monostate, OrderKept>> give_up_cancellation(
      Transaction& tx, fulfillment::ShipmentKept event, const sinew::event::Envelope& message);

  // Local steps of the saga.
  sinew::Task<void> confirm(Transaction& tx, const PlaceOrderData& data,
                            const sinew::saga::Instance& saga);
  sinew::Task<void> reject(Transaction& tx, const PlaceOrderData& data,
                           const sinew::saga::Instance& saga);

  struct Taken {
    std::vector<Order> orders;
    bool any_new = false;
    sinew::store::Checkpoint position;  // all of them are in the log up to here
  };
  sinew::Task<Taken> take_orders(std::vector<Placed> placed);
  sinew::Task<Taken> keep_orders(Transaction& tx, const std::vector<Placed>& placed,
                                 const sinew::event::Lineage& lineage);
  sinew::Task<void> begin_saga(Transaction& tx, const Placed& placed,
                               const sinew::event::Lineage& lineage);

  std::optional<Orders> orders_;
  OrdersView view_;
};

}  // namespace commerce::sales
