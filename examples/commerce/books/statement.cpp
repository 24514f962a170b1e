#include "examples/commerce/books/statement.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "examples/commerce/books/batch_figures.hpp"
#include "examples/commerce/books/comparison.hpp"
#include "sinew/base/described.hpp"

namespace commerce::books {
namespace {

using sinew::Json;
using sinew::JsonArray;
using sinew::JsonObject;

Json to_json(const FigureLine& line) {
  JsonObject sources;
  for (const auto& [context, value] : line.sources)
    sources.set(context, json_of(value));
  JsonObject object;
  object.set("name", line.name);
  object.set("expected", json_of(line.expected));
  object.set("found", json_of(line.found));
  object.set("difference", json_of(difference(line.found, line.expected)));
  object.set("sources", std::move(sources));
  object.set("batch", line.batch);
  object.set("published", json_of(line.published));
  object.set("not_sent", json_of(line.not_sent));
  object.set("compensated", json_of(line.compensated));
  return object;
}

Json to_json(const Law& law) {
  JsonObject sides;
  for (const auto& [name, value] : law.sides)
    sides.set(name, json_of(value));
  JsonObject object;
  object.set("law", law.name);
  object.set("holds", law.holds);
  object.set("sides", std::move(sides));
  return object;
}

Json to_json(const Disagreement& disagreement) {
  JsonObject values;
  for (const auto& [context, value] : disagreement.values)
    values.set(context, value);
  JsonObject object;
  object.set("place", disagreement.place);
  object.set("member", disagreement.member);
  object.set("values", std::move(values));
  object.set("contexts", sinew::to_json(disagreement.off));
  return object;
}

Json to_json(const ContextProblem& entry) {
  JsonObject object;
  object.set("context", entry.context);
  object.set("place", entry.problem.place);
  object.set("what", entry.problem.what);
  return object;
}

Json to_json(const OpenWork& work) {
  JsonObject object;
  object.set("context", work.context);
  object.set("parked", work.parked);
  object.set("stuck_sagas", work.stuck_sagas);
  object.set("stalled_views", work.stalled_views);
  return object;
}

template <class Item>
JsonArray list_of(const std::vector<Item>& items) {
  JsonArray array;
  for (const Item& item : items)
    array.push_back(to_json(item));
  return array;
}

// Those whose value of a figure is not the expected one.
void add_sources_off(const FigureLine& line, std::set<std::string>& suspects) {
  for (const auto& [context, value] : line.sources) {
    if (!is_zero(difference(value, line.expected))) suspects.insert(context);
  }
}

// How many batches bring a product.
using Bringers = std::map<std::int64_t, std::size_t>;

Bringers bringers_of(const std::vector<reporting::RegisterBatch>& batches) {
  Bringers bringers;
  for (const auto& batch : batches) {
    for (const auto product : batch.product_ids)
      ++bringers[product];
  }
  return bringers;
}

bool brings_own_goods(const reporting::RegisterBatch& batch, const Bringers& bringers) {
  return std::ranges::all_of(batch.product_ids,
                             [&](const auto product) { return bringers.at(product) == 1; });
}

// Who never hears of free orders says of them what sales does, unless it knows better.
void add_free_orders(std::vector<ContextAudit>& audits) {
  const ContextAudit* sales = audit_of(audits, "sales");
  if (sales == nullptr) return;
  for (auto& audit : audits) {
    if (audit.hears_of_free_orders) continue;
    for (const auto& [id, facts] : sales->orders) {
      if (!facts.payable || !facts.payable->is_zero()) continue;
      OrderFacts free;
      free.live = facts.live;
      free.payable = facts.payable;
      audit.orders.try_emplace(id, std::move(free));
    }
  }
}

}  // namespace

bool Statement::balanced() const {
  return std::ranges::all_of(figures, &FigureLine::balanced) &&
         std::ranges::all_of(laws, &Law::holds) && disagreements.empty() && problems.empty() &&
         open_work.empty();
}

// A broken row explains what else is off, and is certain; without one, all that speaks is named.
std::vector<std::string> Statement::suspects() const {
  std::set<std::string> names;
  for (const auto& entry : problems)
    names.insert(entry.context);
  if (names.empty()) {
    for (const auto& disagreement : disagreements)
      names.insert(disagreement.off.begin(), disagreement.off.end());
    for (const auto& line : figures)
      add_sources_off(line, names);
  }
  for (const auto& work : open_work)
    names.insert(work.context);
  return {names.begin(), names.end()};
}

Json to_json(const Statement& statement) {
  JsonObject object;
  object.set("balanced", statement.balanced());
  object.set("contexts", sinew::to_json(statement.suspects()));
  object.set("figures", list_of(statement.figures));
  object.set("laws", list_of(statement.laws));
  object.set("disagreements", list_of(statement.disagreements));
  object.set("problems", list_of(statement.problems));
  object.set("open_work", list_of(statement.open_work));
  object.set("refused", sinew::to_json(statement.refused));
  object.set("compensated", sinew::to_json(statement.compensated));
  return object;
}

Statement reconcile(const std::vector<reporting::RegisterBatch>& batches,
                    std::vector<ContextAudit> audits) {
  add_free_orders(audits);
  const Bringers bringers = bringers_of(batches);
  Statement statement;
  for (const auto& batch : batches) {
    auto lines = batch_figures(batch, audits, brings_own_goods(batch, bringers));
    std::ranges::move(lines, std::back_inserter(statement.figures));
    std::ranges::copy(batch.refused, std::back_inserter(statement.refused));
    for (auto& order : compensated_orders(batch, audits)) {
      if (std::ranges::find(statement.compensated, order) != statement.compensated.end()) continue;
      statement.compensated.push_back(std::move(order));  // once, though two inputs have it
    }
  }
  statement.laws = conservation_laws(audits);
  statement.disagreements = disagreements(audits);
  if (statement.disagreements.size() > Statement::max_disagreements) {
    statement.disagreements.resize(Statement::max_disagreements);
  }
  for (const auto& audit : audits) {
    for (const auto& problem : audit.problems)
      statement.problems.push_back({audit.context, problem});
    for (const auto& line : audit.refused)
      statement.refused.push_back({audit.context + "/" + line.place, {}, line.reason});
  }
  return statement;
}

}  // namespace commerce::books
