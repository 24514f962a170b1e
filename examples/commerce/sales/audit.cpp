#include "examples/commerce/sales/audit.hpp"

#include <fmt/format.h>

#include <map>
#include <string>
#include <utility>

#include "examples/commerce/books/audit_snapshot.hpp"
#include "examples/commerce/books/input_lines.hpp"
#include "examples/commerce/books/row_seal.hpp"
#include "examples/commerce/sales/customers.hpp"
#include "examples/commerce/sales/order.hpp"
#include "examples/commerce/sales/orders_view.hpp"
#include "sinew/base/error.hpp"

namespace commerce::sales {

using sinew::Task;
using sinew::store::Checkpoint;
using sinew::store::EventLog;
using sinew::store::Row;
using sinew::store::Transaction;

namespace {

struct Replayed {
  explicit Replayed(std::string id) : order(std::move(id)) {}
  StoredOrder order;
  std::string history;
  bool broken = false;
};
using ReplayedOrders = std::map<std::string, Replayed>;

void replay(const std::string& id, const sinew::store::RecordedEvent& event, ReplayedOrders& orders,
            books::ContextAudit& audit) {
  Replayed& replayed = orders.try_emplace(id, id).first->second;
  replayed.history = longer_history(replayed.history, event);
  if (replayed.broken) return;
  try {
    replayed.order.replay(event, order_versions());
  } catch (const sinew::Error& error) {
    replayed.broken = true;
    audit.problems.push_back({fmt::format("events {}", event.stream), error.detail()});
  }
}

Task<ReplayedOrders> replay_all(Transaction& tx, EventLog& log, books::ContextAudit& audit) {
  ReplayedOrders orders;
  for (Checkpoint after;;) {
    const auto events = co_await log.read_all(tx, after, EventLog::max_read);
    for (const auto& event : events) {
      if (const auto id = order_of(event.stream)) {
        replay(*id, event, orders, audit);
      } else {
        audit.problems.push_back(
            {fmt::format("events {}", event.stream), "sales has no such stream"});
      }
    }
    if (events.size() < EventLog::max_read) co_return orders;
    after = events.back().position;
  }
}

bool is_undone(const Order& order) {
  return order.status() == OrderStatus::rejected || order.status() == OrderStatus::cancelled;
}

books::OrderFacts facts_of(const Order& order) {
  const PlaceOrder& content = order.content();
  const Amounts amounts = order.amounts();
  books::OrderFacts facts;
  facts.live = !is_undone(order);
  facts.customer = content.customer_id;
  facts.employee = content.employee_id;
  facts.carrier = content.carrier_id;
  facts.country = content.ship_to.country;
  facts.order_date = content.order_date;
  facts.required_date = content.required_date;
  facts.shipped = order.shipped_date().has_value();
  facts.shipped_date = order.shipped_date();
  facts.late = order.late().value_or(false);
  facts.lines = static_cast<std::int64_t>(content.lines.size());
  facts.discounted_lines = amounts.discounted_lines;
  facts.units = amounts.units;
  facts.gross = amounts.gross;
  facts.net = amounts.net;
  facts.net_by_line = amounts.net_by_line;
  facts.freight = content.freight;
  facts.payable = amounts.payable;
  return facts;
}

// What the orders take of each product: shipped, or still reserved.
void add_products(const Order& order, books::ContextAudit& audit) {
  if (is_undone(order)) return;
  for (const Line& line : order.content().lines) {
    auto& product = audit.products[line.product_id];
    const bool shipped = order.status() == OrderStatus::shipped;
    product.shipped = product.shipped.value_or(0) + (shipped ? line.quantity : 0);
    product.reserved = product.reserved.value_or(0) + (shipped ? 0 : line.quantity);
  }
}

void take_order(const StoredOrder& stored, books::ContextAudit& audit) {
  const Order& order = stored.state();
  const std::string place = fmt::format("events {}", stored.stream());
  if (order.content().order_id != stored.id()) {
    audit.problems.push_back({place, "the stream holds another order"});
  }
  const Amounts amounts = order.amounts();
  if (order.placed().net != amounts.net || order.placed().payable != amounts.payable) {
    audit.problems.push_back({place, "net or payable is not what the lines come to"});
  }
  audit.orders[stored.id()] = facts_of(order);
  add_products(order, audit);
}

// The log read by stream must give what it gives as a whole.
Task<void> audit_streams(Transaction& tx, EventLog& log, const ReplayedOrders& orders,
                         books::ContextAudit& audit) {
  for (const auto& [id, replayed] : orders) {
    const std::string stream = replayed.order.stream();
    const auto events = co_await log.read_stream(tx, stream, 0, EventLog::max_read);
    std::string history;
    for (const auto& event : events)
      history = longer_history(history, event);
    if (history == replayed.history) continue;
    audit.problems.push_back({"events " + stream, "the stream does not lead to its events"});
  }
}

// The view must be what the events make.
Task<void> audit_view(Transaction& tx, ReplayedOrders orders, books::ContextAudit& audit) {
  co_await books::for_each_row(
      tx,
      "SELECT order_id, status, customer_id, order_date, country, lines, units, payable, reason, "
      "shipped_date, history, seal FROM orders WHERE order_id >= ? ORDER BY order_id LIMIT ?",
      books::first_text, [&](const Row& row) {
        if (!books::check_seal(row, "orders", audit.problems)) return;
        const OrderRow found = read_order_row(row);
        const auto replayed = orders.find(found.order_id);
        if (replayed == orders.end() || replayed->second.broken ||
            row_of(replayed->second.order.state(), replayed->second.history) != found) {
          audit.problems.push_back(
              {fmt::format("orders {}", found.order_id), "the row is not what its events make"});
        }
        if (replayed != orders.end()) orders.erase(replayed);
      });
  for (const auto& [id, unseen] : orders)
    audit.problems.push_back({fmt::format("orders {}", id), "the order of the events has no row"});
}

}  // namespace

Task<books::ContextAudit> audit(sinew::store::Database& database) {
  co_return co_await books::audit_snapshot(
      database, "sales", [&](Transaction& tx, books::ContextAudit& audit) -> Task<void> {
        ReplayedOrders orders = co_await replay_all(tx, database.event_log(), audit);
        for (const auto& [id, replayed] : orders) {
          if (!replayed.broken) take_order(replayed.order, audit);
        }
        co_await audit_streams(tx, database.event_log(), orders, audit);
        co_await audit_view(tx, std::move(orders), audit);
        co_await audit_customers(tx, audit);
        co_await books::read_refused_lines(tx, audit);
      });
}

}  // namespace commerce::sales
