#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "examples/commerce/reporting/contract/books.hpp"
#include "examples/commerce/sales/contract/orders.hpp"
#include "sinew/base/json.hpp"
#include "sinew/base/time.hpp"

namespace commerce::replay {

struct Product {
  std::int64_t id = 0;
  std::string name;
  std::int64_t supplier = 0;
  std::int64_t category = 0;
  std::int64_t units_in_stock = 0;
  std::int64_t units_on_order = 0;
  std::optional<std::int64_t> opening_stock;  // given by the input
  bool discontinued = false;
  std::int64_t delivered = 0;  // what the replay brings to inventory
};

struct Order {
  sales::PlaceOrder order;
  std::optional<sinew::Date> shipped_date;
  std::string place;  // orders.csv:12
};

// An input folder, validated: what is sent, and what is not with the reason for each.
struct Input {
  std::string id;    // SHA-256 over all that was read, in hex
  std::string name;  // of the folder
  sinew::Json totals;
  std::vector<Order> orders;  // in the order of the file
  std::vector<Product> products;
  std::string customers;  // accepted lines of customers.csv, as a file
  std::string carriers;   // accepted lines of shippers.csv, as a file
  std::vector<std::string> customer_ids;
  std::vector<std::int64_t> carrier_ids;
  std::vector<reporting::Refusal> refused;
};

// Reads a folder as docs/reference/input-format.md describes it. A bad line is refused with its
// order, everything else is taken. Errors: not_found, unauthorized, invalid_input (a file without
// header or with a column missing, totals.json that is no JSON).
Input read_input(const std::filesystem::path& folder);

// The goods that the replay brings to inventory, as a file of its drop folder `receipts`.
std::string receipts_of(const Input& input);

}  // namespace commerce::replay
