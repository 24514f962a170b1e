#include "examples/commerce/books/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "examples/commerce/books/batch_figures.hpp"
#include "sinew/base/described.hpp"

namespace commerce::books {
namespace {

using ByContext = std::map<std::string, std::string>;
using ByMember = std::map<std::string, ByContext>;

// Those whose value fewer contexts share than another; both sides of a tie.
std::vector<std::string> standing_out(const ByContext& values) {
  std::map<std::string, std::size_t> votes;
  for (const auto& [context, value] : values)
    ++votes[value];
  const auto most =
      std::ranges::max_element(votes, {}, &std::pair<const std::string, std::size_t>::second);
  const bool tie = std::ranges::count(votes, most->second,
                                      &std::pair<const std::string, std::size_t>::second) > 1;
  std::vector<std::string> off;
  for (const auto& [context, value] : values) {
    if (tie || value != most->first) off.push_back(context);
  }
  return off;
}

void add_disagreements(const std::string& place, const ByMember& members,
                       std::vector<Disagreement>& to) {
  for (const auto& [member, values] : members) {
    const bool same = std::ranges::all_of(
        values, [&values](const auto& entry) { return entry.second == values.begin()->second; });
    if (!same) to.push_back({place, member, values, standing_out(values)});
  }
}

template <class Facts>
void add_members(const std::string& context, const Facts& facts, ByMember& members) {
  const sinew::Json json = sinew::to_json(facts);
  for (const auto& [name, value] : json.as_object().members())
    members[name].emplace(context, value.is_string() ? value.as_string() : sinew::to_text(value));
}

template <class Key, class Facts>
std::set<Key> keys_of(const std::vector<ContextAudit>& audits,
                      std::map<Key, Facts> ContextAudit::* items) {
  std::set<Key> keys;
  for (const auto& audit : audits) {
    for (const auto& [key, facts] : audit.*items)
      keys.insert(key);
  }
  return keys;
}

// Contexts that know orders, but not this one, take it for undone.
void compare_order(const std::string& id, const std::vector<ContextAudit>& audits,
                   std::vector<Disagreement>& to) {
  ByMember members;
  bool live_everywhere = true;
  for (const auto& audit : audits) {
    if (audit.orders.empty()) continue;
    const auto found = audit.orders.find(id);
    const bool known = found != audit.orders.end();
    live_everywhere = live_everywhere && known && is_live(found->second);
    if (known) add_members(audit.context, found->second, members);
    members["live"].emplace(audit.context, known && is_live(found->second) ? "true" : "false");
  }
  if (!live_everywhere) {
    ByMember only_live;
    only_live.insert(members.extract("live"));
    members = std::move(only_live);
  }
  add_disagreements("order " + id, members, to);
}

Law stock_law(const ContextAudit& stock) {
  std::int64_t opening = 0;
  std::int64_t shipped = 0;
  std::int64_t reserved = 0;
  std::int64_t free = 0;
  bool holds = true;
  for (const auto& [id, facts] : stock.products) {
    const auto out = facts.shipped.value_or(0) + facts.reserved.value_or(0);
    const auto left = facts.free.value_or(0);
    holds = holds && facts.opening.value_or(0) == out + left && left >= 0;
    opening += facts.opening.value_or(0);
    shipped += facts.shipped.value_or(0);
    reserved += facts.reserved.value_or(0);
    free += left;
  }
  return {"stock, product by product: opening = shipped + reserved + free",
          {{"opening", opening}, {"shipped", shipped}, {"reserved", reserved}, {"free", free}},
          holds};
}

Law money_law(const std::vector<ContextAudit>& audits) {
  Law law{"money: payable of live orders = charged - refunded", {}, true};
  for (const auto& audit : audits) {
    sinew::Decimal total;
    bool knows = !audit.orders.empty();
    for (const auto& [id, facts] : audit.orders) {
      if (!is_live(facts)) continue;
      knows = knows && facts.payable.has_value();
      if (knows) total += *facts.payable;
    }
    if (knows) law.sides.emplace_back(audit.context, total);
  }
  law.holds = std::ranges::all_of(
      law.sides, [&law](const auto& side) { return side.second == law.sides.front().second; });
  return law;
}

}  // namespace

std::vector<Disagreement> disagreements(const std::vector<ContextAudit>& audits) {
  std::vector<Disagreement> all;
  for (const auto& id : keys_of(audits, &ContextAudit::orders))
    compare_order(id, audits, all);
  for (const auto id : keys_of(audits, &ContextAudit::products)) {
    ByMember members;
    for (const auto& audit : audits) {
      const auto found = audit.products.find(id);
      if (found != audit.products.end()) add_members(audit.context, found->second, members);
    }
    add_disagreements(fmt::format("product {}", id), members, all);
  }
  return all;
}

std::vector<Law> conservation_laws(const std::vector<ContextAudit>& audits) {
  std::vector<Law> laws;
  if (const auto* stock = audit_of(audits, "inventory")) laws.push_back(stock_law(*stock));
  laws.push_back(money_law(audits));
  return laws;
}

}  // namespace commerce::books
