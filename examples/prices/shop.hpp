#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "examples/prices/price.hpp"
#include "sinew/base/config_fwd.hpp"
#include "sinew/context/context.hpp"
#include "sinew/context/spec.hpp"
#include "sinew/resilience/pipeline.hpp"

namespace prices {

// An answer from the cache first; 3 s for an attempt, two retries 100 ms apart, a second call for a
// late one; no more than the service allows; a breaker; the last known price up to an hour old;
// then an error in the shop's own terms.
sinew::resilience::PipelineSettings last_known_price();

struct ShopSettings {
  sinew::resilience::PipelineSettings prices = last_known_price();

  static void describe(sinew::config::Section<ShopSettings>& section);
};

// A context that shows products with the price that the price service says: GET
// /products/{product}, which tells where the price comes from and how old it is; 503 when none can
// be had.
class Shop final : public sinew::context::Context {
 public:
  // `service`: the URL of the price service, without a slash at the end.
  Shop(std::string service, ShopSettings settings)
      : service_(std::move(service)), settings_(std::move(settings)) {}

  std::string_view name() const noexcept override { return "shop"; }
  void describe(sinew::context::ContextSpec& spec) override;
  sinew::Task<void> start() override;

 private:
  sinew::Task<sinew::http::Response> show_product(const sinew::http::Request& request);

  std::string service_;
  ShopSettings settings_;
  std::optional<sinew::resilience::Pipeline<Price>> prices_;
};

}  // namespace prices
