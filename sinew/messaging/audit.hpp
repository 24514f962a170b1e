#pragma once

#include <string>
#include <vector>

#include "sinew/async/task.hpp"
#include "sinew/base/id.hpp"
#include "sinew/base/time.hpp"
#include "sinew/store/transaction.hpp"

namespace sinew::messaging {

// What an operator did by hand, kept for good in the database that it changed.
struct AuditEntry {
  Uuid id;
  Timestamp at{};
  std::string actor;
  std::string verb;
  std::string target;
  std::string detail;
};

Task<void> audit(store::Transaction& transaction, AuditEntry entry);
// The latest entries, newest first.
Task<std::vector<AuditEntry>> audit_trail(store::Transaction& transaction, std::size_t limit);

}  // namespace sinew::messaging
