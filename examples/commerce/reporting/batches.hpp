#pragma once

#include <optional>
#include <string>
#include <vector>

#include "examples/commerce/reporting/contract/books.hpp"
#include "sinew/async/task.hpp"
#include "sinew/store/transaction.hpp"

namespace commerce::reporting {

// Every batch that was registered, in the order of arrival, but those whose documents cannot be
// read: the audit names them.
sinew::Task<std::vector<RegisterBatch>> batches(sinew::store::Transaction& tx);

// Nothing when it is no document of a batch.
std::optional<RegisterBatch> read_batch(const std::string& document);

}  // namespace commerce::reporting
