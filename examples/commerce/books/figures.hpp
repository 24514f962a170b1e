#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "examples/commerce/books/audit.hpp"
#include "examples/commerce/books/value.hpp"
#include "sinew/base/json.hpp"

namespace commerce::books {

// Figures by the keys of totals.json, nested ones joined by a dot: net_by_ship_country.France.
using Figures = std::map<std::string, Value, std::less<>>;

using Orders = std::vector<const OrderFacts*>;
using Products = std::vector<const ProductFacts*>;

// What these orders, all of them counted, and products add up to; only figures whose members all of
// them have.
Figures figures_of(const Orders& orders);
Figures figures_of(const Products& products);

// totals.json, or `accepted` of a batch, flattened; in the order of the document.
std::vector<std::pair<std::string, Value>> flatten(const sinew::Json& totals);
// The reverse, for a document with the same keys as `published`: those that `figures` lack have
// nothing to count and become zero.
sinew::Json unflatten(const Figures& figures, const sinew::Json& published);

// The figure, or, for one of a family (orders_by_shipper.9) of which others are there, its zero.
std::optional<Value> find(const Figures& figures, std::string_view name);

}  // namespace commerce::books
