#include "examples/prices/price_service.hpp"

#include <fmt/format.h>

#include <array>
#include <string>

#include "sinew/base/error.hpp"

namespace prices {

using sinew::Condition;
using sinew::Currency;
using sinew::Error;
using sinew::Money;
using sinew::Task;
using sinew::http::Method;
using sinew::http::Request;
using sinew::http::Response;
using sinew::store::Transaction;

namespace {

constexpr std::array<sinew::store::Migration, 1> migrations{{{1, "prices", R"sql(
CREATE TABLE prices (
  product TEXT NOT NULL PRIMARY KEY,
  amount BIGINT NOT NULL,
  currency TEXT NOT NULL
);
)sql"}}};

}  // namespace

void PriceService::describe(sinew::context::ContextSpec& spec) {
  spec.migrations(migrations)
      .route(Method::get, "/prices/{product}", &PriceService::show_price)
      .route(Method::put, "/prices/{product}", &PriceService::set_price);
}

Task<Response> PriceService::show_price(const Request& request) {
  const auto product = request.path_parameter<std::string>("product");
  co_return co_await database().read([&](Transaction& tx) -> Task<Response> {
    const auto rows =
        co_await tx.execute("SELECT amount, currency FROM prices WHERE product = ?", {product});
    if (rows.empty()) {
      throw Error(Condition::not_found, fmt::format("there is no price of {}", product));
    }
    const Price price{Money(rows[0].decimal(0), Currency::parse(rows[0].text(1)))};
    co_return sinew::http::ok(sinew::to_json(price));
  });
}

Task<Response> PriceService::set_price(const Request& request) {
  const auto product = request.path_parameter<std::string>("product");
  const auto price = sinew::from_json<Price>(request.json());
  co_await database().transaction([&](Transaction& tx) -> Task<void> {
    co_await tx.execute("DELETE FROM prices WHERE product = ?", {product});
    co_await tx.execute("INSERT INTO prices (product, amount, currency) VALUES (?, ?, ?)",
                        {product, price.price.amount(), price.price.currency().view()});
  });
  co_return sinew::http::no_content();
}

}  // namespace prices
