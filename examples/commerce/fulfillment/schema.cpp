#include "examples/commerce/fulfillment/schema.hpp"

#include <array>

namespace commerce::fulfillment {
namespace {

constexpr std::array<sinew::store::Migration, 1> migrations{{{1, "shipments", R"sql(
CREATE TABLE carriers (
  carrier_id BIGINT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  phone TEXT NOT NULL,
  seal TEXT NOT NULL
);
CREATE TABLE shipments (
  order_id TEXT NOT NULL PRIMARY KEY,
  shipment_id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  carrier_id BIGINT NOT NULL,
  required_date TEXT NOT NULL,
  country TEXT NOT NULL,
  shipped_date TEXT,
  seal TEXT NOT NULL
);
CREATE INDEX shipments_by_status ON shipments (status, shipment_id);
CREATE TABLE reports (
  report_id TEXT NOT NULL PRIMARY KEY,
  order_id TEXT NOT NULL,
  shipped_date TEXT NOT NULL,
  signature TEXT NOT NULL,
  body TEXT NOT NULL,
  received_at BIGINT NOT NULL,
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

}  // namespace commerce::fulfillment
