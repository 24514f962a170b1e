#include "examples/commerce/inventory/schema.hpp"

#include <array>

namespace commerce::inventory {
namespace {

// movements is the ledger, only ever added to; stock and reservations follow from it.
constexpr std::array<sinew::store::Migration, 1> migrations{{{1, "stock", R"sql(
CREATE TABLE products (
  product_id BIGINT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  supplier_id BIGINT NOT NULL,
  category_id BIGINT NOT NULL,
  on_order BIGINT NOT NULL,
  discontinued BIGINT NOT NULL,
  seal TEXT NOT NULL
);
CREATE TABLE movements (
  movement_id TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  reference TEXT NOT NULL,
  product_id BIGINT NOT NULL,
  quantity BIGINT NOT NULL,
  seal TEXT NOT NULL
);
CREATE INDEX movements_by_reference ON movements (reference, kind);
CREATE TABLE stock (
  product_id BIGINT NOT NULL PRIMARY KEY,
  free BIGINT NOT NULL,
  reserved BIGINT NOT NULL,
  shipped BIGINT NOT NULL,
  seal TEXT NOT NULL
);
CREATE TABLE reservations (
  order_id TEXT NOT NULL PRIMARY KEY,
  state TEXT NOT NULL,
  items BIGINT NOT NULL,
  seal TEXT NOT NULL
);
CREATE TABLE refused_lines (
  place TEXT NOT NULL PRIMARY KEY,
  reason TEXT NOT NULL,
  seal TEXT NOT NULL
);
)sql"}}};

}  // namespace

std::span<const sinew::store::Migration> schema() { return migrations; }

}  // namespace commerce::inventory
