#include "examples/commerce/sales/amounts.hpp"

namespace commerce::sales {

using sinew::Decimal;

Amounts amounts_of(std::span<const Line> lines, Decimal freight) {
  static const Decimal one = Decimal::from_integer(1);
  Amounts sums;
  for (const Line& line : lines) {
    const Decimal gross = line.unit_price * line.quantity;
    // The discount first: price x (1 - discount) has five decimals at most.
    const Decimal net = line.unit_price * (one - line.discount) * line.quantity;
    sums.gross += gross;
    sums.net += net;
    sums.net_by_line += net.round_half_even(2);
    sums.units += line.quantity;
    if (!line.discount.is_zero()) ++sums.discounted_lines;
  }
  sums.payable = (sums.net + freight).round_half_even(2);
  return sums;
}

}  // namespace commerce::sales
