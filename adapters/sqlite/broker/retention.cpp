#include "adapters/sqlite/broker/retention.hpp"

#include <algorithm>
#include <utility>

#include "adapters/sqlite/broker/row_id.hpp"

namespace sinew::sqlite::broker {
namespace {

using store::Row;
using store::Rows;
using store::Transaction;

// Of a step: what it blocks the worker for stays well below a batch's time.
constexpr std::size_t records_a_step = 256;
constexpr std::size_t counted_a_step = 1024;
constexpr std::size_t compacted_a_step = 64;

// Up to where every group has accepted everything; without groups, everything.
Task<std::int64_t> accepted_by_all(Transaction& tx, Partition partition) {
  if (partition.retention.drop_unread) co_return partition.head;
  const Rows rows = co_await tx.execute(
      "SELECT MIN(position) FROM group_positions WHERE topic = ? AND partition_no = ?",
      {partition.topic, partition.index});
  co_return rows[0].maybe_integer(0).value_or(partition.head);
}

// Up to where the records are too old. Those that an earlier version stored without a time go
// together with the first old one behind them.
Task<std::int64_t> too_old(Transaction& tx, Partition partition, std::int64_t start,
                           Timestamp now) {
  if (!partition.retention.age) co_return start;
  const std::int64_t number = partition.number();
  const Timestamp oldest = now - *partition.retention.age;
  const auto first = co_await accepted_behind(tx, number, start);
  if (!first || *first >= oldest) co_return start;
  const std::int64_t last = co_await last_before(tx, number, oldest, start, partition.head);
  const auto accepted = co_await accepted_behind(tx, number, last - 1);
  co_return accepted == Timestamp() ? start : last;
}

// Adds the bytes of further records to the mark. False: there are more of them.
Task<bool> count_bytes(Transaction& tx, std::int64_t number, Mark& mark) {
  const Rows rows = co_await tx.execute(
      "SELECT id, LENGTH(body) FROM topic_records WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
      {id_of(number, mark.counted), id_of(number, sequence_mask), counted_a_step});
  for (const Row row : rows) {
    mark.counted = row.integer(0) & sequence_mask;
    mark.bytes += row.integer(1);
  }
  co_return rows.size() < counted_a_step;
}

struct Range {
  std::int64_t upto = 0;
  std::int64_t counted_bytes = 0;  // of those that the mark has counted
  bool more = false;               // the step's limits ended it
};
// The oldest records, up to `old` and those beyond the size, as many as fit into a step.
Task<Range> removable(Transaction& tx, Partition partition, Mark mark, std::int64_t old,
                      std::int64_t bound) {
  const std::int64_t number = partition.number();
  const std::int64_t excess =
      partition.retention.bytes ? mark.bytes - *partition.retention.bytes : 0;
  Range range{.upto = mark.start};
  const Rows rows = co_await tx.execute(
      "SELECT id, LENGTH(body) FROM topic_records WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
      {id_of(number, mark.start), id_of(number, bound), records_a_step});
  std::size_t bytes = 0;
  for (const Row row : rows) {
    const std::int64_t sequence = row.integer(0) & sequence_mask;
    // The newest record stays, however large.
    const bool beyond = range.counted_bytes < excess && sequence < partition.head;
    if (sequence > old && !beyond) co_return range;
    if (bytes > max_page_bytes) {
      range.more = true;
      co_return range;
    }
    range.upto = sequence;
    bytes += static_cast<std::size_t>(row.integer(1));
    if (sequence <= mark.counted) range.counted_bytes += row.integer(1);
  }
  range.more = rows.size() == records_a_step;
  co_return range;
}

// The record becomes the last of its key; the one before it goes.
Task<void> replace(Transaction& tx, std::int64_t number, const StoredMessage& record,
                   std::optional<Timestamp> removable_at) {
  const std::string& key = record.envelope.ordering_key;
  const Rows before = co_await tx.execute(
      "SELECT sequence FROM topic_keys WHERE number = ? AND record_key = ?", {number, key});
  if (before.empty()) {
    co_await tx.execute(
        "INSERT INTO topic_keys (number, record_key, sequence, removable_at) VALUES (?, ?, ?, ?)",
        {number, key, record.sequence, removable_at});
    co_return;
  }
  co_await tx.execute("DELETE FROM topic_records WHERE id = ?",
                      {id_of(number, before[0].integer(0))});
  co_await tx.execute(
      "UPDATE topic_keys SET sequence = ?, removable_at = ? WHERE number = ? AND record_key = ?",
      {record.sequence, removable_at, number, key});
}

// Gives how many went.
Task<std::size_t> remove_tombstones(Transaction& tx, Partition partition, Mark& mark,
                                    Timestamp now) {
  const std::int64_t number = partition.number();
  const std::int64_t bound = co_await accepted_by_all(tx, partition);
  const Rows rows = co_await tx.execute(
      "SELECT record_key, sequence FROM topic_keys "
      "WHERE number = ? AND removable_at IS NOT NULL AND removable_at <= ? AND sequence <= ? "
      "LIMIT ?",
      {number, now, bound, compacted_a_step});
  for (const Row row : rows) {
    co_await tx.execute("DELETE FROM topic_records WHERE id = ?", {id_of(number, row.integer(1))});
    co_await tx.execute("DELETE FROM topic_keys WHERE number = ? AND record_key = ?",
                        {number, row.text(0)});
    mark.head = std::max(mark.head, row.integer(1));
  }
  co_return rows.size();
}

// What compaction knew of a topic that is no longer compacted. Gives whether anything is left.
Task<bool> forget_keys(Transaction& tx, std::int64_t number, Mark& mark) {
  const Rows rows = co_await tx.execute(
      "SELECT record_key FROM topic_keys WHERE number = ? ORDER BY record_key LIMIT ?",
      {number, records_a_step});
  for (const Row row : rows) {
    co_await tx.execute("DELETE FROM topic_keys WHERE number = ? AND record_key = ?",
                        {number, row.text(0)});
  }
  if (rows.size() == records_a_step) co_return true;
  mark.compacted = 0;
  co_return false;
}

}  // namespace

Partition partition_of(const Topic& topic, std::size_t index) {
  return {topic.row.number, static_cast<std::int32_t>(index), topic.heads[index],
          topic.times[index], topic.retention()};
}

Task<Step> remove_old(Transaction& tx, Partition partition, Timestamp now) {
  const std::int64_t number = partition.number();
  Mark mark = co_await read_mark(tx, number);
  const Mark before = mark;
  bool more = false;
  if (partition.retention.bytes) more = !co_await count_bytes(tx, number, mark);
  if (mark.compacted > 0) more = co_await forget_keys(tx, number, mark) || more;
  const std::int64_t old = co_await too_old(tx, partition, mark.start, now);
  const std::int64_t bound = co_await accepted_by_all(tx, partition);
  const Range range = co_await removable(tx, partition, mark, old, bound);
  if (range.upto > mark.start) {
    co_await tx.execute("DELETE FROM topic_records WHERE id > ? AND id <= ?",
                        {id_of(number, mark.start), id_of(number, range.upto)});
    co_await move_behind(tx, partition.topic, partition.index, range.upto);
    mark.start = range.upto;
    mark.head = std::max(mark.head, range.upto);
    mark.accepted_at = partition.accepted_at;
    mark.counted = std::max(mark.counted, range.upto);
    mark.bytes -= range.counted_bytes;
  }
  if (mark == before && !more) co_return Step{Progress::nothing, mark.start};
  co_await write_mark(tx, number, mark);
  co_return Step{more || range.more ? Progress::more : Progress::done, mark.start};
}

Task<Step> compact(Transaction& tx, Partition partition, Timestamp now) {
  const std::int64_t number = partition.number();
  Mark mark = co_await read_mark(tx, number);
  const Mark before = mark;
  const Page page = co_await read_records(tx, number, mark.compacted, compacted_a_step);
  for (const StoredMessage& record : page.messages) {
    const bool tombstone = record.envelope.data.size() == 0;
    const auto removable_at =
        tombstone ? std::optional(now + partition.retention.compaction->tombstones) : std::nullopt;
    co_await replace(tx, number, record, removable_at);
    mark.compacted = record.sequence;
  }
  const std::size_t removed = co_await remove_tombstones(tx, partition, mark, now);
  mark.counted = mark.bytes = 0;  // counted anew if the topic is ever given a size
  if (mark == before && removed == 0) co_return Step{Progress::nothing, mark.start};
  mark.accepted_at = partition.accepted_at;
  co_await write_mark(tx, number, mark);
  const bool more = !page.all || removed == compacted_a_step;
  co_return Step{more ? Progress::more : Progress::done, mark.start};
}

}  // namespace sinew::sqlite::broker
