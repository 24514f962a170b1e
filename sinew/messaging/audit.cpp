#include "sinew/messaging/audit.hpp"

namespace sinew::messaging {

Task<void> audit(store::Transaction& tx, AuditEntry entry) {
  co_await tx.execute(
      "INSERT INTO operator_audit (id, at, actor, verb, target, detail) VALUES (?, ?, ?, ?, ?, ?)",
      {entry.id, entry.at, entry.actor, entry.verb, entry.target, entry.detail});
}

Task<std::vector<AuditEntry>> audit_trail(store::Transaction& tx, std::size_t limit) {
  const auto rows = co_await tx.execute(
      "SELECT id, at, actor, verb, target, detail FROM operator_audit ORDER BY at DESC LIMIT ?",
      {limit});
  std::vector<AuditEntry> entries;
  for (const auto row : rows) {
    entries.push_back(
        {row.uuid(0), row.timestamp(1), row.text(2), row.text(3), row.text(4), row.text(5)});
  }
  co_return entries;
}

}  // namespace sinew::messaging
