#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sinew/async/task.hpp"
#include "sinew/base/id.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/base/time.hpp"
#include "sinew/store/transaction.hpp"

namespace sinew::store {

// Which messages a consumer has handled: the mark is written in the handler's own transaction, so a
// duplicate finds it and ends. Key: consumer, source, id (CloudEvents: source and id are unique).
//
// Marks age by a clock in the inbox's own tables, which whoever sweeps it moves on while it runs.
// So a context that was down for a year meets the duplicates of before with all its marks, and a
// wall clock that is set, forward or back, ages nothing.
class Inbox {
 public:
  // True when the mark is new; false for a duplicate: then accept the message and do nothing.
  static Task<bool> mark(Transaction& transaction, std::string consumer, std::string source,
                         Uuid id);
  static Task<bool> contains(Transaction& transaction, std::string consumer, std::string source,
                             Uuid id);

  // For a message that its consumer has taken over and not handled yet: the mark stays until
  // release(), and is as old as that from then on. Either makes a mark that is missing.
  static Task<void> hold(Transaction& transaction, std::string consumer, std::string source,
                         Uuid id);
  static Task<void> release(Transaction& transaction, std::string consumer, std::string source,
                            Uuid id);

  // The inbox's clock: counts the time in which it was moved on, from an arbitrary beginning.
  static Task<Timestamp> clock(Transaction& transaction);
  // False, and nothing is changed, when it is not at `seen` any more: somebody else moves it.
  static Task<bool> advance(Transaction& transaction, Timestamp seen, Duration by);

  // Deletes up to `limit` marks written before that, the oldest first; gives how many.
  static Task<std::int64_t> forget(Transaction& transaction, Timestamp before, std::size_t limit);

  // When the first mark at `from` or later was written that is not held; and how many such there
  // are from then until before `to`.
  static Task<std::optional<Timestamp>> first(Transaction& transaction, Timestamp from);
  static Task<std::int64_t> count(Transaction& transaction, Timestamp from, Timestamp to);
};

}  // namespace sinew::store
