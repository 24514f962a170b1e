#include "examples/commerce/replay/accepted_totals.hpp"

#include <vector>

#include "examples/commerce/books/figures.hpp"

namespace commerce::replay {
namespace {

using sinew::Decimal;

constexpr int cents = 2;

void add_line(books::OrderFacts& facts, const sales::Line& line) {
  const Decimal gross = line.unit_price * line.quantity;
  const Decimal net = gross * (Decimal::from_integer(1) - line.discount);
  facts.lines = *facts.lines + 1;
  facts.discounted_lines = *facts.discounted_lines + (line.discount.is_zero() ? 0 : 1);
  facts.units = *facts.units + line.quantity;
  facts.gross = *facts.gross + gross;
  facts.net = *facts.net + net;
  facts.net_by_line = *facts.net_by_line + net.round_half_even(cents);
}

books::OrderFacts facts_of(const Order& entry) {
  const sales::PlaceOrder& order = entry.order;
  books::OrderFacts facts;
  facts.live = true;
  facts.customer = order.customer_id;
  facts.employee = order.employee_id;
  facts.carrier = order.carrier_id;
  facts.country = order.ship_to.country;
  facts.order_date = order.order_date;
  facts.required_date = order.required_date;
  facts.shipped = entry.shipped_date.has_value();
  facts.shipped_date = entry.shipped_date;
  facts.late = entry.shipped_date && *entry.shipped_date > order.required_date;
  facts.lines = facts.discounted_lines = facts.units = 0;
  facts.gross = facts.net = facts.net_by_line = Decimal();
  for (const auto& line : order.lines)
    add_line(facts, line);
  facts.freight = order.freight;
  facts.payable = (*facts.net + order.freight).round_half_even(cents);
  return facts;
}

books::ProductFacts facts_of(const Product& product) {
  books::ProductFacts facts;
  facts.opening = product.delivered;
  facts.free = product.units_in_stock;
  facts.on_order = product.units_on_order;
  facts.supplier = product.supplier;
  facts.category = product.category;
  facts.discontinued = product.discontinued;
  return facts;
}

template <class Facts, class Item>
books::Figures figures_over(const std::vector<Item>& items) {
  std::vector<Facts> facts;
  for (const Item& item : items)
    facts.push_back(facts_of(item));
  std::vector<const Facts*> all;
  for (const Facts& one : facts)
    all.push_back(&one);
  return books::figures_of(all);
}

}  // namespace

sinew::Json accepted_totals(const Input& input) {
  books::Figures figures = figures_over<books::OrderFacts>(input.orders);
  figures.merge(figures_over<books::ProductFacts>(input.products));
  figures["customers"] = std::ssize(input.customer_ids);
  figures["shippers"] = std::ssize(input.carrier_ids);
  sinew::Json totals = books::unflatten(figures, input.totals);
  std::int64_t opening = 0;
  for (const Product& product : input.products)
    opening += product.delivered;
  totals.as_object().set("opening_units", opening);
  return totals;
}

}  // namespace commerce::replay
