#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "examples/commerce/books/audit.hpp"
#include "sinew/http/server.hpp"
#include "sinew/wire/uri.hpp"

namespace commerce::test {

// Charges every means of payment but those whose name contains `Declined`; idempotent by key. Keeps
// what it did, whatever becomes of those who asked.
class TestProvider {
 public:
  // A payment intent, by its id.
  struct Intent {
    std::string order;
    std::int64_t amount = 0;    // cents
    std::int64_t refunded = 0;  // cents
    bool declined = false;
  };

  explicit TestProvider(sinew::async::Runtime& runtime)
      : runtime_(runtime), server_(runtime, routes()) {
    server_.start({"127.0.0.1", 0});
  }

  std::string url() const { return "http://" + to_string(server_.local()); }
  const std::vector<std::string>& bodies() const { return bodies_; }
  const std::vector<std::string>& traces() const { return traces_; }  // traceparents, as bodies()
  const std::map<std::string, Intent>& intents() const { return intents_; }

  // What it says of the orders, with a problem for each that was charged or refunded twice.
  books::ContextAudit audit() const {
    books::ContextAudit audit;
    audit.context = "provider";
    audit.hears_of_free_orders = false;
    std::map<std::string, int> asked;
    for (const auto& [id, intent] : intents_) {
      auto& facts = audit.orders[intent.order];
      if (++asked[intent.order] > 1) {
        audit.problems.push_back({"payment_intents " + id, "the order was charged before"});
      }
      if (intent.refunded != 0 && intent.refunded != intent.amount) {
        audit.problems.push_back({"payment_intents " + id, "it was not refunded once"});
      }
      facts.live = !intent.declined && intent.refunded == 0;
      if (*facts.live) facts.payable = sinew::Decimal::from_micros(intent.amount * micros_per_cent);
    }
    return audit;
  }

  // Refuses every refund from now on, for good: the card is closed.
  bool refuses_refunds = false;

  // Answers so many requests with 500, after they took effect.
  int failures = 0;

  // Until then it answers 429 and when to come again.
  sinew::Timestamp busy_until{};
  int sent_away = 0;

 private:
  using Request = sinew::http::Request;
  using Response = sinew::http::Response;
  static constexpr std::int64_t micros_per_cent = sinew::Decimal::micros_per_unit / 100;

  sinew::http::Router routes() {
    using sinew::http::Method;
    sinew::http::Router router;
    router.route(Method::post, "/v1/payment_intents",
                 [this](const Request& request) { return answer(request, "pi"); });
    router.route(Method::post, "/v1/refunds",
                 [this](const Request& request) { return answer(request, "re"); });
    return router;
  }

  sinew::Task<Response> answer(const Request& request, std::string kind) {
    if (runtime_.wall_now() < busy_until) co_return come_again();
    const std::string key(request.headers.get("Idempotency-Key"));
    auto [known, is_new] = answers_.try_emplace(key);
    if (is_new) {
      bodies_.push_back(request.body);
      traces_.emplace_back(request.headers.get("traceparent"));
      known->second = decide(request.body, kind + "_" + std::to_string(answers_.size()));
    }
    if (failures > 0) {
      --failures;
      co_return Response{500, {}, "out of order"};
    }
    co_return known->second;
  }

  Response come_again() {
    ++sent_away;
    const auto wait = std::chrono::ceil<std::chrono::seconds>(busy_until - runtime_.wall_now());
    return {429, {{"Retry-After", std::to_string(wait.count())}}, "{}"};
  }

  Response decide(const std::string& body, const std::string& id) {
    const auto form = sinew::wire::parse_query(body);
    Intent intent;
    std::string refunds;  // the id of the intent
    for (const auto& [name, value] : form.value()) {
      if (name == "amount") intent.amount = std::stoll(value);
      if (name == "payment_intent") refunds = value;
      if (name == "metadata[order_id]") intent.order = value;
    }
    intent.declined = body.find("Declined") != std::string::npos;
    if (!refunds.empty() && refuses_refunds) return declined();
    const std::int64_t amount = refunds.empty() ? intent.amount : intents_.at(refunds).amount;
    if (refunds.empty()) {
      intents_.emplace(id, intent);
    } else {
      intents_.at(refunds).refunded += amount;
    }
    return intent.declined ? declined() : moved(id, amount);
  }

  static Response moved(const std::string& id, std::int64_t amount) {
    return sinew::http::ok(sinew::Json(sinew::JsonObject{
        {"id", id}, {"status", "succeeded"}, {"amount", amount}, {"object", "other"}}));
  }
  static Response declined() {
    sinew::JsonObject error{
        {"type", "card_error"}, {"code", "card_declined"}, {"message", "Your card was declined."}};
    Response response =
        sinew::http::ok(sinew::Json(sinew::JsonObject{{"error", std::move(error)}}));
    response.status = 402;
    return response;
  }

  std::map<std::string, Response> answers_;  // by idempotency key
  std::map<std::string, Intent> intents_;
  std::vector<std::string> bodies_;
  std::vector<std::string> traces_;
  sinew::async::Runtime& runtime_;
  sinew::http::Server server_;
};

}  // namespace commerce::test
