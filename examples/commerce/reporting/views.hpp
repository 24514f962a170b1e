#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sinew/async/task.hpp"
#include "sinew/base/decimal.hpp"
#include "sinew/store/transaction.hpp"

// The rows of the views, each with its seal (books/row_seal.hpp). put_* inserts or replaces.
namespace commerce::reporting {

using sinew::Task;
using sinew::store::Transaction;

struct OrderRow {
  std::string order_id;
  std::string status;  // placed, confirmed, rejected, shipped, cancelled
  std::string customer_id;
  std::int64_t employee_id = 0;
  std::int64_t carrier_id = 0;
  std::string country;
  std::string order_date;
  std::string required_date;
  sinew::Decimal freight;
  sinew::Decimal payable;
  std::string reason;
  std::optional<std::string> shipped_date;
};
OrderRow order_row(const sinew::store::Row& row);
Task<void> put_order(Transaction& tx, OrderRow row);
// Error not_found: events of one order come in their order, so it was placed before.
Task<OrderRow> find_order(Transaction& tx, std::string order_id);

// Why an order was rejected, for programs.
struct RejectionRow {
  std::string order_id;
  std::string code;
};
RejectionRow rejection_row(const sinew::store::Row& row);
Task<void> put_rejection(Transaction& tx, RejectionRow row);

struct LineRow {
  std::string order_id;
  std::int64_t product_id = 0;
  std::int64_t quantity = 0;
  sinew::Decimal unit_price;
  sinew::Decimal discount;
};
LineRow line_row(const sinew::store::Row& row);
// `position` of the line within its order.
Task<void> put_line(Transaction& tx, std::size_t position, LineRow row);

struct PaymentRow {
  std::string order_id;
  sinew::Decimal charged;
  sinew::Decimal refunded;
};
PaymentRow payment_row(const sinew::store::Row& row);
Task<PaymentRow> find_payment(Transaction& tx, std::string order_id);  // zeros when there is none
Task<void> put_payment(Transaction& tx, PaymentRow row);

struct ShipmentRow {
  std::string order_id;
  std::int64_t carrier_id = 0;
  std::string required_date;
  std::optional<std::string> shipped_date;
};
ShipmentRow shipment_row(const sinew::store::Row& row);
Task<ShipmentRow> find_shipment(Transaction& tx, std::string order_id);  // Error not_found
Task<void> put_shipment(Transaction& tx, ShipmentRow row);

struct ProductRow {
  std::int64_t product_id = 0;
  std::string name;
  std::int64_t supplier_id = 0;
  std::int64_t category_id = 0;
  std::int64_t units_on_order = 0;
  bool discontinued = false;
};
ProductRow product_row(const sinew::store::Row& row);
Task<void> put_product(Transaction& tx, ProductRow row);

// received, reserved, released or shipped; `reference` is the receipt or the order.
struct StockChangeRow {
  std::string change_id;
  std::string kind;
  std::string reference;
  std::int64_t product_id = 0;
  std::int64_t quantity = 0;
};
StockChangeRow stock_change_row(const sinew::store::Row& row);
Task<void> put_stock_change(Transaction& tx, StockChangeRow row);

}  // namespace commerce::reporting
