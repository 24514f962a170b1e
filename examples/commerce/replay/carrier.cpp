#include "examples/commerce/replay/carrier.hpp"

#include <fmt/format.h>
#include <boost/describe.hpp>

#include <chrono>
#include <utility>

#include "examples/commerce/fulfillment/contract/shipments.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/base/described.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/hash.hpp"
#include "sinew/event/cloudevents_http.hpp"
#include "sinew/event/typed.hpp"
#include "sinew/http/problem.hpp"
#include "sinew/wire/uri.hpp"

namespace commerce::replay {

// What the carrier reads of GET /shipments.
struct ManifestLine {
  std::string order_id;
};
BOOST_DESCRIBE_STRUCT(ManifestLine, (), (order_id))
struct Manifest {
  std::vector<ManifestLine> shipments;
  std::string next;
};
BOOST_DESCRIBE_STRUCT(Manifest, (), (shipments, next))

using sinew::Task;

namespace {
constexpr std::size_t page_size = 100;
constexpr auto look_every = std::chrono::milliseconds(50);
const auto reports_of_carriers = sinew::Uuid::parse("5d3d2f0e-7c1b-4c57-9f0e-6f6a2a3f1c10");

// Carriers differ: the first of Northwind's three has no structured mode.
sinew::event::HttpMode mode_of(std::int64_t carrier_id) {
  return carrier_id == 1 ? sinew::event::HttpMode::binary : sinew::event::HttpMode::structured;
}

// As fulfillment tells its carriers to: the body; in binary mode with the attributes before it.
std::string to_sign(const sinew::event::HttpContent& content) {
  std::map<std::string, std::string> attributes;
  for (const sinew::event::HttpField& field : content.fields)
    attributes.emplace(field.name == "Content-Type" ? "content-type" : field.name, field.value);
  if (attributes.size() == 1) return content.body;
  std::string text;
  for (const auto& [name, value] : attributes)
    text += fmt::format("{}: {}\n", name, value);
  return text + '\n' + content.body;
}

}  // namespace

Carrier::Carrier(sinew::async::Runtime& runtime, PatientClient& client, std::string fulfillment_url,
                 sinew::Secret secret, const std::vector<Order>& orders)
    : runtime_(runtime),
      client_(client),
      url_(std::move(fulfillment_url)),
      secret_(std::move(secret)) {
  for (const auto& order : orders) {
    if (order.shipped_date)
      leaving_[order.order.order_id] = {order.order.carrier_id, *order.shipped_date};
  }
}

Task<void> Carrier::run() {
  for (;;) {
    co_await look();
    co_await sinew::async::sleep_for(look_every);
  }
}

// All booked shipments, and the reports of those that have left.
Task<void> Carrier::look() {
  std::size_t staying = 0;
  Manifest page;
  do {
    page = co_await client_.get<Manifest>(
        fmt::format("{}/shipments?status=booked&limit={}{}{}", url_, page_size,
                    page.next.empty() ? "" : "&after=", sinew::wire::percent_encode(page.next)));
    for (const auto& line : page.shipments) {
      if (!leaving_.contains(line.order_id)) {
        ++staying;
      } else if (!reported_.contains(line.order_id)) {
        to_report_.push_back(line.order_id);
      }
    }
  } while (page.shipments.size() == page_size);
  staying_ = staying;
  sinew::async::Scope scope(co_await sinew::async::this_context());
  for (std::size_t i = 0; i < in_flight && i < to_report_.size(); ++i)
    scope.spawn(report_in_turn(), "carrier reports");
  co_await scope.join();
}

Task<void> Carrier::report_in_turn() {
  while (!to_report_.empty()) {
    const std::string order = std::move(to_report_.back());
    to_report_.pop_back();
    co_await report(order);
    reported_.insert(order);
  }
}

Task<void> Carrier::report(std::string order_id) {
  const Departure& departure = leaving_.at(order_id);
  const fulfillment::CarrierReport report{.report_id = "left-" + order_id,
                                          .order_id = order_id,
                                          .shipped_date = departure.shipped_date};
  sinew::event::Envelope envelope;
  // The same report is the same event, however often it is sent.
  envelope.id = sinew::derive_uuid(reports_of_carriers, report.report_id);
  envelope.source = fmt::format("/carriers/{}", departure.carrier_id);
  envelope.subject = order_id;
  envelope.time = runtime_.wall_now();
  const sinew::event::HttpContent content = sinew::event::to_http(
      sinew::event::seal(report, std::move(envelope)), mode_of(departure.carrier_id));
  sinew::http::Headers headers;
  for (const sinew::event::HttpField& field : content.fields)
    headers.add(field.name, field.value);
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(runtime_.wall_now().time_since_epoch());
  const std::string signature =
      sinew::hmac_sha256_hex(secret_.reveal(), fmt::format("{}.{}", now.count(), to_sign(content)));
  headers.add("Carrier-Signature", fmt::format("t={},v1={}", now.count(), signature));
  const auto response = co_await client_.send({.method = sinew::http::Method::post,
                                               .url = url_ + "/carrier/reports",
                                               .headers = std::move(headers),
                                               .body = content.body});
  if (!response.success()) throw sinew::http::to_error(response);
}

}  // namespace commerce::replay
