#include "adapters/sqlite/broker/tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/event/envelope_codec.hpp"

namespace sinew::sqlite::broker {
namespace {

using messaging::QueueSpec;
using messaging::TopicSpec;
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
)"}};

constexpr int sequence_bits = 40;
constexpr std::int64_t sequence_mask = (std::int64_t{1} << sequence_bits) - 1;
// Read at once within a page, so that its bytes stay near their bound.
constexpr std::size_t chunk = 32;

constexpr std::int64_t id_of(std::int64_t number, std::int64_t sequence) {
  return (number << sequence_bits) + sequence;
}

// SQLite's integers are signed.
std::int64_t stored_key(std::uint64_t key) { return static_cast<std::int64_t>(key); }

Task<std::int64_t> last_sequence(Transaction& tx, bool topic, std::int64_t number) {
  const Rows rows = topic ? co_await tx.execute(
                                "SELECT id FROM topic_records WHERE id >= ? AND id <= ? "
                                "ORDER BY id DESC LIMIT 1",
                                {id_of(number, 0), id_of(number, sequence_mask)})
                          : co_await tx.execute(
                                "SELECT id FROM queue_messages WHERE id >= ? AND id <= ? "
                                "ORDER BY id DESC LIMIT 1",
                                {id_of(number, 0), id_of(number, sequence_mask)});
  co_return rows.empty() ? 0 : rows[0].integer(0) & sequence_mask;
}

QueueRow queue_row(Row row) {
  return {row.integer(0), {row.text(1), row.boolean(2), row.integer(3)}, row.integer(4), 0};
}

TopicRow topic_row(Row row) {
  const auto partitions = static_cast<std::int32_t>(row.integer(2));
  return {row.integer(0), {row.text(1), partitions}, {}};
}

Task<void> read_heads(Transaction& tx, TopicRow& topic) {
  for (std::int32_t partition = 0; partition < topic.spec.partitions; ++partition)
    topic.heads.push_back(co_await last_sequence(tx, true, topic.number + partition));
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
    content.queues.back().tail = co_await last_sequence(tx, false, row.integer(0));
  }
  const Rows topics = co_await tx.execute("SELECT number, name, partitions FROM topics");
  for (const Row row : topics) {
    content.topics.push_back(topic_row(row));
    co_await read_heads(tx, content.topics.back());
  }
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
  row.tail = co_await last_sequence(tx, false, row.number);
  co_return row;
}

Task<TopicRow> declare_topic(Transaction& tx, TopicSpec spec) {
  const Rows found = co_await tx.execute(
      "SELECT number, name, partitions FROM topics WHERE name = ?", {spec.name});
  if (found.empty()) {
    const Rows made = co_await tx.execute(
        "INSERT INTO topics (number, name, partitions) "
        "SELECT COALESCE(MAX(number + partitions), 1), ?, ? FROM topics RETURNING number",
        {spec.name, spec.partitions});
    std::vector<std::int64_t> heads(static_cast<std::size_t>(spec.partitions), 0);
    co_return TopicRow{made[0].integer(0), std::move(spec), std::move(heads)};
  }
  TopicRow row = topic_row(found[0]);
  if (row.spec != spec) {
    refuse("topic", spec.name, fmt::format("partitions={}", row.spec.partitions),
           fmt::format("partitions={}", spec.partitions));
  }
  co_await read_heads(tx, row);
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

Task<void> insert_records(Transaction& tx, const std::vector<MessageRow>& rows) {
  for (const MessageRow& row : rows) {
    co_await tx.execute("INSERT INTO topic_records (id, body) VALUES (?, ?)",
                        {id_of(row.number, row.sequence), store::Parameter::bytes(row.body)});
  }
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

Task<GroupRow> open_group(Transaction& tx, TopicRow topic, std::string name,
                          std::vector<std::int64_t> start) {
  GroupRow row{topic.number, std::move(name), {}};
  for (std::int32_t partition = 0; partition < topic.spec.partitions; ++partition) {
    const std::int64_t from = start[static_cast<std::size_t>(partition)];
    co_await tx.execute(
        "INSERT INTO group_positions (topic, group_name, partition_no, position) "
        "VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        {row.topic, row.name, partition, from});
  }
  const Rows rows = co_await tx.execute(
      "SELECT position FROM group_positions WHERE topic = ? AND group_name = ? "
      "ORDER BY partition_no",
      {row.topic, row.name});
  for (const Row each : rows)
    row.committed.push_back(each.integer(0));
  co_return row;
}

Task<void> commit_positions(Transaction& tx, std::int64_t topic, const std::string& group,
                            const std::vector<Position>& positions) {
  for (const Position& position : positions) {
    co_await tx.execute(
        "UPDATE group_positions SET position = ? "
        "WHERE topic = ? AND group_name = ? AND partition_no = ? AND position < ?",
        {position.sequence, topic, group, position.partition, position.sequence});
  }
}

}  // namespace sinew::sqlite::broker
