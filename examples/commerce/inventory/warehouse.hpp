#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "examples/commerce/inventory/ledger.hpp"
#include "sinew/async/task.hpp"
#include "sinew/store/transaction.hpp"

namespace commerce::inventory {

// What is known of a product beside its stock; the latest receipt's word counts.
struct Product {
  std::int64_t product_id = 0;
  std::string name;
  std::int64_t supplier_id = 0;
  std::int64_t category_id = 0;
  std::int64_t on_order = 0;
  bool discontinued = false;
  friend bool operator==(const Product&, const Product&) = default;
};

// What has been done for an order.
enum class ReservationState { reserved, released, shipped };
BOOST_DESCRIBE_ENUM(ReservationState, reserved, released, shipped)
std::string_view to_string(ReservationState state) noexcept;

// The tables of inventory in one transaction.
class Warehouse {
 public:
  explicit Warehouse(sinew::store::Transaction& tx) : tx_(tx) {}

  sinew::Task<void> save_product(Product product);
  sinew::Task<std::optional<Stock>> find_stock(std::int64_t product_id);

  // Enters a movement and carries it into the stock of its product.
  sinew::Task<void> move(Movement movement);
  sinew::Task<std::optional<Movement>> find_movement(std::string id);
  // What was reserved for an order, by product.
  sinew::Task<std::vector<Item>> reserved_items(std::string order_id);

  sinew::Task<std::optional<ReservationState>> find_reservation(std::string order_id);
  sinew::Task<void> save_reservation(std::string order_id, ReservationState state,
                                     std::size_t items);

 private:
  sinew::store::Transaction& tx_;
};

}  // namespace commerce::inventory
