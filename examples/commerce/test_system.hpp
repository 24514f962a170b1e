#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "examples/commerce/books/audit.hpp"
#include "examples/commerce/encodings/encodings.hpp"
#include "examples/commerce/fulfillment/audit.hpp"
#include "examples/commerce/fulfillment/carrier_report.hpp"
#include "examples/commerce/fulfillment/carrier_signature.hpp"
#include "examples/commerce/fulfillment/fulfillment.hpp"
#include "examples/commerce/inventory/audit.hpp"
#include "examples/commerce/inventory/inventory.hpp"
#include "examples/commerce/payment/audit.hpp"
#include "examples/commerce/payment/payment.hpp"
#include "examples/commerce/reporting/audit.hpp"
#include "examples/commerce/reporting/reporting.hpp"
#include "examples/commerce/sales/audit.hpp"
#include "examples/commerce/sales/sales.hpp"
#include "examples/commerce/test_provider.hpp"
#include "sinew/sim/world.hpp"

// For tests: five contexts on SQLite in a simulated world, with a payment provider, spoken to over
// HTTP and through drop folders only.
namespace commerce::test {

using sinew::Json;
using sinew::JsonObject;
using sinew::Task;
using sinew::http::Response;

enum class Start : bool { later, now };

class TestSystem : public sinew::sim::World {
 public:
  static constexpr auto carrier_secret = "the carriers' secret";

  explicit TestSystem(std::uint64_t seed = 1, const sinew::sim::WorldOptions& options = {},
                      Start begin = Start::now)
      : World(with_seed(options, seed)), provider(simulation().add_node("provider")) {
    add<sales::Sales>().add<inventory::Inventory>();
    add<payment::Payment>(payment::PaymentSettings{provider.url(), sinew::Secret("sk_test")});
    add<fulfillment::Fulfillment>(fulfillment::FulfillmentSettings{sinew::Secret(carrier_secret)});
    add<reporting::Reporting>();
    if (begin == Start::now) start();
  }
  ~TestSystem() override { end(); }  // the provider outlives who asks it

  std::filesystem::path drop_folder(const std::string& name, const std::string& kind) const {
    return folder() / name / "drop" / kind;
  }

  Response report(const std::string& id, const std::string& order, const std::string& date) {
    return report(Json(JsonObject{
        {"specversion", "1.0"},
        {"id", id},
        {"source", "/carriers/3"},
        {"type", "fulfillment.carrier_report"},
        {"data", JsonObject{{"report_id", id}, {"order_id", order}, {"shipped_date", date}}}}));
  }
  // A carrier's webhook, rightly signed.
  Response report(const Json& event, const std::string& type = "application/cloudevents+json") {
    const std::string body = to_text(event);
    const auto signature =
        fulfillment::sign_report(body, simulation().wall_now(), sinew::Secret(carrier_secret));
    return send("fulfillment",
                {.method = sinew::http::Method::post,
                 .url = "/carrier/reports",
                 .headers = {{"Content-Type", type}, {"Carrier-Signature", signature}},
                 .body = body});
  }

  // The same in binary mode, with `headers` signed; `more` come on the way.
  Response report_binary(sinew::http::Headers headers, const std::string& data,
                         const sinew::http::Headers& more = {}) {
    const std::string text = fulfillment::signed_text(headers, data);
    const auto signature =
        fulfillment::sign_report(text, simulation().wall_now(), sinew::Secret(carrier_secret));
    for (const auto& header : more)
      headers.set(header.name, header.value);
    headers.add("Carrier-Signature", signature);
    return send("fulfillment", {.method = sinew::http::Method::post,
                                .url = "/carrier/reports",
                                .headers = std::move(headers),
                                .body = data});
  }

  using Audit = Task<books::ContextAudit> (*)(sinew::store::Database&);
  static std::map<std::string, Audit> audits() {
    return {{"sales", sales::audit},
            {"inventory", inventory::audit},
            {"payment", payment::audit},
            {"fulfillment", fulfillment::audit},
            {"reporting", reporting::audit}};
  }
  books::ContextAudit audit(const std::string& name) {
    return node().run(audits().at(name)(context(name).database()));
  }

  TestProvider provider;

 private:
  static sinew::sim::WorldOptions with_seed(sinew::sim::WorldOptions options, std::uint64_t seed) {
    options.seed = seed;
    options.log = sinew::log::Level::warn;
    options.contexts.codecs = event_codecs();
    options.contexts.personal_data.master_key =
        sinew::Secret("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    return options;
  }
};

}  // namespace commerce::test
