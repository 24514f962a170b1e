#include "examples/commerce/payment/provider/provider_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "sinew/async/offload.hpp"
#include "sinew/async/sim/node.hpp"
#include "sinew/async/sim/world.hpp"
#include "sinew/base/config.hpp"
#include "sinew/base/error.hpp"
#include "sinew/http/server.hpp"
#include "sinew/net/resolver.hpp"

namespace commerce::payment {
namespace {

using namespace std::chrono_literals;
using sinew::Applied;
using sinew::Condition;
using sinew::Error;
using sinew::Task;
using sinew::http::Request;
using sinew::http::Response;

Response answer(int status) {
  Response response = sinew::http::ok("{}", "application/json");
  response.status = status;
  return response;
}

ProviderPolicy without_breaker() {
  ProviderPolicy policy;
  policy.breaker.consecutive_failures = 1000;
  policy.breaker.failure_percent = 0;
  return policy;
}

// A provider whose answer to its n-th request, from 1, is what a test says.
class Bench {
 public:
  using Handler = std::function<Task<Response>(int)>;

  explicit Bench(Handler handler, ProviderPolicy policy = {})
      : handler_(std::move(handler)),
        server_(provider, routes()),
        sender_(pipelines_, http_, policy) {
    server_.start({"127.0.0.1", 0});
  }

  Task<Response> send() {
    return sender_.send({.method = sinew::http::Method::post,
                         .url = "http://" + to_string(server_.local()) + "/charge",
                         .headers = {{"Idempotency-Key", "k"}},
                         .body = "amount=1"});
  }
  int status() { return node.run(send()).status; }
  std::optional<Error> error() {
    try {
      status();
    } catch (const Error& error) {
      return error;
    }
    return std::nullopt;
  }

  sinew::async::sim::World world{1};
  sinew::async::sim::Node& node = world.add_node("payment");
  sinew::async::sim::Node& provider = world.add_node("provider");
  std::vector<Request> requests;
  std::vector<sinew::Instant> arrivals;

 private:
  sinew::http::Router routes() {
    sinew::http::Router router;
    router.route(sinew::http::Method::post, "/charge", [this](const Request& request) {
      requests.push_back(request);
      arrivals.push_back(world.now());
      return handler_(static_cast<int>(requests.size()));
    });
    return router;
  }

  Handler handler_;
  sinew::http::Server server_;
  sinew::net::FixedResolver resolver_;
  sinew::http::Client http_{node, resolver_};
  sinew::metrics::Registry metrics_;
  sinew::resilience::PipelineRegistry pipelines_{node, metrics_, "payment", sinew::log::root()};
  ProviderClient sender_;
};

struct FirstAnswer {
  const char* name;
  int status;
  std::size_t requests;  // until there is an answer, when the second attempt is answered with 200
};
void PrintTo(const FirstAnswer& row, std::ostream* out) { *out << row.name; }

class FirstAnswerIs : public testing::TestWithParam<FirstAnswer> {};

TEST_P(FirstAnswerIs, TriedAgainOrGiven) {
  Bench bench([](int request) -> Task<Response> {
    co_return answer(request == 1 ? GetParam().status : 200);
  });

  const int status = bench.status();

  EXPECT_EQ(bench.requests.size(), GetParam().requests);
  EXPECT_EQ(status, GetParam().requests == 1 ? GetParam().status : 200);
  EXPECT_EQ(bench.requests.back().headers.get("Idempotency-Key"), "k");
  EXPECT_EQ(bench.requests.back().body, "amount=1");
}

INSTANTIATE_TEST_SUITE_P(
    All, FirstAnswerIs,
    testing::Values(FirstAnswer{"done", 200, 1}, FirstAnswer{"a_definite_no", 402, 1},
                    FirstAnswer{"a_mistake_of_ours", 400, 1}, FirstAnswer{"the_key_in_use", 409, 2},
                    FirstAnswer{"too_many", 429, 2}, FirstAnswer{"an_outage", 503, 2}),
    [](const auto& row) { return row.param.name; });

TEST(ProviderClient, GivesTheLastAnswerWhenItStaysBad) {
  Bench bench([](int request) -> Task<Response> { co_return answer(500 + request); });

  EXPECT_EQ(bench.status(), 503) << "of three attempts";
}

TEST(ProviderClient, WaitsAsLongAsItIsAsked) {
  Bench bench([](int request) -> Task<Response> {
    Response response = answer(request == 1 ? 429 : 200);
    response.headers.set("Retry-After", "4");
    co_return response;
  });

  EXPECT_EQ(bench.status(), 200);
  EXPECT_GE(bench.arrivals.at(1) - bench.arrivals.at(0), 4s);
}

TEST(ProviderClient, GivesAnAttemptItsTimeAndTriesAgain) {
  Bench bench([](int request) -> Task<Response> {
    if (request == 1) co_await sinew::async::sleep_for(1min);
    co_return answer(200);
  });
  const auto started = bench.world.now();

  EXPECT_EQ(bench.status(), 200);
  EXPECT_GE(bench.world.now() - started, 3s);
  EXPECT_LT(bench.world.now() - started, 4s);
}

TEST(ProviderClient, EndsWithItsTimeInAll) {
  ProviderPolicy policy = without_breaker();
  policy.retry.max_attempts = 100;
  Bench bench(
      [](int) -> Task<Response> {
        co_await sinew::async::sleep_for(1min);
        co_return answer(200);
      },
      policy);
  const auto started = bench.world.now();

  const auto error = bench.error();

  ASSERT_TRUE(error);
  EXPECT_EQ(error->condition(), Condition::timeout);
  EXPECT_EQ(error->applied(), Applied::unknown);
  EXPECT_LE(bench.world.now() - started, policy.timeout.total);
}

// Otherwise what is retried in vain would take as much from a provider that recovers as what is
// new.
TEST(ProviderClient, RetriesNoMoreThanItsBudget) {
  ProviderPolicy policy = without_breaker();
  policy.retry.max_attempts = 10;
  policy.budget = {.ratio = 0.2, .min_per_second = 0, .window = 10min};
  Bench bench([](int) -> Task<Response> { co_return answer(500); }, policy);

  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(bench.status(), 500);

  EXPECT_EQ(bench.requests.size(), 50U + 10U);
}

// A provider that has become slow does not get everything at once that waits for it.
TEST(ProviderClient, HasSoManyRequestsUnderWayAtTheSameTime) {
  ProviderPolicy policy;
  policy.bulkhead = {.max_concurrent = 2, .max_waiting = 2, .max_wait = 1500ms};
  int running = 0;
  int most = 0;
  Bench bench(
      [&](int) -> Task<Response> {
        most = std::max(most, ++running);
        co_await sinew::async::sleep_for(1s);
        --running;
        co_return answer(200);
      },
      policy);
  std::vector<sinew::async::Outcome<Response>> outcomes(5);
  sinew::async::Scope scope(bench.node, "requests");
  for (auto& outcome : outcomes)
    scope.spawn(sinew::async::capture(bench.send(), outcome));

  bench.node.run(scope.join());

  int answered = 0;
  for (auto& outcome : outcomes) {
    try {
      answered += outcome.take().status == 200 ? 1 : 0;
    } catch (const Error& error) {
      EXPECT_EQ(error.condition(), Condition::exhausted);
      EXPECT_EQ(error.applied(), Applied::no);
    }
  }
  EXPECT_EQ(answered, 4);
  EXPECT_EQ(most, 2);
}

TEST(ProviderClient, LeavesAFailingProviderAloneAndComesBack) {
  bool down = true;
  Bench bench([&](int) -> Task<Response> { co_return answer(down ? 500 : 200); });
  EXPECT_EQ(bench.status(), 500);
  EXPECT_EQ(bench.status(), 500) << "it opens in the middle: the answer is the last one";

  const auto refused = bench.error();

  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->condition(), Condition::unavailable);
  EXPECT_EQ(refused->applied(), Applied::no);
  EXPECT_EQ(bench.requests.size(), 5U);

  down = false;
  bench.world.run_for(6s);
  EXPECT_EQ(bench.status(), 200);
}

// The last attempt finds nobody and so cannot have worked, but the first may.
TEST(ProviderClient, IsInDoubtWhenAnyAttemptMayHaveWorked) {
  Bench bench([](int) -> Task<Response> {
    co_await sinew::async::sleep_for(1min);
    co_return answer(200);
  });
  sinew::async::Outcome<Response> outcome;
  sinew::async::Scope scope(bench.node, "request");
  scope.spawn(sinew::async::capture(bench.send(), outcome));
  bench.world.run_for(1s);
  ASSERT_EQ(bench.requests.size(), 1U);
  bench.provider.crash();
  bench.world.run_for(1min);

  try {
    outcome.take();
    FAIL() << "it was answered";
  } catch (const Error& error) {
    EXPECT_EQ(error.applied(), Applied::unknown);
    EXPECT_EQ(error.condition(), Condition::unavailable);
  }
  bench.node.run(scope.join());
}

TEST(ProviderClient, RefusesAPolicyOutOfRange) {
  ProviderPolicy policy;
  policy.timeout = {.attempt = 10s, .total = 1s};
  policy.retry.max_attempts = 0;

  try {
    Bench bench([](int) -> Task<Response> { co_return answer(200); }, policy);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.detail(), testing::HasSubstr("timeout: attempt (10s) is above total (1s)"));
    EXPECT_THAT(error.detail(), testing::HasSubstr("retry.max_attempts: got 0"));
  }
}

TEST(ProviderClient, RefusesToTakeLongerThanAMessageMay) {
  ProviderPolicy policy;
  policy.timeout.total = 20s;

  EXPECT_THROW(sinew::config::require_valid(policy, "the policy"), Error);
}

}  // namespace
}  // namespace commerce::payment
