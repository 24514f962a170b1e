#include "sinew/store/inbox.hpp"

namespace sinew::store {

Task<bool> Inbox::mark(Transaction& transaction, std::string consumer, std::string source, Uuid id,
                       Timestamp now) {
  const Rows inserted = co_await transaction.execute(
      "INSERT INTO inbox (consumer, source, id, handled_at) VALUES (?, ?, ?, ?) "
      "ON CONFLICT DO NOTHING",
      {consumer, source, id, now});
  co_return inserted.changed() == 1;
}

Task<bool> Inbox::contains(Transaction& transaction, std::string consumer, std::string source,
                           Uuid id) {
  const Rows rows = co_await transaction.execute(
      "SELECT 1 FROM inbox WHERE consumer = ? AND source = ? AND id = ?", {consumer, source, id});
  co_return !rows.empty();
}

Task<std::int64_t> Inbox::forget(Transaction& transaction, Timestamp before, std::size_t limit) {
  const Rows deleted = co_await transaction.execute(
      "DELETE FROM inbox WHERE (consumer, source, id) IN (SELECT consumer, source, id FROM inbox "
      "WHERE handled_at < ? ORDER BY handled_at LIMIT ?)",
      {before, limit});
  co_return deleted.changed();
}

}  // namespace sinew::store
