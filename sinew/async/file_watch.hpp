#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/async/descriptor.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/instant.hpp"

namespace sinew::async {

struct FileWatchSettings {
  // A change is told when nothing more happened for so long: who replaces one file is about to
  // replace the next...
  Duration settle = std::chrono::milliseconds(200);
  Duration longest_settle = std::chrono::seconds(2);  // ...but then, whatever still happens
  // Looks without being told to, so often: for what the system does not tell, as of network file
  // systems, of a folder further up that was replaced, or when it has no more watches to give.
  Duration look_every = std::chrono::seconds(30);
};

// Tells when files are other than they were: written, replaced, renamed over, made, removed, given
// to others to read, or reached by a symbolic link that was swapped, anywhere on their path (as
// Kubernetes swaps a ConfigMap, and certbot a certificate). What counts is what stat(2) tells of
// the file; the system's events (inotify) only say when to look. They are asked for of the folders,
// so a file need not exist.
//
// One worker, one waiter. It looks at files on that worker: not for one that serves requests.
class FileWatch {
 public:
  // What is found now is not told. Without a watch to be had from the system it logs a warning and
  // looks by itself alone.
  FileWatch(Runtime& runtime, const std::vector<std::filesystem::path>& files,
            FileWatchSettings settings = {});
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;
  ~FileWatch();

  // The files from now on. To miss nothing, before they are read: one that is new counts as it is
  // at this moment, the others as they were told last.
  void watch(const std::vector<std::filesystem::path>& files);

  // Those that changed since they were told last; at least one, in order. Errors: timeout,
  // cancelled; what has changed by then is told by the next call.
  Task<std::vector<std::filesystem::path>> next();

 private:
  // What makes a file another one; nothing: there is none, or it cannot be reached.
  struct Identity {
    std::uint64_t device;
    std::uint64_t node;
    std::int64_t size;
    std::int64_t changed_ns;  // ctime: also of owner and mode, and nobody can set it back
    bool operator==(const Identity&) const = default;
  };
  using Names = std::set<std::string, std::less<>>;

  static std::optional<Identity> identity_of(const std::filesystem::path& file);
  void subscribe();
  void warn_once(const char* what, int error_number);
  std::vector<std::filesystem::path> look();
  Task<bool> hinted(Instant until);
  Task<void> event_ready();
  bool drain();
  bool concerns_us(std::string_view events) const;

  Runtime& runtime_;
  FileWatchSettings settings_;
  Descriptor inotify_;
  std::map<std::filesystem::path, std::optional<Identity>> files_;
  std::map<int, Names> watches_;  // of a folder, by its number: the names in it that matter
  bool warned_ = false;
};

}  // namespace sinew::async
