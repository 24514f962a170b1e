#pragma once

#include <vector>

#include "examples/commerce/books/statement.hpp"

namespace commerce::books {

// The figures of one batch. `own_goods`: no other batch brings any of its products, so that what
// there is of them is a figure as well.
std::vector<FigureLine> batch_figures(const reporting::RegisterBatch& batch,
                                      const std::vector<ContextAudit>& audits, bool own_goods);

// The batch's orders that were taken and undone.
std::vector<std::string> compensated_orders(const reporting::RegisterBatch& batch,
                                            const std::vector<ContextAudit>& audits);

// The audit of that context, or nullptr.
const ContextAudit* audit_of(const std::vector<ContextAudit>& audits, std::string_view context);

bool is_live(const OrderFacts& facts);

}  // namespace commerce::books
