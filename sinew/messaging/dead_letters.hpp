#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sinew/async/task.hpp"
#include "sinew/messaging/backlog.hpp"
#include "sinew/store/transaction.hpp"

// What an operator does with the messages that consumers could not handle: durable changes of the
// backlog, so they work on a running host (which then wakes its consumers) and on a stopped folder.
// Every function is part of a transaction.
namespace sinew::messaging {

struct BacklogCounts {
  std::int64_t waiting = 0;  // to be tried again by themselves, and those behind them
  std::int64_t parked = 0;
  std::int64_t blocked = 0;  // behind a parked one
};
Task<BacklogCounts> count_backlog(store::Transaction& transaction);

// Which messages: all that fit every member that is set.
struct DeadLetterFilter {
  std::vector<Uuid> sequences{};
  std::string consumer{};
  std::string type{};
  std::string key{};
  std::string reason{};
  bool parked_only = true;      // else waiting ones and those behind as well
  std::optional<Uuid> after{};  // page: entries after this sequence
  std::size_t limit = 1000;     // from 1; a list has 10'000 entries at most
};

// In order of arrival.
Task<std::vector<BacklogEntry>> list_dead_letters(store::Transaction& transaction,
                                                  DeadLetterFilter filter);
// Error not_found.
Task<BacklogEntry> find_dead_letter(store::Transaction& transaction, Uuid sequence);

struct Operator {
  std::string actor;
  std::string reason;
  Uuid audit_id;
  Timestamp at{};
};

// Has parked messages tried again, with their attempts forgotten: each is the head of its key and
// stays the only copy, so those behind it follow in order. Gives how many there were; a dry run
// changes nothing.
Task<std::int64_t> replay(store::Transaction& transaction, DeadLetterFilter filter, Operator by,
                          bool dry_run);

// Removes messages for good; the next of their key becomes its head and is tried.
Task<std::int64_t> discard(store::Transaction& transaction, DeadLetterFilter filter, Operator by,
                           bool dry_run);

}  // namespace sinew::messaging
