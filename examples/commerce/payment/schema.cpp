#include "examples/commerce/payment/schema.hpp"

#include <array>

namespace commerce::payment {
namespace {

constexpr std::array<sinew::store::Migration, 1> migrations{{{1, "charges and refunds", R"sql(
CREATE TABLE charges (
  order_id TEXT NOT NULL PRIMARY KEY,
  status TEXT NOT NULL,
  request_key TEXT NOT NULL,
  amount BIGINT NOT NULL,
  currency TEXT NOT NULL,
  payment_method TEXT NOT NULL,
  provider_reference TEXT NOT NULL,
  code TEXT NOT NULL,
  detail TEXT NOT NULL,
  decided_at BIGINT NOT NULL,
  seal TEXT NOT NULL
);
CREATE TABLE refunds (
  order_id TEXT NOT NULL PRIMARY KEY,
  amount BIGINT NOT NULL,
  currency TEXT NOT NULL,
  charge_reference TEXT NOT NULL,
  provider_reference TEXT NOT NULL,
  refunded_at BIGINT NOT NULL,
  seal TEXT NOT NULL
);
)sql"}}};

}  // namespace

std::span<const sinew::store::Migration> schema() { return migrations; }

}  // namespace commerce::payment
