#include "examples/commerce/reporting/views.hpp"

#include <fmt/format.h>

#include <utility>

#include "examples/commerce/books/row_seal.hpp"
#include "sinew/base/error.hpp"

namespace commerce::reporting {

using books::SealedRow;
using sinew::Condition;
using sinew::Error;
using sinew::store::Row;

OrderRow order_row(const Row& row) {
  return {row.text(0),    row.text(1),    row.text(2),  row.integer(3),
          row.integer(4), row.text(5),    row.text(6),  row.text(7),
          row.decimal(8), row.decimal(9), row.text(10), row.maybe_text(11)};
}

Task<void> put_order(Transaction& tx, OrderRow row) {
  co_await tx.execute(
      "INSERT INTO orders (order_id, status, customer_id, employee_id, carrier_id, country, "
      "order_date, required_date, freight, payable, reason, shipped_date, seal) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (order_id) DO UPDATE SET status = excluded.status, reason = excluded.reason, "
      "shipped_date = excluded.shipped_date, seal = excluded.seal",
      SealedRow{row.order_id, row.status, row.customer_id, row.employee_id, row.carrier_id,
                row.country, row.order_date, row.required_date, row.freight, row.payable,
                row.reason, row.shipped_date});
}

Task<OrderRow> find_order(Transaction& tx, std::string order_id) {
  const auto rows = co_await tx.execute(
      "SELECT order_id, status, customer_id, employee_id, carrier_id, country, order_date, "
      "required_date, freight, payable, reason, shipped_date FROM orders WHERE order_id = ?",
      {order_id});
  if (rows.empty()) {
    throw Error(Condition::not_found, fmt::format("order {} was never placed", order_id));
  }
  co_return order_row(rows[0]);
}

RejectionRow rejection_row(const Row& row) { return {row.text(0), row.text(1)}; }

Task<void> put_rejection(Transaction& tx, RejectionRow row) {
  co_await tx.execute(
      "INSERT INTO rejections (order_id, code, seal) VALUES (?, ?, ?) "
      "ON CONFLICT (order_id) DO UPDATE SET code = excluded.code, seal = excluded.seal",
      SealedRow{row.order_id, row.code});
}

LineRow line_row(const Row& row) {
  return {row.text(1), row.integer(2), row.integer(3), row.decimal(4), row.decimal(5)};
}

Task<void> put_line(Transaction& tx, std::size_t position, LineRow row) {
  const std::string line_id = fmt::format("{}/{:04}", row.order_id, position);
  co_await tx.execute(
      "INSERT INTO order_lines (line_id, order_id, product_id, quantity, unit_price, discount, "
      "seal) VALUES (?, ?, ?, ?, ?, ?, ?)",
      SealedRow{line_id, row.order_id, row.product_id, row.quantity, row.unit_price, row.discount});
}

PaymentRow payment_row(const Row& row) { return {row.text(0), row.decimal(1), row.decimal(2)}; }

Task<PaymentRow> find_payment(Transaction& tx, std::string order_id) {
  const auto rows = co_await tx.execute(
      "SELECT order_id, charged, refunded FROM payments WHERE order_id = ?", {order_id});
  if (!rows.empty()) co_return payment_row(rows[0]);
  co_return PaymentRow{order_id, {}, {}};
}

Task<void> put_payment(Transaction& tx, PaymentRow row) {
  co_await tx.execute(
      "INSERT INTO payments (order_id, charged, refunded, seal) VALUES (?, ?, ?, ?) "
      "ON CONFLICT (order_id) DO UPDATE SET charged = excluded.charged, "
      "refunded = excluded.refunded, seal = excluded.seal",
      SealedRow{row.order_id, row.charged, row.refunded});
}

ShipmentRow shipment_row(const Row& row) {
  return {row.text(0), row.integer(1), row.text(2), row.maybe_text(3)};
}

Task<ShipmentRow> find_shipment(Transaction& tx, std::string order_id) {
  const auto rows = co_await tx.execute(
      "SELECT order_id, carrier_id, required_date, shipped_date FROM shipments WHERE order_id = ?",
      {order_id});
  if (rows.empty()) {
    throw Error(Condition::not_found, fmt::format("no shipment was booked for {}", order_id));
  }
  co_return shipment_row(rows[0]);
}

Task<void> put_shipment(Transaction& tx, ShipmentRow row) {
  co_await tx.execute(
      "INSERT INTO shipments (order_id, carrier_id, required_date, shipped_date, seal) "
      "VALUES (?, ?, ?, ?, ?) "
      "ON CONFLICT (order_id) DO UPDATE SET carrier_id = excluded.carrier_id, "
      "required_date = excluded.required_date, shipped_date = excluded.shipped_date, "
      "seal = excluded.seal",
      SealedRow{row.order_id, row.carrier_id, row.required_date, row.shipped_date});
}

ProductRow product_row(const Row& row) {
  return {row.integer(0), row.text(1),    row.integer(2),
          row.integer(3), row.integer(4), row.boolean(5)};
}

Task<void> put_product(Transaction& tx, ProductRow row) {
  co_await tx.execute(
      "INSERT INTO products (product_id, name, supplier_id, category_id, units_on_order, "
      "discontinued, seal) VALUES (?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (product_id) DO UPDATE SET name = excluded.name, "
      "supplier_id = excluded.supplier_id, category_id = excluded.category_id, "
      "units_on_order = excluded.units_on_order, discontinued = excluded.discontinued, "
      "seal = excluded.seal",
      SealedRow{row.product_id, row.name, row.supplier_id, row.category_id, row.units_on_order,
                row.discontinued});
}

StockChangeRow stock_change_row(const Row& row) {
  return {row.text(0), row.text(1), row.text(2), row.integer(3), row.integer(4)};
}

Task<void> put_stock_change(Transaction& tx, StockChangeRow row) {
  co_await tx.execute(
      "INSERT INTO stock_changes (change_id, kind, reference, product_id, quantity, seal) "
      "VALUES (?, ?, ?, ?, ?, ?)",
      SealedRow{row.change_id, row.kind, row.reference, row.product_id, row.quantity});
}

}  // namespace commerce::reporting
