#include "examples/commerce/sales/order.hpp"

#include <fmt/format.h>

#include <set>
#include <utility>
#include <vector>

#include "examples/commerce/sales/contract/versions.hpp"
#include "sinew/base/error.hpp"

namespace commerce::sales {

using sinew::Condition;
using sinew::Currency;
using sinew::Decimal;
using sinew::Error;
using sinew::JsonError;
using sinew::Money;

namespace {

constexpr int price_decimals = 3;
constexpr int discount_decimals = 2;
constexpr int freight_decimals = 2;

bool fits(Decimal value, int decimals) { return value == value.round_half_even(decimals); }

void check_scale(std::vector<JsonError>& errors, std::string path, Decimal value, int decimals) {
  if (fits(value, decimals)) return;
  errors.push_back({std::move(path), fmt::format("expected at most {} decimals, got {}", decimals,
                                                 to_string(value))});
}

std::vector<JsonError> broken_rules(const PlaceOrder& order) {
  std::vector<JsonError> errors;
  check_scale(errors, "freight", order.freight, freight_decimals);
  std::set<std::int64_t> products;
  for (std::size_t i = 0; i < order.lines.size(); ++i) {
    const Line& line = order.lines[i];
    const std::string path = fmt::format("lines[{}]", i);
    check_scale(errors, path + ".unit_price", line.unit_price, price_decimals);
    check_scale(errors, path + ".discount", line.discount, discount_decimals);
    if (!products.insert(line.product_id).second) {
      errors.push_back(
          {path + ".product_id", fmt::format("product {} has a line already", line.product_id)});
    }
  }
  return errors;
}

Address without_person(Address address) {
  address.name.clear();
  address.street.clear();
  address.postal_code.clear();
  return address;
}

[[noreturn]] void cannot(const PlaceOrder& order, OrderStatus status, std::string_view what) {
  throw Error(Condition::conflict, fmt::format("order {} is {} and cannot be {}", order.order_id,
                                               to_string(status), what));
}

}  // namespace

std::string_view to_string(OrderStatus status) noexcept {
  switch (status) {
    case OrderStatus::placed: return "placed";
    case OrderStatus::confirmed: return "confirmed";
    case OrderStatus::rejected: return "rejected";
    case OrderStatus::shipped: return "shipped";
    case OrderStatus::cancelling: return "cancelling";
    case OrderStatus::cancelled: return "cancelled";
  }
  return "unknown";
}

Placed Order::place(const PlaceOrder& command) {
  auto errors = broken_rules(command);
  if (!errors.empty()) throw sinew::DocumentError(std::move(errors));
  const Amounts amounts = amounts_of(command.lines, command.freight);
  return {command, amounts.net, amounts.payable};
}

void Order::apply(const Placed& event) { state_.placed = event; }

void Order::apply(const Confirmed&) { state_.confirmed = true; }

void Order::apply(const Rejected& event) { state_.rejected = event; }

void Order::apply(const Shipped& event) { state_.shipped_date = event.shipped_date; }

void Order::apply(const CancelRequested& event) {
  state_.cancelling = true;
  state_.cancel_note = event.reason;
}

void Order::apply(const CancelRefused& event) {
  state_.cancelling = false;
  state_.cancel_note = event.reason;
}

void Order::apply(const Cancelled&) {
  state_.cancelling = false;
  state_.cancelled = true;
}

std::optional<Confirmed> Order::confirm() const {
  if (state_.rejected || state_.cancelled) cannot(content(), status(), "confirmed");
  if (state_.confirmed) return std::nullopt;
  return Confirmed{};
}

std::optional<Rejected> Order::reject(std::string code, std::string reason) const {
  if (state_.rejected) return std::nullopt;
  if (state_.confirmed || state_.shipped_date || state_.cancelled) {
    cannot(content(), status(), "rejected");
  }
  return Rejected{std::move(code), std::move(reason)};
}

// The carrier's word may come before the saga's last step: a booked order ships. And before the
// answer to a cancellation: what has left is not cancelled.
std::optional<Shipped> Order::ship(sinew::Date shipped_date) const {
  if (state_.rejected || state_.cancelled) cannot(content(), status(), "shipped");
  if (state_.shipped_date) return std::nullopt;
  return Shipped{shipped_date};
}

std::optional<CancelRequested> Order::request_cancel(std::string reason) const {
  if (state_.cancelling || state_.cancelled) return std::nullopt;
  if (!state_.confirmed || state_.shipped_date) cannot(content(), status(), "cancelled");
  return CancelRequested{std::move(reason)};
}

std::optional<CancelRefused> Order::refuse_cancel(std::string reason) const {
  if (!state_.cancelling) return std::nullopt;
  return CancelRefused{std::move(reason)};
}

std::optional<Cancelled> Order::cancel() const {
  if (!state_.cancelling) return std::nullopt;
  return Cancelled{};
}

bool Order::is(const PlaceOrder& command) const {
  PlaceOrder asked = command;
  const Address& kept = content().ship_to;
  if (kept.name.empty() && kept.street.empty() && kept.postal_code.empty()) {
    asked.ship_to = without_person(std::move(asked.ship_to));
  }
  return sinew::to_json(content()) == sinew::to_json(asked);
}

OrderStatus Order::status() const noexcept {
  if (state_.rejected) return OrderStatus::rejected;
  if (state_.cancelled) return OrderStatus::cancelled;
  if (state_.shipped_date) return OrderStatus::shipped;
  if (state_.cancelling) return OrderStatus::cancelling;
  return state_.confirmed ? OrderStatus::confirmed : OrderStatus::placed;
}

Amounts Order::amounts() const { return amounts_of(content().lines, content().freight); }

std::optional<bool> Order::late() const {
  if (!state_.shipped_date) return std::nullopt;
  return *state_.shipped_date > content().required_date;
}

std::optional<std::string> order_of(std::string_view stream) {
  const std::size_t category = Order::category.size();
  if (!stream.starts_with(Order::category) || stream.substr(category, 1) != "-") {
    return std::nullopt;
  }
  return std::string(stream.substr(category + 1));
}

const sinew::event::Upcasters& order_versions() {
  static const auto versions = sinew::event::Upcasters().add(Rejected::type.name, 1, give_code);
  return versions;
}

OrderPlaced announce(const Placed& placed) {
  const PlaceOrder& order = placed.order;
  const Currency dollars = Currency::parse("USD");
  return {order.order_id,
          order.customer_id,
          order.employee_id,
          order.order_date,
          order.required_date,
          order.carrier_id,
          without_person(order.ship_to),
          order.lines,
          Money(placed.net, dollars),
          Money(order.freight, dollars),
          Money(placed.payable, dollars)};
}

}  // namespace commerce::sales
