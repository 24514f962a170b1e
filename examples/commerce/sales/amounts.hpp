#pragma once

#include <cstdint>
#include <span>

#include "examples/commerce/sales/contract/orders.hpp"
#include "sinew/base/decimal.hpp"

namespace commerce::sales {

// The sums of an order's lines, exact but where the name says otherwise.
struct Amounts {
  sinew::Decimal gross;
  sinew::Decimal net;          // less discounts: up to five decimals
  sinew::Decimal net_by_line;  // each line rounded half even to cents
  sinew::Decimal payable;      // net + freight, rounded half even to cents, once
  std::int64_t units = 0;
  std::int64_t discounted_lines = 0;
};

// Throws Error invalid_input when a sum does not fit.
Amounts amounts_of(std::span<const Line> lines, sinew::Decimal freight);

}  // namespace commerce::sales
