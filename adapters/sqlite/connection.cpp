#include "adapters/sqlite/connection.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <mutex>
#include <utility>
#include <variant>

#include "adapters/sqlite/failure.hpp"

namespace sinew::sqlite {
namespace {

constexpr const char* text_of(Verb verb) {
  switch (verb) {
    case Verb::begin_read: return "BEGIN";
    case Verb::begin_write: return "BEGIN IMMEDIATE";
    case Verb::commit: return "COMMIT";
    case Verb::rollback: return "ROLLBACK";
    case Verb::savepoint: return "SAVEPOINT body";
    case Verb::release: return "RELEASE body";
    case Verb::rollback_to: return "ROLLBACK TO body";
  }
  return "";
}

// SQLite's account of its memory takes a process-wide lock at each allocation. Refused, harmlessly,
// when the program has used SQLite before.
void configure_once() {
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
}

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::create: return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    case OpenMode::write: return SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    case OpenMode::read: break;
  }
  return SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
}

int mode_of(Connection::Checkpoint kind) {
  switch (kind) {
    case Connection::Checkpoint::passive: return SQLITE_CHECKPOINT_PASSIVE;
    case Connection::Checkpoint::restart: return SQLITE_CHECKPOINT_RESTART;
    case Connection::Checkpoint::truncate: break;
  }
  return SQLITE_CHECKPOINT_TRUNCATE;
}

// A null pointer would bind NULL instead of something empty.
const char* not_null(const void* data) {
  return data == nullptr ? "" : static_cast<const char*>(data);
}

int bind(sqlite3_stmt* statement, int index, const store::Parameter& parameter) {
  struct Binder {
    sqlite3_stmt* statement;
    int index;
    int operator()(std::monostate) const { return sqlite3_bind_null(statement, index); }
    int operator()(std::int64_t value) const { return sqlite3_bind_int64(statement, index, value); }
    int operator()(std::string_view text) const {
      return sqlite3_bind_text64(statement, index, not_null(text.data()), text.size(),
                                 SQLITE_STATIC, SQLITE_UTF8);
    }
    int operator()(std::span<const std::byte> bytes) const {
      return sqlite3_bind_blob64(statement, index, not_null(bytes.data()), bytes.size(),
                                 SQLITE_STATIC);
    }
  };
  return std::visit(Binder{statement, index}, parameter.value());
}

store::Value column(sqlite3_stmt* statement, int index) {
  switch (sqlite3_column_type(statement, index)) {
    case SQLITE_INTEGER: return sqlite3_column_int64(statement, index);
    case SQLITE_TEXT: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, index));
      return std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, index)));
    }
    case SQLITE_BLOB: {
      const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, index));
      const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, index));
      return store::Blob{bytes == nullptr ? std::string() : std::string(bytes, size)};
    }
    case SQLITE_FLOAT:
      throw Error(Condition::unsupported,
                  fmt::format("column {} of a result is floating point, which Sinew does not store "
                              "or compute with: keep millionths in a BIGINT",
                              index));
    default: return std::monostate();
  }
}

struct ResetLater {
  sqlite3_stmt* statement;
  ~ResetLater() {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
  }
};

bool blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n;") == std::string_view::npos;
}

}  // namespace

void Connection::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

void Connection::Close::operator()(sqlite3* database) const noexcept { sqlite3_close(database); }

Connection::Connection(std::string path, const std::string& vfs, OpenMode mode)
    : path_(std::move(path)) {
  configure_once();
  sqlite3* opened = nullptr;
  const int code =
      sqlite3_open_v2(path_.c_str(), &opened, flags_of(mode), vfs.empty() ? nullptr : vfs.c_str());
  database_.reset(opened);
  if (opened == nullptr) throw translate(SQLITE_NOMEM, "out of memory", path_);
  sqlite3_extended_result_codes(opened, 1);
  if (code != SQLITE_OK) fail(sqlite3_extended_errcode(opened));
  sqlite3_db_config(opened, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_set_authorizer(opened, &Connection::authorize, this);
  // Replaces the hook by which SQLite would checkpoint by itself, in the middle of a commit.
  sqlite3_wal_hook(opened, &Connection::committed, this);
}

Connection::~Connection() = default;

int Connection::authorize(void* self, int action, const char*, const char*, const char*,
                          const char*) {
  if (!static_cast<Connection*>(self)->guarded_) return SQLITE_OK;
  switch (action) {
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_PRAGMA: return SQLITE_DENY;
    default: return SQLITE_OK;
  }
}

int Connection::committed(void* self, sqlite3*, const char*, int pages) {
  static_cast<Connection*>(self)->wal_pages_ = static_cast<std::uint64_t>(pages);
  return SQLITE_OK;
}

int Connection::perform(Verb verb) noexcept {
  Prepared& prepared = verbs_[static_cast<std::size_t>(verb)];
  if (!prepared) {
    sqlite3_stmt* made = nullptr;
    const int code = sqlite3_prepare_v3(database_.get(), text_of(verb), -1,
                                        SQLITE_PREPARE_PERSISTENT, &made, nullptr);
    if (code != SQLITE_OK) return code;
    prepared.reset(made);
  }
  sqlite3_step(prepared.get());
  const int code = sqlite3_reset(prepared.get());
  if (code != SQLITE_OK && broken_ == 0) broken_ = code;
  return code;
}

Connection::Prepared Connection::prepare(std::string_view sql, Origin origin, bool lasting) {
  sqlite3_stmt* made = nullptr;
  const char* tail = nullptr;
  guarded_ = origin == Origin::body;
  const int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                      lasting ? SQLITE_PREPARE_PERSISTENT : 0, &made, &tail);
  guarded_ = false;
  Prepared prepared(made);
  if (code != SQLITE_OK) fail(code);
  if (made == nullptr || !blank({tail, sql.data() + sql.size()})) {
    throw Error(Condition::invalid_input,
                fmt::format("one statement at a time, and not none: {}", sql));
  }
  return prepared;
}

sqlite3_stmt* Connection::cached(const store::Statement& statement) {
  const auto found = cache_.find(statement.text().data());
  if (found != cache_.end()) return found->second.get();
  if (cache_.size() >= max_cached_statements) return nullptr;
  Prepared prepared = prepare(statement.text(), Origin::body, true);
  return cache_.emplace(statement.text().data(), std::move(prepared)).first->second.get();
}

store::Rows Connection::run(const store::Statement& statement,
                            std::span<const store::Parameter> parameters) {
  Prepared owned;
  sqlite3_stmt* prepared = statement.cached() ? cached(statement) : nullptr;
  if (prepared == nullptr) {
    owned = prepare(statement.text(), Origin::body, false);
    prepared = owned.get();
  }
  const ResetLater reset{prepared};
  if (static_cast<std::size_t>(sqlite3_bind_parameter_count(prepared)) != parameters.size()) {
    throw Error(Condition::invalid_input,
                fmt::format("{} parameters for a statement with {}: {}", parameters.size(),
                            sqlite3_bind_parameter_count(prepared), statement.text()));
  }
  int index = 0;
  for (const store::Parameter& parameter : parameters) {
    if (const int code = bind(prepared, ++index, parameter); code != SQLITE_OK) fail(code);
  }
  return collect(prepared);
}

store::Rows Connection::collect(sqlite3_stmt* statement) {
  const std::int64_t before = sqlite3_total_changes64(database_.get());
  const int columns = sqlite3_column_count(statement);
  std::vector<store::Value> values;
  int code = SQLITE_OK;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    if (values.size() == store::Rows::max_rows * static_cast<std::size_t>(columns)) {
      throw Error(Condition::invalid_input,
                  fmt::format("a result of more than {} rows: read it page by page, by key ({})",
                              store::Rows::max_rows, sqlite3_sql(statement)));
    }
    for (int index = 0; index < columns; ++index)
      values.push_back(column(statement, index));
  }
  if (code != SQLITE_DONE) fail(code);
  // sqlite3_changes keeps its value across statements that change nothing.
  const bool changed = sqlite3_total_changes64(database_.get()) != before;
  return {static_cast<std::size_t>(columns), std::move(values),
          changed ? sqlite3_changes64(database_.get()) : 0};
}

std::string Connection::ask(std::string_view sql) {
  const Prepared prepared = prepare(sql, Origin::adapter, false);
  std::string answer;
  int code = sqlite3_step(prepared.get());
  if (code == SQLITE_ROW) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(prepared.get(), 0));
    if (text != nullptr) answer = text;
  }
  // What a statement does by itself is committed at its end, behind its rows.
  while (code == SQLITE_ROW)
    code = sqlite3_step(prepared.get());
  if (code != SQLITE_DONE) fail(code);
  return answer;
}

void Connection::wait_for_locks(Duration limit) noexcept {
  const auto limit_ms = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
  sqlite3_busy_timeout(database_.get(),
                       static_cast<int>(std::min<std::int64_t>(limit_ms, INT_MAX)));
}

bool Connection::in_transaction() const noexcept {
  return sqlite3_get_autocommit(database_.get()) == 0;
}

int Connection::checkpoint(Checkpoint kind, int patience_ms) noexcept {
  const bool waits = kind != Checkpoint::passive;
  if (waits) sqlite3_busy_timeout(database_.get(), patience_ms);
  int logged = 0;
  int copied = 0;
  const int code =
      sqlite3_wal_checkpoint_v2(database_.get(), nullptr, mode_of(kind), &logged, &copied);
  if (waits) sqlite3_busy_timeout(database_.get(), 0);
  if (code == SQLITE_OK && logged == copied) wal_pages_ = 0;
  return code;
}

Error Connection::failure(int code, Applied applied) const {
  return translate(code, sqlite3_errmsg(database_.get()), path_, applied);
}

void Connection::fail(int code) {
  if (broken_ == 0 && breaks_batch(code)) broken_ = code;
  throw failure(code);
}

}  // namespace sinew::sqlite
