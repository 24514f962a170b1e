#include "examples/commerce/sandbox/ledger.hpp"

#include <limits>
#include <utility>

namespace commerce::sandbox {
namespace {

using sinew::Json;
using sinew::JsonObject;
using sinew::Task;
using sinew::store::Row;
using sinew::store::Transaction;

constexpr sinew::store::Migration migrations[] = {{1, "ledger", R"(
CREATE TABLE payment_intents (
  sequence IDENTITY,
  id TEXT NOT NULL UNIQUE,
  created BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  currency TEXT NOT NULL,
  payment_method TEXT NOT NULL,
  decline_code TEXT NOT NULL,
  error_code TEXT NOT NULL,
  description TEXT NOT NULL,
  refunded BIGINT NOT NULL,
  metadata TEXT NOT NULL
);
CREATE TABLE refunds (
  sequence IDENTITY,
  id TEXT NOT NULL UNIQUE,
  intent TEXT NOT NULL,
  created BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  currency TEXT NOT NULL,
  reason TEXT NOT NULL,
  metadata TEXT NOT NULL
);
CREATE TABLE idempotency_keys (
  key TEXT NOT NULL PRIMARY KEY,
  request TEXT NOT NULL,
  status BIGINT NOT NULL,
  body TEXT NOT NULL
);
)"}};

Intent intent_of(const Row& row) {
  Intent intent;
  intent.id = row.text(0);
  intent.created = row.integer(1);
  intent.amount = row.integer(2);
  intent.currency = row.text(3);
  intent.payment_method = row.text(4);
  intent.decline_code = row.text(5);
  intent.error_code = row.text(6);
  intent.description = row.text(7);
  intent.refunded = row.integer(8);
  intent.metadata = sinew::parse_json(row.text(9)).as_object();
  return intent;
}

Refund refund_of(const Row& row) {
  Refund refund;
  refund.id = row.text(0);
  refund.intent = row.text(1);
  refund.created = row.integer(2);
  refund.amount = row.integer(3);
  refund.currency = row.text(4);
  refund.reason = row.text(5);
  refund.metadata = sinew::parse_json(row.text(6)).as_object();
  return refund;
}

// The id under which Stripe shows the charge of an intent.
std::string charge_of(const std::string& intent) { return "ch_" + intent.substr(3); }

Json last_error(const Intent& intent) {
  if (intent.succeeded()) return {};
  JsonObject error;
  error.set("type", "card_error");
  error.set("code", intent.error_code);
  error.set("decline_code", intent.decline_code);
  return error;
}

}  // namespace

sinew::store::MigrationSet ledger_migrations() { return {"commerce.sandbox", migrations}; }

Json to_json(const Intent& intent) {
  JsonObject object;
  object.set("id", intent.id);
  object.set("object", "payment_intent");
  object.set("amount", intent.amount);
  object.set("amount_received", intent.succeeded() ? intent.amount : 0);
  object.set("amount_refunded", intent.refunded);
  object.set("created", intent.created);
  object.set("currency", intent.currency);
  object.set("description", intent.description.empty() ? Json() : Json(intent.description));
  object.set("last_payment_error", last_error(intent));
  object.set("latest_charge", charge_of(intent.id));
  object.set("livemode", false);
  object.set("metadata", intent.metadata);
  object.set("payment_method", intent.succeeded() ? Json(intent.payment_method) : Json());
  object.set("status", intent.succeeded() ? "succeeded" : "requires_payment_method");
  return object;
}

Json to_json(const Refund& refund) {
  JsonObject object;
  object.set("id", refund.id);
  object.set("object", "refund");
  object.set("amount", refund.amount);
  object.set("charge", charge_of(refund.intent));
  object.set("created", refund.created);
  object.set("currency", refund.currency);
  object.set("metadata", refund.metadata);
  object.set("payment_intent", refund.intent);
  object.set("reason", refund.reason.empty() ? Json() : Json(refund.reason));
  object.set("status", "succeeded");
  return object;
}

Task<void> insert(Transaction& tx, const Intent& intent) {
  const std::string metadata = sinew::to_text(intent.metadata);
  co_await tx.execute(
      "INSERT INTO payment_intents (id, created, amount, currency, payment_method, decline_code, "
      "error_code, description, refunded, metadata) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {intent.id, intent.created, intent.amount, intent.currency, intent.payment_method,
       intent.decline_code, intent.error_code, intent.description, intent.refunded, metadata});
}

Task<std::optional<Intent>> find_intent(Transaction& tx, std::string id) {
  const auto rows = co_await tx.execute(
      "SELECT id, created, amount, currency, payment_method, decline_code, error_code, "
      "description, refunded, metadata FROM payment_intents WHERE id = ?",
      {id});
  if (rows.empty()) co_return std::nullopt;
  co_return intent_of(rows[0]);
}

Task<void> insert(Transaction& tx, const Refund& refund) {
  const std::string metadata = sinew::to_text(refund.metadata);
  co_await tx.execute(
      "INSERT INTO refunds (id, intent, created, amount, currency, reason, metadata) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)",
      {refund.id, refund.intent, refund.created, refund.amount, refund.currency, refund.reason,
       metadata});
  co_await tx.execute("UPDATE payment_intents SET refunded = refunded + ? WHERE id = ?",
                      {refund.amount, refund.intent});
}

Task<std::optional<Refund>> find_refund(Transaction& tx, std::string id) {
  const auto rows = co_await tx.execute(
      "SELECT id, intent, created, amount, currency, reason, metadata FROM refunds WHERE id = ?",
      {id});
  if (rows.empty()) co_return std::nullopt;
  co_return refund_of(rows[0]);
}

Task<std::optional<std::vector<Intent>>> list_intents(Transaction& tx, std::string after,
                                                      std::size_t limit) {
  std::int64_t before = std::numeric_limits<std::int64_t>::max();
  if (!after.empty()) {
    const auto found =
        co_await tx.execute("SELECT sequence FROM payment_intents WHERE id = ?", {after});
    if (found.empty()) co_return std::nullopt;
    before = found[0].integer(0);
  }
  const auto rows = co_await tx.execute(
      "SELECT id, created, amount, currency, payment_method, decline_code, error_code, "
      "description, refunded, metadata FROM payment_intents WHERE sequence < ? "
      "ORDER BY sequence DESC LIMIT ?",
      {before, limit});
  std::vector<Intent> intents;
  for (const Row row : rows)
    intents.push_back(intent_of(row));
  co_return intents;
}

Task<std::optional<std::vector<Refund>>> list_refunds(Transaction& tx, std::string after,
                                                      std::size_t limit) {
  std::int64_t before = std::numeric_limits<std::int64_t>::max();
  if (!after.empty()) {
    const auto found = co_await tx.execute("SELECT sequence FROM refunds WHERE id = ?", {after});
    if (found.empty()) co_return std::nullopt;
    before = found[0].integer(0);
  }
  const auto rows = co_await tx.execute(
      "SELECT id, intent, created, amount, currency, reason, metadata FROM refunds "
      "WHERE sequence < ? ORDER BY sequence DESC LIMIT ?",
      {before, limit});
  std::vector<Refund> refunds;
  for (const Row row : rows)
    refunds.push_back(refund_of(row));
  co_return refunds;
}

Task<std::optional<Remembered>> recall(Transaction& tx, std::string key) {
  const auto rows = co_await tx.execute(
      "SELECT request, status, body FROM idempotency_keys WHERE key = ?", {key});
  if (rows.empty()) co_return std::nullopt;
  const Row row = rows[0];
  co_return Remembered{row.text(0),
                       {static_cast<int>(row.integer(1)), sinew::parse_json(row.text(2))}};
}

Task<void> remember(Transaction& tx, std::string key, const Remembered& remembered) {
  const std::string body = sinew::to_text(remembered.answer.body);
  co_await tx.execute(
      "INSERT INTO idempotency_keys (key, request, status, body) VALUES (?, ?, ?, ?)",
      {key, remembered.request, remembered.answer.status, body});
}

}  // namespace commerce::sandbox
