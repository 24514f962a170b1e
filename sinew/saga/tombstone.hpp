#pragma once

#include <string>

#include "sinew/async/task.hpp"
#include "sinew/base/time.hpp"
#include "sinew/store/transaction.hpp"

namespace sinew::saga {

// What a compensation leaves behind when there was nothing to undo: its action, should it still
// arrive, finds the stone and is refused. Otherwise a late action would never be compensated. For
// participants; `action` names the kind of thing, `key` the one (an order).
class Tombstones {
 public:
  static Task<void> leave(store::Transaction& transaction, std::string action, std::string key,
                          Timestamp now);
  static Task<bool> exists(store::Transaction& transaction, std::string action, std::string key);
};

}  // namespace sinew::saga
