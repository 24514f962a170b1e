#include "sinew/messaging/backlog.hpp"

#include <algorithm>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/event/envelope_codec.hpp"
#include "sinew/messaging/backlog_row.hpp"
#include "sinew/messaging/middleware.hpp"
#include "sinew/store/inbox.hpp"

namespace sinew::messaging {

using store::Parameter;
using store::Transaction;

std::string_view to_string(BacklogState state) noexcept {
  switch (state) {
    case BacklogState::waiting: return "waiting";
    case BacklogState::behind: return "behind";
    case BacklogState::parked: return "parked";
  }
  return "waiting";
}

namespace {

Timestamp latest_postponed(Timestamp now) {
  return now + std::chrono::ceil<Timestamp::duration>(Postponed::longest);
}

}  // namespace

BacklogEntry backlog_entry(const store::Row& row) {
  BacklogEntry entry;
  entry.consumer = row.text(0);
  entry.sequence = row.uuid(1);
  const std::string& state = row.text(2);
  entry.state = state == "parked"   ? BacklogState::parked
                : state == "behind" ? BacklogState::behind
                                    : BacklogState::waiting;
  entry.key = row.text(3);
  entry.attempts = static_cast<std::int32_t>(row.integer(4));
  entry.arrived_at = row.timestamp(5);
  entry.not_before = row.timestamp(6);
  entry.reason = row.text(7);
  entry.first_error = row.text(8);
  entry.last_error = row.text(9);
  entry.message = event::decode(row.blob(10));
  if (!row.is_null(11)) entry.postponed_since = row.timestamp(11);
  return entry;
}

std::string Backlog::key_of(const event::Envelope& message) {
  return message.ordering_key.empty() ? to_string(message.id) : message.ordering_key;
}

Task<bool> Backlog::has_key(Transaction& tx, std::string key) {
  const auto rows = co_await tx.execute(
      "SELECT 1 FROM consumer_backlog WHERE consumer = ? AND ordering_key = ? LIMIT 1",
      {consumer_, key});
  co_return !rows.empty();
}

Task<std::vector<std::string>> Backlog::keys(Transaction& tx, std::size_t limit) {
  const auto rows = co_await tx.execute(
      "SELECT DISTINCT ordering_key FROM consumer_backlog WHERE consumer = ? LIMIT ?",
      {consumer_, limit});
  std::vector<std::string> keys;
  for (const auto row : rows)
    keys.push_back(row.text(0));
  co_return keys;
}

Task<std::int64_t> Backlog::size(Transaction& tx) {
  const auto rows = co_await tx.execute(
      "SELECT COALESCE(SUM(messages), 0) FROM consumer_backlog_counts "
      "WHERE consumer = ? AND what IN ('waiting', 'behind', 'parked')",
      {consumer_});
  co_return rows[0].integer(0);
}

Task<void> Backlog::count(Transaction& tx, std::string_view what, std::int64_t more) {
  if (more == 0) co_return;
  co_await tx.execute(
      "INSERT INTO consumer_backlog_counts (consumer, what, messages) VALUES (?, ?, ?) "
      "ON CONFLICT (consumer, what) DO UPDATE SET "
      "messages = consumer_backlog_counts.messages + excluded.messages",
      {consumer_, what, more});
}

Task<std::optional<std::string>> Backlog::key_at(Transaction& tx, Uuid sequence) {
  const auto rows = co_await tx.execute(
      "SELECT ordering_key FROM consumer_backlog WHERE consumer = ? AND sequence = ?",
      {consumer_, sequence});
  if (rows.empty()) co_return std::nullopt;
  co_return rows[0].text(0);
}

Task<bool> Backlog::behind_parked(Transaction& tx, std::string key) {
  const auto head = co_await tx.execute(
      "SELECT state FROM consumer_backlog WHERE consumer = ? AND ordering_key = ? "
      "ORDER BY sequence LIMIT 1",
      {consumer_, key});
  co_return !head.empty() && head[0].text(0) == "parked";
}

Task<std::int64_t> Backlog::behind(Transaction& tx, std::string key) {
  const auto rows = co_await tx.execute(
      "SELECT COUNT(*) FROM consumer_backlog WHERE consumer = ? AND ordering_key = ? "
      "AND state = 'behind'",
      {consumer_, key});
  co_return rows[0].integer(0);
}

Task<void> Backlog::add(Transaction& tx, BacklogEntry entry) {
  const event::Envelope& message = entry.message;
  const std::string envelope = event::encode(message);
  co_await tx.execute(
      "INSERT INTO consumer_backlog (consumer, sequence, state, ordering_key, source, message_id, "
      "type, correlation_id, causation_id, traceparent, hops, attempts, arrived_at, not_before, "
      "reason, first_error, last_error, envelope, postponed_since) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {consumer_, entry.sequence, to_string(entry.state), entry.key, message.source, message.id,
       message.type, message.lineage.correlation_id, message.lineage.causation_id,
       message.lineage.traceparent, message.lineage.hops, entry.attempts, entry.arrived_at,
       entry.not_before, entry.reason, entry.first_error, entry.last_error,
       std::as_bytes(std::span(envelope)), entry.postponed_since});
  co_await store::Inbox::hold(tx, consumer_, message.source, message.id);
  co_await count(tx, to_string(entry.state), 1);
  if (entry.state == BacklogState::behind && co_await behind_parked(tx, entry.key)) {
    co_await count(tx, "blocked", 1);
  }
}

Timestamp Backlog::latest(Timestamp now) const {
  return now + std::chrono::ceil<Timestamp::duration>(longest_wait_);
}

Task<std::vector<BacklogEntry>> Backlog::due(Transaction& tx, Timestamp now, std::size_t limit) {
  auto rows = co_await tx.execute(
      "SELECT consumer, sequence, state, ordering_key, attempts, arrived_at, not_before, reason, "
      "first_error, last_error, envelope, postponed_since FROM consumer_backlog "
      "WHERE consumer = ? AND state = 'waiting' AND not_before <= ? "
      "ORDER BY not_before, sequence LIMIT ?",
      {consumer_, now, limit});
  if (rows.empty()) {
    rows = co_await tx.execute(
        "SELECT consumer, sequence, state, ordering_key, attempts, arrived_at, not_before, reason, "
        "first_error, last_error, envelope, postponed_since FROM consumer_backlog "
        "WHERE consumer = ? AND state = 'waiting' AND postponed_since IS NULL AND not_before > ? "
        "ORDER BY not_before, sequence LIMIT ?",
        {consumer_, latest(now), limit});
  }
  if (rows.empty()) {
    rows = co_await tx.execute(
        "SELECT consumer, sequence, state, ordering_key, attempts, arrived_at, not_before, reason, "
        "first_error, last_error, envelope, postponed_since FROM consumer_backlog "
        "WHERE consumer = ? AND state = 'waiting' AND not_before > ? "
        "ORDER BY not_before, sequence LIMIT ?",
        {consumer_, latest_postponed(now), limit});
  }
  std::vector<BacklogEntry> entries;
  for (const auto row : rows)
    entries.push_back(backlog_entry(row));
  co_return entries;
}

Task<std::optional<Timestamp>> Backlog::next_due(Transaction& tx, Timestamp now) {
  const auto rows = co_await tx.execute(
      "SELECT not_before FROM consumer_backlog WHERE consumer = ? AND state = 'waiting' "
      "AND not_before > ? ORDER BY not_before LIMIT 1",
      {consumer_, now});
  if (rows.empty()) co_return std::nullopt;
  const Timestamp next = std::min(rows[0].timestamp(0), latest_postponed(now));
  const auto retried = co_await tx.execute(
      "SELECT 1 FROM consumer_backlog WHERE consumer = ? AND state = 'waiting' "
      "AND postponed_since IS NULL AND not_before > ? LIMIT 1",
      {consumer_, now});
  co_return retried.empty() ? next : std::min(next, latest(now));
}

Task<void> Backlog::reschedule(Transaction& tx, Uuid sequence, Timestamp not_before,
                               std::string error) {
  co_await tx.execute(
      "UPDATE consumer_backlog SET state = 'waiting', attempts = attempts + 1, not_before = ?, "
      "postponed_since = NULL, "
      "first_error = CASE first_error WHEN '' THEN ? ELSE first_error END, last_error = ? "
      "WHERE consumer = ? AND sequence = ?",
      {not_before, error, error, consumer_, sequence});
}

Task<void> Backlog::postpone(Transaction& tx, Uuid sequence, Timestamp not_before, Timestamp now,
                             std::string error) {
  co_await tx.execute(
      "UPDATE consumer_backlog SET state = 'waiting', not_before = ?, "
      "postponed_since = COALESCE(postponed_since, ?), "
      "first_error = CASE first_error WHEN '' THEN ? ELSE first_error END, last_error = ? "
      "WHERE consumer = ? AND sequence = ?",
      {not_before, now, error, error, consumer_, sequence});
}

Task<void> Backlog::park(Transaction& tx, Uuid sequence, std::string reason, std::string error) {
  const auto key = co_await key_at(tx, sequence);
  if (!key) co_return;
  co_await tx.execute(
      "UPDATE consumer_backlog SET state = 'parked', attempts = attempts + 1, reason = ?, "
      "first_error = CASE first_error WHEN '' THEN ? ELSE first_error END, last_error = ? "
      "WHERE consumer = ? AND sequence = ?",
      {reason, error, error, consumer_, sequence});
  co_await count(tx, "waiting", -1);
  co_await count(tx, "parked", 1);
  co_await count(tx, "blocked", co_await behind(tx, *key));
}

Task<bool> Backlog::unpark(Transaction& tx, Uuid sequence, Timestamp now) {
  const auto changed = co_await tx.execute(
      "UPDATE consumer_backlog SET state = 'waiting', attempts = 0, reason = '', not_before = ?, "
      "postponed_since = NULL "
      "WHERE consumer = ? AND sequence = ? AND state = 'parked'",
      {now, consumer_, sequence});
  if (changed.changed() == 0) co_return false;
  const auto key = co_await key_at(tx, sequence);
  co_await count(tx, "parked", -1);
  co_await count(tx, "waiting", 1);
  co_await count(tx, "blocked", -co_await behind(tx, *key));
  co_return true;
}

Task<bool> Backlog::remove(Transaction& tx, Uuid sequence, Timestamp now) {
  const auto rows = co_await tx.execute(
      "SELECT ordering_key, state, source, message_id FROM consumer_backlog "
      "WHERE consumer = ? AND sequence = ?",
      {consumer_, sequence});
  if (rows.empty()) co_return false;
  const std::string key = rows[0].text(0);
  const std::string state = rows[0].text(1);
  if (state == "behind" && co_await behind_parked(tx, key)) co_await count(tx, "blocked", -1);
  co_await tx.execute("DELETE FROM consumer_backlog WHERE consumer = ? AND sequence = ?",
                      {consumer_, sequence});
  co_await store::Inbox::release(tx, consumer_, rows[0].text(2), rows[0].uuid(3));
  co_await count(tx, state, -1);
  if (state == "parked") co_await count(tx, "blocked", -co_await behind(tx, key));
  if (state != "behind") co_await promote_next(tx, key, now);
  co_return true;
}

Task<void> Backlog::promote_next(Transaction& tx, std::string key, Timestamp now) {
  const auto next = co_await tx.execute(
      "SELECT sequence FROM consumer_backlog WHERE consumer = ? AND ordering_key = ? "
      "ORDER BY sequence LIMIT 1",
      {consumer_, key});
  if (next.empty()) co_return;
  co_await tx.execute(
      "UPDATE consumer_backlog SET state = 'waiting', not_before = ? "
      "WHERE consumer = ? AND sequence = ?",
      {now, consumer_, next[0].uuid(0)});
  co_await count(tx, "behind", -1);
  co_await count(tx, "waiting", 1);
}

Task<std::int32_t> Backlog::count_start(Transaction& tx, const event::Envelope& message) {
  co_await tx.execute(
      "INSERT INTO consumer_starts (consumer, source, message_id, starts) VALUES (?, ?, ?, 1) "
      "ON CONFLICT (consumer, source, message_id) DO UPDATE SET starts = consumer_starts.starts + "
      "1",
      {consumer_, message.source, message.id});
  const auto rows = co_await tx.execute(
      "SELECT starts FROM consumer_starts WHERE consumer = ? AND source = ? AND message_id = ?",
      {consumer_, message.source, message.id});
  co_return static_cast<std::int32_t>(rows[0].integer(0));
}

Task<void> Backlog::forget_start(Transaction& tx, const event::Envelope& message) {
  co_await tx.execute(
      "DELETE FROM consumer_starts WHERE consumer = ? AND source = ? AND message_id = ?",
      {consumer_, message.source, message.id});
}

Task<bool> Backlog::opened(Transaction& tx) {
  const auto rows =
      co_await tx.execute("SELECT clean FROM consumer_stops WHERE consumer = ?", {consumer_});
  const bool unclean = !rows.empty() && !rows[0].boolean(0);
  co_await tx.execute(
      "INSERT INTO consumer_stops (consumer, clean) VALUES (?, 0) "
      "ON CONFLICT (consumer) DO UPDATE SET clean = 0",
      {consumer_});
  co_return unclean;
}

Task<void> Backlog::closed(Transaction& tx) {
  co_await tx.execute("DELETE FROM consumer_starts WHERE consumer = ?", {consumer_});
  co_await tx.execute("UPDATE consumer_stops SET clean = 1 WHERE consumer = ?", {consumer_});
}

}  // namespace sinew::messaging
