#include "examples/commerce/payment/schema.hpp"

#include <array>

namespace commerce::payment {
namespace {

constexpr std::array<sinew::store::Migration, 2> migrations{{{1, "charges and refunds", R"sql(
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
)sql"},
                                                             {2, "who asked", R"sql(
CREATE TABLE requests (
  message_id TEXT NOT NULL PRIMARY KEY,
  order_id TEXT NOT NULL,
  type TEXT NOT NULL,
  source TEXT NOT NULL,
  correlation_id TEXT NOT NULL,
  attempt BIGINT NOT NULL,
  handled_at BIGINT NOT NULL,
  seal TEXT NOT NULL
);
CREATE INDEX requests_by_order ON requests (order_id, handled_at);
INSERT INTO requests (message_id, order_id, type, source, correlation_id, attempt, handled_at, seal)
  SELECT 'charge of ' || order_id, order_id, 'payment.charge', 'before requests were kept', '', 0,
    decided_at, 'none' FROM charges;
INSERT INTO requests (message_id, order_id, type, source, correlation_id, attempt, handled_at, seal)
  SELECT 'refund of ' || order_id, order_id, 'payment.refund', 'before requests were kept', '', 0,
    refunded_at, 'none' FROM refunds;
)sql"}}};

}  // namespace

std::span<const sinew::store::Migration> schema() { return migrations; }

}  // namespace commerce::payment
