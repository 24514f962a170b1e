#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sinew/async/task.hpp"
#include "sinew/base/id.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/base/time.hpp"
#include "sinew/event/envelope.hpp"
#include "sinew/messaging/broker.hpp"
#include "sinew/store/migration.hpp"
#include "sinew/store/transaction.hpp"

namespace sinew::messaging {

// The tables of consumers: backlog, crash counts, clean stops, audit.
store::MigrationSet messaging_migrations();

// What a message of the backlog is waiting for.
enum class BacklogState : std::uint8_t {
  waiting,  // head of its key: tried again at not_before
  behind,   // its key has an earlier message here
  parked,   // head of its key: an operator decides
};
std::string_view to_string(BacklogState state) noexcept;

// A message that its consumer took over from the broker and has not handled yet.
struct BacklogEntry {
  Uuid sequence;  // UUIDv7: ascending is the order of arrival
  std::string consumer;
  BacklogState state = BacklogState::waiting;
  std::string key;  // ordering key, or the message's id when it has none
  event::Envelope message;
  std::int32_t attempts = 0;
  Timestamp arrived_at{};
  Timestamp not_before{};
  std::string reason;  // of parking: poison, unknown_type, exhausted_retries, crashed, hop_limit
  std::optional<Timestamp> postponed_since{};  // the first of the postponements under way
  std::string first_error;
  std::string last_error;
};

// One consumer's durable retries and dead letters, in its own database. Rows of one key stay in
// order; only the first can be waiting or parked. How many there are is kept beside them, so that
// nothing here takes longer because there are many. Every function is part of a transaction.
class Backlog {
 public:
  // `longest_wait`: of one message between two attempts, when none asked to be postponed. One that
  // seems to have to wait longer was written before the wall clock was set back, and is due.
  explicit Backlog(std::string consumer, Duration longest_wait = std::chrono::hours(24))
      : consumer_(std::move(consumer)), longest_wait_(longest_wait) {}

  static std::string key_of(const event::Envelope& message);

  Task<bool> has_key(store::Transaction& transaction, std::string key);
  // Up to `limit` of the keys that have a message here.
  Task<std::vector<std::string>> keys(store::Transaction& transaction, std::size_t limit);
  Task<std::int64_t> size(store::Transaction& transaction);

  // Holds the message's inbox mark; remove() lets it age from then on.
  Task<void> add(store::Transaction& transaction, BacklogEntry entry);
  // Heads that are due, the longest overdue first; and when the next one will be. Times are of the
  // wall clock: set forward, it makes them due early; set back, it delays them by longest_wait at
  // most, postponed ones by Postponed::longest.
  Task<std::vector<BacklogEntry>> due(store::Transaction& transaction, Timestamp now,
                                      std::size_t limit);
  Task<std::optional<Timestamp>> next_due(store::Transaction& transaction, Timestamp now);

  // A failed attempt: the head waits until not_before, or is parked for a reason.
  Task<void> reschedule(store::Transaction& transaction, Uuid sequence, Timestamp not_before,
                        std::string error);
  // The head waits until not_before, at most Postponed::longest, without a count.
  Task<void> postpone(store::Transaction& transaction, Uuid sequence, Timestamp not_before,
                      Timestamp now, std::string error);
  Task<void> park(store::Transaction& transaction, Uuid sequence, std::string reason,
                  std::string error);
  // Has a parked head tried again from `now`, its attempts forgotten. False: it is not parked.
  Task<bool> unpark(store::Transaction& transaction, Uuid sequence, Timestamp now);
  // Removes a message and makes the next of its key the head. False: it is not there (any more).
  Task<bool> remove(store::Transaction& transaction, Uuid sequence, Timestamp now);

  // After an unclean stop: counts that the message's handler is about to run; gives the count. And
  // forgets it when the process survived that.
  Task<std::int32_t> count_start(store::Transaction& transaction, const event::Envelope& message);
  Task<void> forget_start(store::Transaction& transaction, const event::Envelope& message);

  // Marks the consumer as running; true when it had not stopped cleanly before. A clean stop
  // forgets all starts.
  Task<bool> opened(store::Transaction& transaction);
  Task<void> closed(store::Transaction& transaction);

 private:
  Task<void> promote_next(store::Transaction& transaction, std::string key, Timestamp now);
  Task<std::optional<std::string>> key_at(store::Transaction& transaction, Uuid sequence);
  Task<bool> behind_parked(store::Transaction& transaction, std::string key);
  Task<std::int64_t> behind(store::Transaction& transaction, std::string key);
  Task<void> count(store::Transaction& transaction, std::string_view what, std::int64_t more);
  Timestamp latest(Timestamp now) const;

  std::string consumer_;
  Duration longest_wait_;
};

}  // namespace sinew::messaging
