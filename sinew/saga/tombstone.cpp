#include "sinew/saga/tombstone.hpp"

namespace sinew::saga {

Task<void> Tombstones::leave(store::Transaction& tx, std::string action, std::string key,
                             Timestamp now) {
  co_await tx.execute(
      "INSERT INTO saga_tombstones (action, entity, left_at) VALUES (?, ?, ?) "
      "ON CONFLICT (action, entity) DO NOTHING",
      {action, key, now});
}

Task<bool> Tombstones::exists(store::Transaction& tx, std::string action, std::string key) {
  const auto rows = co_await tx.execute(
      "SELECT 1 FROM saga_tombstones WHERE action = ? AND entity = ?", {action, key});
  co_return !rows.empty();
}

}  // namespace sinew::saga
