#include "examples/commerce/program/provider_audit.hpp"

#include <fmt/format.h>

#include <string>

#include "examples/commerce/sandbox/ledger.hpp"
#include "sinew/base/decimal.hpp"

namespace commerce::program {
namespace {

using sinew::Decimal;
using sinew::Task;

constexpr std::size_t page_size = 1000;
constexpr std::int64_t micros_per_cent = Decimal::micros_per_unit / 100;

void add(books::ContextAudit& audit, const sandbox::Intent& intent) {
  const sinew::Json* order = intent.metadata.find("order_id");
  if (order == nullptr || !order->is_string()) {
    audit.problems.push_back({"payment_intents " + intent.id, "it names no order"});
    return;
  }
  auto& facts = audit.orders[order->as_string()];
  const std::int64_t kept = intent.succeeded() ? intent.amount - intent.refunded : 0;
  if (kept == 0) {
    facts.live = facts.live.value_or(false);
    return;
  }
  if (facts.live.value_or(false)) {
    audit.problems.push_back({"payment_intents " + intent.id,
                              fmt::format("order {} was charged twice", order->as_string())});
  }
  facts.live = true;
  facts.payable = facts.payable.value_or(Decimal()) + Decimal::from_micros(kept * micros_per_cent);
}

}  // namespace

Task<books::ContextAudit> audit_provider(sinew::store::Transaction& tx) {
  books::ContextAudit audit;
  audit.context = "provider";
  audit.hears_of_free_orders = false;
  std::string after;
  for (;;) {
    const auto page = co_await sandbox::list_intents(tx, after, page_size);
    if (!page || page->empty()) break;
    for (const auto& intent : *page)
      add(audit, intent);
    after = page->back().id;
  }
  co_return audit;
}

}  // namespace commerce::program
