#pragma once

#include <string_view>

#include "examples/prices/price.hpp"
#include "sinew/context/context.hpp"
#include "sinew/context/spec.hpp"

namespace prices {

// A context that knows prices: GET and PUT /prices/{product}.
class PriceService final : public sinew::context::Context {
 public:
  std::string_view name() const noexcept override { return "pricing"; }
  void describe(sinew::context::ContextSpec& spec) override;

 private:
  sinew::Task<sinew::http::Response> show_price(const sinew::http::Request& request);
  sinew::Task<sinew::http::Response> set_price(const sinew::http::Request& request);
};

}  // namespace prices
