#include "examples/commerce/inventory/ledger.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "sinew/base/error.hpp"

namespace commerce::inventory {

using sinew::Condition;
using sinew::Error;

namespace {

constexpr std::array<std::string_view, 4> kind_names{"receipt", "reserve", "release", "ship"};

void take(std::int64_t& from, std::int64_t quantity, const Movement& movement) {
  if (from < quantity) {
    throw Error(Condition::conflict, fmt::format("{} of {} for {}: there are only {} of product {}",
                                                 to_string(movement.kind), quantity,
                                                 movement.reference, from, movement.product_id));
  }
  from -= quantity;
}

}  // namespace

std::string_view to_string(MovementKind kind) noexcept {
  return kind_names[static_cast<std::size_t>(kind)];
}

std::optional<MovementKind> parse_movement_kind(std::string_view text) noexcept {
  for (std::size_t i = 0; i < kind_names.size(); ++i) {
    if (kind_names[i] == text) return static_cast<MovementKind>(i);
  }
  return std::nullopt;
}

std::string movement_id(const Movement& movement) {
  return fmt::format("{}/{}/{}", to_string(movement.kind), movement.reference, movement.product_id);
}

Stock Stock::after(const Movement& movement) const {
  Stock next = *this;
  const std::int64_t quantity = movement.quantity;
  switch (movement.kind) {
    case MovementKind::receipt: next.free += quantity; break;
    case MovementKind::reserve:
      take(next.free, quantity, movement);
      next.reserved += quantity;
      break;
    case MovementKind::release:
      take(next.reserved, quantity, movement);
      next.free += quantity;
      break;
    case MovementKind::ship:
      take(next.reserved, quantity, movement);
      next.shipped += quantity;
      break;
  }
  return next;
}

std::map<std::int64_t, std::int64_t> units_by_product(std::span<const Item> items) {
  std::map<std::int64_t, std::int64_t> units;
  for (const Item& item : items)
    units[item.product_id] += item.quantity;
  return units;
}

std::optional<Shortage> shortage(const std::map<std::int64_t, std::int64_t>& wanted,
                                 const std::map<std::int64_t, Stock>& known) {
  std::vector<std::string> unknown;
  std::vector<std::string> short_of;
  for (const auto& [product, quantity] : wanted) {
    const auto stock = known.find(product);
    if (stock == known.end()) {
      unknown.push_back(std::to_string(product));
    } else if (stock->second.free < quantity) {
      short_of.push_back(
          fmt::format("{} of product {}, {} are free", quantity, product, stock->second.free));
    }
  }
  if (!unknown.empty()) {
    return Shortage{"unknown_product",
                    fmt::format("no such product: {}", fmt::join(unknown, ", "))};
  }
  if (!short_of.empty()) {
    return Shortage{"out_of_stock", fmt::format("wanted {}", fmt::join(short_of, "; "))};
  }
  return std::nullopt;
}

}  // namespace commerce::inventory
