#include "adapters/sqlite/migrations.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <map>
#include <utility>

#include "sinew/base/crash_point.hpp"
#include "sinew/base/error.hpp"

namespace sinew::sqlite {
namespace {

constexpr store::ColumnTypes column_types{.bigint = "INTEGER",
                                          .text = "TEXT",
                                          .bytes = "BLOB",
                                          .identity = "INTEGER PRIMARY KEY AUTOINCREMENT"};

struct Applied {
  std::string name;
  std::string checksum;
};
using History = std::map<std::int64_t, Applied>;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view spaces = " \t\r\n";
  const std::size_t first = text.find_first_not_of(spaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

// Without its semicolon.
std::string finished(std::string_view statement) {
  std::string text(trimmed(statement.substr(0, statement.size() - 1)));
  if (text.starts_with("CREATE TABLE") && text.ends_with(')')) text += " STRICT";
  return text;
}

Task<History> read_history(store::Transaction& transaction, std::string_view component) {
  const store::Rows rows = co_await transaction.execute(
      "SELECT version, name, checksum FROM schema_migrations WHERE component = ?", {component});
  History history;
  for (const store::Row row : rows)
    history[row.integer(0)] = {row.text(1), row.text(2)};
  co_return history;
}

void check_order(const store::MigrationSet& set) {
  int expected = 1;
  for (const store::Migration& migration : set.migrations) {
    if (migration.version != expected++) {
      throw Error(Condition::invalid_input,
                  fmt::format("the migrations of {} are numbered from 1 without a gap; \"{}\" has "
                              "version {}",
                              set.component, migration.name, migration.version));
    }
  }
}

void check_history(const store::MigrationSet& set, const History& history,
                   const std::string& path) {
  for (const auto& [version, applied] : history) {
    if (version > static_cast<std::int64_t>(set.migrations.size())) {
      throw Error(Condition::unsupported,
                  fmt::format("{} has migration {} \"{}\" of {}, which this program does not know: "
                              "a newer one wrote it; install that version",
                              path, version, applied.name, set.component));
    }
    const store::Migration& known = set.migrations[static_cast<std::size_t>(version - 1)];
    if (known.name != applied.name || store::checksum(known) != applied.checksum) {
      throw Error(Condition::conflict,
                  fmt::format("migration {} \"{}\" of {} is not the one that was applied to {} "
                              "(\"{}\"): a released migration never changes; undo the edit and "
                              "add a new one",
                              version, known.name, set.component, path, applied.name));
    }
  }
}

Task<void> apply(store::Transaction& transaction, std::string_view component,
                 const store::Migration& migration, Timestamp now) {
  for (const std::string& statement : statements_of(migration)) {
    co_await transaction.execute(store::Statement::dynamic(statement));
  }
  co_await transaction.execute(
      "INSERT INTO schema_migrations (component, version, name, checksum, applied_at) "
      "VALUES (?, ?, ?, ?, ?)",
      {component, migration.version, migration.name, store::checksum(migration), now});
}

}  // namespace

std::vector<std::string> statements_of(const store::Migration& migration) {
  const std::string text = store::spell(migration.sql, column_types);
  std::vector<std::string> statements;
  std::size_t start = 0;
  std::size_t end = 0;
  while ((end = text.find(';', end)) != std::string::npos) {
    const std::string candidate = text.substr(start, ++end - start);
    // Not inside quotes, comments or a trigger's body.
    if (sqlite3_complete(candidate.c_str()) == 0) continue;
    if (std::string statement = finished(candidate); !statement.empty()) {
      statements.push_back(std::move(statement));
    }
    start = end;
  }
  if (!trimmed(std::string_view(text).substr(start)).empty()) {
    throw Error(Condition::invalid_input,
                fmt::format("migration {} \"{}\": a statement does not end in a semicolon",
                            migration.version, migration.name));
  }
  return statements;
}

Task<void> apply_migrations(store::Database& database, store::MigrationSet set,
                            async::Runtime& runtime, std::string path) {
  check_order(set);
  const History history = co_await database.read(
      [&set](store::Transaction& transaction) { return read_history(transaction, set.component); });
  check_history(set, history, path);
  for (const store::Migration& migration : set.migrations.subspan(history.size())) {
    SINEW_CRASH_POINT("sqlite.before_migration");
    const Timestamp now = runtime.wall_now();
    co_await database.transaction([&set, &migration, now](store::Transaction& transaction) {
      return apply(transaction, set.component, migration, now);
    });
    SINEW_CRASH_POINT("sqlite.after_migration");
  }
}

Task<bool> has_component(store::Transaction& transaction, std::string component) {
  const store::Rows tables = co_await transaction.execute(
      "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'");
  if (tables.empty()) co_return false;  // a crash while it was made
  const History history = co_await read_history(transaction, component);
  co_return !history.empty();
}

}  // namespace sinew::sqlite
