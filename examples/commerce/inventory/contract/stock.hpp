#pragma once

#include <boost/describe.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "sinew/base/described.hpp"
#include "sinew/event/typed.hpp"

// The published language of inventory. Goods arrive as files in its drop folder `receipts` (columns
// ProductID, ProductName, SupplierID, CategoryID, Quantity, UnitsOnOrder, Discontinued).
namespace commerce::inventory {

struct Item {
  std::int64_t product_id = 0;
  std::int64_t quantity = 0;
};
BOOST_DESCRIBE_STRUCT(Item, (), (product_id, quantity))
constexpr auto constraints(const Item*) {
  return sinew::constraints(sinew::field(&Item::product_id, sinew::at_least(1)),
                            sinew::field(&Item::quantity, sinew::between(1, 1'000'000)));
}

struct Reserved {
  static constexpr sinew::event::EventType type{"inventory.stock.reserved", 1};
  std::string order_id;
  std::vector<Item> items;
};
BOOST_DESCRIBE_STRUCT(Reserved, (), (order_id, items))

// Command: all of the items or none. Rejections: out_of_stock, unknown_product, released (its
// compensation came first).
struct Reserve {
  static constexpr sinew::event::EventType type{"inventory.reserve", 1};
  using Reply = Reserved;
  std::string order_id;
  std::vector<Item> items;
};
BOOST_DESCRIBE_STRUCT(Reserve, (), (order_id, items))

struct Released {
  static constexpr sinew::event::EventType type{"inventory.stock.released", 1};
  std::string order_id;
  std::vector<Item> items;
};
BOOST_DESCRIBE_STRUCT(Released, (), (order_id, items))

// Command: gives back what is reserved for the order, if anything is. Never rejected.
struct Release {
  static constexpr sinew::event::EventType type{"inventory.release", 1};
  using Reply = Released;
  std::string order_id;
};
BOOST_DESCRIBE_STRUCT(Release, (), (order_id))

// What is free of a product: the truth of a moment.
struct StockLevel {
  static constexpr sinew::event::EventType type{"inventory.stock.level", 1};
  std::int64_t product_id = 0;
  std::int64_t free = 0;
};
BOOST_DESCRIBE_STRUCT(StockLevel, (), (product_id, free))

// Question, for whoever waits for the answer: changes nothing. Rejection: unknown_product.
struct CheckStock {
  static constexpr sinew::event::EventType type{"inventory.check_stock", 1};
  using Reply = StockLevel;
  std::int64_t product_id = 0;
};
BOOST_DESCRIBE_STRUCT(CheckStock, (), (product_id))

// Goods came in; the product is known from its first receipt on.
struct StockReceived {
  static constexpr sinew::event::EventType type{"inventory.stock.received", 1};
  std::string receipt;
  std::int64_t product_id = 0;
  std::string product_name;
  std::int64_t supplier_id = 0;
  std::int64_t category_id = 0;
  std::int64_t quantity = 0;
  std::int64_t units_on_order = 0;
  bool discontinued = false;
};
BOOST_DESCRIBE_STRUCT(StockReceived, (),
                      (receipt, product_id, product_name, supplier_id, category_id, quantity,
                       units_on_order, discontinued))

// Reserved goods left the house.
struct StockShipped {
  static constexpr sinew::event::EventType type{"inventory.stock.shipped", 1};
  std::string order_id;
  std::vector<Item> items;
};
BOOST_DESCRIBE_STRUCT(StockShipped, (), (order_id, items))

}  // namespace commerce::inventory
