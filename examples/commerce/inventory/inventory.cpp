#include "examples/commerce/inventory/inventory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "examples/commerce/books/input_lines.hpp"
#include "examples/commerce/inventory/answers.hpp"
#include "examples/commerce/inventory/schema.hpp"
#include "examples/commerce/inventory/warehouse.hpp"
#include "sinew/base/error.hpp"
#include "sinew/saga/tombstone.hpp"

namespace commerce::inventory {

using sinew::Condition;
using sinew::Error;
using sinew::Task;
using sinew::event::caused_by;
using sinew::event::Envelope;
using sinew::http::Method;
using sinew::http::Request;
using sinew::http::Response;
using sinew::messaging::Answer;
using sinew::messaging::Rejection;
using sinew::saga::Tombstones;
using sinew::store::Transaction;

namespace {

// The tombstones of releases that came before their reservation.
constexpr auto reserve_action = "inventory.reserve";

constexpr std::int64_t default_page = 100;
constexpr std::int64_t longest_page = 1000;
constexpr std::int64_t most_units = 1'000'000'000;

std::vector<Item> items_of(const std::map<std::int64_t, std::int64_t>& units) {
  std::vector<Item> items;
  for (const auto& [product, quantity] : units)
    items.push_back({product, quantity});
  return items;
}

Task<void> move_all(Transaction& tx, MovementKind kind, std::string order_id,
                    std::vector<Item> items) {
  for (const Item& item : items)
    co_await Warehouse(tx).move({kind, order_id, item.product_id, item.quantity});
}

bool same_units(const std::vector<Item>& reserved,
                const std::map<std::int64_t, std::int64_t>& wanted) {
  return units_by_product(reserved) == wanted;
}

StockReceived parse_receipt(const books::InputLine& line) {
  StockReceived receipt;
  receipt.receipt = line.place();
  receipt.product_id = line.integer("ProductID", 1, INT64_MAX);
  receipt.product_name = line.text("ProductName");
  receipt.supplier_id = line.integer("SupplierID", 0, INT64_MAX);
  receipt.category_id = line.integer("CategoryID", 0, INT64_MAX);
  receipt.quantity = line.integer("Quantity", 0, most_units);
  receipt.units_on_order = line.integer("UnitsOnOrder", 0, most_units);
  receipt.discontinued = line.integer("Discontinued", 0, 1) == 1;
  return receipt;
}

}  // namespace

void Inventory::describe(sinew::context::ContextSpec& spec) {
  spec.migrations(schema())
      .answers(&Inventory::reserve)
      .answers(&Inventory::release)
      .answers(&Inventory::check_stock)
      .reacts(&Inventory::release_cancelled)
      .handles(&Inventory::ship)
      .keeps_events({.age = std::chrono::days(30)})
      .drop("receipts", &Inventory::take_receipts)
      .route(Method::get, "/stock", &Inventory::list_stock)
      .route(Method::get, "/stock/{product}", &Inventory::show_stock);
}

Task<Answer<Reserved>> Inventory::reserve(Transaction& tx, Reserve command,
                                          const Envelope& message) {
  Warehouse warehouse(tx);
  const std::string& order = command.order_id;
  const auto wanted = units_by_product(command.items);
  if (const auto state = co_await warehouse.find_reservation(order)) {
    if (*state == ReservationState::released) {
      co_return Rejection{"released", "the reservation was taken back already"};
    }
    const auto reserved = co_await warehouse.reserved_items(order);
    if (same_units(reserved, wanted)) co_return Reserved{order, reserved};
    co_return Rejection{"other_items", "the order has a reservation of other items"};
  }
  if (co_await Tombstones::exists(tx, reserve_action, order)) {
    co_return Rejection{"released", "the reservation was taken back before it came"};
  }
  std::map<std::int64_t, Stock> known;
  for (const auto& [product, quantity] : wanted) {
    if (const auto stock = co_await warehouse.find_stock(product)) known[product] = *stock;
  }
  if (const auto short_of = shortage(wanted, known)) {
    co_return Rejection{short_of->code, short_of->detail};
  }
  const Reserved reserved{order, items_of(wanted)};
  co_await move_all(tx, MovementKind::reserve, order, reserved.items);
  co_await warehouse.save_reservation(order, ReservationState::reserved, reserved.items.size());
  co_await publish(tx, reserved, order, caused_by(message));
  co_return reserved;
}

Task<Answer<Released>> Inventory::release(Transaction& tx, Release command,
                                          const Envelope& message) {
  Warehouse warehouse(tx);
  const std::string& order = command.order_id;
  const auto state = co_await warehouse.find_reservation(order);
  if (!state) {
    co_await Tombstones::leave(tx, reserve_action, order, runtime().wall_now());
    co_return Released{order, {}};
  }
  const auto released = co_await free_goods(tx, order);
  if (!released) co_return Released{order, co_await warehouse.reserved_items(order)};
  co_await publish(tx, *released, order, caused_by(message));
  co_return *released;
}

Task<std::optional<Released>> Inventory::free_goods(Transaction& tx, std::string order) {
  Warehouse warehouse(tx);
  const auto state = co_await warehouse.find_reservation(order);
  if (!state || *state == ReservationState::released) co_return std::nullopt;
  if (*state == ReservationState::shipped) {
    throw Error(Condition::invalid_input,
                fmt::format("the goods of order {} have left and cannot be released", order));
  }
  Released released{order, co_await warehouse.reserved_items(order)};
  co_await move_all(tx, MovementKind::release, order, released.items);
  co_await warehouse.save_reservation(order, ReservationState::released, released.items.size());
  co_return std::move(released);
}

Task<std::variant<std::monostate, Released>> Inventory::release_cancelled(
    Transaction& tx, sales::OrderCancelled event, const Envelope&) {
  auto released = co_await free_goods(tx, event.order_id);
  if (!released) co_return std::monostate();
  co_return std::move(*released);
}

Task<Answer<StockLevel>> Inventory::check_stock(Transaction& tx, CheckStock question,
                                                const Envelope&) {
  const auto stock = co_await Warehouse(tx).find_stock(question.product_id);
  if (!stock) {
    co_return Rejection{"unknown_product",
                        fmt::format("there is no product {}", question.product_id)};
  }
  co_return StockLevel{question.product_id, stock->free};
}

Task<void> Inventory::ship(Transaction& tx, Dispatched event, const Envelope& message) {
  Warehouse warehouse(tx);
  const auto state = co_await warehouse.find_reservation(event.order_id);
  if (state == ReservationState::shipped) co_return;
  if (state != ReservationState::reserved) {
    throw Error(
        Condition::invalid_input,
        fmt::format("order {} was dispatched, but nothing is reserved for it", event.order_id));
  }
  const StockShipped shipped{event.order_id, co_await warehouse.reserved_items(event.order_id)};
  co_await move_all(tx, MovementKind::ship, event.order_id, shipped.items);
  co_await warehouse.save_reservation(event.order_id, ReservationState::shipped,
                                      shipped.items.size());
  co_await publish(tx, shipped, event.order_id, caused_by(message));
}

Task<void> Inventory::take_receipts(sinew::exchange::DroppedFile& file) {
  const auto lineage = co_await new_lineage();
  co_await books::take_lines(file,
                             {"ProductID", "ProductName", "SupplierID", "CategoryID", "Quantity",
                              "UnitsOnOrder", "Discontinued"},
                             [this, &lineage](Transaction& tx, const books::InputLine& line) {
                               return take_receipt(tx, parse_receipt(line), lineage);
                             });
}

// A receipt counts once by file and line: a corrected file under the same name repeats its good
// lines.
Task<void> Inventory::take_receipt(Transaction& tx, StockReceived receipt,
                                   sinew::event::Lineage lineage) {
  Warehouse warehouse(tx);
  const Movement movement{MovementKind::receipt, receipt.receipt, receipt.product_id,
                          receipt.quantity};
  const auto known = co_await warehouse.find_movement(movement_id(movement));
  if (known && *known == movement) co_return;
  if (known) {
    throw Error(Condition::invalid_input,
                fmt::format("the line came before with the quantity {}", known->quantity));
  }
  co_await warehouse.save_product({receipt.product_id, receipt.product_name, receipt.supplier_id,
                                   receipt.category_id, receipt.units_on_order,
                                   receipt.discontinued});
  co_await warehouse.move(movement);
  co_await publish(tx, receipt, std::to_string(receipt.product_id), lineage);
}

Task<Response> Inventory::list_stock(const Request& request) {
  const auto after = request.query_parameter<std::int64_t>("after").value_or(0);
  const auto limit = std::clamp<std::int64_t>(
      request.query_parameter<std::int64_t>("limit").value_or(default_page), 1, longest_page);
  const auto rows = co_await database().read([&](Transaction& tx) -> Task<sinew::store::Rows> {
    co_return co_await tx.execute(
        "SELECT s.product_id, p.name, s.free, s.reserved, s.shipped FROM stock s "
        "JOIN products p ON p.product_id = s.product_id WHERE s.product_id > ? "
        "ORDER BY s.product_id LIMIT ?",
        {after, limit});
  });
  StockList list;
  for (const auto row : rows)
    list.stock.push_back(stock_answer(row));
  if (std::ssize(list.stock) == limit) list.next = list.stock.back().product_id;
  co_return sinew::http::ok(sinew::to_json(list));
}

Task<Response> Inventory::show_stock(const Request& request) {
  const auto product = request.path_parameter<std::int64_t>("product");
  const auto rows = co_await database().read([&](Transaction& tx) -> Task<sinew::store::Rows> {
    co_return co_await tx.execute(
        "SELECT s.product_id, p.name, s.free, s.reserved, s.shipped FROM stock s "
        "JOIN products p ON p.product_id = s.product_id WHERE s.product_id = ?",
        {product});
  });
  if (rows.empty())
    throw Error(Condition::not_found, fmt::format("there is no product {}", product));
  co_return sinew::http::ok(sinew::to_json(stock_answer(rows[0])));
}

}  // namespace commerce::inventory
