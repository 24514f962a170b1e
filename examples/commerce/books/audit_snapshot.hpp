#pragma once

#include <string>
#include <utility>

#include "examples/commerce/books/audit.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/error.hpp"
#include "sinew/store/database.hpp"

namespace commerce::books {

// The audit of one context: runs body(Transaction&, ContextAudit&) on one read-only snapshot. Rows
// that cannot be read at all end it with that as a problem; the facts are then incomplete.
template <class Body>
sinew::Task<ContextAudit> audit_snapshot(sinew::store::Database& database, std::string context,
                                         Body body) {
  ContextAudit audit;
  try {
    co_await database.read([&](sinew::store::Transaction& tx) -> sinew::Task<void> {
      audit = {};
      audit.context = context;
      co_await body(tx, audit);
    });
  } catch (const sinew::Error& error) {
    const bool unreadable = error.condition() == sinew::Condition::corrupt ||
                            error.condition() == sinew::Condition::invalid_input;
    if (!unreadable) throw;
    audit.problems.push_back({"tables of " + context, error.detail()});
  }
  co_return audit;
}

}  // namespace commerce::books
