#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sinew/async/task.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/event/envelope.hpp"
#include "sinew/event/timing.hpp"
#include "sinew/store/outbox_batch.hpp"
#include "sinew/store/transaction.hpp"

namespace sinew::store {

// Throws Error invalid_input for a name that is not of that form.
void validate(const Destination& destination);
// When a message to there may be delivered. Throws Error invalid_input: what event::timing_of()
// refuses, for a queue; a record of a topic, which has one order for all, with a delay.
event::Timing timing_of(const Destination& destination, const event::Envelope& envelope);

// Throws Error invalid_input for what Outbox::insert() refuses.
void validate(const Destination& destination, const event::Envelope& envelope);

// exhausted: writers are pushed back until the broker takes messages. A consumer's handler that
// meets it is tried later without blame.
class OutboxFull final : public Error {
 public:
  explicit OutboxFull(const std::string& detail) : Error(Condition::exhausted, detail) {}
};

struct OutboxEntry {
  std::int64_t position = 0;
  Destination destination;
  event::Envelope envelope;
};

// Messages that leave if and only if their transaction committed. Rows are only inserted and
// deleted (the column names are those of Debezium's outbox router: id, aggregatetype, aggregateid,
// type, payload). Keys are spread over `partitions` by hash; a relay leases partitions, with an
// epoch that fences off the one before, so the order of a key holds with several relays.
class Outbox {
 public:
  static constexpr std::int32_t partitions = 16;
  // At so many rows insert() fails with `exhausted`: the relay cannot keep up or the broker is
  // down.
  static constexpr std::int64_t default_capacity = 100'000;
  // Rows that one read gives and one published() takes.
  static constexpr std::size_t max_batch = 1000;

  // `capacity` in rows, from 1. Rows are counted once for many inserts: transactions under way at
  // the same moment, and each further Outbox on the database, may overshoot by an eighth.
  explicit Outbox(std::int64_t capacity = default_capacity) : capacity_(capacity) {}

  // Writes a message in the transaction; the relay is told after its commit. Errors: invalid_input
  // (a topic's message without ordering key, what validate() or timing_of() refuses),
  // OutboxFull.
  Task<void> insert(Transaction& transaction, Destination destination, event::Envelope envelope);
  // Writes the messages of a batch, in their order, as one: all of them or, when some are refused,
  // what `on_error` says. Errors, with nothing inserted: BatchRefused (OnError::fail), OutboxFull
  // (there is no room for all of them, whatever `on_error` says). An empty batch is fine.
  Task<BatchInserted> insert_all(Transaction& transaction, OutboxBatch batch,
                                 OnError on_error = OnError::fail);
  // Has `relay` told after each commit with an insert, until stop_waking(); several may be. It must
  // outlive the transactions that write.
  void wake(CommitListener& relay) { relays_.push_back(&relay); }
  void stop_waking(CommitListener& relay) noexcept { std::erase(relays_, &relay); }

  struct Lease {
    std::int32_t partition = 0;
    std::int64_t epoch = 0;
  };
  // Renews the partitions that `owner` holds and takes others that are free or expired, `most` in
  // all. Epochs grow when the owner changes. Time is wall time in the same clock for all relays of
  // the database. `owner` is one relay's run, never used again after a restart.
  Task<std::vector<Lease>> lease(Transaction& transaction, Uuid owner, Timestamp now,
                                 Duration duration, std::int32_t most = partitions);
  // Rows of a leased partition after position `after`, ascending, at most `limit` (1 to max_batch).
  // A writer that commits late may add a row below one already seen (PostgreSQL; not of the same
  // key, when its writers are ordered): start again from 0 after each pass.
  Task<std::vector<OutboxEntry>> read(Transaction& transaction, std::int32_t partition,
                                      std::int64_t after, std::size_t limit);
  // Deletes what was confirmed, provided the lease still holds. False: another relay took over;
  // what was published may be published again (consumers deduplicate by id).
  Task<bool> published(Transaction& transaction, Lease lease, std::vector<std::int64_t> positions);
  // Gives up the leases of `owner`, so that another need not wait for them to expire.
  Task<void> release(Transaction& transaction, Uuid owner);
  // The same for every lease: when it is certain that no relay of another process can be alive.
  Task<void> release_all(Transaction& transaction);
  Task<std::int64_t> size(Transaction& transaction);
  // It refused messages, and none has left since.
  bool full() const noexcept { return full_; }

  // The partition of a message: by its ordering key, by its id when it has none.
  static std::int32_t partition_of(const event::Envelope& envelope) noexcept;

 private:
  Task<void> reserve(Transaction& transaction, std::int64_t messages);
  void tell_relays(Transaction& transaction);
  static Task<void> insert_rows(Transaction& transaction, std::span<const OutboxBatch::Row> rows);

  std::int64_t capacity_;
  std::int64_t room_ = 0;  // inserts until the rows are counted again
  bool full_ = false;
  std::vector<CommitListener*> relays_;
};

}  // namespace sinew::store
