#pragma once

#include <boost/describe.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sinew/base/decimal.hpp"
#include "sinew/base/described.hpp"
#include "sinew/base/time.hpp"

// What each context says about the books, recomputed from its own primary rows by the function
//
//   Task<books::ContextAudit> audit(store::Database& database);
//
// of its namespace (declared in its audit.hpp): one read-only snapshot, never a copied total.
namespace commerce::books {

// What a context knows of an order. What it does not know is absent, so that two contexts can be
// compared member by member.
struct OrderFacts {
  std::optional<bool> live;  // taken and not undone; figures count the live orders
  std::optional<std::string> customer;
  std::optional<std::int64_t> employee;
  std::optional<std::int64_t> carrier;
  std::optional<std::string> country;
  std::optional<sinew::Date> order_date;
  std::optional<sinew::Date> required_date;
  std::optional<bool> shipped;
  std::optional<sinew::Date> shipped_date;  // of a shipped one
  std::optional<bool> late;                 // shipped after the required date
  std::optional<std::int64_t> lines;
  std::optional<std::int64_t> discounted_lines;
  std::optional<std::int64_t> units;
  std::optional<sinew::Decimal> gross;
  std::optional<sinew::Decimal> net;          // exact
  std::optional<sinew::Decimal> net_by_line;  // each line rounded half even to cents
  std::optional<sinew::Decimal> freight;
  std::optional<sinew::Decimal> payable;
  friend bool operator==(const OrderFacts&, const OrderFacts&) = default;
};
BOOST_DESCRIBE_STRUCT(OrderFacts, (),
                      (live, customer, employee, carrier, country, order_date, required_date,
                       shipped, shipped_date, late, lines, discounted_lines, units, gross, net,
                       net_by_line, freight, payable))

// What a context knows of a product; units. opening = shipped + reserved + free.
struct ProductFacts {
  std::optional<std::int64_t> opening;  // everything that ever came in
  std::optional<std::int64_t> shipped;
  std::optional<std::int64_t> reserved;
  std::optional<std::int64_t> free;
  std::optional<std::int64_t> on_order;
  std::optional<std::int64_t> supplier;
  std::optional<std::int64_t> category;
  std::optional<bool> discontinued;
  friend bool operator==(const ProductFacts&, const ProductFacts&) = default;
};
BOOST_DESCRIBE_STRUCT(ProductFacts, (),
                      (opening, shipped, reserved, free, on_order, supplier, category,
                       discontinued))

// Something in a context's rows that cannot be: its books are off, whatever the others say.
struct Problem {
  std::string place;  // table and key: charges 10248
  std::string what;   // a sentence
};
BOOST_DESCRIBE_STRUCT(Problem, (), (place, what))

// A line of a dropped file that the context did not take.
struct RefusedLine {
  std::string place;  // receipts.csv:12
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(RefusedLine, (), (place, reason))

struct ContextAudit {
  std::string context;
  std::map<std::string, OrderFacts> orders;       // by order id, undone ones included
  std::map<std::int64_t, ProductFacts> products;  // by product id
  // Who else it knows, by the figure that counts them: customers, shippers.
  std::map<std::string, std::set<std::string>> keys;
  std::vector<Problem> problems;
  std::vector<RefusedLine> refused;
  bool hears_of_free_orders = true;  // not so who only moves money
};

}  // namespace commerce::books
