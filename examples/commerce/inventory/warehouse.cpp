#include "examples/commerce/inventory/warehouse.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "examples/commerce/books/row_seal.hpp"
#include "sinew/base/error.hpp"

namespace commerce::inventory {

using books::SealedRow;
using sinew::Condition;
using sinew::Error;
using sinew::Task;

namespace {

constexpr std::array<std::string_view, 3> state_names{"reserved", "released", "shipped"};

ReservationState parse_state(const std::string& text) {
  for (std::size_t i = 0; i < state_names.size(); ++i) {
    if (state_names[i] == text) return static_cast<ReservationState>(i);
  }
  throw Error(Condition::corrupt, fmt::format("a reservation has the unknown state {}", text));
}

}  // namespace

std::string_view to_string(ReservationState state) noexcept {
  return state_names[static_cast<std::size_t>(state)];
}

Task<void> Warehouse::save_product(Product product) {
  co_await tx_.execute(
      "INSERT INTO products (product_id, name, supplier_id, category_id, on_order, discontinued, "
      "seal) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (product_id) DO UPDATE SET "
      "name = excluded.name, supplier_id = excluded.supplier_id, "
      "category_id = excluded.category_id, on_order = excluded.on_order, "
      "discontinued = excluded.discontinued, seal = excluded.seal",
      SealedRow{product.product_id, product.name, product.supplier_id, product.category_id,
                product.on_order, product.discontinued});
}

Task<std::optional<Stock>> Warehouse::find_stock(std::int64_t product_id) {
  const auto rows = co_await tx_.execute(
      "SELECT free, reserved, shipped FROM stock WHERE product_id = ?", {product_id});
  if (rows.empty()) co_return std::nullopt;
  co_return Stock{rows[0].integer(0), rows[0].integer(1), rows[0].integer(2)};
}

Task<void> Warehouse::move(Movement movement) {
  const auto before = co_await find_stock(movement.product_id);
  const Stock after = before.value_or(Stock()).after(movement);
  const std::string id = movement_id(movement);
  co_await tx_.execute(
      "INSERT INTO movements (movement_id, kind, reference, product_id, quantity, seal) "
      "VALUES (?, ?, ?, ?, ?, ?)",
      SealedRow{id, to_string(movement.kind), movement.reference, movement.product_id,
                movement.quantity});
  co_await tx_.execute(
      "INSERT INTO stock (product_id, free, reserved, shipped, seal) VALUES (?, ?, ?, ?, ?) "
      "ON CONFLICT (product_id) DO UPDATE SET free = excluded.free, "
      "reserved = excluded.reserved, shipped = excluded.shipped, seal = excluded.seal",
      SealedRow{movement.product_id, after.free, after.reserved, after.shipped});
}

Task<std::optional<Movement>> Warehouse::find_movement(std::string id) {
  const auto rows = co_await tx_.execute(
      "SELECT kind, reference, product_id, quantity FROM movements WHERE movement_id = ?", {id});
  if (rows.empty()) co_return std::nullopt;
  const auto row = rows[0];
  const auto kind = parse_movement_kind(row.text(0));
  if (!kind) throw Error(Condition::corrupt, fmt::format("movement {} is of no known kind", id));
  co_return Movement{*kind, row.text(1), row.integer(2), row.integer(3)};
}

Task<std::vector<Item>> Warehouse::reserved_items(std::string order_id) {
  const auto rows = co_await tx_.execute(
      "SELECT product_id, quantity FROM movements WHERE reference = ? AND kind = 'reserve' "
      "ORDER BY product_id",
      {order_id});
  std::vector<Item> items;
  for (const auto row : rows)
    items.push_back({row.integer(0), row.integer(1)});
  co_return items;
}

Task<std::optional<ReservationState>> Warehouse::find_reservation(std::string order_id) {
  const auto rows =
      co_await tx_.execute("SELECT state FROM reservations WHERE order_id = ?", {order_id});
  if (rows.empty()) co_return std::nullopt;
  co_return parse_state(rows[0].text(0));
}

Task<void> Warehouse::save_reservation(std::string order_id, ReservationState state,
                                       std::size_t items) {
  co_await tx_.execute(
      "INSERT INTO reservations (order_id, state, items, seal) VALUES (?, ?, ?, ?) "
      "ON CONFLICT (order_id) DO UPDATE SET state = excluded.state, items = excluded.items, "
      "seal = excluded.seal",
      SealedRow{order_id, to_string(state), items});
}

}  // namespace commerce::inventory
