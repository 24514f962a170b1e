#include "examples/commerce/replay/order_reader.hpp"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "sinew/base/described.hpp"
#include "sinew/base/error.hpp"

namespace commerce::replay {
namespace {

using sinew::Condition;
using sinew::Error;

constexpr std::int64_t max_id = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t max_quantity = 1'000'000;
constexpr std::size_t max_lines = 500;  // of an order, as sales takes it
constexpr int price_decimals = 3;
constexpr int cents = 2;

[[noreturn]] void refuse_row(const std::string& reason) {
  throw Error(Condition::invalid_input, reason);
}

sales::Address address_of(const Row& row) {
  constexpr std::size_t long_text = 200;
  constexpr std::size_t text = 100;
  constexpr std::size_t code = 20;
  const auto optional = [&row](std::string_view column, std::size_t most) {
    return row.text(column).empty() ? std::string() : row.required(column, most);
  };
  return {.name = optional("ShipName", long_text),
          .street = optional("ShipAddress", long_text),
          .city = optional("ShipCity", text),
          .region = optional("ShipRegion", text),
          .postal_code = optional("ShipPostalCode", code),
          .country = row.required("ShipCountry", text)};
}

// What sales would say to it by its published language; empty: it is in order.
std::string breach_of_contract(const sales::PlaceOrder& order) {
  try {
    sinew::from_json<sales::PlaceOrder>(sinew::to_json(order), sinew::ReadMode::strict);
    return {};
  } catch (const Error& error) {
    return error.detail();
  }
}

}  // namespace

void OrderReader::read_orders(const Table& table) {
  table.each(
      "OrderID", [this](const Row& row) { add_order(row); },
      [this](const RefusedRow& row) { refuse(row); });
}

void OrderReader::read_details(const Table& table, std::size_t published_lines) {
  const std::size_t lines = table.each(
      "OrderID", [this](const Row& row) { add_detail(row); },
      [this](RefusedRow row) { refuse_detail(std::move(row)); });
  if (lines >= published_lines) return;
  refuse_detail({table.file(),
                 fmt::format("the file has {} lines and totals.json counts {}: it was cut, maybe "
                             "within this order",
                             lines, published_lines),
                 last_order_});
}

std::vector<Order> OrderReader::take() {
  std::vector<Order> orders;
  for (const auto& id : sequence_) {
    Draft& draft = drafts_[id];
    if (draft.refused) continue;
    if (draft.order.order.lines.empty()) {
      refused_.push_back({draft.place, id, "the order has no lines in order_details.csv"});
      continue;
    }
    if (const auto reason = breach_of_contract(draft.order.order); !reason.empty()) {
      refused_.push_back({draft.place, id, reason});
      continue;
    }
    orders.push_back(std::move(draft.order));
  }
  return orders;
}

void OrderReader::add_order(const Row& row) {
  const std::string id = std::to_string(row.integer("OrderID", 1, max_id));
  if (const auto found = drafts_.find(id); found != drafts_.end()) {
    if (found->second.fields == row.fields()) return;
    refuse_row(fmt::format("OrderID: {} was used before, with other content", id));
  }
  Draft draft{order_of(row), row.fields(), row.place(), false};
  drafts_.emplace(id, std::move(draft));
  sequence_.push_back(id);
}

Order OrderReader::order_of(const Row& row) const {
  Order result;
  sales::PlaceOrder& order = result.order;
  order.order_id = std::to_string(row.integer("OrderID", 1, max_id));
  order.customer_id = row.key("CustomerID");
  order.employee_id = row.text("EmployeeID").empty() ? 0 : row.integer("EmployeeID", 0, max_id);
  order.order_date = row.date("OrderDate");
  order.required_date = row.date("RequiredDate");
  order.carrier_id = row.integer("ShipVia", 1, max_id);
  order.freight = row.amount("Freight", cents);
  order.ship_to = address_of(row);
  if (row.has("PaymentMethod") && !row.text("PaymentMethod").empty()) {
    order.payment_method = row.required("PaymentMethod", 100);
  }
  result.shipped_date = row.maybe_date("ShippedDate");
  result.place = row.place();
  if (!known_.customers.contains(order.customer_id)) {
    refuse_row(fmt::format("CustomerID: customers.csv has no {}", order.customer_id));
  }
  if (!known_.carriers.contains(order.carrier_id)) {
    refuse_row(fmt::format("ShipVia: shippers.csv has no {}", order.carrier_id));
  }
  return result;
}

void OrderReader::add_detail(const Row& row) {
  const std::string id = std::to_string(row.integer("OrderID", 1, max_id));
  last_order_ = id;
  const auto found = drafts_.find(id);
  if (found == drafts_.end()) {
    refuse_row(fmt::format("OrderID: orders.csv has no {}", id));
  }
  sales::Line line;
  line.product_id = row.integer("ProductID", 1, max_id);
  line.quantity = row.integer("Quantity", 1, max_quantity);
  line.unit_price = row.amount("UnitPrice", price_decimals);
  line.discount = row.amount("Discount", cents);
  if (line.discount > sinew::Decimal::from_integer(1)) {
    refuse_row("Discount: expected a fraction from 0 to 1");
  }
  if (!known_.products.contains(line.product_id)) {
    refuse_row(fmt::format("ProductID: products.csv has no {}", line.product_id));
  }
  auto& lines = found->second.order.order.lines;
  if (lines.size() == max_lines) {
    refuse_row(fmt::format("the order has more than {} lines", max_lines));
  }
  lines.push_back(line);
}

void OrderReader::refuse(const RefusedRow& row) {
  refused_.push_back({row.place, row.key, row.reason});
  if (row.key.empty()) return;
  const auto [draft, fresh] = drafts_.try_emplace(row.key);
  draft->second.refused = true;
}

// A line that cannot be told which order it belongs to may have been cut out of the one before.
void OrderReader::refuse_detail(RefusedRow row) {
  if (row.key.empty()) row.key = last_order_;
  const auto found = drafts_.find(row.key);
  if (found == drafts_.end() && !unknown_orders_.insert(row.key).second) return;
  if (found != drafts_.end()) {
    const bool of_refused_header = found->second.fields.empty();
    found->second.refused = true;
    if (of_refused_header) return;
  }
  refused_.push_back({row.place, row.key, row.reason});
}

}  // namespace commerce::replay
