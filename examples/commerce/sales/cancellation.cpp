#include <fmt/format.h>

#include <utility>

#include "examples/commerce/sales/answers.hpp"
#include "examples/commerce/sales/sales.hpp"
#include "sinew/base/error.hpp"

// Sales' part of the cancellation of an order: a process without a coordinator. Sales begins it and
// hears how it ends; docs/reference/commerce.md tells what the others do in between.
namespace commerce::sales {

using sinew::Condition;
using sinew::Error;
using sinew::Task;
using sinew::event::caused_by;
using sinew::event::Envelope;
using sinew::http::Request;
using sinew::http::Response;
using sinew::store::Transaction;

Task<Response> Sales::cancel_order(const Request& request) {
  const auto id = request.path_parameter<std::string>("id");
  const auto command = sinew::from_json<CancelOrder>(request.json());
  const auto lineage = co_await new_lineage();
  sinew::store::Checkpoint position;
  const Order order = co_await database().transaction([&](Transaction& tx) -> Task<Order> {
    StoredOrder stored = co_await orders_->load(tx, id);
    if (!stored.exists()) {
      throw Error(Condition::not_found, fmt::format("there is no order {}", id));
    }
    position = co_await events().head(tx);
    if (const auto requested = stored.state().request_cancel(command.reason)) {
      stored.raise(*requested);
      position = (co_await orders_->append(tx, stored, lineage)).position;
      co_await begin(tx, CancellationRequested{id, command.reason}, id, lineage);
    }
    co_return stored.state();
  });
  const auto answer = sinew::to_json(answer_of(order));
  co_return with_position(order.status() == OrderStatus::cancelled ? sinew::http::ok(answer)
                                                                   : sinew::http::accepted(answer),
                          position);
}

// Also told of orders whose saga gave their money back: those were never confirmed.
Task<std::variant<std::monostate, OrderCancelled>> Sales::finish_cancellation(
    Transaction& tx, payment::Refunded event, const Envelope& message) {
  StoredOrder order = co_await orders_->load(tx, event.order_id);
  const auto cancelled = order.state().cancel();
  if (!cancelled) co_return std::monostate();
  order.raise(*cancelled);
  co_await orders_->append(tx, order, caused_by(message));
  co_return OrderCancelled{event.order_id, order.state().reason()};
}

Task<std::variant<std::monostate, OrderKept>> Sales::give_up_cancellation(
    Transaction& tx, fulfillment::ShipmentKept event, const Envelope& message) {
  StoredOrder order = co_await orders_->load(tx, event.order_id);
  const auto refused = order.state().refuse_cancel(event.reason);
  if (!refused) co_return std::monostate();
  order.raise(*refused);
  co_await orders_->append(tx, order, caused_by(message));
  co_return OrderKept{event.order_id, event.reason};
}

}  // namespace commerce::sales
