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
)"}};

// Read at once within a page, so that its bytes stay near their bound.
constexpr std::size_t chunk = 32;

// SQLite's integers are signed.
std::int64_t stored_key(std::uint64_t key) { return static_cast<std::int64_t>(key); }

Task<std::int64_t> last_sequence(Transaction& tx, std::int64_t queue) {
  const Rows rows = co_await tx.execute(
      "SELECT id FROM queue_messages WHERE id >= ? AND id <= ? ORDER BY id DESC LIMIT 1",
      {id_of(queue, 0), id_of(queue, sequence_mask)});
  co_return rows.empty() ? 0 : rows[0].integer(0) & sequence_mask;
}

QueueRow queue_row(Row row) {
  return {row.integer(0), {row.text(1), row.boolean(2), row.integer(3)}, row.integer(4), 0};
}

[[noreturn]] void refuse(std::string_view kind, const std::string& name, const std::string& has,
                         const std::string& wants) {
  throw Error(Condition::conflict,
              fmt::format("the {} {} exists with {} and was declared with {}: declare it as it is, "
                          "or choose another name",
                          kind, name, has, wants));
}

std::string settings_of(const QueueSpec& spec) {
  return fmt::format("ordered={}, max_messages={}", spec.ordered, spec.max_messages);
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
      message.sequence = row.integer(0) & sequence_mask;
      message.key = static_cast<std::uint64_t>(row.maybe_integer(1).value_or(0));
      message.envelope = event::decode(row.blob(2));
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
  const Rows queues =
      co_await tx.execute("SELECT number, name, ordered, max_messages, stored FROM queues");
  for (const Row row : queues) {
    content.queues.push_back(queue_row(row));
    content.queues.back().tail = co_await last_sequence(tx, row.integer(0));
  }
  content.topics = co_await read_topics(tx);
  const Rows positions = co_await tx.execute(
      "SELECT topic, group_name, position FROM group_positions "
      "ORDER BY topic, group_name, partition_no");
  for (const Row row : positions) {
    auto& groups = content.groups;
    if (groups.empty() || groups.back().topic != row.integer(0) ||
        groups.back().name != row.text(1)) {
      groups.push_back({row.integer(0), row.text(1), {}});
    }
    groups.back().committed.push_back(row.integer(2));
  }
  co_return content;
}

Task<QueueRow> declare_queue(Transaction& tx, QueueSpec spec) {
  const Rows found = co_await tx.execute(
      "SELECT number, name, ordered, max_messages, stored FROM queues WHERE name = ?", {spec.name});
  if (found.empty()) {
    const Rows made = co_await tx.execute(
        "INSERT INTO queues (number, name, ordered, max_messages, stored) "
        "SELECT COALESCE(MAX(number), 0) + 1, ?, ?, ?, 0 FROM queues RETURNING number",
        {spec.name, spec.ordered, spec.max_messages});
    co_return QueueRow{made[0].integer(0), std::move(spec), 0, 0};
  }
  QueueRow row = queue_row(found[0]);
  if (row.spec != spec) refuse("queue", spec.name, settings_of(row.spec), settings_of(spec));
  row.tail = co_await last_sequence(tx, row.number);
  co_return row;
}

Task<void> insert_messages(Transaction& tx, const std::vector<MessageRow>& rows) {
  std::vector<std::pair<std::int64_t, std::int64_t>> counts;  // by queue
  for (const MessageRow& row : rows) {
    const auto key = row.key == 0 ? std::nullopt : std::optional(stored_key(row.key));
    co_await tx.execute("INSERT INTO queue_messages (id, key, body) VALUES (?, ?, ?)",
                        {id_of(row.number, row.sequence), key, store::Parameter::bytes(row.body)});
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
              "SELECT id, key, body FROM queue_messages WHERE id > ? AND id <= ? "
              "ORDER BY id LIMIT ?",
              {id_of(queue, from), end, size});
        }
        co_return co_await tx.execute(
            "SELECT id, key, body FROM queue_messages WHERE key = ? AND id > ? AND id <= ? "
            "ORDER BY id LIMIT ?",
            {stored_key(key), id_of(queue, from), end, size});
      });
}

Task<Page> read_records(Transaction& tx, std::int64_t partition, std::int64_t after,
                        std::size_t limit) {
  const std::int64_t end = id_of(partition, sequence_mask);
  co_return co_await read_page(
      after, limit, [&tx, partition, end](std::int64_t from, std::size_t size) -> Task<Rows> {
        co_return co_await tx.execute(
            "SELECT id, NULL, body FROM topic_records WHERE id > ? AND id <= ? "
            "ORDER BY id LIMIT ?",
            {id_of(partition, from), end, size});
      });
}

Task<std::int64_t> count_messages(Transaction& tx, std::int64_t queue,
                                  const std::vector<std::int64_t>& sequences) {
  std::int64_t count = 0;
  for (const std::int64_t sequence : sequences) {
    const Rows rows =
        co_await tx.execute("SELECT 1 FROM queue_messages WHERE id = ?", {id_of(queue, sequence)});
    count += static_cast<std::int64_t>(rows.size());
  }
  co_return count;
}

}  // namespace sinew::sqlite::broker
