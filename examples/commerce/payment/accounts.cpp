#include "examples/commerce/payment/accounts.hpp"

#include <fmt/format.h>

#include <utility>

#include "examples/commerce/books/row_seal.hpp"
#include "sinew/base/error.hpp"

namespace commerce::payment {

using books::SealedRow;
using sinew::Condition;
using sinew::Currency;
using sinew::Error;
using sinew::Money;
using sinew::Task;
using sinew::messaging::Answer;
using sinew::messaging::Rejection;
using sinew::store::Row;
using sinew::store::Transaction;

namespace {

ChargeStatus parse_status(const std::string& text) {
  if (text == to_string(ChargeStatus::charged)) return ChargeStatus::charged;
  if (text == to_string(ChargeStatus::declined)) return ChargeStatus::declined;
  throw Error(Condition::corrupt, fmt::format("a charge has the unknown status {}", text));
}

bool is_chargeable(const Money& amount) {
  return amount.amount() >= sinew::Decimal() && amount == amount.round_half_even(2);
}

}  // namespace

std::string_view to_string(ChargeStatus status) noexcept {
  return status == ChargeStatus::charged ? "charged" : "declined";
}

ChargeRow read_charge(const Row& row) {
  ChargeRow charge;
  charge.order_id = row.text(0);
  charge.status = parse_status(row.text(1));
  charge.request_key = row.text(2);
  charge.amount = Money(row.decimal(3), Currency::parse(row.text(4)));
  charge.payment_method = row.text(5);
  charge.provider_reference = row.text(6);
  charge.code = row.text(7);
  charge.detail = row.text(8);
  charge.decided_at = row.timestamp(9);
  return charge;
}

RefundRow read_refund(const Row& row) {
  return {row.text(0), Money(row.decimal(1), Currency::parse(row.text(2))), row.text(3),
          row.text(4), row.timestamp(5)};
}

Task<std::optional<ChargeRow>> find_charge(Transaction& tx, std::string order_id) {
  const auto rows = co_await tx.execute(
      "SELECT order_id, status, request_key, amount, currency, payment_method, "
      "provider_reference, code, detail, decided_at FROM charges WHERE order_id = ?",
      {order_id});
  if (rows.empty()) co_return std::nullopt;
  co_return read_charge(rows[0]);
}

Task<std::optional<RefundRow>> find_refund(Transaction& tx, std::string order_id) {
  const auto rows = co_await tx.execute(
      "SELECT order_id, amount, currency, charge_reference, provider_reference, refunded_at "
      "FROM refunds WHERE order_id = ?",
      {order_id});
  if (rows.empty()) co_return std::nullopt;
  co_return read_refund(rows[0]);
}

// Only a declined charge is ever replaced.
Task<void> save_charge(Transaction& tx, ChargeRow charge) {
  co_await tx.execute(
      "INSERT INTO charges (order_id, status, request_key, amount, currency, payment_method, "
      "provider_reference, code, detail, decided_at, seal) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (order_id) DO UPDATE SET "
      "status = excluded.status, request_key = excluded.request_key, amount = excluded.amount, "
      "currency = excluded.currency, payment_method = excluded.payment_method, "
      "provider_reference = excluded.provider_reference, code = excluded.code, "
      "detail = excluded.detail, decided_at = excluded.decided_at, seal = excluded.seal",
      SealedRow{charge.order_id, to_string(charge.status), charge.request_key,
                charge.amount.amount(), charge.amount.currency().view(), charge.payment_method,
                charge.provider_reference, charge.code, charge.detail, charge.decided_at});
}

Task<void> save_refund(Transaction& tx, RefundRow refund) {
  co_await tx.execute(
      "INSERT INTO refunds (order_id, amount, currency, charge_reference, provider_reference, "
      "refunded_at, seal) VALUES (?, ?, ?, ?, ?, ?, ?)",
      SealedRow{refund.order_id, refund.amount.amount(), refund.amount.currency().view(),
                refund.charge_reference, refund.provider_reference, refund.refunded_at});
}

std::optional<Answer<Charged>> settled_answer(const Account& account, const Charge& command,
                                              std::string_view request_key) {
  if (account.refund || account.refunded_before_charge) {
    return Rejection{"refunded", "the charge was taken back already"};
  }
  if (account.charge && account.charge->status == ChargeStatus::charged) {
    if (account.charge->amount != command.amount) {
      return Rejection{"other_amount", fmt::format("the order was charged before, {}",
                                                   to_string(account.charge->amount))};
    }
    return Charged{command.order_id, account.charge->amount, account.charge->provider_reference};
  }
  // The same request gets the same no; a new one, an operator's, is tried.
  if (account.charge && account.charge->request_key == request_key) {
    return Rejection{account.charge->code, account.charge->detail};
  }
  if (!is_chargeable(command.amount)) {
    return Rejection{"invalid_amount",
                     fmt::format("{} is no number of cents", to_string(command.amount))};
  }
  return std::nullopt;
}

}  // namespace commerce::payment
