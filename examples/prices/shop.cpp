#include "examples/prices/shop.hpp"

#include <fmt/format.h>

#include <chrono>

#include "sinew/base/config.hpp"
#include "sinew/base/error.hpp"
#include "sinew/http/client.hpp"

namespace prices {

using namespace std::chrono_literals;
using namespace sinew::resilience;
using sinew::Condition;
using sinew::Error;
using sinew::Task;
using sinew::http::Method;
using sinew::http::Request;
using sinew::http::Response;

namespace {

struct ProductAnswer {
  std::string product;
  sinew::Money price;
  std::string source;  // target, kept, stale
  std::int64_t age_ms = 0;
};
BOOST_DESCRIBE_STRUCT(ProductAnswer, (), (product, price, source, age_ms))

// In the shop's terms, whatever went wrong with the service.
Task<Price> refuse(const Call& call, const Error& error) {
  throw Error(Condition::unavailable,
              fmt::format("the price of {} cannot be had at the moment ({})", call.key,
                          to_string(error.condition())));
  co_return Price{};
}

}  // namespace

PipelineSettings last_known_price() {
  return {
      .steps = {Step::fallback, Step::cache, Step::breaker, Step::retry, Step::hedge,
                Step::rate_limit, Step::attempt_timeout},
      .cache = CacheSettings{.fresh = 5min, .max_age_on_error = 1h},
      .timeout = TimeoutSettings{.attempt = 3s},
      .retry = RetrySettings{.max_attempts = 3, .first_delay = 100ms, .factor = 1, .jitter = false},
      .hedge = HedgeSettings{.delay = 500ms},
      .rate_limit = RateLimitSettings{.second = 100, .hour = 100'000}};
}

void ShopSettings::describe(sinew::config::Section<ShopSettings>& section) {
  section.option("prices", &ShopSettings::prices, "how the price service is asked");
}

void Shop::describe(sinew::context::ContextSpec& spec) {
  spec.route(Method::get, "/products/{product}", &Shop::show_product);
}

Task<void> Shop::start() {
  prices_.emplace(pipelines(), "prices", settings_.prices,
                  Pipeline<Price>::Functions{.fallback = refuse});
  co_return;
}

Task<Response> Shop::show_product(const Request& request) {
  const auto product = request.path_parameter<std::string>("product");
  const auto ask = [&] { return http().get<Price>(service_ + "/prices/" + product); };
  const auto price = co_await prices_->run({.key = product, .repeatable = Repeatable::yes}, ask);
  co_return sinew::http::ok(sinew::to_json(ProductAnswer{
      product, price.value.price, std::string(to_string(price.source)), price.age / 1ms}));
}

}  // namespace prices
