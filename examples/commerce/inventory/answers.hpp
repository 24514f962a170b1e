#pragma once

#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sinew/base/described.hpp"
#include "sinew/store/value.hpp"

// What inventory answers to questions over HTTP.
namespace commerce::inventory {

// GET /stock/{product}; units.
struct StockAnswer {
  std::int64_t product_id = 0;
  std::string name;
  std::int64_t free = 0;
  std::int64_t reserved = 0;
  std::int64_t shipped = 0;
};
BOOST_DESCRIBE_STRUCT(StockAnswer, (), (product_id, name, free, reserved, shipped))

// GET /stock: by product; `next` is the `after` of the following page.
struct StockList {
  std::vector<StockAnswer> stock;
  std::optional<std::int64_t> next;
};
BOOST_DESCRIBE_STRUCT(StockList, (), (stock, next))

// From a row (product, name, free, reserved, shipped).
inline StockAnswer stock_answer(const sinew::store::Row& row) {
  return {row.integer(0), row.text(1), row.integer(2), row.integer(3), row.integer(4)};
}

}  // namespace commerce::inventory
