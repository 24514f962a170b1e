#pragma once

#include "examples/commerce/books/audit.hpp"
#include "sinew/async/task.hpp"
#include "sinew/store/transaction.hpp"

namespace commerce::program {

// What the payment provider received for each order and did not give back, by its own list. An
// order that was charged twice is a problem.
sinew::Task<books::ContextAudit> audit_provider(sinew::store::Transaction& tx);

}  // namespace commerce::program
