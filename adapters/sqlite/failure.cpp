#include "adapters/sqlite/failure.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

namespace sinew::sqlite {
namespace {

int primary(int code) noexcept { return code & 0xff; }

struct Meaning {
  Condition condition;
  const char* advice;
};

Meaning meaning_of(int code) {
  if (code == SQLITE_CONSTRAINT_DATATYPE) {
    return {Condition::invalid_input, "a value is not of its column's type"};
  }
  if (code == SQLITE_IOERR_SHMSIZE) {
    return {Condition::exhausted,
            "there is no room for the -shm file beside it: make room, then try again"};
  }
  switch (primary(code)) {
    case SQLITE_CONSTRAINT: return {Condition::conflict, "the row contradicts what is stored"};
    case SQLITE_FULL: return {Condition::exhausted, "the disk is full: make room, then try again"};
    case SQLITE_NOMEM: return {Condition::exhausted, "memory is short: try again later"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Condition::unavailable,
              "another program holds a lock on the file: close it, then try again"};
    case SQLITE_IOERR:
      return {Condition::unavailable, "the disk failed: look at the system's log and the disk"};
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return {Condition::corrupt,
              "the file is damaged or no database: keep a copy of it and of its -wal file, then "
              "restore a backup"};
    case SQLITE_READONLY:
      return {Condition::unauthorized,
              "the file or this transaction is read-only: check the file's permissions, or use "
              "transaction() instead of read()"};
    case SQLITE_CANTOPEN:
      return {Condition::not_found,
              "the file cannot be opened: check that its folder exists and may be written"};
    case SQLITE_PERM: return {Condition::unauthorized, "the file's permissions forbid it"};
    case SQLITE_AUTH:
      return {Condition::invalid_input,
              "a body's statement may not begin or end transactions, attach databases or set "
              "pragmas"};
    case SQLITE_INTERRUPT: return {Condition::cancelled, "the statement was interrupted"};
    case SQLITE_PROTOCOL:
    case SQLITE_SCHEMA: return {Condition::unavailable, "try again"};
    default: return {Condition::invalid_input, "correct the statement or its parameters"};
  }
}

}  // namespace

bool breaks_batch(int code) noexcept {
  switch (primary(code)) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM: return true;
    default: return false;
  }
}

bool loses_trust(int code) noexcept {
  return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC;
}

bool commit_refused(int code) noexcept {
  switch (primary(code)) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CONSTRAINT: return true;
    default: return false;
  }
}

bool is_busy(int code) noexcept {
  return primary(code) == SQLITE_BUSY || primary(code) == SQLITE_LOCKED;
}

Error translate(int code, std::string_view message, const std::string& path, Applied applied) {
  const Meaning meaning = meaning_of(code);
  return {meaning.condition,
          fmt::format("{} ({}, SQLite code {}); {}", message, path, code, meaning.advice), applied};
}

}  // namespace sinew::sqlite
