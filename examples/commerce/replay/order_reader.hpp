#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "examples/commerce/replay/input.hpp"
#include "examples/commerce/replay/table.hpp"

namespace commerce::replay {

// What an order may refer to.
struct Known {
  std::set<std::string> customers;
  std::set<std::int64_t> carriers;
  std::set<std::int64_t> products;
};

// Joins orders.csv with order_details.csv. An order is taken whole or not at all.
class OrderReader {
 public:
  OrderReader(const Known& known, std::vector<reporting::Refusal>& refused)
      : known_(known), refused_(refused) {}

  void read_orders(const Table& table);
  // `published_lines`: as many as there should be; 0 when that is not known. With fewer the file
  // was cut, and with it, maybe, its last order.
  void read_details(const Table& table, std::size_t published_lines);
  // The orders with nothing against them, in the order of the file.
  std::vector<Order> take();

 private:
  struct Draft {
    Order order;
    std::vector<std::string> fields;
    std::string place;
    bool refused = false;
  };

  void add_order(const Row& row);
  void add_detail(const Row& row);
  void refuse(const RefusedRow& row);
  void refuse_detail(RefusedRow row);
  Order order_of(const Row& row) const;

  const Known& known_;
  std::vector<reporting::Refusal>& refused_;
  std::map<std::string, Draft> drafts_;
  std::vector<std::string> sequence_;
  std::set<std::string> unknown_orders_;  // reported already
  std::string last_order_;                // of the detail before
};

}  // namespace commerce::replay
