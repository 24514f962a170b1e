#include "examples/commerce/sales/sales.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>
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
using sinew::store::Checkpoint;
using sinew::store::EventPage;
using sinew::store::Transaction;

namespace {

constexpr std::int64_t default_page = 100;
constexpr std::int64_t longest_page = 1000;

// An order that is booked stands as a snapshot when the carrier's word comes, its third event.
constexpr std::int64_t events_a_snapshot = 2;

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

struct JournalQuery {
  sinew::store::EventFilter filter;
  std::optional<sinew::Timestamp> since;
  Checkpoint after;
  std::size_t limit = default_page;
};

JournalQuery read_journal_query(const Request& request) {
  JournalQuery query;
  query.filter.category = Order::category;
  query.filter.type = request.query_parameter<std::string>("type").value_or("");
  const auto limit = request.query_parameter<std::int64_t>("limit").value_or(default_page);
  if (limit < 1 || limit > longest_page) {
    throw sinew::DocumentError({{"limit", fmt::format("expected 1 to {}", longest_page)}});
  }
  query.limit = static_cast<std::size_t>(limit);
  const auto since = request.query_parameter<std::string>("since");
  const auto after = request.query_parameter<Checkpoint>("after");
  if (since && after) {
    throw sinew::DocumentError(
        {{"since", "a page begins since a time or after a place: give one of both"}});
  }
  if (since) query.since = sinew::try_parse_rfc3339(*since);
  if (since && !query.since) {
    throw sinew::DocumentError({{"since", "expected a time such as 2026-07-04T10:00:00Z"}});
  }
  query.after = after.value_or(Checkpoint());
  return query;
}

Task<void> check_customer(Transaction& tx, const PlaceOrder& order) {
  if (co_await knows_customer(tx, order.customer_id)) co_return;
  throw sinew::DocumentError(
      {{"customer_id", fmt::format("customer {} is unknown", order.customer_id)}});
}

// Throws DocumentError with all that is wrong in any of them, and for an order that stands twice.
std::vector<Placed> place_all(const Basket& basket) {
  std::vector<Placed> placed;
  std::vector<sinew::JsonError> errors;
  std::set<std::string_view> ids;
  for (std::size_t i = 0; i < basket.orders.size(); ++i) {
    const std::string path = fmt::format("orders[{}].", i);
    const PlaceOrder& order = basket.orders[i];
    if (!ids.insert(order.order_id).second) {
      errors.push_back({path + "order_id", "this order stands in the basket already"});
    }
    try {
      placed.push_back(Order::place(order));
    } catch (const sinew::DocumentError& error) {
      for (const sinew::JsonError& one : error.errors())
        errors.push_back({path + one.path, one.message});
    }
  }
  if (!errors.empty()) throw sinew::DocumentError(std::move(errors));
  return placed;
}

// Past this a saga's code and reason are cut: they come from other contexts.
constexpr std::size_t longest_reason = 1000;

}  // namespace

void Sales::describe(sinew::context::ContextSpec& spec) {
  using sinew::saga::Instance;
  spec.migrations(schema())
      .personal<Placed>()
      .route(Method::post, "/orders", &Sales::place_order)
      .route(Method::post, "/baskets", &Sales::place_basket)
      .route(Method::get, "/orders", &Sales::list_orders, view_)
      .route(Method::get, "/orders/{id}", &Sales::show_order)
      .route(Method::post, "/customers/{id}/erasure", &Sales::forget_customer)
      .route(Method::get, "/journal", &Sales::show_journal)
      .route(Method::post, "/orders/{id}/cancel", &Sales::cancel_order)
      .route(Method::get, "/products/{id}/availability", &Sales::show_availability)
      .asks<inventory::CheckStock>()
      .drop("customers", &Sales::take_customers)
      .handles(&Sales::complete_order)
      .reacts(&Sales::finish_cancellation)
      .reacts(&Sales::give_up_cancellation)
      .keeps_events({.age = std::chrono::days(30)})  // who reads them has them in books of its own
      .projection(view_)
      .saga(place_order_saga([this](Transaction& tx, const PlaceOrderData& data,
                                    const Instance& saga) { return confirm(tx, data, saga); },
                             [this](Transaction& tx, const PlaceOrderData& data,
                                    const Instance& saga) { return reject(tx, data, saga); }));
}

Task<void> Sales::start() {
  orders_.emplace(events(), order_versions(), sinew::store::SnapshotPolicy{events_a_snapshot});
  co_return;
}

Task<Response> Sales::place_order(const PlaceOrder& command) {
  const auto taken = co_await take_orders({Order::place(command)});
  const auto answer = sinew::to_json(answer_of(taken.orders.front()));
  co_return with_position(taken.any_new
                              ? sinew::http::created("/orders/" + command.order_id, answer)
                              : sinew::http::ok(answer),
                          taken.position);
}

Task<Response> Sales::place_basket(const Basket& basket) {
  const auto taken = co_await take_orders(place_all(basket));
  BasketAnswer answer;
  for (const Order& order : taken.orders)
    answer.orders.push_back(answer_of(order));
  Response response = sinew::http::ok(sinew::to_json(answer));
  if (taken.any_new) response.status = 201;
  co_return with_position(std::move(response), taken.position);
}

// New orders are answered as they were taken: their sagas have only begun.
Task<Sales::Taken> Sales::take_orders(std::vector<Placed> placed) {
  const Lineage lineage = co_await new_lineage();
  co_return co_await database().transaction(
      [&](Transaction& tx) { return keep_orders(tx, placed, lineage); });
}

// The orders that are not there yet, all together: their facts, the events for the others and the
// sagas, in one transaction.
Task<Sales::Taken> Sales::keep_orders(Transaction& tx, const std::vector<Placed>& placed,
                                      const Lineage& lineage) {
  Taken taken;
  std::vector<sinew::store::StreamAppend> parts;
  sinew::store::OutboxBatch announcements;
  for (const Placed& one : placed) {
    StoredOrder order = co_await orders_->load(tx, one.order.order_id);
    if (!order.exists()) {
      co_await check_customer(tx, one.order);
      order.raise(one);
      parts.push_back(co_await orders_->to_append(order, lineage));
      add(announcements, announce(one), one.order.order_id, lineage);
      co_await begin_saga(tx, one, lineage);
    } else if (!order.state().is(one.order)) {
      throw Error(Condition::conflict,
                  fmt::format("order {} was placed before with other content", one.order.order_id));
    }
    taken.orders.push_back(order.state());
  }
  taken.any_new = !parts.empty();
  if (taken.any_new) {
    const auto appended = co_await events().append_all(tx, std::move(parts));
    taken.position = appended.back().position;
    [[maybe_unused]] const auto all = co_await publish_all(tx, std::move(announcements));
  } else {
    taken.position = co_await events().head(tx);  // they stand somewhere before it
  }
  co_return taken;
}

Task<void> Sales::begin_saga(Transaction& tx, const Placed& placed, const Lineage& lineage) {
  const std::string& id = placed.order.order_id;
  co_await sagas().start(tx, std::string(place_order_saga_name), id,
                         sinew::to_json(saga_data(placed)), lineage);
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

Task<Response> Sales::forget_customer(const Request& request) {
  const auto id = request.path_parameter<std::string>("id");
  const auto asked = sinew::from_json<ErasureRequest>(request.json(), sinew::ReadMode::strict);
  const auto done = co_await forget_person(id, asked.by, asked.reason,
                                           [&](Transaction& tx) { return forget_contact(tx, id); });
  co_return sinew::http::ok(ErasureAnswer{done.known, done.purged});
}

Task<Response> Sales::show_journal(const Request& request) {
  const JournalQuery query = read_journal_query(request);
  Checkpoint head;
  const EventPage page = co_await database().read([&](Transaction& tx) -> Task<EventPage> {
    head = co_await events().head(tx);
    Checkpoint from = query.after;
    if (query.since) from = co_await events().position_before(tx, *query.since);
    co_return co_await events().read_matching(tx, query.filter, from, query.limit);
  });
  Journal journal{{}, page.position, page.at_end};
  for (const auto& event : page.events) {
    journal.facts.push_back(
        {*order_of(event.stream), event.stream_version, event.type, event.recorded_at});
  }
  co_return with_position(sinew::http::ok(journal), head);
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
