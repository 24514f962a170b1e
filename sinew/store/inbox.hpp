#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "sinew/async/task.hpp"
#include "sinew/base/id.hpp"
#include "sinew/base/time.hpp"
#include "sinew/store/transaction.hpp"

namespace sinew::store {

// Which messages a consumer has handled: the mark is written in the handler's own transaction, so a
// duplicate finds it and ends. Key: consumer, source, id (CloudEvents: source and id are unique).
class Inbox {
 public:
  // How long a mark is kept: longer than any broker redelivers and any parked message waits.
  static constexpr std::chrono::days retention{30};

  // True when the mark is new; false for a duplicate: then accept the message and do nothing.
  static Task<bool> mark(Transaction& transaction, std::string consumer, std::string source,
                         Uuid id, Timestamp now);
  static Task<bool> contains(Transaction& transaction, std::string consumer, std::string source,
                             Uuid id);

  // Deletes up to `limit` marks older than `before`, the oldest first; gives how many.
  static Task<std::int64_t> forget(Transaction& transaction, Timestamp before, std::size_t limit);
};

}  // namespace sinew::store
