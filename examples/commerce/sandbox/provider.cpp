#include "examples/commerce/sandbox/provider.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "examples/commerce/sandbox/test_methods.hpp"
#include "sinew/base/hash.hpp"

namespace commerce::sandbox {
namespace {

using sinew::JsonArray;
using sinew::JsonObject;
using sinew::Task;
using sinew::http::Method;
using sinew::http::Request;
using sinew::http::Response;
using sinew::store::Transaction;

constexpr std::size_t default_page = 10;  // https://docs.stripe.com/api/pagination
constexpr std::int64_t max_page = 100;
constexpr std::size_t max_key = 255;             // https://docs.stripe.com/api/idempotent_requests
constexpr std::int64_t max_amount = 99'999'999;  // "up to eight digits"

[[noreturn]] void no_such(std::string_view what, const std::string& id, int status) {
  JsonObject members;
  members.set("code", "resource_missing");
  throw StripeRefusal{error_answer(status, "invalid_request_error",
                                   fmt::format("No such {}: '{}'", what, id), members)};
}

Answer declined(const Intent& intent, const Verdict& verdict) {
  JsonObject members;
  members.set("code", verdict.code);
  members.set("decline_code", verdict.decline_code);
  members.set("payment_intent", to_json(intent));
  return error_answer(402, "card_error", verdict.message, members);
}

std::size_t page_of(const Request& request) {
  const auto limit = request.query_parameter<std::int64_t>("limit");
  if (!limit) return default_page;
  if (*limit < 1 || *limit > max_page) {
    refuse("Limit must be between 1 and 100.", "limit", "parameter_invalid_integer");
  }
  return static_cast<std::size_t>(*limit);
}

// `items` holds one more than `page` when there are more.
template <class Item>
Answer page_answer(std::string_view url, std::optional<std::vector<Item>> items, std::size_t page,
                   const std::string& after) {
  if (!items) no_such("object", after, 400);
  const bool has_more = items->size() > page;
  items->resize(std::min(items->size(), page));
  JsonArray data;
  for (const Item& item : *items)
    data.push_back(to_json(item));
  return {200, list_page(url, std::move(data), has_more)};
}

}  // namespace

sinew::http::Router Provider::routes() {
  sinew::http::Router router;
  router.route(Method::post, "/v1/payment_intents", *this, &Provider::charge)
      .route(Method::get, "/v1/payment_intents", *this, &Provider::list_intents)
      .route(Method::get, "/v1/payment_intents/{id}", *this, &Provider::show_intent)
      .route(Method::post, "/v1/refunds", *this, &Provider::refund)
      .route(Method::get, "/v1/refunds", *this, &Provider::list_refunds)
      .route(Method::get, "/v1/refunds/{id}", *this, &Provider::show_refund);
  return router;
}

Task<Response> Provider::charge(const Request& request) {
  const std::string id = new_id("pi_");
  co_return co_await once(request, [this, id](Transaction& tx, const Form& form) -> Task<Answer> {
    form.allow_only({"amount", "currency", "payment_method", "confirm", "description", "metadata",
                     "payment_method_types", "automatic_payment_methods", "off_session",
                     "error_on_requires_action", "capture_method", "confirmation_method"});
    Intent intent;
    intent.id = id;
    intent.created = now();
    intent.amount = form.amount("amount");
    if (intent.amount > max_amount) {
      refuse("Amount must be no more than 99999999.", "amount", "amount_too_large");
    }
    intent.currency = form.required("currency");
    intent.payment_method = form.required("payment_method");
    intent.description = form.text("description");
    intent.metadata = form.metadata();
    if (form.text("confirm") != "true") {
      refuse("This sandbox takes payment intents that are confirmed at once: send confirm=true.",
             "confirm", "parameter_invalid");
    }
    const auto verdict = verdict_on(intent.payment_method);
    if (!verdict) no_such("PaymentMethod", intent.payment_method, 400);
    intent.error_code = verdict->code;
    intent.decline_code = verdict->decline_code;
    co_await insert(tx, intent);
    co_return intent.succeeded() ? Answer{200, to_json(intent)} : declined(intent, *verdict);
  });
}

Task<Response> Provider::refund(const Request& request) {
  const std::string id = new_id("re_");
  co_return co_await once(request, [this, id](Transaction& tx, const Form& form) -> Task<Answer> {
    form.allow_only({"payment_intent", "amount", "reason", "metadata"});
    const std::string reference = form.required("payment_intent");
    const auto intent = co_await find_intent(tx, reference);
    if (!intent) no_such("payment_intent", reference, 404);
    if (!intent->succeeded()) {
      refuse(fmt::format("This PaymentIntent ({}) does not have a successful charge to refund.",
                         reference),
             "payment_intent", "payment_intent_unexpected_state");
    }
    const std::int64_t left = intent->amount - intent->refunded;
    if (left == 0) {
      refuse(fmt::format("Payment intent {} has already been refunded.", reference),
             "payment_intent", "charge_already_refunded");
    }
    Refund refund{.id = id,
                  .intent = reference,
                  .created = now(),
                  .amount = form.has("amount") ? form.amount("amount") : left,
                  .currency = intent->currency,
                  .reason = form.text("reason"),
                  .metadata = form.metadata()};
    if (refund.amount > left) {
      refuse(fmt::format("Refund amount ({}) is greater than unrefunded amount on charge ({})",
                         refund.amount, left),
             "amount", "amount_too_large");
    }
    co_await insert(tx, refund);
    co_return Answer{200, to_json(refund)};
  });
}

Task<Response> Provider::show_intent(const Request& request) {
  co_return co_await answering(request, [&]() -> Task<Answer> {
    const auto id = request.path_parameter<std::string>("id");
    const auto intent =
        co_await database_.read([&id](Transaction& tx) { return find_intent(tx, id); });
    if (!intent) no_such("payment_intent", id, 404);
    co_return Answer{200, to_json(*intent)};
  });
}

Task<Response> Provider::show_refund(const Request& request) {
  co_return co_await answering(request, [&]() -> Task<Answer> {
    const auto id = request.path_parameter<std::string>("id");
    const auto refund =
        co_await database_.read([&id](Transaction& tx) { return find_refund(tx, id); });
    if (!refund) no_such("refund", id, 404);
    co_return Answer{200, to_json(*refund)};
  });
}

Task<Response> Provider::list_intents(const Request& request) {
  co_return co_await answering(request, [&]() -> Task<Answer> {
    const std::size_t page = page_of(request);
    const auto after = request.query_parameter<std::string>("starting_after").value_or("");
    auto intents = co_await database_.read(
        [&](Transaction& tx) { return sandbox::list_intents(tx, after, page + 1); });
    co_return page_answer("/v1/payment_intents", std::move(intents), page, after);
  });
}

Task<Response> Provider::list_refunds(const Request& request) {
  co_return co_await answering(request, [&]() -> Task<Answer> {
    const std::size_t page = page_of(request);
    const auto after = request.query_parameter<std::string>("starting_after").value_or("");
    auto refunds = co_await database_.read(
        [&](Transaction& tx) { return sandbox::list_refunds(tx, after, page + 1); });
    co_return page_answer("/v1/refunds", std::move(refunds), page, after);
  });
}

// The answer and what it says are one transaction, so a repetition after a crash finds both or
// neither. A refusal throws, which leaves the key unused, as with Stripe.
Task<Response> Provider::once(const Request& request, Work work) {
  const std::string key(request.headers.get("Idempotency-Key"));
  const std::string digest = sinew::sha256_hex(request.path + "\n" + request.body);
  bool replayed = false;
  Response response = co_await answering(request, [&]() -> Task<Answer> {
    if (key.size() > max_key) {
      refuse("Idempotency keys can be up to 255 characters long.", "", "parameter_invalid");
    }
    const Form form(request.body);
    co_return co_await database_.transaction([&](Transaction& tx) -> Task<Answer> {
      replayed = false;
      if (const auto known = key.empty() ? std::nullopt : co_await recall(tx, key)) {
        if (known->request != digest) {
          co_return error_answer(
              400, "idempotency_error",
              fmt::format("Keys for idempotent requests can only be used with the same parameters "
                          "they were first used with. Try using a key other than '{}' if you meant "
                          "to execute a different request.",
                          key));
        }
        replayed = true;
        co_return known->answer;
      }
      const Answer answer = co_await work(tx, form);
      if (!key.empty()) co_await remember(tx, key, {digest, answer});
      co_return answer;
    });
  });
  if (replayed) response.headers.set("Idempotent-Replayed", "true");
  co_return response;
}

Task<Response> Provider::answering(const Request& request, std::function<Task<Answer>()> answer) {
  const std::string expected = fmt::format("Bearer {}", api_key_.reveal());
  if (!sinew::constant_time_equal(request.headers.get("Authorization"), expected)) {
    co_return to_response(error_answer(401, "invalid_request_error", "Invalid API Key provided."));
  }
  try {
    co_return to_response(co_await answer());
  } catch (const StripeRefusal& refusal) {
    co_return to_response(refusal.answer);
  }
}

std::int64_t Provider::now() const {
  return std::chrono::duration_cast<std::chrono::seconds>(runtime_.wall_now().time_since_epoch())
      .count();
}

std::string Provider::new_id(std::string_view prefix) {
  std::string id = to_string(runtime_.new_id());
  std::erase(id, '-');
  return std::string(prefix) + id;
}

}  // namespace commerce::sandbox
