#include "examples/commerce/reporting/audit.hpp"

#include <fmt/format.h>

#include <map>
#include <set>
#include <string>

#include "examples/commerce/books/audit_snapshot.hpp"
#include "examples/commerce/books/row_seal.hpp"
#include "examples/commerce/reporting/batches.hpp"
#include "examples/commerce/reporting/views.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/time.hpp"

namespace commerce::reporting {

using books::ContextAudit;
using books::OrderFacts;
using sinew::Decimal;
using sinew::store::Row;

namespace {

std::optional<sinew::Date> date_of(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  return sinew::parse_iso_date(*text);
}

OrderFacts facts_of(const OrderRow& row) {
  OrderFacts facts;
  facts.live = row.status != "rejected" && row.status != "cancelled";
  facts.customer = row.customer_id;
  facts.employee = row.employee_id;
  facts.carrier = row.carrier_id;
  facts.country = row.country;
  facts.order_date = sinew::parse_iso_date(row.order_date);
  facts.required_date = sinew::parse_iso_date(row.required_date);
  facts.shipped = row.shipped_date.has_value();
  facts.shipped_date = date_of(row.shipped_date);
  facts.late = facts.shipped_date && *facts.shipped_date > *facts.required_date;
  facts.lines = 0;
  facts.discounted_lines = 0;
  facts.units = 0;
  facts.gross = facts.net = facts.net_by_line = Decimal();
  facts.freight = row.freight;
  return facts;
}

void add_line(OrderFacts& facts, const LineRow& line) {
  const Decimal gross = line.unit_price * line.quantity;
  const Decimal net = gross * (Decimal::from_integer(1) - line.discount);
  ++*facts.lines;
  *facts.discounted_lines += line.discount.is_zero() ? 0 : 1;
  *facts.units += line.quantity;
  *facts.gross += gross;
  *facts.net += net;
  *facts.net_by_line += net.round_half_even(2);
}

Task<std::map<std::string, Decimal>> audit_orders(Transaction& tx, ContextAudit& audit) {
  std::map<std::string, Decimal> payable;
  co_await books::for_each_row(
      tx,
      "SELECT order_id, status, customer_id, employee_id, carrier_id, country, order_date, "
      "required_date, freight, payable, reason, shipped_date, seal FROM orders "
      "WHERE order_id >= ? ORDER BY order_id LIMIT ?",
      books::first_text, [&](const Row& row) {
        if (!books::check_seal(row, "orders", audit.problems)) return;
        const OrderRow order = order_row(row);
        audit.orders[order.order_id] = facts_of(order);
        payable[order.order_id] = order.payable;
      });
  co_return payable;
}

// Orders that were rejected before version 2 of the event was there have no code.
Task<void> audit_rejections(Transaction& tx, ContextAudit& audit) {
  co_await books::for_each_row(
      tx,
      "SELECT order_id, code, seal FROM rejections WHERE order_id >= ? ORDER BY order_id LIMIT ?",
      books::first_text, [&](const Row& row) {
        if (!books::check_seal(row, "rejections", audit.problems)) return;
        const auto order = audit.orders.find(rejection_row(row).order_id);
        if (order != audit.orders.end() && !*order->second.live) return;
        audit.problems.push_back({"rejections " + row.text(0), "the order is not rejected"});
      });
}

Task<void> audit_lines(Transaction& tx, ContextAudit& audit) {
  co_await books::for_each_row(
      tx,
      "SELECT line_id, order_id, product_id, quantity, unit_price, discount, seal "
      "FROM order_lines WHERE line_id >= ? ORDER BY line_id LIMIT ?",
      books::first_text, [&](const Row& row) {
        if (!books::check_seal(row, "order_lines", audit.problems)) return;
        const LineRow line = line_row(row);
        const auto order = audit.orders.find(line.order_id);
        if (order == audit.orders.end()) {
          audit.problems.push_back({"order_lines " + row.text(0), "the line's order is not there"});
          return;
        }
        add_line(order->second, line);
      });
}

// Paid must be what the live order comes to, and nothing for the others.
Task<void> audit_payments(Transaction& tx, ContextAudit& audit,
                          std::map<std::string, Decimal> payable) {
  for (auto& [id, facts] : audit.orders) {
    facts.payable = (*facts.net + *facts.freight).round_half_even(2);
    if (*facts.payable != payable[id]) {
      audit.problems.push_back({"orders " + id, "payable is not what the lines come to"});
    }
  }
  std::map<std::string, Decimal> open = std::move(payable);
  std::erase_if(open, [&](const auto& entry) {
    const auto order = audit.orders.find(entry.first);
    return order == audit.orders.end() || !*order->second.live;
  });
  co_await books::for_each_row(
      tx,
      "SELECT order_id, charged, refunded, seal FROM payments WHERE order_id >= ? "
      "ORDER BY order_id LIMIT ?",
      books::first_text, [&](const Row& row) {
        if (!books::check_seal(row, "payments", audit.problems)) return;
        const PaymentRow payment = payment_row(row);
        const auto order = open.find(payment.order_id);
        const Decimal expected = order == open.end() ? Decimal() : order->second;
        if (payment.charged - payment.refunded != expected) {
          audit.problems.push_back(
              {"payments " + payment.order_id,
               fmt::format("charged {} and refunded {} for an order of {}",
                           to_string(payment.charged, 2), to_string(payment.refunded, 2),
                           to_string(expected, 2))});
        }
        if (order != open.end()) open.erase(order);
      });
  for (const auto& [id, amount] : open) {
    if (!amount.is_zero()) audit.problems.push_back({"payments " + id, "nothing was charged"});
  }
}

Task<void> audit_shipments(Transaction& tx, ContextAudit& audit) {
  co_await books::for_each_row(
      tx,
      "SELECT order_id, carrier_id, required_date, shipped_date, seal FROM shipments "
      "WHERE order_id >= ? ORDER BY order_id LIMIT ?",
      books::first_text, [&](const Row& row) {
        if (!books::check_seal(row, "shipments", audit.problems)) return;
        const ShipmentRow shipment = shipment_row(row);
        const auto order = audit.orders.find(shipment.order_id);
        if (order == audit.orders.end() || order->second.carrier != shipment.carrier_id ||
            order->second.shipped_date != date_of(shipment.shipped_date) ||
            sinew::to_iso_date(*order->second.required_date) != shipment.required_date) {
          audit.problems.push_back(
              {"shipments " + shipment.order_id, "the shipment does not agree with its order"});
        }
      });
}

Task<void> audit_products(Transaction& tx, ContextAudit& audit) {
  std::set<std::int64_t> suppliers;
  std::set<std::int64_t> categories;
  co_await books::for_each_row(
      tx,
      "SELECT product_id, name, supplier_id, category_id, units_on_order, discontinued, seal "
      "FROM products WHERE product_id >= ? ORDER BY product_id LIMIT ?",
      books::first_integer, [&](const Row& row) {
        if (!books::check_seal(row, "products", audit.problems)) return;
        const ProductRow product = product_row(row);
        auto& facts = audit.products[product.product_id];
        facts.opening = facts.shipped = facts.reserved = facts.free = 0;
        facts.on_order = product.units_on_order;
        facts.supplier = product.supplier_id;
        facts.category = product.category_id;
        facts.discontinued = product.discontinued;
      });
  co_await books::for_each_row(
      tx,
      "SELECT change_id, kind, reference, product_id, quantity, seal FROM stock_changes "
      "WHERE change_id >= ? ORDER BY change_id LIMIT ?",
      books::first_text, [&](const Row& row) {
        if (!books::check_seal(row, "stock_changes", audit.problems)) return;
        const StockChangeRow change = stock_change_row(row);
        const auto product = audit.products.find(change.product_id);
        if (product == audit.products.end()) {
          audit.problems.push_back({"stock_changes " + change.change_id, "no such product"});
          return;
        }
        auto& facts = product->second;
        const std::int64_t units = change.quantity;
        if (change.kind == "received") *facts.opening += units;
        if (change.kind == "reserved") *facts.reserved += units;
        if (change.kind == "released") *facts.reserved -= units;
        if (change.kind == "shipped") {
          *facts.reserved -= units;
          *facts.shipped += units;
        }
      });
  for (auto& [id, facts] : audit.products) {
    if (facts.opening) facts.free = *facts.opening - *facts.shipped - *facts.reserved;
  }
}

Task<void> audit_batches(Transaction& tx, ContextAudit& audit) {
  co_await books::for_each_row(
      tx,
      "SELECT batch_id, registered_at, document, seal FROM batches WHERE batch_id >= ? "
      "ORDER BY batch_id LIMIT ?",
      books::first_text, [&](const Row& row) {
        if (!books::check_seal(row, "batches", audit.problems)) return;
        if (read_batch(row.text(2))) return;
        audit.problems.push_back(
            {fmt::format("batches {}", row.text(0)), "the document cannot be read"});
      });
}

}  // namespace

Task<ContextAudit> audit(sinew::store::Database& database) {
  co_return co_await books::audit_snapshot(database, "reporting",
                                           [](Transaction& tx, ContextAudit& audit) -> Task<void> {
                                             auto payable = co_await audit_orders(tx, audit);
                                             co_await audit_rejections(tx, audit);
                                             co_await audit_lines(tx, audit);
                                             co_await audit_payments(tx, audit, std::move(payable));
                                             co_await audit_shipments(tx, audit);
                                             co_await audit_products(tx, audit);
                                             co_await audit_batches(tx, audit);
                                           });
}

}  // namespace commerce::reporting
