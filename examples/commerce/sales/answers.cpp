#include "examples/commerce/sales/answers.hpp"

namespace commerce::sales {

using sinew::Currency;
using sinew::Money;

OrderAnswer answer_of(const Order& order) {
  static const Currency dollars = Currency::parse("USD");
  const Amounts amounts = order.amounts();
  OrderAnswer answer;
  answer.status = order.status();
  if (!order.code().empty()) answer.code = order.code();
  if (!order.reason().empty()) answer.reason = order.reason();
  answer.shipped_date = order.shipped_date();
  answer.gross = Money(amounts.gross, dollars);
  answer.net = Money(amounts.net, dollars);
  answer.freight = Money(order.content().freight, dollars);
  answer.payable = Money(amounts.payable, dollars);
  answer.order = order.content();
  return answer;
}

}  // namespace commerce::sales
