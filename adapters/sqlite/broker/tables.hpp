#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/async/task.hpp"
#include "sinew/base/time.hpp"
#include "sinew/event/envelope.hpp"
#include "sinew/messaging/broker.hpp"
#include "sinew/store/migration.hpp"
#include "sinew/store/transaction.hpp"

// The broker's tables. Queues and partitions have numbers; a message's or record's row id is
// (number << 40) + sequence, so that each lies in one stretch of its table, in its own order, and
// is appended at the stretch's end without a further index.
namespace sinew::sqlite::broker {

store::MigrationSet migrations();

struct QueueRow {
  std::int64_t number = 0;
  messaging::QueueSpec spec;
  std::int64_t stored = 0;  // delayed ones included
  std::int64_t delayed = 0;
  std::int64_t tail = 0;      // the last sequence in the tables; 0: none
  Timestamp last_accepted{};  // when that one was
};
struct TopicRow {
  std::int64_t number = 0;           // of partition 0; the others follow
  messaging::TopicSpec spec;         // with a retention
  std::vector<std::int64_t> heads;   // the last sequence of each partition
  std::vector<std::int64_t> starts;  // of each: up to here nothing is left
  std::vector<Timestamp> times;      // of each: when its last record was accepted
};
// Records that retention took from a group, of which no member was told yet.
struct Gap {
  std::int64_t upto = 0;
  std::int64_t records = 0;
};
struct GroupRow {
  std::int64_t topic = 0;
  std::string name;
  std::vector<std::int64_t> committed;  // by partition
  std::vector<Gap> gaps;                // by partition
};
struct Content {
  std::vector<QueueRow> queues;
  std::vector<TopicRow> topics;
  std::vector<GroupRow> groups;
};

struct MessageRow {
  std::int64_t number = 0;  // of the queue or partition
  std::int64_t sequence = 0;
  std::uint64_t key = 0;  // queues
  std::string body;
  Timestamp accepted_at{};  // queues: in the broker's time; topics: by its wall clock
  // Queues, in the broker's time.
  std::optional<Timestamp> due_at{};  // set: delayed until then
  std::optional<Timestamp> expires_at{};
};

struct StoredMessage {
  std::int64_t sequence = 0;
  std::uint64_t key = 0;
  event::Envelope envelope;
  Timestamp accepted_at{};
  std::optional<Timestamp> expires_at{};
};
struct Page {
  std::vector<StoredMessage> messages;  // ascending
  bool all = false;                     // there are no more in the range
};
// Where a page ends at the latest, whatever its limit: reading blocks the worker.
inline constexpr std::size_t max_page_bytes = 4 * 1024 * 1024;

Task<Content> read_content(store::Transaction& tx);

// Gives the row of the queue or topic, made when missing; a topic's retention is changed when the
// specification has one. Error conflict when it exists with other settings.
Task<QueueRow> declare_queue(store::Transaction& tx, messaging::QueueSpec spec);
Task<TopicRow> declare_topic(store::Transaction& tx, messaging::TopicSpec spec);

// Those with `due_at` among the delayed.
Task<void> insert_message(store::Transaction& tx, const MessageRow& row);
// The same, and counts them.
Task<void> insert_messages(store::Transaction& tx, const std::vector<MessageRow>& rows);
Task<void> delete_messages(store::Transaction& tx, std::int64_t queue,
                           const std::vector<std::int64_t>& sequences);
Task<void> insert_records(store::Transaction& tx, const std::vector<MessageRow>& rows);

// Messages with after < sequence <= upto, of one key unless that is 0.
Task<Page> read_messages(store::Transaction& tx, std::int64_t queue, std::uint64_t key,
                         std::int64_t after, std::int64_t upto, std::size_t limit);
Task<Page> read_records(store::Transaction& tx, std::int64_t partition, std::int64_t after,
                        std::size_t limit);
// How many of these are in the tables, delayed or not.
Task<std::int64_t> count_messages(store::Transaction& tx, std::int64_t queue,
                                  const std::vector<std::int64_t>& sequences);

// Makes the group's positions where it has none; gives those that hold. In the table those before
// the oldest record then move there.
Task<GroupRow> open_group(store::Transaction& tx, TopicRow topic, std::string name,
                          std::vector<std::int64_t> start);
struct Position {
  std::int32_t partition = 0;
  std::int64_t sequence = 0;
  std::int64_t told = 0;  // set: of what is gone up to here a member was told
};
Task<void> commit_positions(store::Transaction& tx, std::int64_t topic, const std::string& group,
                            const std::vector<Position>& positions);

}  // namespace sinew::sqlite::broker
