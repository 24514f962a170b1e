#include "adapters/sqlite/broker/timed_messages.hpp"

#include <algorithm>
#include <utility>

#include "adapters/sqlite/broker/row_id.hpp"
#include "sinew/event/envelope_codec.hpp"

namespace sinew::sqlite::broker {
namespace {

using store::Row;
using store::Rows;
using store::Transaction;

// Rows of id, key, body, accepted_at, expires_at and the time.
std::vector<TimedMessage> messages_of(const Rows& rows) {
  std::vector<TimedMessage> messages;
  messages.reserve(rows.size());
  for (const Row row : rows) {
    TimedMessage& timed = messages.emplace_back();
    timed.queue = number_of(row.integer(0));
    timed.message.sequence = sequence_of(row.integer(0));
    timed.message.key = static_cast<std::uint64_t>(row.maybe_integer(1).value_or(0));
    timed.message.envelope = event::decode(row.blob(2));
    timed.message.accepted_at = row.timestamp(3);
    if (const auto expires = row.maybe_integer(4)) timed.message.expires_at = from_micros(*expires);
    timed.at = row.timestamp(5);
  }
  return messages;
}

}  // namespace

Task<std::vector<TimedMessage>> read_due(Transaction& tx, Timestamp now, TimedCursor after,
                                         std::size_t limit) {
  co_return messages_of(co_await tx.execute(
      "SELECT id, NULL, body, accepted_at, expires_at, due_at FROM queue_delayed "
      "WHERE due_at <= ? AND due_at >= ? AND (due_at > ? OR id > ?) ORDER BY due_at, id LIMIT ?",
      {now, after.at, after.at, after.id, limit}));
}

Task<std::vector<TimedMessage>> read_expired(Transaction& tx, Timestamp now, TimedCursor after,
                                             std::size_t limit) {
  co_return messages_of(co_await tx.execute(
      "SELECT id, key, body, accepted_at, expires_at, expires_at FROM queue_messages "
      "WHERE expires_at <= ? AND expires_at >= ? AND (expires_at > ? OR id > ?) "
      "ORDER BY expires_at, id LIMIT ?",
      {now, after.at, after.at, after.id, limit}));
}

Task<std::optional<Timestamp>> next_timed(Transaction& tx, Timestamp now) {
  std::optional<Timestamp> next;
  const auto note = [&next](const Rows& rows) {
    if (rows.empty()) return;
    const Timestamp at = rows[0].timestamp(0);
    next = std::min(next.value_or(at), at);
  };
  note(co_await tx.execute(
      "SELECT due_at FROM queue_delayed WHERE due_at > ? ORDER BY due_at LIMIT 1", {now}));
  note(co_await tx.execute(
      "SELECT expires_at FROM queue_messages WHERE expires_at > ? ORDER BY expires_at LIMIT 1",
      {now}));
  co_return next;
}

Task<std::vector<TimedMessage>> read_delayed(Transaction& tx, std::int64_t queue,
                                             std::int64_t after, std::size_t limit) {
  co_return messages_of(co_await tx.execute(
      "SELECT id, NULL, body, accepted_at, expires_at, due_at FROM queue_delayed "
      "WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
      {id_of(queue, after), id_of(queue, sequence_mask), limit}));
}

Task<bool> take_message(Transaction& tx, std::int64_t queue, std::int64_t sequence, bool delayed) {
  const std::int64_t id = id_of(queue, sequence);
  const Rows gone = delayed ? co_await tx.execute("DELETE FROM queue_delayed WHERE id = ?", {id})
                            : co_await tx.execute("DELETE FROM queue_messages WHERE id = ?", {id});
  co_return gone.changed() > 0;
}

Task<void> count_taken(Transaction& tx, std::int64_t queue, std::int64_t count) {
  co_await tx.execute("UPDATE queues SET stored = stored - ? WHERE number = ?", {count, queue});
}

Task<std::optional<Timestamp>> oldest_message(Transaction& tx, std::int64_t queue) {
  const Rows rows = co_await tx.execute(
      "SELECT accepted_at FROM queue_messages WHERE id >= ? AND id <= ? ORDER BY id LIMIT 1",
      {id_of(queue, 0), id_of(queue, sequence_mask)});
  if (rows.empty()) co_return std::nullopt;
  co_return rows[0].timestamp(0);
}

Task<void> hide_queue(Transaction& tx, std::int64_t queue) {
  // '#' is no character of a queue's name.
  co_await tx.execute(
      "UPDATE queues SET name = '#' || CAST(number AS TEXT) WHERE number = ? AND life > 0",
      {queue});
}

Task<bool> remove_some(Transaction& tx, std::int64_t queue, std::size_t limit) {
  const std::int64_t first = id_of(queue, 0);
  const std::int64_t last = id_of(queue, sequence_mask);
  const Rows messages = co_await tx.execute(
      "DELETE FROM queue_messages WHERE id IN (SELECT id FROM queue_messages "
      "WHERE id >= ? AND id <= ? ORDER BY id LIMIT ?)",
      {first, last, limit});
  const Rows delayed = co_await tx.execute(
      "DELETE FROM queue_delayed WHERE id IN (SELECT id FROM queue_delayed "
      "WHERE id >= ? AND id <= ? ORDER BY id LIMIT ?)",
      {first, last, limit});
  if (messages.changed() > 0 || delayed.changed() > 0) co_return true;
  co_await tx.execute("DELETE FROM queues WHERE number = ?", {queue});
  co_return false;
}

}  // namespace sinew::sqlite::broker
