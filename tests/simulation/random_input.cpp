#include "tests/simulation/random_input.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "examples/commerce/replay/accepted_totals.hpp"

namespace commerce::simulation {
namespace {

using sinew::Decimal;
using sinew::async::sim::Random;

constexpr std::int64_t plenty = 1000;
constexpr std::int64_t scarce_product = 3;
constexpr std::int64_t unknown_carrier = 9;
constexpr auto good_card = "pm_card_visa";
constexpr auto declined_card = "pm_card_chargeDeclined";

constexpr auto customers =
    "CustomerID,CompanyName,ContactName,City,Country,Phone\n"
    "VINET,Vins et alcools Chevalier,Paul Henriot,Reims,France,26.47.15.10\n"
    "TOMSP,Toms Spezialitaeten,Karin Josephs,Muenster,Germany,0251-031259\n";
constexpr auto carriers =
    "ShipperID,CompanyName,Phone\n"
    "1,Speedy Express,(503) 555-9831\n"
    "2,United Package,(503) 555-3199\n";

std::int64_t between(Random& random, std::int64_t least, std::int64_t most) {
  return least +
         static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most - least + 1)));
}

// A whole number of cents.
Decimal amount(Random& random, std::int64_t most_cents) {
  return Decimal::from_micros(between(random, 1, most_cents) * (Decimal::micros_per_unit / 100));
}

sales::Line random_line(Random& random, std::int64_t product) {
  constexpr std::array discounts{0, 0, 50'000, 150'000};  // in millionths
  return {product, between(random, 1, 5), amount(random, 5000),
          Decimal::from_micros(discounts[random.below(discounts.size())])};
}

replay::Order random_order(Random& random, const std::string& id) {
  replay::Order order;
  sales::PlaceOrder& place = order.order;
  place.order_id = id;
  place.customer_id = random.chance(0.5) ? "VINET" : "TOMSP";
  place.employee_id = between(random, 1, 3);
  place.order_date =
      sinew::parse_iso_date("1996-07-04") + std::chrono::days(between(random, 0, 20));
  place.required_date = place.order_date + std::chrono::days(between(random, 7, 28));
  place.carrier_id = random.chance(0.1) ? unknown_carrier : between(random, 1, 2);
  place.freight = amount(random, 10'000);
  place.ship_to.country = random.chance(0.5) ? "France" : "Peru";
  place.payment_method = random.chance(0.15) ? declined_card : good_card;
  place.lines.push_back(random_line(random, between(random, 1, 2)));
  if (random.chance(0.4)) place.lines.push_back(random_line(random, scarce_product));
  if (random.chance(0.6)) {
    order.shipped_date = place.order_date + std::chrono::days(between(random, 1, 35));
  }
  return order;
}

std::int64_t units_ordered(const std::vector<replay::Order>& orders, std::int64_t product) {
  std::int64_t units = 0;
  for (const auto& order : orders) {
    for (const auto& line : order.order.lines)
      units += line.product_id == product ? line.quantity : 0;
  }
  return units;
}

// The figures that are compared with the contexts.
sinew::Json figures_wanted() {
  return sinew::parse_json(R"({"orders": 0, "order_lines": 0, "units_sold": 0, "gross": "0",
    "net_exact": "0", "freight": "0", "payable": "0", "customers": 0, "shippers": 0,
    "products": 0, "units_in_stock": 0})");
}

}  // namespace

replay::Input random_input(Random& random) {
  replay::Input input;
  input.id = std::string(64, 'a');
  input.name = "random";
  const std::int64_t orders = between(random, 6, 12);
  for (std::int64_t i = 1; i <= orders; ++i)
    input.orders.push_back(random_order(random, "o-" + std::to_string(i)));
  for (std::int64_t id = 1; id <= scarce_product; ++id) {
    const std::int64_t ordered = units_ordered(input.orders, id);
    replay::Product product;
    product.id = id;
    product.name = "product";
    product.supplier = product.category = 1;
    product.delivered = id == scarce_product ? ordered / 2 + 1 : plenty;
    product.units_in_stock = std::max<std::int64_t>(product.delivered - ordered, 0);
    input.products.push_back(product);
  }
  input.customers = customers;
  input.carriers = carriers;
  input.customer_ids = {"TOMSP", "VINET"};
  input.carrier_ids = {1, 2};
  input.totals = figures_wanted();
  input.totals = replay::accepted_totals(input);
  input.totals.as_object().erase("opening_units");  // not one of those that are published
  return input;
}

Fate fate_of(const sales::PlaceOrder& order) {
  if (order.payment_method == declined_card || order.carrier_id == unknown_carrier) {
    return Fate::rejected;
  }
  const bool wants_scarce = std::ranges::any_of(
      order.lines, [](const sales::Line& line) { return line.product_id == scarce_product; });
  return wants_scarce ? Fate::either : Fate::confirmed;
}

}  // namespace commerce::simulation
