#include "sinew/saga/journal.hpp"

namespace sinew::saga {

using store::Row;
using store::Transaction;

namespace {

JournalEntry entry_of(const Row& row) {
  JournalEntry entry;
  entry.message_id = row.uuid(0);
  entry.correlation_id = row.uuid(1);
  entry.cause_id = row.uuid(2);
  entry.cause_type = row.text(3);
  entry.type = row.text(4);
  entry.key = row.text(5);
  entry.hops = static_cast<std::int32_t>(row.integer(6));
  entry.at = row.timestamp(7);
  return entry;
}

}  // namespace

Task<void> write_journal(Transaction& tx, const event::Envelope& event,
                         const event::Envelope* cause) {
  const Uuid cause_id = cause == nullptr ? Uuid() : cause->id;
  const std::string cause_type = cause == nullptr ? "" : cause->type;
  co_await tx.execute(
      "INSERT INTO saga_journal (message_id, correlation_id, cause_id, cause_type, type, "
      "ordering_key, hops, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      {event.id, event.lineage.correlation_id, cause_id, cause_type, event.type, event.ordering_key,
       event.lineage.hops, event.time});
}

Task<std::vector<JournalEntry>> journal_of(Transaction& tx, Uuid correlation_id) {
  const auto rows = co_await tx.execute(
      "SELECT message_id, correlation_id, cause_id, cause_type, type, ordering_key, hops, at "
      "FROM saga_journal WHERE correlation_id = ? ORDER BY message_id LIMIT 1000",
      {correlation_id});
  std::vector<JournalEntry> entries;
  for (const auto row : rows)
    entries.push_back(entry_of(row));
  co_return entries;
}

Task<std::vector<JournalEntry>> journal_of_key(Transaction& tx, std::string key) {
  const auto rows = co_await tx.execute(
      "SELECT message_id, correlation_id, cause_id, cause_type, type, ordering_key, hops, at "
      "FROM saga_journal WHERE ordering_key = ? ORDER BY message_id LIMIT 1000",
      {key});
  std::vector<JournalEntry> entries;
  for (const auto row : rows)
    entries.push_back(entry_of(row));
  co_return entries;
}

Task<std::int64_t> forget_journal(Transaction& tx, Timestamp before, std::size_t limit) {
  const auto deleted = co_await tx.execute(
      "DELETE FROM saga_journal WHERE message_id IN (SELECT message_id FROM saga_journal "
      "WHERE at < ? ORDER BY at LIMIT ?)",
      {before, limit});
  co_return deleted.changed();
}

}  // namespace sinew::saga
