#include "examples/commerce/fulfillment/audit.hpp"

#include <fmt/format.h>

#include <map>
#include <set>
#include <string>

#include "examples/commerce/books/audit_snapshot.hpp"
#include "examples/commerce/books/input_lines.hpp"
#include "examples/commerce/books/row_seal.hpp"
#include "examples/commerce/fulfillment/carrier_report.hpp"
#include "examples/commerce/fulfillment/shipments.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/time.hpp"

namespace commerce::fulfillment {

using sinew::Task;
using sinew::store::Row;
using sinew::store::Transaction;

namespace {

// The day on which each order left, as the carriers' own words say.
using Departures = std::map<std::string, std::string>;

bool says(const std::string& body, const CarrierReport& content) {
  try {
    return read_report(body).content == content;
  } catch (const sinew::Error&) {
    return false;
  }
}

Task<Departures> read_reports(Transaction& tx, books::ContextAudit& audit) {
  Departures departures;
  co_await books::for_each_row(
      tx,
      "SELECT report_id, order_id, shipped_date, signature, body, received_at, seal FROM reports "
      "WHERE report_id >= ? ORDER BY report_id LIMIT ?",
      books::first_text, [&](const Row& row) {
        if (!books::check_seal(row, "reports", audit.problems)) return;
        const auto date = sinew::try_parse_iso_date(row.text(2));
        departures[row.text(1)] = row.text(2);
        if (date && says(row.text(4), {row.text(0), row.text(1), *date})) return;
        audit.problems.push_back(
            {"reports " + row.text(0), "the row is not what the carrier's report says"});
      });
  co_return departures;
}

Task<std::set<std::int64_t>> read_carriers(Transaction& tx, books::ContextAudit& audit) {
  std::set<std::int64_t> carriers;
  co_await books::for_each_row(tx,
                               "SELECT carrier_id, name, phone, seal FROM carriers "
                               "WHERE carrier_id >= ? ORDER BY carrier_id LIMIT ?",
                               books::first_integer, [&](const Row& row) {
                                 if (!books::check_seal(row, "carriers", audit.problems)) return;
                                 carriers.insert(row.integer(0));
                                 audit.keys["shippers"].insert(std::to_string(row.integer(0)));
                               });
  co_return carriers;
}

void tell_facts(const Shipment& shipment, books::ContextAudit& audit) {
  auto& facts = audit.orders[shipment.order_id];
  facts.live = shipment.status != ShipmentStatus::cancelled;
  facts.carrier = shipment.carrier_id;
  facts.country = shipment.country;
  facts.required_date = shipment.required_date;
  facts.shipped = shipment.shipped_date.has_value();
  facts.shipped_date = shipment.shipped_date;
  facts.late = shipment.late();
}

}  // namespace

Task<books::ContextAudit> audit(sinew::store::Database& database) {
  co_return co_await books::audit_snapshot(
      database, "fulfillment", [](Transaction& tx, books::ContextAudit& audit) -> Task<void> {
        Departures departures = co_await read_reports(tx, audit);
        const auto carriers = co_await read_carriers(tx, audit);
        co_await books::for_each_row(
            tx,
            "SELECT order_id, shipment_id, status, carrier_id, required_date, country, "
            "shipped_date, seal FROM shipments WHERE order_id >= ? ORDER BY order_id LIMIT ?",
            books::first_text, [&](const Row& row) {
              if (!books::check_seal(row, "shipments", audit.problems)) return;
              const Shipment shipment = read_shipment(row);
              tell_facts(shipment, audit);
              const bool left = shipment.status == ShipmentStatus::dispatched;
              const auto report = departures.find(shipment.order_id);
              const std::string place = "shipments " + shipment.order_id;
              if (left != shipment.shipped_date.has_value() ||
                  left != (report != departures.end()) ||
                  (left && report->second != sinew::to_iso_date(*shipment.shipped_date))) {
                audit.problems.push_back({place, "the carrier's reports say something else"});
              }
              if (!carriers.contains(shipment.carrier_id)) {
                audit.problems.push_back({place, "its carrier is unknown"});
              }
              if (report != departures.end()) departures.erase(report);
            });
        for (const auto& [order, date] : departures)
          audit.problems.push_back({"reports of " + order, "there is no shipment of that order"});
        co_await books::read_refused_lines(tx, audit);
      });
}

}  // namespace commerce::fulfillment
