#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace sinew::sqlite {

// Held while a database is open; the lock ends with the object, or with the process.
class FileLock {
 public:
  FileLock() = default;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  virtual ~FileLock() = default;

  // Whether the holder before this one ended without finish(): killed, or after a failed sync. Then
  // the system's cache may show of the database's files what the disk does not have.
  virtual bool left_behind() const noexcept = 0;
  // The database is closed and whole. What fails here only makes the next start more careful.
  virtual void finish() noexcept = 0;
};

// What the adapter itself does to files, beside SQLite's VFS: a seam of its own so that a simulated
// disk can stand under both. Called on a worker and on the committer; stateless or synchronised.
// Errors: not_found (no such file or folder), unauthorized (permissions, a read-only file system),
// exhausted (disk full), unavailable (anything else), each with the path and the reason.
class Files {
 public:
  Files() = default;
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  virtual ~Files() = default;

  // Takes the lock that makes this process the only one to open the database; the file at `path` is
  // created and keeps the holder's pid until finish(). Error conflict when it is held, naming the
  // holder.
  virtual std::unique_ptr<FileLock> lock(const std::string& path) = 0;

  virtual std::optional<std::uint64_t> size(const std::string& path) = 0;  // nothing: no such file
  // The first `bytes` bytes, fewer when the file is shorter.
  virtual std::string head(const std::string& path, std::size_t bytes) = 0;
  // Copies the content and syncs the copy; an existing `to` is replaced.
  virtual void copy_durably(const std::string& from, const std::string& to) = 0;
  // Renames over `to` and syncs the folder, so that the new name survives a power cut.
  virtual void rename_durably(const std::string& from, const std::string& to) = 0;

  // The operating system's.
  static std::shared_ptr<Files> system();
};

}  // namespace sinew::sqlite
