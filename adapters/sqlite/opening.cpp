#include "adapters/sqlite/opening.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

#include "sinew/base/crash_point.hpp"
#include "sinew/base/error.hpp"

namespace sinew::sqlite {
namespace {

// `SNEW`, in SQLite's header (sqlite.org/fileformat.html, 1.3): whose file this is.
constexpr std::int32_t application_id = 0x534e4557;
// The layout of the adapter's own tables, kept in SQLite's user_version.
constexpr int format_version = 1;

constexpr std::string_view magic("SQLite format 3\0", 16);
constexpr std::size_t header_bytes = 100;

void refuse(Condition condition, std::string_view path, std::string_view what) {
  throw Error(condition, fmt::format("{} {}", path, what));
}

// What can be told without SQLite, which takes an empty file for a new database and then deletes
// the log beside it.
void inspect_file(const Settings& settings, Files& files) {
  const std::optional<std::uint64_t> size = files.size(settings.path);
  if (!size && settings.create) return;
  if (!size) {
    refuse(Condition::not_found, settings.path, "does not exist: check the folder's name");
  }
  if (*size == 0) {
    if (files.size(settings.path + "-wal").value_or(0) == 0) return;
    refuse(Condition::corrupt, settings.path,
           "was cut to nothing while its -wal file still holds data: keep both, restore a backup");
  }
  const std::string head = files.head(settings.path, header_bytes);
  if (head.size() < header_bytes) {
    refuse(Condition::corrupt, settings.path,
           "is shorter than a database's header: it was truncated; restore a backup");
  }
  // A power cut tears the header in the middle of the file's creation or of a checkpoint; then the
  // journal or the log has it, and SQLite puts it back, or refuses the file itself.
  const bool mended = files.size(settings.path + "-journal").value_or(0) > 0 ||
                      files.size(settings.path + "-wal").value_or(0) > 0;
  if (!mended && std::string_view(head).substr(0, magic.size()) != magic) {
    refuse(Condition::corrupt, settings.path,
           "is not an SQLite database: another program's file, or overwritten; move it away or "
           "use another folder");
  }
}

// Whoever opens a file first after a crash reads its log anew, and all the others wait for it.
void configure(Connection& connection, const Settings& settings) {
  connection.wait_for_locks(settings.busy_limit);
  connection.ask("PRAGMA foreign_keys = ON");
  // Keeps the undo log of savepoints in memory.
  connection.ask("PRAGMA temp_store = MEMORY");
  connection.ask(fmt::format("PRAGMA cache_size = -{}", settings.cache_bytes / 1024));
}

void configure_writer(Connection& writer, const Settings& settings) {
  writer.ask("PRAGMA page_size = 4096");
  if (const std::string mode = writer.ask("PRAGMA journal_mode = WAL"); mode != "wal") {
    refuse(Condition::unsupported, settings.path,
           "lies on a file system that cannot share memory (a network share?): use a local disk");
  }
  writer.ask("PRAGMA synchronous = FULL");
  // What is deleted is overwritten in its page: purge() relies on it. Debian's SQLite does so
  // anyway.
  writer.ask("PRAGMA secure_delete = ON");
  writer.ask(fmt::format("PRAGMA journal_size_limit = {}", settings.wal_soft_bytes));
}

bool has_tables(Connection& writer) {
  return writer.ask("SELECT 1 FROM sqlite_schema LIMIT 1") == "1";
}

// Gives whether the file is new. A crash while creating leaves one without tables, which is taken
// up again.
bool check_owner(Connection& writer, const Settings& settings) {
  const std::string owner = writer.ask("PRAGMA application_id");
  const bool tables = has_tables(writer);
  if (owner != std::to_string(application_id) && (owner != "0" || tables)) {
    refuse(Condition::conflict, settings.path,
           "is an SQLite database of another program: use another folder");
  }
  const std::string version = writer.ask("PRAGMA user_version");
  if (version.size() > 9 || std::stoi(version) > format_version) {
    refuse(Condition::unsupported, settings.path,
           fmt::format("was written by a newer program (format {}, this one knows {}): install "
                       "that version or a later one",
                       version, format_version));
  }
  return !tables;
}

void create_schema(Connection& writer) {
  writer.ask("BEGIN IMMEDIATE");
  writer.ask(
      "CREATE TABLE schema_migrations (component TEXT NOT NULL, version INTEGER NOT NULL, "
      "name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL, "
      "PRIMARY KEY (component, version)) STRICT");
  writer.ask(fmt::format("PRAGMA user_version = {}", format_version));
  SINEW_CRASH_POINT("sqlite.before_create");
  writer.ask("COMMIT");
  SINEW_CRASH_POINT("sqlite.after_create");
}

void check_content(Connection& writer, const Settings& settings, Files& files) {
  if (files.size(settings.path).value_or(0) > settings.check_bytes) return;
  const std::string verdict = writer.ask("PRAGMA quick_check(1)");
  // The check reports what it could not read among what is wrong: of a tree, of a list of pages.
  const bool unread = verdict.find("unable to get the page") != std::string::npos ||
                      verdict.find("failed to get page") != std::string::npos;
  if (unread) {
    refuse(
        Condition::unavailable, settings.path,
        fmt::format("cannot be read whole ({}): look at the system's log and the disk", verdict));
  }
  if (verdict != "ok") {
    refuse(Condition::corrupt, settings.path,
           fmt::format("is damaged ({}): keep a copy of it and of its -wal file, then restore a "
                       "backup",
                       verdict));
  }
}

}  // namespace

Connections open_connections(const Settings& settings, Files& files) {
  inspect_file(settings, files);
  Connections opened;
  opened.writer = std::make_unique<Connection>(settings.path, settings.vfs, OpenMode::create);
  Connection& writer = *opened.writer;
  configure(writer, settings);
  const bool fresh = check_owner(writer, settings);
  // Before the mode, as a file of our own is known by it from its first page on.
  if (fresh) writer.ask(fmt::format("PRAGMA application_id = {}", application_id));
  configure_writer(writer, settings);
  if (fresh) {
    create_schema(writer);
  } else {
    check_content(writer, settings, files);
  }
  opened.reader = std::make_unique<Connection>(settings.path, settings.vfs, OpenMode::read);
  configure(*opened.reader, settings);
  opened.reader->ask("SELECT 1 FROM sqlite_schema LIMIT 1");
  // From here on nobody may hold up the worker.
  opened.writer->wait_for_locks(Duration::zero());
  opened.reader->wait_for_locks(Duration::zero());
  return opened;
}

std::unique_ptr<Connection> open_reader(const Settings& settings, Files& files) {
  inspect_file(settings, files);
  auto reader = std::make_unique<Connection>(settings.path, settings.vfs, OpenMode::read);
  configure(*reader, settings);
  check_owner(*reader, settings);
  return reader;
}

void rewrite_wal(const std::string& path, Files& files) {
  const std::string wal = path + "-wal";
  if (files.size(wal).value_or(0) == 0) return;
  const std::string copy = wal + "-rewritten";
  files.copy_durably(wal, copy);
  SINEW_CRASH_POINT("sqlite.before_wal_rename");
  files.rename_durably(copy, wal);
  SINEW_CRASH_POINT("sqlite.after_wal_rename");
}

}  // namespace sinew::sqlite
