#include "examples/commerce/payment/answers.hpp"

namespace commerce::payment {

PaymentAnswer payment_answer(const Account& account) {
  const ChargeRow& charge = account.charge.value();
  PaymentAnswer answer{
      charge.order_id, charge.status, charge.amount, charge.payment_method, {}, {}, {}};
  if (charge.status == ChargeStatus::charged) answer.provider_reference = charge.provider_reference;
  if (charge.status == ChargeStatus::declined) answer.declined_because = charge.code;
  if (account.refund) answer.refunded = account.refund->amount;
  return answer;
}

}  // namespace commerce::payment
