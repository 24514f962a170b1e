#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sinew/async/task.hpp"
#include "sinew/base/id.hpp"
#include "sinew/base/time.hpp"
#include "sinew/event/envelope.hpp"
#include "sinew/store/transaction.hpp"

// A choreographed process has no coordinator: each context reacts to an event with the next one, or
// with one that makes the others take back what they did. What each did is in its own journal, a
// row an event, written with it; put together by correlation id they are the process.
namespace sinew::saga {

struct JournalEntry {
  Uuid message_id;      // of the event that was published
  Uuid correlation_id;  // of the process
  Uuid cause_id;        // of the event that it follows from; nil: it began the process
  std::string cause_type;
  std::string type;
  std::string key;  // its ordering key
  std::int32_t hops = 0;
  Timestamp at{};
};

// Notes that `event` was published for `cause`; null: it begins a process.
Task<void> write_journal(store::Transaction& transaction, const event::Envelope& event,
                         const event::Envelope* cause);

// The entries of the process, or of the processes of an ordering key, in the order they were
// written; 1,000 at most.
Task<std::vector<JournalEntry>> journal_of(store::Transaction& transaction, Uuid correlation_id);
Task<std::vector<JournalEntry>> journal_of_key(store::Transaction& transaction, std::string key);

// Deletes up to `limit` entries older than `before`; gives how many. The host does, see
// ContextSettings::journal_retention.
Task<std::int64_t> forget_journal(store::Transaction& transaction, Timestamp before,
                                  std::size_t limit);

}  // namespace sinew::saga
