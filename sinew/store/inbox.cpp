#include "sinew/store/inbox.hpp"

namespace sinew::store {
namespace {

// The column handled_at of a mark that is held: older than nothing.
constexpr Timestamp held = Timestamp::max();

}  // namespace

Task<bool> Inbox::mark(Transaction& transaction, std::string consumer, std::string source,
                       Uuid id) {
  const Rows inserted = co_await transaction.execute(
      "INSERT INTO inbox (consumer, source, id, handled_at) "
      "VALUES (?, ?, ?, (SELECT reading FROM inbox_clock WHERE id = 0)) ON CONFLICT DO NOTHING",
      {consumer, source, id});
  co_return inserted.changed() == 1;
}

Task<bool> Inbox::contains(Transaction& transaction, std::string consumer, std::string source,
                           Uuid id) {
  const Rows rows = co_await transaction.execute(
      "SELECT 1 FROM inbox WHERE consumer = ? AND source = ? AND id = ?", {consumer, source, id});
  co_return !rows.empty();
}

Task<void> Inbox::hold(Transaction& transaction, std::string consumer, std::string source,
                       Uuid id) {
  co_await transaction.execute(
      "INSERT INTO inbox (consumer, source, id, handled_at) VALUES (?, ?, ?, ?) "
      "ON CONFLICT (consumer, source, id) DO UPDATE SET handled_at = excluded.handled_at",
      {consumer, source, id, held});
}

Task<void> Inbox::release(Transaction& transaction, std::string consumer, std::string source,
                          Uuid id) {
  co_await transaction.execute(
      "INSERT INTO inbox (consumer, source, id, handled_at) "
      "VALUES (?, ?, ?, (SELECT reading FROM inbox_clock WHERE id = 0)) "
      "ON CONFLICT (consumer, source, id) DO UPDATE SET handled_at = excluded.handled_at",
      {consumer, source, id});
}

Task<Timestamp> Inbox::clock(Transaction& transaction) {
  const Rows rows = co_await transaction.execute("SELECT reading FROM inbox_clock WHERE id = 0");
  co_return rows[0].timestamp(0);
}

Task<bool> Inbox::advance(Transaction& transaction, Timestamp seen, Duration by) {
  const Timestamp next = seen + std::chrono::floor<Timestamp::duration>(by);
  const Rows moved = co_await transaction.execute(
      "UPDATE inbox_clock SET reading = ? WHERE id = 0 AND reading = ?", {next, seen});
  co_return moved.changed() == 1;
}

Task<std::int64_t> Inbox::forget(Transaction& transaction, Timestamp before, std::size_t limit) {
  const Rows deleted = co_await transaction.execute(
      "DELETE FROM inbox WHERE (consumer, source, id) IN (SELECT consumer, source, id FROM inbox "
      "WHERE handled_at < ? ORDER BY handled_at LIMIT ?)",
      {before, limit});
  co_return deleted.changed();
}

Task<std::optional<Timestamp>> Inbox::first(Transaction& transaction, Timestamp from) {
  const Rows rows = co_await transaction.execute(
      "SELECT handled_at FROM inbox WHERE handled_at >= ? AND handled_at < ? "
      "ORDER BY handled_at LIMIT 1",
      {from, held});
  if (rows.empty()) co_return std::nullopt;
  co_return rows[0].timestamp(0);
}

Task<std::int64_t> Inbox::count(Transaction& transaction, Timestamp from, Timestamp to) {
  const Rows rows = co_await transaction.execute(
      "SELECT COUNT(*) FROM inbox WHERE handled_at >= ? AND handled_at < ?", {from, to});
  co_return rows[0].integer(0);
}

}  // namespace sinew::store
