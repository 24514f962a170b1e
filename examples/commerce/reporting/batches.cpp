#include "examples/commerce/reporting/batches.hpp"

#include <fmt/format.h>

#include <utility>

#include "examples/commerce/books/row_seal.hpp"
#include "examples/commerce/reporting/audit.hpp"
#include "examples/commerce/reporting/reporting.hpp"
#include "examples/commerce/reporting/views.hpp"
#include "sinew/base/error.hpp"

namespace commerce::reporting {

using sinew::Condition;
using sinew::Error;
using sinew::Json;
using sinew::JsonArray;
using sinew::JsonObject;
namespace http = sinew::http;

namespace {

constexpr std::int64_t max_batches = 1000;
// What a request may bring, see http::ServerOptions.
constexpr sinew::JsonLimits document_limits{.max_bytes = 64 * 1024 * 1024};

}  // namespace

std::optional<RegisterBatch> read_batch(const std::string& document) {
  try {
    return sinew::from_json<RegisterBatch>(sinew::parse_json(document, document_limits));
  } catch (const Error& error) {
    if (error.condition() != Condition::invalid_input) throw;
    return std::nullopt;
  }
}

Task<std::vector<RegisterBatch>> batches(Transaction& tx) {
  const auto rows = co_await tx.execute(
      "SELECT document FROM batches ORDER BY registered_at, batch_id LIMIT ?", {max_batches});
  std::vector<RegisterBatch> found;
  for (const auto row : rows) {
    if (auto batch = read_batch(row.text(0))) found.push_back(std::move(*batch));
  }
  co_return found;
}

Task<http::Response> Reporting::register_batch(const RegisterBatch& batch) {
  const std::string document = to_text(sinew::to_json(batch));
  const std::int64_t now = sinew::to_micros(runtime().wall_now());
  const bool is_new = co_await database().transaction([&](Transaction& tx) -> Task<bool> {
    const auto known =
        co_await tx.execute("SELECT document FROM batches WHERE batch_id = ?", {batch.batch_id});
    if (!known.empty() && known[0].text(0) == document) co_return false;
    if (!known.empty()) {
      throw Error(Condition::conflict,
                  fmt::format("batch {} was registered before with other content", batch.batch_id));
    }
    co_await tx.execute(
        "INSERT INTO batches (batch_id, registered_at, document, seal) VALUES (?, ?, ?, ?)",
        books::SealedRow{batch.batch_id, now, document});
    co_return true;
  });
  JsonObject answer;
  answer.set("batch_id", batch.batch_id);
  if (is_new) co_return http::created("/batches/" + batch.batch_id, Json(std::move(answer)));
  co_return http::ok(Json(std::move(answer)));
}

Task<http::Response> Reporting::list_batches(const http::Request&) {
  const auto found = co_await database().read(
      [](Transaction& tx) -> Task<std::vector<RegisterBatch>> { co_return co_await batches(tx); });
  JsonArray list;
  for (const auto& batch : found) {
    JsonObject entry;
    entry.set("batch_id", batch.batch_id);
    entry.set("name", batch.name);
    entry.set("orders", batch.orders);
    entry.set("refused", batch.refused.size());
    list.push_back(std::move(entry));
  }
  JsonObject answer;
  answer.set("batches", std::move(list));
  co_return http::ok(Json(std::move(answer)));
}

// What reporting itself knows; `commerce verify` compares it with the other contexts.
Task<http::Response> Reporting::show_books(const http::Request&) {
  const books::ContextAudit own = co_await audit(database());
  std::int64_t live = 0;
  std::int64_t shipped = 0;
  std::int64_t units = 0;
  sinew::Decimal net;
  sinew::Decimal freight;
  sinew::Decimal payable;
  for (const auto& [id, order] : own.orders) {
    if (!order.live.value_or(false)) continue;
    ++live;
    shipped += order.shipped.value_or(false) ? 1 : 0;
    units += order.units.value_or(0);
    net += order.net.value_or(sinew::Decimal());
    freight += order.freight.value_or(sinew::Decimal());
    payable += order.payable.value_or(sinew::Decimal());
  }
  JsonObject answer;
  answer.set("orders", live);
  answer.set("orders_shipped", shipped);
  answer.set("units_sold", units);
  answer.set("net_exact", to_string(net, 2));
  answer.set("freight", to_string(freight, 2));
  answer.set("payable", to_string(payable, 2));
  answer.set("problems", own.problems.size());
  co_return http::ok(Json(std::move(answer)));
}

}  // namespace commerce::reporting
