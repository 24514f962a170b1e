#include "examples/commerce/fulfillment/shipments.hpp"

#include <fmt/format.h>

#include <utility>

#include "examples/commerce/books/row_seal.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/time.hpp"

namespace commerce::fulfillment {

using books::SealedRow;
using sinew::Condition;
using sinew::Date;
using sinew::Error;
using sinew::Task;
using sinew::store::Row;
using sinew::store::Transaction;

namespace {

ShipmentStatus parse_status(const std::string& text) {
  if (text == to_string(ShipmentStatus::booked)) return ShipmentStatus::booked;
  if (text == to_string(ShipmentStatus::dispatched)) return ShipmentStatus::dispatched;
  if (text == to_string(ShipmentStatus::cancelled)) return ShipmentStatus::cancelled;
  throw Error(Condition::corrupt, fmt::format("a shipment has the unknown status {}", text));
}

}  // namespace

std::string_view to_string(ShipmentStatus status) noexcept {
  switch (status) {
    case ShipmentStatus::booked: return "booked";
    case ShipmentStatus::dispatched: return "dispatched";
    case ShipmentStatus::cancelled: return "cancelled";
  }
  return "unknown";
}

Shipment read_shipment(const Row& row) {
  Shipment shipment;
  shipment.order_id = row.text(0);
  shipment.shipment_id = row.text(1);
  shipment.status = parse_status(row.text(2));
  shipment.carrier_id = row.integer(3);
  shipment.required_date = sinew::parse_iso_date(row.text(4));
  shipment.country = row.text(5);
  if (!row.is_null(6)) shipment.shipped_date = sinew::parse_iso_date(row.text(6));
  return shipment;
}

Task<std::optional<Shipment>> find_shipment(Transaction& tx, std::string order_id) {
  const auto rows = co_await tx.execute(
      "SELECT order_id, shipment_id, status, carrier_id, required_date, country, shipped_date "
      "FROM shipments WHERE order_id = ?",
      {order_id});
  if (rows.empty()) co_return std::nullopt;
  co_return read_shipment(rows[0]);
}

Task<void> save_shipment(Transaction& tx, Shipment shipment) {
  const std::string required = sinew::to_iso_date(shipment.required_date);
  std::optional<std::string> shipped;
  if (shipment.shipped_date) shipped = sinew::to_iso_date(*shipment.shipped_date);
  co_await tx.execute(
      "INSERT INTO shipments (order_id, shipment_id, status, carrier_id, required_date, country, "
      "shipped_date, seal) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (order_id) DO UPDATE SET "
      "shipment_id = excluded.shipment_id, status = excluded.status, "
      "carrier_id = excluded.carrier_id, required_date = excluded.required_date, "
      "country = excluded.country, shipped_date = excluded.shipped_date, seal = excluded.seal",
      SealedRow{shipment.order_id, shipment.shipment_id, to_string(shipment.status),
                shipment.carrier_id, required, shipment.country, shipped});
}

Task<std::optional<CarrierReport>> find_report(Transaction& tx, std::string report_id) {
  const auto rows = co_await tx.execute(
      "SELECT report_id, order_id, shipped_date FROM reports WHERE report_id = ?", {report_id});
  if (rows.empty()) co_return std::nullopt;
  co_return CarrierReport{rows[0].text(0), rows[0].text(1), sinew::parse_iso_date(rows[0].text(2))};
}

Task<void> save_report(Transaction& tx, Report report) {
  const std::string shipped = sinew::to_iso_date(report.content.shipped_date);
  co_await tx.execute(
      "INSERT INTO reports (report_id, order_id, shipped_date, signature, body, received_at, "
      "seal) VALUES (?, ?, ?, ?, ?, ?, ?)",
      SealedRow{report.content.report_id, report.content.order_id, shipped, report.signature,
                report.body, report.received_at});
}

Task<void> take_carrier(Transaction& tx, const books::InputLine& line) {
  const std::int64_t id = line.integer("ShipperID", 1, INT64_MAX);
  const std::string name = line.text("CompanyName");
  const std::string phone = line.optional_text("Phone");
  co_await tx.execute(
      "INSERT INTO carriers (carrier_id, name, phone, seal) VALUES (?, ?, ?, ?) "
      "ON CONFLICT (carrier_id) DO UPDATE SET name = excluded.name, phone = excluded.phone, "
      "seal = excluded.seal",
      SealedRow{id, name, phone});
}

Task<bool> knows_carrier(Transaction& tx, std::int64_t carrier_id) {
  const auto rows =
      co_await tx.execute("SELECT 1 FROM carriers WHERE carrier_id = ?", {carrier_id});
  co_return !rows.empty();
}

}  // namespace commerce::fulfillment
