#include "examples/commerce/fulfillment/fulfillment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "examples/commerce/books/input_lines.hpp"
#include "examples/commerce/fulfillment/answers.hpp"
#include "examples/commerce/fulfillment/carrier_report.hpp"
#include "examples/commerce/fulfillment/carrier_signature.hpp"
#include "examples/commerce/fulfillment/schema.hpp"
#include "sinew/base/error.hpp"
#include "sinew/event/cloudevents.hpp"
#include "sinew/event/cloudevents_http.hpp"
#include "sinew/http/problem.hpp"

namespace commerce::fulfillment {

using sinew::Condition;
using sinew::Error;
using sinew::Task;
using sinew::event::caused_by;
using sinew::event::Envelope;
using sinew::http::Method;
using sinew::http::Request;
using sinew::http::Response;
using sinew::messaging::Answer;
using sinew::messaging::Rejection;
using sinew::store::Transaction;

namespace {

constexpr std::int64_t default_page = 100;
constexpr std::int64_t longest_page = 1000;

// Structured or binary, but an event, and one a request.
void check_is_cloudevent(const Request& request) {
  try {
    sinew::event::http_mode(sinew::event::cloudevent_fields(request.headers));
  } catch (const Error& error) {
    throw sinew::http::StatusError(
        415, fmt::format("{}: send {}, or attributes as ce- fields", error.detail(),
                         sinew::event::cloudevents_content_type));
  }
}

Booked booked_of(const Shipment& shipment) {
  return {shipment.order_id, shipment.shipment_id, shipment.carrier_id, shipment.required_date};
}

}  // namespace

void Fulfillment::describe(sinew::context::ContextSpec& spec) {
  spec.migrations(schema())
      .answers(&Fulfillment::book)
      .reacts(&Fulfillment::stop_shipment)
      .reacts(&Fulfillment::book_again)
      .drop("carriers", &Fulfillment::take_carriers)
      .route(Method::post, "/carrier/reports", &Fulfillment::take_report)
      .route(Method::get, "/shipments", &Fulfillment::list_shipments)
      .route(Method::get, "/shipments/{order}", &Fulfillment::show_shipment);
}

// Who could not write what it publishes must not take reports.
Task<void> Fulfillment::start() {
  codecs().check(ShipmentDispatched::type);
  co_return;
}

Task<Answer<Booked>> Fulfillment::book(Transaction& tx, Book command, const Envelope& message) {
  if (const auto known = co_await find_shipment(tx, command.order_id)) {
    co_return booked_of(*known);
  }
  if (!co_await knows_carrier(tx, command.carrier_id)) {
    co_return Rejection{"unknown_carrier",
                        fmt::format("there is no carrier {}", command.carrier_id)};
  }
  const Shipment shipment{command.order_id,
                          to_string(runtime().new_id()),
                          ShipmentStatus::booked,
                          command.carrier_id,
                          command.required_date,
                          command.ship_country,
                          {}};
  const Booked booked = booked_of(shipment);
  co_await save_shipment(tx, shipment);
  co_await publish(tx, booked, command.order_id, caused_by(message));
  co_return booked;
}

Task<std::variant<ShipmentCancelled, ShipmentKept>> Fulfillment::stop_shipment(
    Transaction& tx, sales::CancellationRequested event, const Envelope&) {
  auto shipment = co_await find_shipment(tx, event.order_id);
  if (!shipment) co_return ShipmentKept{event.order_id, "there is no shipment to stop"};
  if (shipment->shipped_date) {
    co_return ShipmentKept{
        event.order_id,
        fmt::format("the goods left on {}", sinew::to_iso_date(*shipment->shipped_date))};
  }
  shipment->status = ShipmentStatus::cancelled;
  co_await save_shipment(tx, *shipment);
  co_return ShipmentCancelled{event.order_id, shipment->shipment_id};
}

Task<std::variant<std::monostate, ShipmentKept>> Fulfillment::book_again(
    Transaction& tx, payment::RefundRefused event, const Envelope&) {
  auto shipment = co_await find_shipment(tx, event.order_id);
  if (!shipment || shipment->status != ShipmentStatus::cancelled) co_return std::monostate();
  shipment->status = ShipmentStatus::booked;
  co_await save_shipment(tx, *shipment);
  co_return ShipmentKept{event.order_id,
                         fmt::format("the money cannot be given back: {}", event.detail)};
}

Task<void> Fulfillment::take_carriers(sinew::exchange::DroppedFile& file) {
  co_await books::take_lines(file, {"ShipperID", "CompanyName", "Phone"}, take_carrier);
}

Task<Response> Fulfillment::take_report(const Request& request) {
  const std::string signature(request.headers.get("Carrier-Signature"));
  const sinew::Timestamp now = runtime().wall_now();
  const std::string text = signed_text(request.headers, request.body);
  verify_report(signature, text, now, settings_.signature_tolerance, settings_.carrier_secret);
  check_is_cloudevent(request);
  const SentReport sent = read_report(text);
  const Report report{sent.content, signature, text, now};
  co_await database().transaction(
      [&](Transaction& tx) -> Task<void> { co_await keep_report(tx, report, sent.lineage); });
  co_return sinew::http::ok(sinew::to_json(report.content));
}

// A report counts once by its id, a shipment is dispatched once.
Task<void> Fulfillment::keep_report(Transaction& tx, Report report, sinew::event::Lineage lineage) {
  const CarrierReport& content = report.content;
  if (const auto known = co_await find_report(tx, content.report_id)) {
    if (*known == content) co_return;
    throw Error(Condition::conflict,
                fmt::format("report {} came before with other content", content.report_id));
  }
  auto shipment = co_await find_shipment(tx, content.order_id);
  if (!shipment) {
    throw Error(Condition::not_found,
                fmt::format("there is no shipment of order {} yet", content.order_id));
  }
  if (shipment->status == ShipmentStatus::cancelled) {
    throw Error(Condition::conflict,
                fmt::format("the shipment of order {} was cancelled", content.order_id));
  }
  if (shipment->shipped_date && *shipment->shipped_date != content.shipped_date) {
    throw Error(Condition::conflict, fmt::format("order {} was dispatched on {}", content.order_id,
                                                 sinew::to_iso_date(*shipment->shipped_date)));
  }
  const bool first = shipment->status == ShipmentStatus::booked;
  const ShipmentDispatched dispatched{content.order_id, shipment->shipment_id,
                                      content.shipped_date};
  co_await save_report(tx, report);
  if (!first) co_return;
  shipment->status = ShipmentStatus::dispatched;
  shipment->shipped_date = content.shipped_date;
  co_await save_shipment(tx, *shipment);
  co_await publish(tx, dispatched, dispatched.order_id, lineage);
}

Task<Response> Fulfillment::list_shipments(const Request& request) {
  const auto status = request.query_parameter<std::string>("status").value_or("");
  const auto after = request.query_parameter<std::string>("after").value_or("");
  const auto limit = std::clamp<std::int64_t>(
      request.query_parameter<std::int64_t>("limit").value_or(default_page), 1, longest_page);
  Manifest manifest;
  manifest.next = after;
  const auto rows = co_await database().read([&](Transaction& tx) -> Task<sinew::store::Rows> {
    co_return co_await tx.execute(
        "SELECT order_id, shipment_id, status, carrier_id, required_date, country, shipped_date "
        "FROM shipments WHERE (? = '' OR status = ?) AND shipment_id > ? "
        "ORDER BY shipment_id LIMIT ?",
        {status, status, after, limit});
  });
  for (const auto row : rows)
    manifest.shipments.push_back(read_shipment(row));
  if (!manifest.shipments.empty()) manifest.next = manifest.shipments.back().shipment_id;
  co_return sinew::http::ok(sinew::to_json(manifest));
}

Task<Response> Fulfillment::show_shipment(const Request& request) {
  const auto order = request.path_parameter<std::string>("order");
  const auto shipment =
      co_await database().read([&](Transaction& tx) -> Task<std::optional<Shipment>> {
        co_return co_await find_shipment(tx, order);
      });
  if (!shipment) {
    throw Error(Condition::not_found, fmt::format("there is no shipment of order {}", order));
  }
  co_return sinew::http::ok(sinew::to_json(*shipment));
}

}  // namespace commerce::fulfillment
