#include "examples/commerce/books/figures.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

namespace commerce::books {
namespace {

using sinew::Decimal;

constexpr int cents = 2;

// The members of all items, or nothing when one of them does not have it.
template <class Item, class Member>
std::optional<std::vector<Member>> column(const std::vector<const Item*>& items,
                                          std::optional<Member> Item::* member) {
  std::vector<Member> values;
  values.reserve(items.size());
  for (const Item* item : items) {
    if (!(item->*member)) return std::nullopt;
    values.push_back(*(item->*member));
  }
  return values;
}

template <class Number>
Number total(const std::vector<Number>& values) {
  Number sum{};
  for (const Number& value : values)
    sum += value;
  return sum;
}

template <class T>
std::int64_t distinct(const std::vector<T>& values) {
  return static_cast<std::int64_t>(std::set<T>(values.begin(), values.end()).size());
}

template <class T>
std::int64_t count_of(const std::vector<T>& values, const T& wanted) {
  return std::ranges::count(values, wanted);
}

template <class Item>
class Collector {
 public:
  explicit Collector(const std::vector<const Item*>& items) : items_(items) {}

  // Adds `name` as `compute(values of member)`, when all items have the member.
  template <class Member, class Compute>
  Collector& add(const char* name, std::optional<Member> Item::* member, Compute compute) {
    if (const auto values = column(items_, member)) figures_[name] = compute(*values);
    return *this;
  }
  template <class Number>
  Collector& add_total(const char* name, std::optional<Number> Item::* member) {
    return add(name, member, [](const std::vector<Number>& values) { return total(values); });
  }
  template <class T>
  Collector& add_distinct(const char* name, std::optional<T> Item::* member) {
    return add(name, member, [](const std::vector<T>& values) { return distinct(values); });
  }

  Figures& figures() noexcept { return figures_; }

 private:
  const std::vector<const Item*>& items_;
  Figures figures_;
};

void add_amounts(const Orders& orders, Collector<OrderFacts>& collector) {
  collector.add_total("gross", &OrderFacts::gross)
      .add_total("net_exact", &OrderFacts::net)
      .add_total("net_rounded_per_line_half_even", &OrderFacts::net_by_line)
      .add_total("freight", &OrderFacts::freight)
      .add_total("payable", &OrderFacts::payable);
  Figures& figures = collector.figures();
  if (const auto nets = column(orders, &OrderFacts::net)) {
    figures["net_2dp"] = total(*nets).round_half_even(cents);
    figures["orders_with_subcent_net"] = static_cast<std::int64_t>(std::ranges::count_if(
        *nets, [](Decimal net) { return net.round_half_even(cents) != net; }));
  }
  if (figures.contains("net_exact") && figures.contains("freight") && figures.contains("payable")) {
    figures["rounding"] =
        difference(difference(figures["payable"], figures["net_exact"]), figures["freight"]);
  }
}

void add_dates(const Orders& orders, Figures& figures) {
  const auto dates = column(orders, &OrderFacts::order_date);
  if (!dates || dates->empty()) return;
  const auto [first, last] = std::ranges::minmax(*dates);
  figures["first_order"] = sinew::to_iso_date(first);
  figures["last_order"] = sinew::to_iso_date(last);
}

void add_families(const Orders& orders, Figures& figures) {
  if (const auto carriers = column(orders, &OrderFacts::carrier)) {
    for (const auto carrier : *carriers) {
      auto& count = figures["orders_by_shipper." + std::to_string(carrier)];
      count = std::get<std::int64_t>(count) + 1;
    }
  }
  const auto countries = column(orders, &OrderFacts::country);
  const auto nets = column(orders, &OrderFacts::net);
  if (!countries || !nets) return;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const auto [figure, fresh] =
        figures.try_emplace("net_by_ship_country." + (*countries)[i], Decimal());
    figure->second = std::get<Decimal>(figure->second) + (*nets)[i];
  }
}

std::string_view family_of(std::string_view name) {
  const auto dot = name.find('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(0, dot + 1);
}

Value zero_like(const Value& value) {
  if (std::holds_alternative<std::int64_t>(value)) return std::int64_t{0};
  if (std::holds_alternative<Decimal>(value)) return Decimal();
  return std::string();
}

}  // namespace

Figures figures_of(const Orders& orders) {
  Collector<OrderFacts> collector(orders);
  collector.figures()["orders"] = static_cast<std::int64_t>(orders.size());
  collector.add_total("order_lines", &OrderFacts::lines)
      .add_total("units_sold", &OrderFacts::units)
      .add_total("discounted_lines", &OrderFacts::discounted_lines)
      .add_distinct("customers_with_orders", &OrderFacts::customer)
      .add_distinct("employees", &OrderFacts::employee)
      .add("orders_shipped", &OrderFacts::shipped,
           [](const auto& values) { return count_of(values, true); })
      .add("orders_unshipped", &OrderFacts::shipped,
           [](const auto& values) { return count_of(values, false); });
  // An open order is not late, whatever the context says of it.
  if (collector.figures().contains("orders_shipped")) {
    const bool known = std::ranges::all_of(
        orders, [](const OrderFacts* order) { return !*order->shipped || order->late; });
    if (known) {
      collector.figures()["orders_shipped_late"] = static_cast<std::int64_t>(std::ranges::count_if(
          orders, [](const OrderFacts* order) { return *order->shipped && *order->late; }));
    }
  }
  add_amounts(orders, collector);
  add_dates(orders, collector.figures());
  add_families(orders, collector.figures());
  return std::move(collector.figures());
}

Figures figures_of(const Products& products) {
  Collector<ProductFacts> collector(products);
  // Counted by who keeps products: others know only those that were ordered.
  collector
      .add("products", &ProductFacts::supplier,
           [](const auto& values) { return static_cast<std::int64_t>(values.size()); })
      .add_total("units_in_stock", &ProductFacts::free)
      .add_total("units_on_order", &ProductFacts::on_order)
      .add_distinct("suppliers", &ProductFacts::supplier)
      .add_distinct("categories", &ProductFacts::category)
      .add("discontinued", &ProductFacts::discontinued,
           [](const auto& values) { return count_of(values, true); })
      .add("products_out_of_stock", &ProductFacts::free,
           [](const auto& values) { return count_of(values, std::int64_t{0}); });
  return std::move(collector.figures());
}

std::vector<std::pair<std::string, Value>> flatten(const sinew::Json& totals) {
  std::vector<std::pair<std::string, Value>> flat;
  for (const auto& [name, value] : totals.as_object().members()) {
    if (!value.is_object()) {
      flat.emplace_back(name, value_of(value));
      continue;
    }
    for (const auto& [key, part] : value.as_object().members())
      flat.emplace_back(name + "." + key, value_of(part));
  }
  return flat;
}

sinew::Json unflatten(const Figures& figures, const sinew::Json& published) {
  sinew::JsonObject document;
  for (const auto& [name, value] : flatten(published)) {
    const auto figure = find(figures, name);
    const sinew::Json json = json_of(figure.value_or(zero_like(value)));
    const auto family = family_of(name);
    if (family.empty()) {
      document.set(name, json);
      continue;
    }
    const auto key = family.substr(0, family.size() - 1);
    if (document.find(key) == nullptr) document.set(key, sinew::JsonObject());
    document.find(key)->as_object().set(std::string_view(name).substr(family.size()), json);
  }
  return document;
}

std::optional<Value> find(const Figures& figures, std::string_view name) {
  if (const auto found = figures.find(name); found != figures.end()) return found->second;
  const auto family = family_of(name);
  if (family.empty()) return std::nullopt;
  const auto sibling = figures.lower_bound(family);
  if (sibling == figures.end() || !sibling->first.starts_with(family)) return std::nullopt;
  return zero_like(sibling->second);
}

}  // namespace commerce::books
