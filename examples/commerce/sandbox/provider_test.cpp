#include "examples/commerce/sandbox/provider.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "adapters/sqlite/test_database.hpp"
#include "sinew/wire/uri.hpp"

namespace commerce::sandbox {
namespace {

using sinew::Json;
using sinew::http::Method;
using sinew::http::Request;
using sinew::http::Response;

constexpr const char* good_charge =
    "amount=44000&currency=usd&payment_method=pm_card_visa&confirm=true&metadata%5Border_id%5D="
    "10248";

// The provider over a database, asked without a network.
class ProviderTest : public testing::Test {
 protected:
  ProviderTest() { start(); }

  void start() {
    database_.runtime.run(database_.database->migrate(ledger_migrations()));
    provider_ = std::make_unique<Provider>(database_.runtime, *database_.database,
                                           sinew::Secret("sk_test"));
    router_ = std::make_unique<sinew::http::Router>(provider_->routes());
  }
  void restart() {
    database_.reopen();
    start();
  }

  Response ask(Request request) {
    if (!request.headers.has("Authorization")) {
      request.headers.set("Authorization", "Bearer sk_test");
    }
    auto match = router_->find(request.method, request.path);
    if (match.route == nullptr) throw std::logic_error("no route");
    request.path_parameters = std::move(match.parameters);
    return database_.runtime.run(match.route->handler(request));
  }
  Response post(std::string path, std::string form, std::string key = {}) {
    Request request;
    request.method = Method::post;
    request.path = std::move(path);
    request.body = std::move(form);
    if (!key.empty()) request.headers.set("Idempotency-Key", std::move(key));
    return ask(std::move(request));
  }
  Json get(std::string path, std::vector<sinew::wire::QueryParameter> query = {}) {
    Request request;
    request.path = std::move(path);
    request.query = std::move(query);
    return ask(std::move(request)).json();
  }
  Response charge(std::string form, std::string key = {}) {
    return post("/v1/payment_intents", std::move(form), std::move(key));
  }
  std::string charged() { return charge(good_charge).json().at("id").as_string(); }
  std::size_t intents() { return get("/v1/payment_intents").at("data").as_array().size(); }

  static std::string code_of(const Response& response) {
    return response.json().at("error").at("code").as_string();
  }

  sinew::sqlite::TestDatabase database_;
  std::unique_ptr<Provider> provider_;
  std::unique_ptr<sinew::http::Router> router_;
};

TEST_F(ProviderTest, ChargesATestCard) {
  const Response response = charge(good_charge);

  EXPECT_EQ(response.status, 200);
  const Json intent = response.json();
  EXPECT_EQ(intent.at("object").as_string(), "payment_intent");
  EXPECT_EQ(intent.at("status").as_string(), "succeeded");
  EXPECT_EQ(intent.at("amount_received").as_integer(), 44000);
  EXPECT_EQ(intent.at("metadata").at("order_id").as_string(), "10248");
  EXPECT_EQ(get("/v1/payment_intents/" + intent.at("id").as_string()), intent);
}

TEST_F(ProviderTest, DeclinesWithTheErrorOfTheCard) {
  const Response response = charge(
      "amount=1&currency=usd&confirm=true&payment_method=pm_card_visa_chargeDeclinedInsufficient"
      "Funds");

  EXPECT_EQ(response.status, 402);
  const Json error = response.json().at("error");
  EXPECT_EQ(error.at("type").as_string(), "card_error");
  EXPECT_EQ(error.at("code").as_string(), "card_declined");
  EXPECT_EQ(error.at("decline_code").as_string(), "insufficient_funds");
  EXPECT_EQ(error.at("payment_intent").at("status").as_string(), "requires_payment_method");
  EXPECT_EQ(error.at("payment_intent").at("amount_received").as_integer(), 0);
}

TEST_F(ProviderTest, AnswersTheSameKeyWithTheSameAnswer) {
  const Response first = charge(good_charge, "order-10248");
  const Response again = charge(good_charge, "order-10248");

  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(again.headers.get("Idempotent-Replayed"), "true");
  EXPECT_EQ(intents(), 1u);
}

TEST_F(ProviderTest, RemembersADeclineAsWell) {
  const std::string form =
      "amount=1&currency=usd&confirm=true&payment_method=pm_card_visa_chargeDeclined";

  EXPECT_EQ(charge(form, "k").status, 402);
  EXPECT_EQ(charge(form, "k").status, 402);
  EXPECT_EQ(intents(), 1u);
}

TEST_F(ProviderTest, RefusesAKeyWithAnotherRequest) {
  charge(good_charge, "k");

  const Response other =
      charge("amount=44001&currency=usd&payment_method=pm_card_visa&confirm=true", "k");

  EXPECT_EQ(other.status, 400);
  EXPECT_EQ(other.json().at("error").at("type").as_string(), "idempotency_error");
  EXPECT_EQ(intents(), 1u);
}

TEST_F(ProviderTest, ARefusedRequestLeavesItsKeyFree) {
  EXPECT_EQ(charge("amount=0&currency=usd", "k").status, 400);

  EXPECT_EQ(charge(good_charge, "k").status, 200);
}

TEST_F(ProviderTest, KnowsItsChargesAfterARestart) {
  const Response first = charge(good_charge, "k");

  restart();

  EXPECT_EQ(charge(good_charge, "k").body, first.body);
  EXPECT_EQ(intents(), 1u);
}

TEST_F(ProviderTest, RefundsOnceAndNoMoreThanWasPaid) {
  const std::string intent = charged();

  EXPECT_EQ(code_of(post("/v1/refunds", "payment_intent=" + intent + "&amount=44001")),
            "amount_too_large");
  EXPECT_EQ(post("/v1/refunds", "payment_intent=" + intent + "&amount=4000").status, 200);
  const Json rest = post("/v1/refunds", "payment_intent=" + intent).json();
  EXPECT_EQ(rest.at("amount").as_integer(), 40000);
  EXPECT_EQ(code_of(post("/v1/refunds", "payment_intent=" + intent)), "charge_already_refunded");
  EXPECT_EQ(get("/v1/payment_intents/" + intent).at("amount_refunded").as_integer(), 44000);
  EXPECT_EQ(get("/v1/refunds").at("data").as_array().size(), 2u);
}

TEST_F(ProviderTest, HasNothingToRefundOfADecline) {
  const Json error = charge(
                         "amount=1&currency=usd&confirm=true&payment_method="
                         "pm_card_visa_chargeDeclined")
                         .json();
  const std::string intent = error.at("error").at("payment_intent").at("id").as_string();

  EXPECT_EQ(code_of(post("/v1/refunds", "payment_intent=" + intent)),
            "payment_intent_unexpected_state");
}

TEST_F(ProviderTest, ListsNewestFirstPageByPage) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i)
    ids.push_back(charged());

  const Json first = get("/v1/payment_intents", {{"limit", "2"}});
  const Json last = get("/v1/payment_intents", {{"limit", "3"}, {"starting_after", ids[3]}});

  EXPECT_EQ(first.at("data").as_array()[0].at("id").as_string(), ids[4]);
  EXPECT_TRUE(first.at("has_more").as_bool());
  ASSERT_EQ(last.at("data").as_array().size(), 3u);
  EXPECT_EQ(last.at("data").as_array()[2].at("id").as_string(), ids[0]);
  EXPECT_FALSE(last.at("has_more").as_bool());
}

struct Refused {
  const char* name;
  const char* form;
  const char* code;
};
void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.name; }

class ProviderRefuses : public ProviderTest, public testing::WithParamInterface<Refused> {};

TEST_P(ProviderRefuses, WithTheParametersCode) {
  const Response response = charge(GetParam().form);

  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.json().at("error").at("type").as_string(), "invalid_request_error");
  EXPECT_EQ(code_of(response), GetParam().code);
  EXPECT_EQ(intents(), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Charges, ProviderRefuses,
    testing::Values(
        Refused{"no_amount", "currency=usd&payment_method=pm_card_visa&confirm=true",
                "parameter_missing"},
        Refused{"amount_with_point", "amount=1.5&currency=usd", "parameter_invalid_integer"},
        Refused{"nothing_to_pay", "amount=0&currency=usd", "amount_too_small"},
        Refused{"nine_digits", "amount=100000000&currency=usd", "amount_too_large"},
        Refused{"unknown_method", "amount=1&currency=usd&payment_method=pm_gold&confirm=true",
                "resource_missing"},
        Refused{"not_confirmed", "amount=1&currency=usd&payment_method=pm_card_visa",
                "parameter_invalid"},
        Refused{"unknown_parameter", "amount=1&currency=usd&tip=1", "parameter_unknown"},
        Refused{"twice", "amount=1&amount=2&currency=usd", "parameter_invalid"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(ProviderTest, AnswersNobodyWithoutTheKey) {
  Request request;
  request.path = "/v1/payment_intents";
  request.headers.set("Authorization", "Bearer sk_live");

  EXPECT_EQ(ask(std::move(request)).status, 401);
}

}  // namespace
}  // namespace commerce::sandbox
