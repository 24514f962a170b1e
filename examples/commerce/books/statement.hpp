#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "examples/commerce/books/audit.hpp"
#include "examples/commerce/books/value.hpp"
#include "examples/commerce/reporting/contract/books.hpp"
#include "sinew/base/json.hpp"

namespace commerce::books {

// One figure of one batch: published - not_sent - compensated = expected, which every context that
// knows it should find.
struct FigureLine {
  std::string batch;  // its name
  std::string name;   // the key of totals.json, nested ones joined by a dot
  Value published;
  Value not_sent;     // in lines that were refused
  Value compensated;  // in orders that were undone
  Value expected;
  Value found;                           // one that differs, if any does
  std::map<std::string, Value> sources;  // by context

  bool balanced() const { return is_zero(difference(found, expected)) && !sources.empty(); }
};

// Contexts that do not say the same of an order or a product.
struct Disagreement {
  std::string place;                          // order 10248
  std::string member;                         // payable
  std::map<std::string, std::string> values;  // by context
  std::vector<std::string> off;               // the contexts that stand against the others
};

// A conservation law over everything, not only a batch.
struct Law {
  std::string name;  // stock: opening = shipped + reserved + free
  std::vector<std::pair<std::string, Value>> sides;
  bool holds = false;
};

struct ContextProblem {
  std::string context;
  Problem problem;
};

// What a context has that waits for an operator.
struct OpenWork {
  std::string context;
  std::int64_t parked = 0;         // messages
  std::int64_t stuck_sagas = 0;    // suspended, or with a failed compensation
  std::int64_t stalled_views = 0;  // paused, or with keys held
};

struct Statement {
  std::vector<FigureLine> figures;
  std::vector<Law> laws;
  std::vector<Disagreement> disagreements;  // at most max_disagreements
  std::vector<ContextProblem> problems;
  std::vector<OpenWork> open_work;
  std::vector<reporting::Refusal> refused;
  std::vector<std::string> compensated;  // orders

  static constexpr std::size_t max_disagreements = 100;

  bool balanced() const;
  // The contexts that something speaks against, each once.
  std::vector<std::string> suspects() const;
};
sinew::Json to_json(const Statement& statement);

// Checks the batches against what the contexts say, and the contexts against each other. `audits`
// may hold some that are no context, such as the payment provider.
Statement reconcile(const std::vector<reporting::RegisterBatch>& batches,
                    std::vector<ContextAudit> audits);

}  // namespace commerce::books
