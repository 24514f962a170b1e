#include "examples/commerce/sales/orders_view.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "examples/commerce/books/row_seal.hpp"
#include "examples/commerce/sales/order.hpp"
#include "sinew/base/hash.hpp"
#include "sinew/base/time.hpp"

namespace commerce::sales {

using sinew::Task;
using sinew::store::RecordedEvent;
using sinew::store::Transaction;

namespace {

// What the first migration made of it; a change goes here, with version() raised.
const sinew::store::ViewTable view_tables[] = {
    {.name = "orders",
     .columns = "order_id TEXT NOT NULL, status TEXT NOT NULL, customer_id TEXT NOT NULL, "
                "order_date TEXT NOT NULL, country TEXT NOT NULL, lines BIGINT NOT NULL, "
                "units BIGINT NOT NULL, payable BIGINT NOT NULL, reason TEXT NOT NULL, "
                "shipped_date TEXT, history TEXT NOT NULL, seal TEXT NOT NULL",
     .key = "order_id",
     .indexes = {{.name = "orders_by_status", .columns = "status, order_id"}}},
};

Task<std::string> history_of(Transaction& tx, std::string order_id) {
  const auto rows =
      co_await tx.execute("SELECT history FROM orders WHERE order_id = ?", {order_id});
  co_return rows.empty() ? std::string() : rows[0].text(0);
}

}  // namespace

std::string longer_history(std::string_view before, const RecordedEvent& event) {
  return sinew::sha256_hex(
      fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", before, to_string(event.position),
                  to_string(event.id), event.stream, event.stream_version, event.type,
                  event.version, sinew::to_micros(event.recorded_at),
                  to_string(event.lineage.correlation_id), to_string(event.lineage.causation_id),
                  event.lineage.traceparent, event.lineage.hops, event.stored().view()));
}

OrderRow row_of(const Order& order, std::string history) {
  const PlaceOrder& content = order.content();
  const Amounts amounts = order.amounts();
  OrderRow row;
  row.order_id = content.order_id;
  row.status = to_string(order.status());
  row.customer_id = content.customer_id;
  row.order_date = sinew::to_iso_date(content.order_date);
  row.country = content.ship_to.country;
  row.lines = static_cast<std::int64_t>(content.lines.size());
  row.units = amounts.units;
  row.payable = amounts.payable;
  row.reason = order.reason();
  if (order.shipped_date()) row.shipped_date = sinew::to_iso_date(*order.shipped_date());
  row.history = std::move(history);
  return row;
}

OrderRow read_order_row(const sinew::store::Row& row) {
  return {row.text(0), row.text(1),       row.text(2),    row.text(3),
          row.text(4), row.integer(5),    row.integer(6), row.decimal(7),
          row.text(8), row.maybe_text(9), row.text(10)};
}

std::span<const sinew::store::ViewTable> OrdersView::tables() const noexcept { return view_tables; }

Task<void> OrdersView::apply(Transaction& tx, const RecordedEvent& event) {
  const auto order_id = order_of(event.stream);
  if (!order_id) co_return;
  const auto order = co_await orders_().load_as_of(tx, *order_id, event.stream_version);
  const std::string history = longer_history(co_await history_of(tx, *order_id), event);
  const OrderRow row = row_of(order.state(), history);
  co_await tx.execute(
      "INSERT INTO orders (order_id, status, customer_id, order_date, country, lines, units, "
      "payable, reason, shipped_date, history, seal) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (order_id) DO UPDATE SET status = excluded.status, "
      "customer_id = excluded.customer_id, order_date = excluded.order_date, "
      "country = excluded.country, lines = excluded.lines, units = excluded.units, "
      "payable = excluded.payable, reason = excluded.reason, "
      "shipped_date = excluded.shipped_date, history = excluded.history, seal = excluded.seal",
      books::SealedRow{row.order_id, row.status, row.customer_id, row.order_date, row.country,
                       row.lines, row.units, row.payable, row.reason, row.shipped_date,
                       row.history});
}

}  // namespace commerce::sales
