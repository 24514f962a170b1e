#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/sqlite/backend.hpp"
#include "adapters/sqlite/test_folder.hpp"
#include "examples/commerce/books/audit.hpp"
#include "examples/commerce/fulfillment/audit.hpp"
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
#include "sinew/async/sim/node.hpp"
#include "sinew/async/sim/world.hpp"
#include "sinew/context/host.hpp"
#include "sinew/http/client.hpp"
#include "sinew/http/server.hpp"
#include "sinew/net/resolver.hpp"
#include "sinew/wire/uri.hpp"

// For tests: five contexts on SQLite in a simulated world, with a payment provider, spoken to over
// HTTP and through drop folders only.
namespace commerce::test {

using sinew::Json;
using sinew::JsonObject;
using sinew::Task;
using sinew::http::Request;
using sinew::http::Response;

// Charges every means of payment but those whose name contains `Declined`; idempotent by key.
class TestProvider {
 public:
  explicit TestProvider(sinew::async::Runtime& runtime) : server_(runtime, routes()) {
    server_.start({"127.0.0.1", 0});
  }

  std::string url() const { return "http://" + to_string(server_.local()); }
  const std::vector<std::string>& bodies() const { return bodies_; }
  // Answers so many requests with 500, after they took effect.
  int failures = 0;

 private:
  sinew::http::Router routes() {
    using sinew::http::Method;
    sinew::http::Router router;
    router.route(Method::post, "/v1/payment_intents",
                 [this](const Request& request) { return answer(request, "pi"); });
    router.route(Method::post, "/v1/refunds",
                 [this](const Request& request) { return answer(request, "re"); });
    return router;
  }

  Task<Response> answer(const Request& request, std::string kind) {
    const std::string key(request.headers.get("Idempotency-Key"));
    auto [known, is_new] = answers_.try_emplace(key);
    if (is_new) {
      bodies_.push_back(request.body);
      known->second = decide(request.body, kind + "_" + std::to_string(answers_.size()));
    }
    if (failures > 0) {
      --failures;
      co_return Response{500, {}, "out of order"};
    }
    co_return known->second;
  }

  Response decide(const std::string& body, const std::string& id) {
    const auto form = sinew::wire::parse_query(body);
    std::int64_t amount = 0;
    for (const auto& [name, value] : form.value()) {
      if (name == "amount") amount = std::stoll(value);
      if (name == "payment_intent") amount = amounts_.at(value);
    }
    amounts_[id] = amount;
    Response response = sinew::http::ok(Json(
        JsonObject{{"id", id}, {"status", "succeeded"}, {"amount", amount}, {"object", "other"}}));
    if (body.find("Declined") == std::string::npos) return response;
    JsonObject error{
        {"type", "card_error"}, {"code", "card_declined"}, {"message", "Your card was declined."}};
    response = sinew::http::ok(Json(JsonObject{{"error", std::move(error)}}));
    response.status = 402;
    return response;
  }

  std::map<std::string, Response> answers_;
  std::map<std::string, std::int64_t> amounts_;  // by id, cents
  std::vector<std::string> bodies_;
  sinew::http::Server server_;
};

class TestSystem {
 public:
  static constexpr auto carrier_secret = "the carriers' secret";

  explicit TestSystem(std::uint64_t seed = 1)
      : world(seed),
        node(world.add_node("host")),
        outside(world.add_node("outside")),
        provider(outside),
        client(outside, resolver_) {
    sinew::log::root().set_level(sinew::log::Level::warn);
    start();
  }
  ~TestSystem() {
    if (host_) stop();
  }

  void start() {
    sinew::sqlite::Settings settings;
    settings.batch_time = sinew::Duration::zero();
    backend_ = std::make_unique<sinew::sqlite::Backend>(settings);
    sinew::context::HostSettings host;
    host.folder = folder_.file("system");
    host_ = std::make_unique<sinew::context::Host>(std::move(host), *backend_,
                                                   std::vector<sinew::async::Runtime*>{&node});
    host_->add(std::make_unique<sales::Sales>());
    host_->add(std::make_unique<inventory::Inventory>());
    host_->add(std::make_unique<payment::Payment>(
        payment::PaymentSettings{provider.url(), sinew::Secret("sk_test")}));
    host_->add(std::make_unique<fulfillment::Fulfillment>(
        fulfillment::FulfillmentSettings{sinew::Secret(carrier_secret)}));
    host_->add(std::make_unique<reporting::Reporting>());
    node.run(host_->start());
  }

  void stop() {
    node.run(host_->drain());
    host_.reset();
    backend_.reset();
  }

  sinew::context::ContextRunner& context(std::string_view name) {
    for (auto* runner : host_->contexts()) {
      if (runner->name() == name) return *runner;
    }
    throw std::logic_error("no such context");
  }

  // Puts a file into a drop folder and waits until it was taken or refused.
  void drop(const std::string& name, const std::string& folder, const std::string& file,
            const std::string& content) {
    const std::filesystem::path path =
        std::filesystem::path(folder_.file("system")) / name / "drop" / folder;
    std::ofstream(path / (file + ".part")) << content;
    std::filesystem::rename(path / (file + ".part"), path / file);
    world.run_until([&] { return !std::filesystem::exists(path / file); });
  }

  Response get(std::string_view name, const std::string& path) { return send(name, {.url = path}); }
  Response post(std::string_view name, const std::string& path, const Json& body) {
    return send(name, {.method = sinew::http::Method::post,
                       .url = path,
                       .headers = {{"Content-Type", "application/json"}},
                       .body = to_text(body)});
  }
  Response send(std::string_view name, sinew::http::ClientRequest request) {
    request.url = "http://" + to_string(context(name).endpoint()) + request.url;
    return outside.run(client.send(std::move(request)));
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
        fulfillment::sign_report(body, world.wall_now(), sinew::Secret(carrier_secret));
    return send("fulfillment",
                {.method = sinew::http::Method::post,
                 .url = "/carrier/reports",
                 .headers = {{"Content-Type", type}, {"Carrier-Signature", signature}},
                 .body = body});
  }

  // Lets time pass until nothing moves any more, for a minute at most.
  void settle() {
    for (int second = 0; second < 60; ++second) {
      const auto before = activity();
      world.run_for(std::chrono::seconds(1));
      const auto now = activity();
      if (before == now && now.outbox == 0 && now.in_work == 0 && now.waiting == 0 &&
          now.running_sagas == 0) {
        return;
      }
    }
  }

  sinew::context::Activity activity() {
    sinew::context::Activity sum;
    for (auto* runner : host_->contexts()) {
      const auto one = node.run(runner->activity());
      sum.outbox += one.outbox;
      sum.in_work += one.in_work;
      sum.waiting += one.waiting;
      sum.parked += one.parked;
      sum.running_sagas += one.running_sagas;
      sum.stuck_sagas += one.stuck_sagas;
      sum.moved += one.moved;
    }
    return sum;
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
    return node.run(audits().at(name)(context(name).database()));
  }

  sinew::async::sim::World world;
  sinew::async::sim::Node& node;
  sinew::async::sim::Node& outside;
  TestProvider provider;

 private:
  sinew::net::FixedResolver resolver_;

 public:
  sinew::http::Client client;

 private:
  sinew::sqlite::TestFolder folder_;
  std::unique_ptr<sinew::sqlite::Backend> backend_;
  std::unique_ptr<sinew::context::Host> host_;
};

}  // namespace commerce::test
