#include "examples/commerce/payment/provider/stripe_gateway.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "sinew/async/sim/node.hpp"
#include "sinew/async/sim/world.hpp"
#include "sinew/base/error.hpp"
#include "sinew/http/server.hpp"
#include "sinew/messaging/middleware.hpp"
#include "sinew/net/resolver.hpp"

namespace commerce::payment {
namespace {

using sinew::Applied;
using sinew::Condition;
using sinew::Error;
using sinew::Money;
using sinew::Task;
using sinew::http::Request;
using sinew::http::Response;

// A gateway to a provider that gives prepared answers; the last one again and again.
class Provider {
 public:
  explicit Provider(std::deque<Response> prepared)
      : answers(std::move(prepared)),
        server(provider_node, routes()),
        client(node, resolver),
        gateway(pipelines, client, {start(), sinew::Secret("sk_test")}) {}

  std::string outcome() {
    const auto outcome = node.run(gateway.charge("7", Money::parse("12.34 USD"), "pm_x", "key"));
    if (const auto* no = std::get_if<sinew::messaging::Rejection>(&outcome)) return no->code;
    const auto& payment = std::get<StripeGateway::Payment>(outcome);
    return payment.reference + " " + to_string(payment.amount, 2);
  }

  std::optional<Error> error() {
    try {
      outcome();
    } catch (const Error& error) {
      return error;
    }
    return std::nullopt;
  }

  sinew::http::Router routes() {
    sinew::http::Router router;
    router.route(sinew::http::Method::post, "/v1/payment_intents",
                 [this](const Request& request) -> Task<Response> {
                   requests.push_back(request);
                   const Response answer = answers.front();
                   if (answers.size() > 1) answers.pop_front();
                   co_return answer;
                 });
    return router;
  }

  std::string start() {
    server.start({"127.0.0.1", 0});
    return "http://" + to_string(server.local());
  }

  std::deque<Response> answers;
  std::vector<Request> requests;
  sinew::async::sim::World world{1};
  sinew::async::sim::Node& node = world.add_node("payment");
  sinew::async::sim::Node& provider_node = world.add_node("provider");
  sinew::net::FixedResolver resolver;
  sinew::http::Server server;
  sinew::http::Client client;
  sinew::metrics::Registry metrics;
  sinew::resilience::PipelineRegistry pipelines{node, metrics, "payment", sinew::log::root()};
  StripeGateway gateway;
};

Response json(int status, std::string body) {
  Response response = sinew::http::ok(std::move(body), "application/json");
  response.status = status;
  return response;
}

const Response succeeded =
    json(200, R"({"id":"pi_1","object":"payment_intent","status":"succeeded","amount":1234})");

TEST(StripeGateway, AsksInStripesWords) {
  Provider provider({succeeded});

  EXPECT_EQ(provider.outcome(), "pi_1 12.34");

  const Request& request = provider.requests.at(0);
  EXPECT_EQ(request.body,
            "amount=1234&currency=usd&payment_method=pm_x&confirm=true&metadata%5Border_id%5D=7");
  EXPECT_EQ(request.headers.get("Authorization"), "Bearer sk_test");
  EXPECT_EQ(request.headers.get("Idempotency-Key"), "key");
  EXPECT_EQ(request.headers.get("Content-Type"), "application/x-www-form-urlencoded");
}

struct NoCase {
  const char* name;
  int status;
  const char* body;
  const char* code;
  friend std::ostream& operator<<(std::ostream& out, const NoCase& row) { return out << row.name; }
};

class StripeSaysNo : public testing::TestWithParam<NoCase> {};

TEST_P(StripeSaysNo, AndThatIsARejection) {
  Provider provider({json(GetParam().status, GetParam().body)});
  EXPECT_EQ(provider.outcome(), GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(
    All, StripeSaysNo,
    testing::Values(
        NoCase{"Declined", 402, R"({"error":{"type":"card_error","code":"card_declined"}})",
               "card_declined"},
        NoCase{"DeclineCode", 402,
               R"({"error":{"type":"card_error","code":"card_declined",
                   "decline_code":"insufficient_funds"}})",
               "insufficient_funds"},
        NoCase{"UnknownMethod", 400,
               R"({"error":{"type":"invalid_request_error","code":"resource_missing"}})",
               "resource_missing"},
        NoCase{"ActionNeeded", 200, R"({"id":"pi_1","status":"requires_action","amount":1234})",
               "requires_action"}),
    [](const auto& row) { return row.param.name; });

TEST(StripeGateway, PostponesAsTheProviderSays) {
  for (const int status : {429, 503}) {
    Response busy = json(status, "later");
    busy.headers.set("Retry-After", "1800");
    Provider provider({busy});
    try {
      provider.outcome();
      ADD_FAILURE() << "it has an outcome";
    } catch (const sinew::messaging::Postponed& postponed) {
      EXPECT_EQ(postponed.delay(), std::chrono::minutes(30));
    }
  }
}

struct FailureCase {
  const char* name;
  int status;
  const char* body;
  Condition condition;
  Applied applied;
  friend std::ostream& operator<<(std::ostream& out, const FailureCase& row) {
    return out << row.name;
  }
};

class StripeFails : public testing::TestWithParam<FailureCase> {};

TEST_P(StripeFails, AndNobodyKnowsWhatHappened) {
  Provider provider({json(GetParam().status, GetParam().body)});

  const auto error = provider.error();

  ASSERT_TRUE(error);
  EXPECT_EQ(error->condition(), GetParam().condition) << error->detail();
  EXPECT_EQ(error->applied(), GetParam().applied);
  EXPECT_EQ(error->detail().find("sk_test"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    All, StripeFails,
    testing::Values(FailureCase{"Down", 503, "busy", Condition::unavailable, Applied::unknown},
                    FailureCase{"Broken", 500, "{}", Condition::unavailable, Applied::unknown},
                    FailureCase{"KeyInUse", 409, R"({"error":{"type":"idempotency_error"}})",
                                Condition::unavailable, Applied::unknown},
                    FailureCase{"TooFast", 429, R"({"error":{"type":"rate_limit"}})",
                                Condition::exhausted, Applied::unknown},
                    FailureCase{"WrongKey", 401, R"({"error":{"type":"invalid_request_error"}})",
                                Condition::unauthorized, Applied::no},
                    FailureCase{"KeyReused", 400, R"({"error":{"type":"idempotency_error"}})",
                                Condition::corrupt, Applied::unknown},
                    FailureCase{"NoJson", 200, "<html>", Condition::unavailable, Applied::unknown},
                    FailureCase{"Undecided", 200,
                                R"({"id":"pi_1","status":"processing","amount":1234})",
                                Condition::unavailable, Applied::unknown}),
    [](const auto& row) { return row.param.name; });

TEST(StripeGateway, ADeclineIsNoFailureOfTheProvider) {
  Provider provider({json(402, R"({"error":{"type":"card_error","code":"card_declined"}})")});
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(provider.outcome(), "card_declined");
}

TEST(StripeGateway, DoesNotAskForNothing) {
  Provider provider({Response{500, {}, "out of order"}});

  const auto charged =
      provider.node.run(provider.gateway.charge("7", Money::parse("0.00 USD"), "pm_x", "key"));
  const auto refunded = provider.node.run(provider.gateway.refund("7", "", "key"));

  EXPECT_EQ(std::get<StripeGateway::Payment>(charged).reference, "");
  EXPECT_TRUE(std::get<StripeGateway::Payment>(charged).amount.is_zero());
  EXPECT_TRUE(std::get<StripeGateway::Payment>(refunded).amount.is_zero());
  EXPECT_TRUE(provider.requests.empty());
}

}  // namespace
}  // namespace commerce::payment
