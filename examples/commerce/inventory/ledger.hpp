#pragma once

#include <boost/describe.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "examples/commerce/inventory/contract/stock.hpp"
#include "sinew/base/described.hpp"

namespace commerce::inventory {

// What can happen to goods. A reservation ends in exactly one release or shipment.
enum class MovementKind { receipt, reserve, release, ship };
BOOST_DESCRIBE_ENUM(MovementKind, receipt, reserve, release, ship)
std::string_view to_string(MovementKind kind) noexcept;
std::optional<MovementKind> parse_movement_kind(std::string_view text) noexcept;

// One entry of the ledger: `quantity`, from 1, of one product for a receipt or an order.
struct Movement {
  MovementKind kind = MovementKind::receipt;
  std::string reference;  // receipts.csv:12, or the order
  std::int64_t product_id = 0;
  std::int64_t quantity = 0;
  friend bool operator==(const Movement&, const Movement&) = default;
};

// The key of a movement: no reference moves a product twice in the same way.
std::string movement_id(const Movement& movement);

// How much there is of a product. Everything that came in is one of the three.
struct Stock {
  std::int64_t free = 0;
  std::int64_t reserved = 0;
  std::int64_t shipped = 0;

  // The stock after a movement. Error conflict when there is not as much to move.
  Stock after(const Movement& movement) const;
  std::int64_t opening() const noexcept { return free + reserved + shipped; }
  friend bool operator==(const Stock&, const Stock&) = default;
};

// The units of each product in `items`, which may name one twice.
std::map<std::int64_t, std::int64_t> units_by_product(std::span<const Item> items);

// Why `wanted` cannot be reserved, or nothing. `known`: the products there are among those wanted.
struct Shortage {
  std::string code;    // unknown_product, out_of_stock
  std::string detail;  // names every product
};
std::optional<Shortage> shortage(const std::map<std::int64_t, std::int64_t>& wanted,
                                 const std::map<std::int64_t, Stock>& known);

}  // namespace commerce::inventory
