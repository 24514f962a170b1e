#include "sinew/http/router.hpp"

#include <gtest/gtest.h>

#include "sinew/base/error.hpp"

namespace sinew::http {
namespace {

Task<Response> answer(const Request&) { co_return no_content(); }

std::string pattern_of(const Router::Match& match) {
  return match.route == nullptr ? "none" : match.route->pattern;
}

Router orders_router() {
  Router router;
  router.route(Method::get, "/", answer)
      .route(Method::get, "/orders", answer)
      .route(Method::post, "/orders", answer)
      .route(Method::get, "/orders/{id}", answer)
      .route(Method::get, "/orders/latest", answer)
      .route(Method::get, "/orders/{order}/lines/{line}", answer)
      .route(Method::get, "/orders/latest/total", answer);
  return router;
}

TEST(Router, FindsTheMostLiteralPattern) {
  const Router router = orders_router();
  const auto find = [&](std::string_view path) {
    return pattern_of(router.find(Method::get, path));
  };

  EXPECT_EQ(find("/"), "/");
  EXPECT_EQ(find("/orders"), "/orders");
  EXPECT_EQ(find("/orders/7"), "/orders/{id}");
  EXPECT_EQ(find("/orders/latest"), "/orders/latest");
  EXPECT_EQ(find("/orders/latest/lines/1"), "/orders/{order}/lines/{line}");
  EXPECT_EQ(find("/orders/latest/total"), "/orders/latest/total");
  EXPECT_EQ(find("/orders/"), "none");
  EXPECT_EQ(find("/orders/7/lines"), "none");
  EXPECT_EQ(find("/Orders"), "none");
  EXPECT_EQ(find("/orders/7/lines/1/x"), "none");
}

TEST(Router, GivesParametersInOrder) {
  const Router router = orders_router();

  const Router::Match match = router.find(Method::get, "/orders/a b/lines/2");

  EXPECT_EQ(match.parameters, (std::vector<wire::QueryParameter>{{"order", "a b"}, {"line", "2"}}));
}

TEST(Router, TellsMissingMethodFromMissingPath) {
  const Router router = orders_router();

  EXPECT_EQ(router.find(Method::delete_, "/orders").allow, "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(router.find(Method::options, "/orders/7").allow, "GET, HEAD, OPTIONS");
  EXPECT_EQ(router.find(Method::get, "/none").allow, "");
  EXPECT_EQ(pattern_of(router.find(Method::head, "/orders")), "/orders");
}

TEST(Router, RefusesMalformedAndTakenPatterns) {
  Router router = orders_router();
  const auto condition_of = [&](const char* pattern) {
    try {
      router.route(Method::get, pattern, answer);
    } catch (const Error& error) {
      return error.condition();
    }
    return Condition{};
  };

  EXPECT_EQ(condition_of("orders"), Condition::invalid_input);
  EXPECT_EQ(condition_of("/a{b}"), Condition::invalid_input);
  EXPECT_EQ(condition_of("/{}"), Condition::invalid_input);
  EXPECT_EQ(condition_of("/{a}/{a}"), Condition::invalid_input);
  EXPECT_EQ(condition_of("/{a b}"), Condition::invalid_input);
  EXPECT_EQ(condition_of("/orders/{other}"), Condition::conflict);
}

TEST(Router, GuardsWhatLiesUnderTheirPrefix) {
  Router router;
  router.guard("/operator", [](const Request& request) {
    if (request.headers.get("Authorization") != "Bearer t") {
      throw Error(Condition::unauthorized, "no token");
    }
  });
  const auto passes = [&](const char* path, Headers headers = {}) {
    Request request;
    request.path = path;
    request.headers = std::move(headers);
    try {
      router.check(request);
    } catch (const Error&) {
      return false;
    }
    return true;
  };

  EXPECT_FALSE(passes("/operator"));
  EXPECT_FALSE(passes("/operator/sagas"));
  EXPECT_TRUE(passes("/operators"));
  EXPECT_TRUE(passes("/"));
  EXPECT_TRUE(passes("/operator/sagas", {{"authorization", "Bearer t"}}));
}

}  // namespace
}  // namespace sinew::http
