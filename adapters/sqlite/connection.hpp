#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sinew/base/error.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/store/value.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace sinew::sqlite {

enum class OpenMode : std::uint8_t { create, write, read };

// What the adapter itself says to SQLite around the bodies of transactions.
enum class Verb : std::uint8_t {
  begin_read,
  begin_write,
  commit,
  rollback,
  savepoint,
  release,
  rollback_to
};

// One SQLite connection without a mutex: one thread at a time, whoever hands it over orders the
// memory. Closing it never checkpoints.
class Connection {
 public:
  // Prepared statements kept, one for each literal of the program; those beyond are prepared anew
  // each time.
  static constexpr std::size_t max_cached_statements = 1024;

  // `vfs`: a registered name, empty for SQLite's own. Errors: those of translate().
  Connection(std::string path, const std::string& vfs, OpenMode mode);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // SQLite's extended result code, 0 for success.
  int perform(Verb verb) noexcept;

  // Runs a body's statement to its end. Statements that end or nest transactions, attach databases
  // or set pragmas are refused.
  store::Rows run(const store::Statement& statement, std::span<const store::Parameter> parameters);

  // Runs a statement of the adapter's own, without parameters, pragmas included; gives the first
  // column of the first row as text, empty for none.
  std::string ask(std::string_view sql);

  // How long a statement waits for another connection's lock before it fails; at first not at all.
  void wait_for_locks(Duration limit) noexcept;

  // The code of the first failure since clear_broken() after which the transaction under way can no
  // longer be trusted; 0 for none. A body may have swallowed its exception.
  int broken() const noexcept { return broken_; }
  void clear_broken() noexcept { broken_ = 0; }
  bool in_transaction() const noexcept;

  // Copies what it can of the write-ahead log into the database, without waiting (passive) or
  // waiting up to `patience_ms` for readers so that the next writer starts the log anew (restart),
  // or, besides, cutting the log's file to nothing (truncate).
  enum class Checkpoint : std::uint8_t { passive, restart, truncate };
  int checkpoint(Checkpoint kind, int patience_ms) noexcept;
  // Frames in the log after the last commit; 0 when all of them are copied.
  std::uint64_t wal_pages() const noexcept { return wal_pages_; }

  Error failure(int code, Applied applied = Applied::no) const;
  const std::string& path() const noexcept { return path_; }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  struct Close {
    void operator()(sqlite3* database) const noexcept;
  };
  using Prepared = std::unique_ptr<sqlite3_stmt, Finalize>;
  enum class Origin : bool { adapter, body };

  static int authorize(void* self, int action, const char*, const char*, const char*, const char*);
  static int committed(void* self, sqlite3*, const char*, int pages);

  Prepared prepare(std::string_view sql, Origin origin, bool lasting);
  sqlite3_stmt* cached(const store::Statement& statement);
  store::Rows collect(sqlite3_stmt* statement);
  [[noreturn]] void fail(int code);

  std::string path_;
  std::unique_ptr<sqlite3, Close> database_;  // before the statements: closed after them
  std::unordered_map<const char*, Prepared> cache_;
  Prepared verbs_[static_cast<std::size_t>(Verb::rollback_to) + 1];
  int broken_ = 0;
  std::uint64_t wal_pages_ = 0;
  bool guarded_ = false;
};

}  // namespace sinew::sqlite
