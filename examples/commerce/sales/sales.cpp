#include "examples/commerce/sales/sales.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "examples/commerce/sales/answers.hpp"
#include "examples/commerce/sales/contract/versions.hpp"
#include "examples/commerce/sales/customers.hpp"
#include "examples/commerce/sales/schema.hpp"
#include "sinew/base/error.hpp"

namespace commerce::sales {

using sinew::Condition;
using sinew::Error;
using sinew::Task;
using sinew::event::Lineage;
using sinew::http::Method;
using sinew::http::Request;
using sinew::http::Response;
using sinew::store::Transaction;

namespace {

constexpr std::int64_t default_page = 100;
constexpr std::int64_t longest_page = 1000;

// A shopper waits no longer to hear what is in stock.
constexpr auto stock_patience = std::chrono::seconds(2);

PlaceOrderData saga_data(const Placed& placed) {
  const PlaceOrder& order = placed.order;
  PlaceOrderData data;
  data.order_id = order.order_id;
  for (const Line& line : order.lines)
    data.items.push_back({line.product_id, line.quantity});
  data.payable = announce(placed).payable;
  data.payment_method = order.payment_method;
  data.carrier_id = order.carrier_id;
  data.required_date = order.required_date;
  data.ship_country = order.ship_to.country;
  return data;
}

OrderSummary summary_of(const OrderRow& row) {
  OrderSummary summary{row.order_id, row.status, row.customer_id, row.order_date, row.country,
                       row.lines,    row.units,  row.payable,     std::nullopt,   row.shipped_date};
  if (!row.reason.empty()) summary.reason = row.reason;
  return summary;
}

// Past this a saga's code and reason are cut: they come from other contexts.
constexpr std::size_t longest_reason = 1000;

}  // namespace

void Sales::describe(sinew::context::ContextSpec& spec) {
  using sinew::saga::Instance;
  spec.migrations(schema())
      .route(Method::post, "/orders", &Sales::place_order)
      .route(Method::get, "/orders", &Sales::list_orders)
      .route(Method::get, "/orders/{id}", &Sales::show_order)
      .route(Method::get, "/products/{id}/availability", &Sales::show_availability)
      .asks<inventory::CheckStock>()
      .drop("customers", &Sales::take_customers)
      .handles(&Sales::complete_order)
      .projection(view_)
      .saga(place_order_saga([this](Transaction& tx, const PlaceOrderData& data,
                                    const Instance& saga) { return confirm(tx, data, saga); },
                             [this](Transaction& tx, const PlaceOrderData& data,
                                    const Instance& saga) { return reject(tx, data, saga); }));
}

Task<void> Sales::start() {
  orders_.emplace(events(), order_versions());
  co_return;
}

Task<Response> Sales::place_order(const PlaceOrder& command) {
  const Placed placed = Order::place(command);
  const Lineage lineage = co_await new_lineage();
  const bool is_new = co_await database().transaction(
      [&](Transaction& tx) -> Task<bool> { co_return co_await keep_order(tx, placed, lineage); });
  // A new order is answered as it was taken: the saga has only begun.
  Order order;
  if (is_new) {
    order.apply(placed);
  } else {
    order = co_await database().read([&](Transaction& tx) -> Task<Order> {
      co_return (co_await orders_->load(tx, command.order_id)).state();
    });
  }
  const auto answer = sinew::to_json(answer_of(order));
  if (!is_new) co_return sinew::http::ok(answer);
  co_return sinew::http::created("/orders/" + command.order_id, answer);
}

// The order, its event for the others and its saga, in one transaction. False: it stood there.
Task<bool> Sales::keep_order(Transaction& tx, const Placed& placed, const Lineage& lineage) {
  const PlaceOrder& content = placed.order;
  StoredOrder order = co_await orders_->load(tx, content.order_id);
  if (order.exists()) {
    if (order.state().is(content)) co_return false;
    throw Error(Condition::conflict,
                fmt::format("order {} was placed before with other content", content.order_id));
  }
  if (!co_await knows_customer(tx, content.customer_id)) {
    throw sinew::DocumentError(
        {{"customer_id", fmt::format("customer {} is unknown", content.customer_id)}});
  }
  order.raise(placed);
  co_await orders_->append(tx, order, lineage);
  co_await publish(tx, announce(placed), content.order_id, lineage);
  co_await sagas().start(tx, std::string(place_order_saga_name), content.order_id,
                         sinew::to_json(saga_data(placed)), lineage);
  co_return true;
}

Task<Response> Sales::show_order(const Request& request) {
  const auto id = request.path_parameter<std::string>("id");
  const StoredOrder order = co_await database().read(
      [&](Transaction& tx) -> Task<StoredOrder> { co_return co_await orders_->load(tx, id); });
  if (!order.exists()) {
    throw Error(Condition::not_found, fmt::format("there is no order {}", id));
  }
  co_return sinew::http::ok(sinew::to_json(answer_of(order.state())));
}

Task<Response> Sales::list_orders(const Request& request) {
  const auto status = request.query_parameter<std::string>("status").value_or("");
  const auto after = request.query_parameter<std::string>("after").value_or("");
  const auto limit = std::clamp<std::int64_t>(
      request.query_parameter<std::int64_t>("limit").value_or(default_page), 1, longest_page);
  const auto rows = co_await database().read([&](Transaction& tx) -> Task<sinew::store::Rows> {
    co_return co_await tx.execute(
        "SELECT order_id, status, customer_id, order_date, country, lines, units, payable, "
        "reason, shipped_date, history FROM orders WHERE (? = '' OR status = ?) AND order_id > ? "
        "ORDER BY order_id LIMIT ?",
        {status, status, after, limit});
  });
  OrderList list;
  for (const auto row : rows)
    list.orders.push_back(summary_of(read_order_row(row)));
  if (std::ssize(list.orders) == limit) list.next = list.orders.back().order_id;
  co_return sinew::http::ok(sinew::to_json(list));
}

Task<Response> Sales::show_availability(const Request& request) {
  const auto product = request.path_parameter<std::int64_t>("id");
  const auto units = request.query_parameter<std::int64_t>("units").value_or(1);
  if (units < 1) throw sinew::DocumentError({{"units", "expected an integer from 1"}});
  const auto answer = co_await ask(inventory::CheckStock{product}, stock_patience);
  if (const auto* no = std::get_if<sinew::messaging::Rejection>(&answer)) {
    throw Error(Condition::not_found, no->detail);
  }
  const auto free = std::get<inventory::StockLevel>(answer).free;
  co_return sinew::http::ok(Availability{product, units, free, free >= units});
}

Task<void> Sales::take_customers(sinew::exchange::DroppedFile& file) {
  co_await books::take_lines(
      file, {"CustomerID", "CompanyName", "ContactName", "City", "Country", "Phone"},
      take_customer);
}

Task<void> Sales::complete_order(Transaction& tx, fulfillment::ShipmentDispatched event,
                                 const sinew::event::Envelope& message) {
  StoredOrder order = co_await orders_->load(tx, event.order_id);
  if (!order.exists()) {
    throw Error(Condition::not_found,
                fmt::format("order {} was dispatched, but never placed", event.order_id));
  }
  const auto shipped = order.state().ship(event.shipped_date);
  if (!shipped) co_return;
  order.raise(*shipped);
  const Lineage lineage = sinew::event::caused_by(message);
  co_await orders_->append(tx, order, lineage);
  co_await publish(tx, OrderShipped{event.order_id, event.shipped_date}, event.order_id, lineage);
}

Task<void> Sales::confirm(Transaction& tx, const PlaceOrderData& data,
                          const sinew::saga::Instance& saga) {
  StoredOrder order = co_await orders_->load(tx, data.order_id);
  const auto confirmed = order.state().confirm();
  if (!confirmed) co_return;
  order.raise(*confirmed);
  co_await orders_->append(tx, order, saga.lineage);
  co_await publish(tx, OrderConfirmed{data.order_id}, data.order_id, saga.lineage);
}

Task<void> Sales::reject(Transaction& tx, const PlaceOrderData& data,
                         const sinew::saga::Instance& saga) {
  StoredOrder order = co_await orders_->load(tx, data.order_id);
  const auto rejected = order.state().reject(
      saga.rejection.empty() ? std::string(cancelled) : saga.rejection.substr(0, longest_reason),
      saga.error.substr(0, longest_reason));
  if (!rejected) co_return;
  order.raise(*rejected);
  co_await orders_->append(tx, order, saga.lineage);
  co_await publish(tx, OrderRejected{data.order_id, rejected->code, rejected->reason},
                   data.order_id, saga.lineage);
}

}  // namespace commerce::sales
