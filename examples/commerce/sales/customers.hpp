#pragma once

#include <string>

#include "examples/commerce/books/audit.hpp"
#include "examples/commerce/books/input_lines.hpp"
#include "sinew/async/task.hpp"
#include "sinew/store/transaction.hpp"

namespace commerce::sales {

// The customers that sales knows, from files in its drop folder; a later line replaces an earlier
// one.
sinew::Task<void> take_customer(sinew::store::Transaction& tx, const books::InputLine& line);
sinew::Task<bool> knows_customer(sinew::store::Transaction& tx, std::string customer_id);
// Empties what the table knows of the person: contact and phone. The company stays.
sinew::Task<void> forget_contact(sinew::store::Transaction& tx, std::string customer_id);
sinew::Task<void> audit_customers(sinew::store::Transaction& tx, books::ContextAudit& audit);

}  // namespace commerce::sales
