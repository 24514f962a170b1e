#pragma once

#include <boost/describe.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "examples/commerce/payment/contract/payments.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/described.hpp"
#include "sinew/messaging/reply.hpp"
#include "sinew/store/transaction.hpp"

namespace commerce::payment {

enum class ChargeStatus { charged, declined };
BOOST_DESCRIBE_ENUM(ChargeStatus, charged, declined)
std::string_view to_string(ChargeStatus status) noexcept;

// What came of charging an order; the last word, when a declined one was tried again.
struct ChargeRow {
  std::string order_id;
  ChargeStatus status = ChargeStatus::charged;
  std::string request_key;  // of the command that was decided
  sinew::Money amount;
  std::string payment_method;
  std::string provider_reference;  // of a charged one
  std::string code;                // of a declined one
  std::string detail;
  sinew::Timestamp decided_at{};
};

struct RefundRow {
  std::string order_id;
  sinew::Money amount;
  std::string charge_reference;
  std::string provider_reference;
  sinew::Timestamp refunded_at{};
};

ChargeRow read_charge(const sinew::store::Row& row);
RefundRow read_refund(const sinew::store::Row& row);

sinew::Task<std::optional<ChargeRow>> find_charge(sinew::store::Transaction& tx,
                                                  std::string order_id);
sinew::Task<std::optional<RefundRow>> find_refund(sinew::store::Transaction& tx,
                                                  std::string order_id);
sinew::Task<void> save_charge(sinew::store::Transaction& tx, ChargeRow charge);
sinew::Task<void> save_refund(sinew::store::Transaction& tx, RefundRow refund);

// What is known of an order's money.
struct Account {
  std::optional<ChargeRow> charge;
  std::optional<RefundRow> refund;
  bool refunded_before_charge = false;  // a tombstone
};

// The answer to a Charge that needs no provider: it was decided before, or cannot be. Nothing: ask.
std::optional<sinew::messaging::Answer<Charged>> settled_answer(const Account& account,
                                                                const Charge& command,
                                                                std::string_view request_key);

}  // namespace commerce::payment
