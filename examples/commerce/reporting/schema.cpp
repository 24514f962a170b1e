#include "examples/commerce/reporting/schema.hpp"

#include <array>

namespace commerce::reporting {
namespace {

constexpr std::array<sinew::store::Migration, 2> migrations{{{1, "views and batches", R"sql(
CREATE TABLE batches (
  batch_id TEXT NOT NULL PRIMARY KEY,
  registered_at BIGINT NOT NULL,
  document TEXT NOT NULL,
  seal TEXT NOT NULL
);
CREATE TABLE orders (
  order_id TEXT NOT NULL PRIMARY KEY,
  status TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  employee_id BIGINT NOT NULL,
  carrier_id BIGINT NOT NULL,
  country TEXT NOT NULL,
  order_date TEXT NOT NULL,
  required_date TEXT NOT NULL,
  freight BIGINT NOT NULL,
  payable BIGINT NOT NULL,
  reason TEXT NOT NULL,
  shipped_date TEXT,
  seal TEXT NOT NULL
);
CREATE INDEX orders_by_status ON orders (status);
CREATE TABLE order_lines (
  line_id TEXT NOT NULL PRIMARY KEY,
  order_id TEXT NOT NULL,
  product_id BIGINT NOT NULL,
  quantity BIGINT NOT NULL,
  unit_price BIGINT NOT NULL,
  discount BIGINT NOT NULL,
  seal TEXT NOT NULL
);
CREATE TABLE payments (
  order_id TEXT NOT NULL PRIMARY KEY,
  charged BIGINT NOT NULL,
  refunded BIGINT NOT NULL,
  seal TEXT NOT NULL
);
CREATE TABLE shipments (
  order_id TEXT NOT NULL PRIMARY KEY,
  carrier_id BIGINT NOT NULL,
  required_date TEXT NOT NULL,
  shipped_date TEXT,
  seal TEXT NOT NULL
);
CREATE TABLE products (
  product_id BIGINT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  supplier_id BIGINT NOT NULL,
  category_id BIGINT NOT NULL,
  units_on_order BIGINT NOT NULL,
  discontinued BIGINT NOT NULL,
  seal TEXT NOT NULL
);
CREATE TABLE stock_changes (
  change_id TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  reference TEXT NOT NULL,
  product_id BIGINT NOT NULL,
  quantity BIGINT NOT NULL,
  seal TEXT NOT NULL
);
)sql"},
                                                             {2, "why orders are rejected", R"sql(
CREATE TABLE rejections (
  order_id TEXT NOT NULL PRIMARY KEY,
  code TEXT NOT NULL,
  seal TEXT NOT NULL
);
)sql"}}};

}  // namespace

std::span<const sinew::store::Migration> schema() { return migrations; }

}  // namespace commerce::reporting
