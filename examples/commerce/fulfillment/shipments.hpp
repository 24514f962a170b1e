#pragma once

#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "examples/commerce/books/audit.hpp"
#include "examples/commerce/books/input_lines.hpp"
#include "examples/commerce/fulfillment/contract/shipments.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/described.hpp"
#include "sinew/store/transaction.hpp"

namespace commerce::fulfillment {

enum class ShipmentStatus { booked, dispatched, cancelled };
BOOST_DESCRIBE_ENUM(ShipmentStatus, booked, dispatched, cancelled)
std::string_view to_string(ShipmentStatus status) noexcept;

// A shipment: one an order. `shipment_id` ascends in the order of booking, so it is also the place
// in a carrier's manifest.
struct Shipment {
  std::string order_id;
  std::string shipment_id;
  ShipmentStatus status = ShipmentStatus::booked;
  std::int64_t carrier_id = 0;
  sinew::Date required_date{};
  std::string country;
  std::optional<sinew::Date> shipped_date;

  bool late() const { return shipped_date && *shipped_date > required_date; }
  friend bool operator==(const Shipment&, const Shipment&) = default;
};
BOOST_DESCRIBE_STRUCT(Shipment, (),
                      (order_id, shipment_id, status, carrier_id, required_date, country,
                       shipped_date))

// From a row with the columns of the table, in their order. Error corrupt.
Shipment read_shipment(const sinew::store::Row& row);
sinew::Task<std::optional<Shipment>> find_shipment(sinew::store::Transaction& tx,
                                                   std::string order_id);
sinew::Task<void> save_shipment(sinew::store::Transaction& tx, Shipment shipment);

// A carrier's report as it came.
struct Report {
  CarrierReport content;
  std::string signature;
  std::string body;
  sinew::Timestamp received_at{};
};
sinew::Task<std::optional<CarrierReport>> find_report(sinew::store::Transaction& tx,
                                                      std::string report_id);
sinew::Task<void> save_report(sinew::store::Transaction& tx, Report report);

sinew::Task<void> take_carrier(sinew::store::Transaction& tx, const books::InputLine& line);
sinew::Task<bool> knows_carrier(sinew::store::Transaction& tx, std::int64_t carrier_id);

}  // namespace commerce::fulfillment
