#include "adapters/sqlite/broker/topic_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "adapters/sqlite/broker/row_id.hpp"
#include "sinew/base/error.hpp"

namespace sinew::sqlite::broker {
namespace {

using messaging::Retention;
using messaging::TopicSpec;
using std::chrono::seconds;
using store::Row;
using store::Rows;
using store::Transaction;

TopicRow topic_row(Row row) {
  TopicRow topic;
  topic.number = row.integer(0);
  topic.spec.name = row.text(1);
  topic.spec.partitions = static_cast<std::int32_t>(row.integer(2));
  Retention retention;
  if (const auto age = row.maybe_integer(3)) retention.age = seconds(*age);
  retention.bytes = row.maybe_integer(4);
  if (const auto kept = row.maybe_integer(5)) retention.compaction = {seconds(*kept)};
  retention.drop_unread = row.boolean(6);
  topic.spec.retention = retention;
  return topic;
}

Task<void> read_ends(Transaction& tx, TopicRow& topic) {
  for (std::int32_t number = 0; number < topic.spec.partitions; ++number) {
    const std::int64_t partition = topic.number + number;
    const Mark mark = co_await read_mark(tx, partition);
    const Rows last = co_await tx.execute(
        "SELECT id, accepted_at FROM topic_records WHERE id >= ? AND id <= ? "
        "ORDER BY id DESC LIMIT 1",
        {id_of(partition, 0), id_of(partition, sequence_mask)});
    topic.starts.push_back(mark.start);
    topic.heads.push_back(mark.head);
    topic.times.push_back(mark.accepted_at);
    if (last.empty()) continue;
    topic.heads.back() = std::max(mark.head, last[0].integer(0) & sequence_mask);
    topic.times.back() = std::max(mark.accepted_at, last[0].timestamp(1));
  }
}

Task<void> change_retention(Transaction& tx, std::int64_t topic, Retention retention) {
  const auto age = retention.age ? std::optional(retention.age->count()) : std::nullopt;
  const auto tombstones =
      retention.compaction ? std::optional(retention.compaction->tombstones.count()) : std::nullopt;
  co_await tx.execute(
      "UPDATE topics SET max_age = ?, max_bytes = ?, tombstones = ?, drop_unread = ? "
      "WHERE number = ?",
      {age, retention.bytes, tombstones, retention.drop_unread, topic});
}

Task<TopicRow> make_topic(Transaction& tx, TopicSpec spec) {
  const Rows made = co_await tx.execute(
      "INSERT INTO topics (number, name, partitions) "
      "SELECT COALESCE(MAX(number + partitions), 1), ?, ? FROM topics RETURNING number",
      {spec.name, spec.partitions});
  const auto count = static_cast<std::size_t>(spec.partitions);
  spec.retention = Retention();
  co_return TopicRow{.number = made[0].integer(0),
                     .spec = std::move(spec),
                     .heads = std::vector<std::int64_t>(count),
                     .starts = std::vector<std::int64_t>(count),
                     .times = std::vector<Timestamp>(count)};
}

}  // namespace

Task<std::vector<TopicRow>> read_topics(Transaction& tx) {
  std::vector<TopicRow> topics;
  const Rows rows = co_await tx.execute(
      "SELECT number, name, partitions, max_age, max_bytes, tombstones, drop_unread FROM topics");
  for (const Row row : rows) {
    topics.push_back(topic_row(row));
    co_await read_ends(tx, topics.back());
  }
  co_return topics;
}

Task<TopicRow> declare_topic(Transaction& tx, TopicSpec spec) {
  const std::optional<Retention> wanted = spec.retention;
  const Rows found = co_await tx.execute(
      "SELECT number, name, partitions, max_age, max_bytes, tombstones, drop_unread FROM topics "
      "WHERE name = ?",
      {spec.name});
  TopicRow row;
  if (found.empty()) {
    row = co_await make_topic(tx, std::move(spec));
  } else {
    row = topic_row(found[0]);
    if (row.spec.partitions != spec.partitions) {
      throw Error(Condition::conflict,
                  fmt::format("the topic {} exists with partitions={} and was declared with "
                              "partitions={}: declare it as it is, or choose another name",
                              spec.name, row.spec.partitions, spec.partitions));
    }
    co_await read_ends(tx, row);
  }
  if (!wanted || *wanted == row.spec.retention) co_return row;
  co_await change_retention(tx, row.number, *wanted);
  row.spec.retention = *wanted;
  co_return row;
}

Task<void> insert_records(Transaction& tx, const std::vector<MessageRow>& rows) {
  for (const MessageRow& row : rows) {
    co_await tx.execute(
        "INSERT INTO topic_records (id, body, accepted_at) VALUES (?, ?, ?)",
        {id_of(row.number, row.sequence), store::Parameter::bytes(row.body), row.accepted_at});
  }
}

Task<Mark> read_mark(Transaction& tx, std::int64_t partition) {
  const Rows rows = co_await tx.execute(
      "SELECT start, head, accepted_at, counted, bytes, compacted FROM topic_marks "
      "WHERE number = ?",
      {partition});
  if (rows.empty()) co_return Mark{};
  const Row row = rows[0];
  co_return Mark{row.integer(0), row.integer(1), row.timestamp(2),
                 row.integer(3), row.integer(4), row.integer(5)};
}

Task<void> write_mark(Transaction& tx, std::int64_t partition, Mark mark) {
  co_await tx.execute("DELETE FROM topic_marks WHERE number = ?", {partition});
  co_await tx.execute(
      "INSERT INTO topic_marks (number, start, head, accepted_at, counted, bytes, compacted) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)",
      {partition, mark.start, mark.head, mark.accepted_at, mark.counted, mark.bytes,
       mark.compacted});
}

Task<std::optional<Timestamp>> accepted_behind(Transaction& tx, std::int64_t partition,
                                               std::int64_t after) {
  const Rows rows = co_await tx.execute(
      "SELECT accepted_at FROM topic_records WHERE id > ? AND id <= ? ORDER BY id LIMIT 1",
      {id_of(partition, after), id_of(partition, sequence_mask)});
  if (rows.empty()) co_return std::nullopt;
  co_return rows[0].timestamp(0);
}

// By bisection: times ascend with the sequences. Where the record of a sequence is missing, the
// next one answers for it.
Task<std::int64_t> last_before(Transaction& tx, std::int64_t partition, Timestamp time,
                               std::int64_t low, std::int64_t high) {
  while (low < high) {
    const std::int64_t middle = low + ((high - low + 1) / 2);
    const auto accepted = co_await accepted_behind(tx, partition, middle - 1);
    if (accepted && *accepted < time) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  co_return low;
}

Task<GroupRow> open_group(Transaction& tx, TopicRow topic, std::string name,
                          std::vector<std::int64_t> start) {
  GroupRow row{topic.number, std::move(name), {}, {}};
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
  for (std::int32_t partition = 0; partition < topic.spec.partitions; ++partition) {
    const Mark mark = co_await read_mark(tx, topic.number + partition);
    co_await move_behind(tx, topic.number, partition, mark.start);
  }
  co_return row;
}

Task<void> commit_positions(Transaction& tx, std::int64_t topic, const std::string& group,
                            const std::vector<Position>& positions) {
  for (const Position& position : positions) {
    co_await tx.execute(
        "UPDATE group_positions SET position = ? "
        "WHERE topic = ? AND group_name = ? AND partition_no = ? AND position < ?",
        {position.sequence, topic, group, position.partition, position.sequence});
    if (position.told == 0) continue;
    co_await tx.execute(
        "UPDATE group_positions SET gap_records = 0 "
        "WHERE topic = ? AND group_name = ? AND partition_no = ? AND gap_end <= ?",
        {topic, group, position.partition, position.told});
  }
}

Task<void> move_behind(Transaction& tx, std::int64_t topic, std::int32_t partition,
                       std::int64_t start) {
  co_await tx.execute(
      "UPDATE group_positions SET skipped = skipped + (? - position), "
      "gap_records = gap_records + (? - position), gap_end = ?, position = ? "
      "WHERE topic = ? AND partition_no = ? AND position < ?",
      {start, start, start, start, topic, partition, start});
}

Task<void> move_group(Transaction& tx, std::int64_t topic, const std::string& group,
                      const std::vector<Position>& positions) {
  for (const Position& position : positions) {
    co_await tx.execute(
        "UPDATE group_positions SET position = ?, gap_records = 0 "
        "WHERE topic = ? AND group_name = ? AND partition_no = ?",
        {position.sequence, topic, group, position.partition});
  }
}

Task<std::vector<std::int64_t>> read_skipped(Transaction& tx, std::int64_t topic,
                                             const std::string& group) {
  std::vector<std::int64_t> skipped;
  const Rows rows = co_await tx.execute(
      "SELECT skipped FROM group_positions WHERE topic = ? AND group_name = ? "
      "ORDER BY partition_no",
      {topic, group});
  for (const Row row : rows)
    skipped.push_back(row.integer(0));
  co_return skipped;
}

}  // namespace sinew::sqlite::broker
