#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "examples/commerce/sales/contract/orders.hpp"
#include "sinew/base/json.hpp"
#include "sinew/event/upcasters.hpp"

// How to read what sales published in older versions: part of its published language, as nobody
// else knows what they meant.
namespace commerce::sales {

// The code of an order that was undone without a no: a step did not answer, an operator gave up.
inline constexpr std::string_view cancelled = "cancelled";

// Version 1 had the code within its sentence only: `charge said no: card_declined: Your card ...`.
inline std::string code_within(std::string_view reason) {
  constexpr std::string_view no = " said no: ";
  const auto found = reason.find(no);
  if (found == std::string_view::npos) return std::string(cancelled);
  reason.remove_prefix(found + no.size());
  return std::string(reason.substr(0, reason.find(':')));
}

inline sinew::JsonObject give_code(sinew::JsonObject rejected) {
  const sinew::Json* reason = rejected.find("reason");
  const bool told = reason != nullptr && reason->is_string();
  rejected.set("code", code_within(told ? std::string_view(reason->as_string()) : ""));
  return rejected;
}

inline void lift_orders(sinew::event::Upcasters& upcasters) {
  upcasters.add(OrderRejected::type.name, 1, give_code);
}

}  // namespace commerce::sales
