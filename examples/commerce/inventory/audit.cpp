#include "examples/commerce/inventory/audit.hpp"

#include <fmt/format.h>

#include <map>
#include <string>
#include <utility>

#include "examples/commerce/books/audit_snapshot.hpp"
#include "examples/commerce/books/input_lines.hpp"
#include "examples/commerce/books/row_seal.hpp"
#include "examples/commerce/inventory/warehouse.hpp"
#include "sinew/base/error.hpp"

namespace commerce::inventory {

using sinew::Task;
using sinew::store::Row;
using sinew::store::Transaction;

namespace {

// An order's movements, summed.
struct OrderMovements {
  std::int64_t lines = 0;
  std::int64_t reserved = 0;
  std::int64_t released = 0;
  std::int64_t shipped = 0;

  ReservationState state() const {
    if (shipped > 0) return ReservationState::shipped;
    return released > 0 ? ReservationState::released : ReservationState::reserved;
  }
  // Released and shipped as a whole, and only one of the two.
  bool whole() const {
    return (released == 0 || released == reserved) && (shipped == 0 || shipped == reserved) &&
           (released == 0 || shipped == 0);
  }
};

struct Ledger {
  std::map<std::int64_t, Stock> stock;
  std::map<std::string, OrderMovements> orders;
};

void enter(Ledger& ledger, const Movement& movement) {
  Stock& stock = ledger.stock[movement.product_id];
  const std::int64_t quantity = movement.quantity;
  if (movement.kind == MovementKind::receipt) {
    stock.free += quantity;
    return;
  }
  // Rows come by key, not in the order of what happened: sums may be below zero on the way.
  OrderMovements& order = ledger.orders[movement.reference];
  switch (movement.kind) {
    case MovementKind::receipt: break;
    case MovementKind::reserve:
      ++order.lines;
      order.reserved += quantity;
      stock.free -= quantity;
      stock.reserved += quantity;
      break;
    case MovementKind::release:
      order.released += quantity;
      stock.reserved -= quantity;
      stock.free += quantity;
      break;
    case MovementKind::ship:
      order.shipped += quantity;
      stock.reserved -= quantity;
      stock.shipped += quantity;
      break;
  }
}

Task<Ledger> read_ledger(Transaction& tx, books::ContextAudit& audit) {
  Ledger ledger;
  co_await books::for_each_row(
      tx,
      "SELECT movement_id, kind, reference, product_id, quantity, seal FROM movements "
      "WHERE movement_id >= ? ORDER BY movement_id LIMIT ?",
      books::first_text, [&](const Row& row) {
        if (!books::check_seal(row, "movements", audit.problems)) return;
        const auto kind = parse_movement_kind(row.text(1));
        const Movement movement{kind.value_or(MovementKind::receipt), row.text(2), row.integer(3),
                                row.integer(4)};
        if (!kind || movement_id(movement) != row.text(0)) {
          audit.problems.push_back({"movements " + row.text(0), "kind and key do not agree"});
        }
        enter(ledger, movement);
      });
  co_return ledger;
}

Task<void> audit_stock(Transaction& tx, const Ledger& ledger, books::ContextAudit& audit) {
  std::map<std::int64_t, Stock> unseen = ledger.stock;
  co_await books::for_each_row(
      tx,
      "SELECT product_id, free, reserved, shipped, seal FROM stock WHERE product_id >= ? "
      "ORDER BY product_id LIMIT ?",
      books::first_integer, [&](const Row& row) {
        if (!books::check_seal(row, "stock", audit.problems)) return;
        const Stock found{row.integer(1), row.integer(2), row.integer(3)};
        const auto expected = unseen.find(row.integer(0));
        if (expected == unseen.end() || expected->second != found) {
          audit.problems.push_back({fmt::format("stock {}", row.integer(0)),
                                    "the stock is not what the movements come to"});
        }
        if (expected != unseen.end()) unseen.erase(expected);
      });
  for (const auto& [product, stock] : unseen) {
    audit.problems.push_back(
        {fmt::format("stock {}", product), "the product of the movements has no stock"});
  }
}

Task<void> audit_products(Transaction& tx, books::ContextAudit& audit) {
  co_await books::for_each_row(
      tx,
      "SELECT product_id, name, supplier_id, category_id, on_order, discontinued, seal "
      "FROM products WHERE product_id >= ? ORDER BY product_id LIMIT ?",
      books::first_integer, [&](const Row& row) {
        if (!books::check_seal(row, "products", audit.problems)) return;
        auto& facts = audit.products[row.integer(0)];
        facts.supplier = row.integer(2);
        facts.category = row.integer(3);
        facts.on_order = row.integer(4);
        facts.discontinued = row.boolean(5);
      });
}

Task<void> audit_reservations(Transaction& tx, const Ledger& ledger, books::ContextAudit& audit) {
  auto unseen = ledger.orders;
  co_await books::for_each_row(
      tx,
      "SELECT order_id, state, items, seal FROM reservations WHERE order_id >= ? "
      "ORDER BY order_id LIMIT ?",
      books::first_text, [&](const Row& row) {
        if (!books::check_seal(row, "reservations", audit.problems)) return;
        const auto found = unseen.find(row.text(0));
        if (found == unseen.end() || to_string(found->second.state()) != row.text(1) ||
            found->second.lines != row.integer(2)) {
          audit.problems.push_back({fmt::format("reservations {}", row.text(0)),
                                    "the reservation is not what its movements say"});
        }
        if (found != unseen.end()) unseen.erase(found);
      });
  for (const auto& [order, movements] : unseen) {
    audit.problems.push_back(
        {fmt::format("reservations {}", order), "the order of the movements has no reservation"});
  }
}

void tell_facts(const Ledger& ledger, books::ContextAudit& audit) {
  for (const auto& [product, stock] : ledger.stock) {
    auto& facts = audit.products[product];
    facts.opening = stock.opening();
    facts.shipped = stock.shipped;
    facts.reserved = stock.reserved;
    facts.free = stock.free;
    if (stock.free >= 0 && stock.reserved >= 0 && stock.shipped >= 0) continue;
    audit.problems.push_back(
        {fmt::format("movements of product {}", product), "more was taken than there was"});
  }
  for (const auto& [order, movements] : ledger.orders) {
    auto& facts = audit.orders[order];
    const ReservationState state = movements.state();
    facts.live = state != ReservationState::released;
    facts.shipped = state == ReservationState::shipped;
    facts.lines = movements.lines;
    facts.units = movements.reserved;
    if (movements.whole()) continue;
    audit.problems.push_back(
        {fmt::format("movements of order {}", order), "only a part was released or shipped"});
  }
}

}  // namespace

Task<books::ContextAudit> audit(sinew::store::Database& database) {
  co_return co_await books::audit_snapshot(
      database, "inventory", [](Transaction& tx, books::ContextAudit& audit) -> Task<void> {
        const Ledger ledger = co_await read_ledger(tx, audit);
        co_await audit_products(tx, audit);
        tell_facts(ledger, audit);
        co_await audit_stock(tx, ledger, audit);
        co_await audit_reservations(tx, ledger, audit);
        co_await books::read_refused_lines(tx, audit);
      });
}

}  // namespace commerce::inventory
