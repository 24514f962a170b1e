#pragma once

#include <vector>

#include "examples/commerce/books/statement.hpp"

namespace commerce::books {

// Where contexts do not say the same: order by order, product by product, member by member. An
// order that is undone everywhere is compared no further.
std::vector<Disagreement> disagreements(const std::vector<ContextAudit>& audits);

// Stock product by product, money over all live orders.
std::vector<Law> conservation_laws(const std::vector<ContextAudit>& audits);

}  // namespace commerce::books
