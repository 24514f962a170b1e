#include "examples/commerce/sales/schema.hpp"

#include <array>

namespace commerce::sales {
namespace {

constexpr std::array<sinew::store::Migration, 1> migrations{{{1, "orders and customers", R"sql(
CREATE TABLE customers (
  customer_id TEXT NOT NULL PRIMARY KEY,
  company TEXT NOT NULL,
  contact TEXT NOT NULL,
  city TEXT NOT NULL,
  country TEXT NOT NULL,
  phone TEXT NOT NULL,
  seal TEXT NOT NULL
);
CREATE TABLE refused_lines (
  place TEXT NOT NULL PRIMARY KEY,
  reason TEXT NOT NULL,
  seal TEXT NOT NULL
);
CREATE TABLE orders (
  order_id TEXT NOT NULL PRIMARY KEY,
  status TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  order_date TEXT NOT NULL,
  country TEXT NOT NULL,
  lines BIGINT NOT NULL,
  units BIGINT NOT NULL,
  payable BIGINT NOT NULL,
  reason TEXT NOT NULL,
  shipped_date TEXT,
  history TEXT NOT NULL,
  seal TEXT NOT NULL
);
CREATE INDEX orders_by_status ON orders (status, order_id);
)sql"}}};

}  // namespace

std::span<const sinew::store::Migration> schema() { return migrations; }

}  // namespace commerce::sales
