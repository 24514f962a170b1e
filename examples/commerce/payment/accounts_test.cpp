#include "examples/commerce/payment/accounts.hpp"

#include <gtest/gtest.h>

#include <string>

namespace commerce::payment {
namespace {

using sinew::Money;
using sinew::messaging::Rejection;

const Charge command{"1", Money::parse("10.00 USD"), "pm_card_visa"};

ChargeRow charge(ChargeStatus status, const char* key, const char* amount = "10.00 USD") {
  ChargeRow row;
  row.order_id = "1";
  row.status = status;
  row.request_key = key;
  row.amount = Money::parse(amount);
  if (status == ChargeStatus::charged) row.provider_reference = "pi_1";
  if (status == ChargeStatus::declined) row.code = "card_declined";
  return row;
}

// The code of the rejection, `charged`, or `ask` when the provider must decide.
std::string answer(const Account& account, const Charge& asked = command,
                   const char* key = "key 1") {
  const auto answer = settled_answer(account, asked, key);
  if (!answer) return "ask";
  if (const auto* no = std::get_if<Rejection>(&*answer)) return no->code;
  return "charged";
}

TEST(SettledAnswer, AsksTheProviderForANewOrder) { EXPECT_EQ(answer({}), "ask"); }

TEST(SettledAnswer, RepeatsACharge) {
  EXPECT_EQ(answer({charge(ChargeStatus::charged, "key 1"), {}, false}), "charged");
  EXPECT_EQ(answer({charge(ChargeStatus::charged, "another"), {}, false}), "charged");
}

TEST(SettledAnswer, ChargesOnlyOneAmount) {
  EXPECT_EQ(answer({charge(ChargeStatus::charged, "key 1", "9.99 USD"), {}, false}),
            "other_amount");
}

TEST(SettledAnswer, RepeatsANoUntilItIsAskedAnew) {
  const Account declined{charge(ChargeStatus::declined, "key 1"), {}, false};
  EXPECT_EQ(answer(declined), "card_declined");
  EXPECT_EQ(answer(declined, command, "key 2"), "ask");
}

TEST(SettledAnswer, ChargesNothingThatWasRefunded) {
  EXPECT_EQ(answer({charge(ChargeStatus::charged, "key 1"), RefundRow{}, false}), "refunded");
  EXPECT_EQ(answer({{}, {}, true}), "refunded");
}

TEST(SettledAnswer, TakesAFreeOrder) {
  EXPECT_EQ(answer({}, {"1", Money::parse("0.00 USD"), "pm"}), "ask");
}

TEST(SettledAnswer, ChargesWholeCents) {
  for (const char* amount : {"-1.00 USD", "1.005 USD"}) {
    EXPECT_EQ(answer({}, {"1", Money::parse(amount), "pm"}), "invalid_amount") << amount;
  }
}

}  // namespace
}  // namespace commerce::payment
