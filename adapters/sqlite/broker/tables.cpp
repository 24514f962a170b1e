#include "adapters/sqlite/broker/tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "adapters/sqlite/broker/row_id.hpp"
#include "adapters/sqlite/broker/topic_tables.hpp"
#include "sinew/base/error.hpp"
#include "sinew/event/envelope_codec.hpp"

namespace sinew::sqlite::broker {
namespace {

using messaging::QueueSpec;
using store::Row;
using store::Rows;
using store::Transaction;

// `stored` is counted in the transactions that insert and delete, since counting rows means reading
// them. The index finds a key's messages when there are more than fit into memory.
constexpr std::array migrations_list = {store::Migration{1, "queues and topics", R"(
CREATE TABLE queues (
  number BIGINT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  ordered BIGINT NOT NULL,
  max_messages BIGINT NOT NULL,
  stored BIGINT NOT NULL
);

CREATE TABLE queue_messages (
  id BIGINT NOT NULL PRIMARY KEY,
  key BIGINT,
  body BYTES NOT NULL
);
CREATE INDEX queue_messages_by_key ON queue_messages (key, id) WHERE key IS NOT NULL;

CREATE TABLE topics (
  number BIGINT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  partitions BIGINT NOT NULL
);

CREATE TABLE topic_records (
  id BIGINT NOT NULL PRIMARY KEY,
  body BYTES NOT NULL
);

CREATE TABLE group_positions (
  topic BIGINT NOT NULL,
  group_name TEXT NOT NULL,
  partition_no BIGINT NOT NULL,
  position BIGINT NOT NULL,
  PRIMARY KEY (topic, group_name, partition_no)
);
)"},
                                        store::Migration{2, "retention of topics", R"(
ALTER TABLE topics ADD COLUMN max_age BIGINT;
ALTER TABLE topics ADD COLUMN max_bytes BIGINT;
ALTER TABLE topics ADD COLUMN tombstones BIGINT;
ALTER TABLE topics ADD COLUMN drop_unread BIGINT NOT NULL DEFAULT 0;
ALTER TABLE topic_records ADD COLUMN accepted_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE group_positions ADD COLUMN skipped BIGINT NOT NULL DEFAULT 0;

CREATE TABLE topic_marks (
  number BIGINT NOT NULL PRIMARY KEY,
  start BIGINT NOT NULL,
  head BIGINT NOT NULL,
  accepted_at BIGINT NOT NULL,
  counted BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  compacted BIGINT NOT NULL
);

CREATE TABLE topic_keys (
  number BIGINT NOT NULL,
  record_key TEXT NOT NULL,
  sequence BIGINT NOT NULL,
  removable_at BIGINT,
  PRIMARY KEY (number, record_key)
);
CREATE INDEX topic_keys_removable ON topic_keys (number, removable_at)
  WHERE removable_at IS NOT NULL;
)"},
                                        store::Migration{3, "time in queues", R"(
ALTER TABLE queues ADD COLUMN life BIGINT NOT NULL DEFAULT 0;
ALTER TABLE queues ADD COLUMN ttl BIGINT;
ALTER TABLE queues ADD COLUMN dead_letter TEXT NOT NULL DEFAULT '';

ALTER TABLE queue_messages ADD COLUMN accepted_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE queue_messages ADD COLUMN expires_at BIGINT;
CREATE INDEX queue_messages_by_expiry ON queue_messages (expires_at, id)
  WHERE expires_at IS NOT NULL;

CREATE TABLE queue_delayed (
  id BIGINT NOT NULL PRIMARY KEY,
  due_at BIGINT NOT NULL,
  accepted_at BIGINT NOT NULL,
  expires_at BIGINT,
  body BYTES NOT NULL
);
CREATE INDEX queue_delayed_by_due ON queue_delayed (due_at, id);
)"},
                                        store::Migration{4, "gaps of groups", R"(
ALTER TABLE group_positions ADD COLUMN gap_end BIGINT NOT NULL DEFAULT 0;
ALTER TABLE group_positions ADD COLUMN gap_records BIGINT NOT NULL DEFAULT 0;
)"}};

// Read at once within a page, so that its bytes stay near their bound.
constexpr std::size_t chunk = 32;

// SQLite's integers are signed.
std::int64_t stored_key(std::uint64_t key) { return static_cast<std::int64_t>(key); }

QueueRow queue_row(Row row) {
  QueueRow queue;
  queue.number = row.integer(0);
  queue.stored = row.integer(4);
  queue.spec.name = row.text(1);
  queue.spec.ordered = row.boolean(2);
  queue.spec.max_messages = row.integer(3);
  queue.spec.life = static_cast<messaging::QueueLife>(row.integer(5));
  if (const auto ttl = row.maybe_integer(6)) queue.spec.ttl = std::chrono::nanoseconds(*ttl);
  queue.spec.dead_letter = row.text(7);
  return queue;
}

// Where the queue ends, and what of it is delayed.
Task<void> read_tail(Transaction& tx, QueueRow& queue) {
  const std::int64_t first = id_of(queue.number, 0);
  const std::int64_t last = id_of(queue.number, sequence_mask);
  const Rows delayed = co_await tx.execute(
      "SELECT COUNT(*) FROM queue_delayed WHERE id >= ? AND id <= ?", {first, last});
  queue.delayed = delayed[0].integer(0);
  const Rows tails = co_await tx.execute(
      "SELECT id, accepted_at FROM (SELECT id, accepted_at FROM queue_messages "
      "WHERE id >= ? AND id <= ? ORDER BY id DESC LIMIT 1) AS of_messages "
      "UNION ALL SELECT id, accepted_at FROM (SELECT id, accepted_at FROM queue_delayed "
      "WHERE id >= ? AND id <= ? ORDER BY id DESC LIMIT 1) AS of_delayed",
      {first, last, first, last});
  for (const Row row : tails) {
    queue.tail = std::max(queue.tail, sequence_of(row.integer(0)));
    queue.last_accepted = std::max(queue.last_accepted, row.timestamp(1));
  }
}

[[noreturn]] void refuse(std::string_view kind, const std::string& name, const std::string& has,
                         const std::string& wants) {
  throw Error(Condition::conflict,
              fmt::format("the {} {} exists with {} and was declared with {}: declare it as it is, "
                          "or choose another name",
                          kind, name, has, wants));
}

std::string settings_of(const QueueSpec& spec) {
  constexpr std::array lives = {"lasting", "exclusive", "auto_delete"};
  return fmt::format(
      "ordered={}, max_messages={}, life={}, ttl={}, dead_letter={}", spec.ordered,
      spec.max_messages, lives.at(static_cast<std::size_t>(spec.life)),
      spec.ttl ? fmt::format("{} ms", *spec.ttl / std::chrono::milliseconds(1)) : "none",
      spec.dead_letter.empty() ? "none" : spec.dead_letter);
}

// Reads chunk by chunk up to the limit or `max_page_bytes`.
template <class Read>
Task<Page> read_page(std::int64_t after, std::size_t limit, Read read) {
  Page page;
  std::size_t bytes = 0;
  while (page.messages.size() < limit && bytes < max_page_bytes) {
    const std::size_t size = std::min(chunk, limit - page.messages.size());
    const Rows rows = co_await read(after, size);
    for (const Row row : rows) {
      StoredMessage message;
      message.sequence = sequence_of(row.integer(0));
      message.key = static_cast<std::uint64_t>(row.maybe_integer(1).value_or(0));
      message.envelope = event::decode(row.blob(2));
      message.accepted_at = row.timestamp(3);
      if (const auto expires = row.maybe_integer(4)) message.expires_at = from_micros(*expires);
      bytes += row.blob(2).size();
      after = message.sequence;
      page.messages.push_back(std::move(message));
    }
    page.all = rows.size() < size;
    if (page.all) break;
  }
  co_return page;
}

}  // namespace

store::MigrationSet migrations() { return {"sinew.broker", migrations_list}; }

Task<Content> read_content(Transaction& tx) {
  Content content;
  const Rows queues = co_await tx.execute(
      "SELECT number, name, ordered, max_messages, stored, life, ttl, dead_letter FROM queues");
  for (const Row row : queues) {
    content.queues.push_back(queue_row(row));
    co_await read_tail(tx, content.queues.back());
  }
  content.topics = co_await read_topics(tx);
  const Rows positions = co_await tx.execute(
      "SELECT topic, group_name, position, gap_end, gap_records FROM group_positions "
      "ORDER BY topic, group_name, partition_no");
  for (const Row row : positions) {
    auto& groups = content.groups;
    if (groups.empty() || groups.back().topic != row.integer(0) ||
        groups.back().name != row.text(1)) {
      groups.push_back({row.integer(0), row.text(1), {}, {}});
    }
    groups.back().committed.push_back(row.integer(2));
    groups.back().gaps.push_back({row.integer(3), row.integer(4)});
  }
  co_return content;
}

Task<QueueRow> declare_queue(Transaction& tx, QueueSpec spec) {
  const Rows found = co_await tx.execute(
      "SELECT number, name, ordered, max_messages, stored, life, ttl, dead_letter FROM queues "
      "WHERE name = ?",
      {spec.name});
  if (found.empty()) {
    const auto ttl = spec.ttl ? std::optional(spec.ttl->count()) : std::nullopt;
    const Rows made = co_await tx.execute(
        "INSERT INTO queues (number, name, ordered, max_messages, stored, life, ttl, dead_letter) "
        "SELECT COALESCE(MAX(number), 0) + 1, ?, ?, ?, 0, ?, ?, ? FROM queues RETURNING number",
        {spec.name, spec.ordered, spec.max_messages, static_cast<std::int64_t>(spec.life), ttl,
         spec.dead_letter});
    QueueRow row;
    row.number = made[0].integer(0);
    row.spec = std::move(spec);
    co_return row;
  }
  QueueRow row = queue_row(found[0]);
  if (row.spec != spec) refuse("queue", spec.name, settings_of(row.spec), settings_of(spec));
  co_await read_tail(tx, row);
  co_return row;
}

Task<void> insert_message(Transaction& tx, const MessageRow& row) {
  const std::int64_t id = id_of(row.number, row.sequence);
  const auto body = store::Parameter::bytes(row.body);
  const auto expires_at = row.expires_at ? std::optional(to_micros(*row.expires_at)) : std::nullopt;
  if (row.due_at) {
    co_await tx.execute(
        "INSERT INTO queue_delayed (id, due_at, accepted_at, expires_at, body) "
        "VALUES (?, ?, ?, ?, ?)",
        {id, *row.due_at, row.accepted_at, expires_at, body});
    co_return;
  }
  const auto key = row.key == 0 ? std::nullopt : std::optional(stored_key(row.key));
  co_await tx.execute(
      "INSERT INTO queue_messages (id, key, body, accepted_at, expires_at) VALUES (?, ?, ?, ?, ?)",
      {id, key, body, row.accepted_at, expires_at});
}

Task<void> insert_messages(Transaction& tx, const std::vector<MessageRow>& rows) {
  std::vector<std::pair<std::int64_t, std::int64_t>> counts;  // by queue
  for (const MessageRow& row : rows) {
    co_await insert_message(tx, row);
    const auto count = std::ranges::find(counts, row.number, &decltype(counts)::value_type::first);
    if (count == counts.end()) {
      counts.emplace_back(row.number, 1);
    } else {
      ++count->second;
    }
  }
  for (const auto& [queue, count] : counts) {
    co_await tx.execute("UPDATE queues SET stored = stored + ? WHERE number = ?", {count, queue});
  }
}

Task<void> delete_messages(Transaction& tx, std::int64_t queue,
                           const std::vector<std::int64_t>& sequences) {
  std::int64_t deleted = 0;
  for (const std::int64_t sequence : sequences) {
    const Rows gone =
        co_await tx.execute("DELETE FROM queue_messages WHERE id = ?", {id_of(queue, sequence)});
    deleted += gone.changed();
  }
  co_await tx.execute("UPDATE queues SET stored = stored - ? WHERE number = ?", {deleted, queue});
}

Task<Page> read_messages(Transaction& tx, std::int64_t queue, std::uint64_t key, std::int64_t after,
                         std::int64_t upto, std::size_t limit) {
  const std::int64_t end = id_of(queue, std::min(upto, sequence_mask));
  co_return co_await read_page(
      after, limit, [&tx, queue, key, end](std::int64_t from, std::size_t size) -> Task<Rows> {
        if (key == 0) {
          co_return co_await tx.execute(
              "SELECT id, key, body, accepted_at, expires_at FROM queue_messages "
              "WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
              {id_of(queue, from), end, size});
        }
        co_return co_await tx.execute(
            "SELECT id, key, body, accepted_at, expires_at FROM queue_messages "
            "WHERE key = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?",
            {stored_key(key), id_of(queue, from), end, size});
      });
}

Task<Page> read_records(Transaction& tx, std::int64_t partition, std::int64_t after,
                        std::size_t limit) {
  const std::int64_t end = id_of(partition, sequence_mask);
  co_return co_await read_page(
      after, limit, [&tx, partition, end](std::int64_t from, std::size_t size) -> Task<Rows> {
        co_return co_await tx.execute(
            "SELECT id, NULL, body, 0, NULL FROM topic_records WHERE id > ? AND id <= ? "
            "ORDER BY id LIMIT ?",
            {id_of(partition, from), end, size});
      });
}

Task<std::int64_t> count_messages(Transaction& tx, std::int64_t queue,
                                  const std::vector<std::int64_t>& sequences) {
  std::int64_t count = 0;
  for (const std::int64_t sequence : sequences) {
    const std::int64_t id = id_of(queue, sequence);
    const Rows rows = co_await tx.execute(
        "SELECT 1 FROM queue_messages WHERE id = ? "
        "UNION ALL SELECT 1 FROM queue_delayed WHERE id = ?",
        {id, id});
    count += static_cast<std::int64_t>(rows.size());
  }
  co_return count;
}

}  // namespace sinew::sqlite::broker
