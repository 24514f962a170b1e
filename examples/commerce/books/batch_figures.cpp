#include "examples/commerce/books/batch_figures.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "examples/commerce/books/figures.hpp"

namespace commerce::books {
namespace {

constexpr std::string_view primary = "sales";  // orders are its own
constexpr std::string_view stock_keeper = "inventory";

// Figures that need what is in stock: they depend on every order that took of the batch's products.
constexpr std::string_view units_in_stock = "units_in_stock";
constexpr std::string_view out_of_stock = "products_out_of_stock";

// One batch before the contexts.
class Reckoning {
 public:
  Reckoning(const reporting::RegisterBatch& batch, const std::vector<ContextAudit>& audits,
            bool own_goods)
      : batch_(batch),
        audits_(audits),
        own_goods_(own_goods),
        ids_(batch.order_ids.begin(), batch.order_ids.end()),
        keys_{{"customers", batch.customer_ids}} {
    for (const auto id : batch.carrier_ids)
      keys_["shippers"].push_back(std::to_string(id));
    for (const auto& audit : audits)
      found_.emplace(audit.context, figures_found(audit));
    if (const auto* sales = audit_of(audits, primary)) {
      taken_ = figures_of(orders_of(*sales, Which::all));
      live_ = figures_of(orders_of(*sales, Which::live));
      foreign_units_ = units_taken(*sales) - units_of(*sales, Which::live);
      compensated_units_ = units_of(*sales, Which::all) - units_of(*sales, Which::live);
    }
    for (auto& [name, value] : flatten(batch.accepted))
      accepted_.emplace(name, std::move(value));
  }

  std::vector<FigureLine> lines() const {
    std::vector<FigureLine> lines;
    for (const auto& [name, published] : flatten(batch_.totals)) {
      FigureLine line = line_of(name, published);
      if (own_goods_ || !line.sources.empty()) lines.push_back(std::move(line));
    }
    return lines;
  }

 private:
  enum class Which { all, live };

  Orders orders_of(const ContextAudit& audit, Which which) const {
    Orders orders;
    for (const auto& [id, facts] : audit.orders) {
      if (!ids_.contains(id)) continue;
      if (which == Which::all || is_live(facts)) orders.push_back(&facts);
    }
    return orders;
  }

  std::int64_t units_of(const ContextAudit& audit, Which which) const {
    std::int64_t units = 0;
    for (const OrderFacts* facts : orders_of(audit, which))
      units += facts->units.value_or(0);
    return units;
  }

  // By all orders, of the products that the batch brought.
  std::int64_t units_taken(const ContextAudit& audit) const {
    std::int64_t units = 0;
    for (const ProductFacts* facts : products_of(audit))
      units += facts->shipped.value_or(0) + facts->reserved.value_or(0);
    return units;
  }

  Products products_of(const ContextAudit& audit) const {
    Products products;
    for (const auto id : batch_.product_ids) {
      const auto found = audit.products.find(id);
      if (found != audit.products.end()) products.push_back(&found->second);
    }
    return products;
  }

  Figures figures_found(const ContextAudit& audit) const {
    Figures figures;
    if (!audit.orders.empty()) figures = figures_of(orders_of(audit, Which::live));
    if (!audit.products.empty()) {
      Figures goods = figures_of(products_of(audit));
      if (!own_goods_)
        std::erase_if(goods, [](const auto& each) { return each.first != "products"; });
      figures.merge(goods);
    }
    for (const auto& [name, known] : audit.keys) {
      const auto own = keys_.find(name);
      if (own == keys_.end()) continue;
      figures[name] = std::ranges::count_if(
          own->second, [&known](const std::string& key) { return known.contains(key); });
    }
    return figures;
  }

  FigureLine line_of(const std::string& name, const Value& published) const {
    FigureLine line;
    line.batch = batch_.name;
    line.name = name;
    line.published = published;
    const Value accepted = accepted_value(name, published);
    line.not_sent = difference(published, accepted);
    line.expected = expected(name, accepted);
    line.compensated = difference(accepted, line.expected);
    for (const auto& [context, figures] : found_) {
      auto value = find(figures, name);
      if (!value) continue;
      // Orders of other batches, and by hand, took from the same stock.
      if (name == units_in_stock) value = sum(*value, foreign_units_);
      line.sources.emplace(context, *std::move(value));
    }
    line.found = found_of(line);
    return line;
  }

  // Without a refused line everything published must be found, but for suppliers of no product, of
  // whom no context hears.
  Value accepted_value(const std::string& name, const Value& published) const {
    if (batch_.refused.empty() && name != "suppliers") return published;
    return find(accepted_, name).value_or(published);
  }

  static Value found_of(const FigureLine& line) {
    for (const auto& [context, value] : line.sources) {
      if (!is_zero(difference(value, line.expected))) return value;
    }
    return line.sources.empty() ? Value(std::string("nobody knows")) : line.expected;
  }

  // What is accepted, less what sales took and undid.
  Value expected(const std::string& name, const Value& accepted) const {
    if (name == units_in_stock) return sum(accepted, stock_left_over(accepted));
    if (name == out_of_stock) return expected_out_of_stock(accepted);
    const auto all = find(taken_, name);
    const auto live = find(live_, name);
    if (!all || !live || *all == *live) return accepted;
    if (std::holds_alternative<std::string>(accepted)) return *all == accepted ? *live : accepted;
    return difference(accepted, difference(*all, *live));
  }

  // Units that were delivered for orders and not taken by them.
  Value stock_left_over(const Value& in_stock) const {
    const auto opening = find(accepted_, "opening_units");
    const auto sold = find(accepted_, "units_sold");
    if (!opening || !sold) return std::int64_t{0};
    const Value planned = difference(*opening, *sold);
    return sum(difference(planned, in_stock), compensated_units_);
  }

  // By what sales has taken of each product; only where that differs from the plan.
  Value expected_out_of_stock(const Value& accepted) const {
    const auto* sales = audit_of(audits_, primary);
    const auto* stock = audit_of(audits_, stock_keeper);
    if (compensated_units_ == 0 && foreign_units_ == 0) return accepted;
    if (sales == nullptr || stock == nullptr) return accepted;
    std::int64_t empty = 0;
    for (const auto id : batch_.product_ids) {
      const auto kept = stock->products.find(id);
      if (kept == stock->products.end()) continue;
      const auto found = sales->products.find(id);
      const ProductFacts sold = found == sales->products.end() ? ProductFacts() : found->second;
      const auto taken = sold.shipped.value_or(0) + sold.reserved.value_or(0);
      empty += kept->second.opening.value_or(0) == taken;
    }
    return empty;
  }

  const reporting::RegisterBatch& batch_;
  const std::vector<ContextAudit>& audits_;
  bool own_goods_;
  std::set<std::string, std::less<>> ids_;
  std::map<std::string, std::vector<std::string>> keys_;  // of the batch, by figure
  std::map<std::string, Figures> found_;
  Figures taken_;
  Figures live_;
  Figures accepted_;
  std::int64_t foreign_units_ = 0;
  std::int64_t compensated_units_ = 0;
};

}  // namespace

bool is_live(const OrderFacts& facts) { return facts.live.value_or(true); }

const ContextAudit* audit_of(const std::vector<ContextAudit>& audits, std::string_view context) {
  const auto found = std::ranges::find(audits, context, &ContextAudit::context);
  return found == audits.end() ? nullptr : &*found;
}

std::vector<FigureLine> batch_figures(const reporting::RegisterBatch& batch,
                                      const std::vector<ContextAudit>& audits, bool own_goods) {
  return Reckoning(batch, audits, own_goods).lines();
}

std::vector<std::string> compensated_orders(const reporting::RegisterBatch& batch,
                                            const std::vector<ContextAudit>& audits) {
  std::vector<std::string> orders;
  const auto* sales = audit_of(audits, primary);
  if (sales == nullptr) return orders;
  for (const auto& id : batch.order_ids) {
    const auto found = sales->orders.find(id);
    if (found != sales->orders.end() && !is_live(found->second)) orders.push_back(id);
  }
  return orders;
}

}  // namespace commerce::books
