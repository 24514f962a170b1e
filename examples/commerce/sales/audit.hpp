#pragma once

#include "examples/commerce/books/audit.hpp"
#include "sinew/async/task.hpp"
#include "sinew/store/database.hpp"

namespace commerce::sales {

// See books/audit.hpp.
sinew::Task<books::ContextAudit> audit(sinew::store::Database& database);

}  // namespace commerce::sales
