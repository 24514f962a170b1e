#include "examples/commerce/payment/audit.hpp"

#include <fmt/format.h>

#include <map>
#include <set>
#include <string>

#include "examples/commerce/books/audit_snapshot.hpp"
#include "examples/commerce/books/row_seal.hpp"
#include "examples/commerce/payment/accounts.hpp"
#include "examples/commerce/payment/contract/payments.hpp"
#include "examples/commerce/payment/request_log.hpp"
#include "sinew/base/error.hpp"

namespace commerce::payment {

using sinew::Task;
using sinew::store::Row;
using sinew::store::Transaction;

namespace {

using Charges = std::map<std::string, ChargeRow>;

Task<Charges> read_charges(Transaction& tx, books::ContextAudit& audit) {
  Charges charges;
  co_await books::for_each_row(
      tx,
      "SELECT order_id, status, request_key, amount, currency, payment_method, "
      "provider_reference, code, detail, decided_at, seal FROM charges WHERE order_id >= ? "
      "ORDER BY order_id LIMIT ?",
      books::first_text, [&](const Row& row) {
        if (!books::check_seal(row, "charges", audit.problems)) return;
        ChargeRow charge = read_charge(row);
        charges.emplace(charge.order_id, std::move(charge));
      });
  co_return charges;
}

// The orders that somebody asked to charge, or to refund.
struct Requests {
  std::set<std::string> charge;
  std::set<std::string> refund;
};

Task<Requests> read_requests(Transaction& tx, books::ContextAudit& audit) {
  Requests requests;
  co_await books::for_each_row(
      tx,
      "SELECT message_id, order_id, type, source, correlation_id, attempt, handled_at, seal "
      "FROM requests WHERE message_id >= ? ORDER BY message_id LIMIT ?",
      books::first_text, [&](const Row& row) {
        const RequestRow request = read_request(row);
        if (!is_trusted(request, row) && !books::check_seal(row, "requests", audit.problems))
          return;
        auto& orders = request.type == Charge::type.name ? requests.charge : requests.refund;
        orders.insert(request.order_id);
      });
  co_return requests;
}

void check_asked(const std::set<std::string>& asked, const char* table, const std::string& order,
                 books::ContextAudit& audit) {
  if (asked.contains(order)) return;
  audit.problems.push_back({fmt::format("{} {}", table, order), "nobody asked for it"});
}

void tell_charge(const ChargeRow& charge, books::ContextAudit& audit) {
  const bool charged = charge.status == ChargeStatus::charged;
  auto& facts = audit.orders[charge.order_id];
  facts.live = charged;
  if (charged) facts.payable = charge.amount.amount();
  // The provider hears of charges that move money only.
  const bool moved = charged && !charge.amount.amount().is_zero();
  if (moved == !charge.provider_reference.empty()) return;
  audit.problems.push_back({fmt::format("charges {}", charge.order_id),
                            "the status and the provider's reference do not agree"});
}

void tell_refund(const RefundRow& refund, const Charges& charges, books::ContextAudit& audit) {
  audit.orders[refund.order_id].live = false;
  const auto charge = charges.find(refund.order_id);
  if (charge != charges.end() && charge->second.status == ChargeStatus::charged &&
      charge->second.amount == refund.amount &&
      charge->second.provider_reference == refund.charge_reference) {
    return;
  }
  audit.problems.push_back(
      {fmt::format("refunds {}", refund.order_id), "there is no such charge to give back"});
}

}  // namespace

Task<books::ContextAudit> audit(sinew::store::Database& database) {
  co_return co_await books::audit_snapshot(
      database, "payment", [](Transaction& tx, books::ContextAudit& audit) -> Task<void> {
        const Charges charges = co_await read_charges(tx, audit);
        const Requests asked = co_await read_requests(tx, audit);
        for (const auto& [order, charge] : charges) {
          tell_charge(charge, audit);
          check_asked(asked.charge, "charges", order, audit);
        }
        co_await books::for_each_row(
            tx,
            "SELECT order_id, amount, currency, charge_reference, provider_reference, refunded_at, "
            "seal FROM refunds WHERE order_id >= ? ORDER BY order_id LIMIT ?",
            books::first_text, [&](const Row& row) {
              if (!books::check_seal(row, "refunds", audit.problems)) return;
              const RefundRow refund = read_refund(row);
              tell_refund(refund, charges, audit);
              check_asked(asked.refund, "refunds", refund.order_id, audit);
            });
      });
}

}  // namespace commerce::payment
