#pragma once

#include <boost/describe.hpp>
#include <cstdint>
#include <string>

#include "sinew/base/described.hpp"
#include "sinew/base/time.hpp"
#include "sinew/event/typed.hpp"

// The published language of fulfillment. Carriers are known from files in its drop folder
// `carriers` (columns ShipperID, CompanyName, Phone).
namespace commerce::fulfillment {

struct Booked {
  static constexpr sinew::event::EventType type{"fulfillment.shipment.booked", 1};
  std::string order_id;
  std::string shipment_id;
  std::int64_t carrier_id = 0;
  sinew::Date required_date{};
};
BOOST_DESCRIBE_STRUCT(Booked, (), (order_id, shipment_id, carrier_id, required_date))

// Command: books a shipment with a carrier, once an order. Rejection: unknown_carrier.
struct Book {
  static constexpr sinew::event::EventType type{"fulfillment.book", 1};
  using Reply = Booked;
  std::string order_id;
  std::int64_t carrier_id = 0;
  sinew::Date required_date{};
  std::string ship_country;
};
BOOST_DESCRIBE_STRUCT(Book, (), (order_id, carrier_id, required_date, ship_country))

// The carrier has taken the shipment. Travels as Protobuf: see the .proto beside.
struct ShipmentDispatched {
  static constexpr sinew::event::EventType type{"fulfillment.shipment.dispatched", 1,
                                                sinew::event::protobuf_content_type};
  std::string order_id;
  std::string shipment_id;
  sinew::Date shipped_date{};
};
BOOST_DESCRIBE_STRUCT(ShipmentDispatched, (), (order_id, shipment_id, shipped_date))

// The shipment was stopped before it left, as its order is being cancelled.
struct ShipmentCancelled {
  static constexpr sinew::event::EventType type{"fulfillment.shipment.cancelled", 1};
  std::string order_id;
  std::string shipment_id;
};
BOOST_DESCRIBE_STRUCT(ShipmentCancelled, (), (order_id, shipment_id))

// The shipment goes on although its order was to be cancelled: it had left, or somebody after us
// could not do their part and what we had stopped is booked again.
struct ShipmentKept {
  static constexpr sinew::event::EventType type{"fulfillment.shipment.kept", 1};
  std::string order_id;
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(ShipmentKept, (), (order_id, reason))

// POST /carrier/reports: what a carrier says, as a CloudEvent, structured in JSON or binary. The
// header Carrier-Signature is `t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<text>" under the
// shared secret>`; the text is the body, in binary mode behind a line `<name in lower case>:
// <value>` for each ce- field and Content-Type, by name, and an empty line. 200 also for a report
// that came before; 404 while the shipment is unknown: report again; 409 when it was cancelled; 400
// names what is wrong by its path; 415 for another content type.
struct CarrierReport {
  static constexpr sinew::event::EventType type{"fulfillment.carrier_report", 1};
  std::string report_id;
  std::string order_id;
  sinew::Date shipped_date{};
  friend bool operator==(const CarrierReport&, const CarrierReport&) = default;
};
BOOST_DESCRIBE_STRUCT(CarrierReport, (), (report_id, order_id, shipped_date))
constexpr auto constraints(const CarrierReport*) {
  return sinew::constraints(sinew::field(&CarrierReport::report_id, sinew::length(1, 80)),
                            sinew::field(&CarrierReport::order_id, sinew::length(1, 40)));
}

}  // namespace commerce::fulfillment
