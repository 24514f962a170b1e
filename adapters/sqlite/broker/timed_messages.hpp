#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "adapters/sqlite/broker/tables.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/time.hpp"
#include "sinew/store/transaction.hpp"

// What the broker's tables hold of messages whose time has come, and of queues that are over. Times
// are the broker's (clock.hpp).
namespace sinew::sqlite::broker {

struct TimedMessage {
  std::int64_t queue = 0;  // its number
  StoredMessage message;
  Timestamp at{};  // due or expired
};

// Where a page goes on.
struct TimedCursor {
  Timestamp at = Timestamp::min();
  std::int64_t id = 0;
};

// Delayed messages that are due by `now`, and others that have expired by then, in order of time.
Task<std::vector<TimedMessage>> read_due(store::Transaction& tx, Timestamp now, TimedCursor after,
                                         std::size_t limit);
Task<std::vector<TimedMessage>> read_expired(store::Transaction& tx, Timestamp now,
                                             TimedCursor after, std::size_t limit);
// When the next delayed message is due or the next other one expires, after `now`.
Task<std::optional<Timestamp>> next_timed(store::Transaction& tx, Timestamp now);

// Delayed messages of a queue with after < sequence.
Task<std::vector<TimedMessage>> read_delayed(store::Transaction& tx, std::int64_t queue,
                                             std::int64_t after, std::size_t limit);

// Takes a message out of its table. False: it is not there any more.
Task<bool> take_message(store::Transaction& tx, std::int64_t queue, std::int64_t sequence,
                        bool delayed);
Task<void> count_taken(store::Transaction& tx, std::int64_t queue, std::int64_t count);

// When the first message that is in the table was accepted; none: it is empty.
Task<std::optional<Timestamp>> oldest_message(store::Transaction& tx, std::int64_t queue);

// A queue that is over: hide_queue() gives its name free, then remove_some() until it says that
// nothing is left of it. Gives the numbers of those that are hidden, or were to be.
Task<void> hide_queue(store::Transaction& tx, std::int64_t queue);
Task<bool> remove_some(store::Transaction& tx, std::int64_t queue, std::size_t limit);

}  // namespace sinew::sqlite::broker
