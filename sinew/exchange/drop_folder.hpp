#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "sinew/async/task.hpp"
#include "sinew/base/log.hpp"
#include "sinew/store/database.hpp"

namespace sinew::exchange {

// One file in the hands of its handler. commit() runs the effect in the one transaction that also
// marks the file (its name and content) as taken, so a file counts once however often it is seen.
class DroppedFile {
 public:
  DroppedFile() = default;
  DroppedFile(const DroppedFile&) = delete;
  DroppedFile& operator=(const DroppedFile&) = delete;

  virtual const std::string& name() const noexcept = 0;
  virtual const std::string& content() const noexcept = 0;

  // body: Task<void>(store::Transaction&). False, without an effect, when the file was taken
  // before.
  template <class Body>
  Task<bool> commit(Body body) {
    return commit_function(std::function<Task<void>(store::Transaction&)>(std::move(body)));
  }

 protected:
  ~DroppedFile() = default;
  virtual Task<bool> commit_function(std::function<Task<void>(store::Transaction&)> body) = 0;
};

struct DropStatus {
  std::uint64_t taken = 0;
  std::uint64_t refused = 0;
  std::size_t waiting = 0;
  std::string last_error;  // of what is tried again; empty when nothing is
};

// Files that others drop into a folder: written elsewhere or as `*.part`, then renamed to `*.csv`.
// Taken in the order of their names; a file that was handled moves to done/, one that its handler
// refuses (invalid_input, corrupt, unsupported) to refused/ with the reason in a file beside it;
// anything else, a file or folder that cannot be read or moved included, is logged once and tried
// again with the next look, while other files go on. Lives on the context's worker.
class DropFolder {
 public:
  static constexpr std::uintmax_t max_file_bytes = 64 * 1024 * 1024;
  static constexpr Duration look_every = std::chrono::milliseconds(100);

  using Handler = std::function<Task<void>(DroppedFile&)>;

  // `consumer` names the marks of taken files in the database.
  DropFolder(store::Database& database, std::string consumer, std::filesystem::path folder,
             Handler handler);

  // Until its scope is cancelled. Error unauthorized when the folder cannot be made.
  Task<void> run();
  const DropStatus& status() const noexcept { return status_; }

 private:
  class File;
  Task<void> look();
  std::set<std::filesystem::path> list();
  Task<void> take(std::filesystem::path path);
  Task<void> take_or_refuse(std::filesystem::path path);
  void note(const std::filesystem::path& path, const std::string& failure);
  void move_away(const std::filesystem::path& path, const char* folder);
  void refuse(const std::filesystem::path& path, const std::string& reason);

  store::Database& database_;
  std::string consumer_;
  std::filesystem::path folder_;
  Handler handler_;
  log::Logger log_;
  std::map<std::filesystem::path, std::string> failures_;  // of what is tried again
  DropStatus status_;
};

}  // namespace sinew::exchange
