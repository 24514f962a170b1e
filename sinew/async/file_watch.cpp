#include "sinew/async/file_watch.hpp"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <system_error>
#include <utility>

#include "sinew/async/watch.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"

namespace sinew::async {
namespace {

namespace fs = std::filesystem;

using FolderNames = std::map<fs::path, std::set<std::string, std::less<>>>;

constexpr int most_links = 40;  // on a path, as Linux follows them (path_resolution(7))

constexpr std::uint32_t what_matters = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                                       IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |
                                       IN_ONLYDIR;

// The names on the way to a file whose change makes it another one: of each symbolic link, of the
// file itself, or of the first thing that is not there; with the folders they stand in.
void trace(const fs::path& file, FolderNames& names) {
  std::error_code error;
  fs::path here = "/";
  std::deque<fs::path> rest;
  for (const fs::path& part : fs::absolute(file, error).relative_path())
    rest.push_back(part);
  for (int links = 0; !rest.empty() && links <= most_links;) {
    const fs::path part = std::exchange(rest.front(), {});
    rest.pop_front();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      here = here.parent_path();
      continue;
    }
    const fs::path next = here / part;
    const fs::file_status status = fs::symlink_status(next, error);
    const bool link = fs::is_symlink(status);
    if (link || rest.empty() || !fs::exists(status)) names[here].insert(part.string());
    if (!fs::exists(status)) return;
    if (!link) {
      here = next;
      continue;
    }
    ++links;
    const fs::path target = fs::read_symlink(next, error);
    if (target.is_absolute()) here = "/";
    const fs::path parts = target.relative_path();
    rest.insert(rest.begin(), parts.begin(), parts.end());
  }
}

}  // namespace

FileWatch::FileWatch(Runtime& runtime, const std::vector<fs::path>& files,
                     FileWatchSettings settings)
    : runtime_(runtime), settings_(settings), inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (!inotify_) warn_once("files are watched without the system's help", errno);
  watch(files);
}

FileWatch::~FileWatch() {
  if (inotify_) runtime_.unwatch(inotify_.get());
}

void FileWatch::watch(const std::vector<fs::path>& files) {
  const std::set<fs::path> wanted(files.begin(), files.end());
  std::erase_if(files_, [&](const auto& known) { return !wanted.contains(known.first); });
  std::vector<fs::path> fresh;
  for (const fs::path& file : wanted) {
    if (files_.try_emplace(file).second) fresh.push_back(file);
  }
  subscribe();
  for (const fs::path& file : fresh)
    files_[file] = identity_of(file);
}

std::optional<FileWatch::Identity> FileWatch::identity_of(const fs::path& file) {
  constexpr std::int64_t ns_a_second = 1'000'000'000;
  struct stat found{};
  if (::stat(file.c_str(), &found) != 0) return std::nullopt;
  return Identity{.device = found.st_dev,
                  .node = found.st_ino,
                  .size = found.st_size,
                  .changed_ns = found.st_ctim.tv_sec * ns_a_second + found.st_ctim.tv_nsec};
}

// The links may lead elsewhere than before: asked anew for every folder, which costs nothing where
// it is asked already.
void FileWatch::subscribe() {
  if (!inotify_) return;
  FolderNames folders;
  for (const auto& [file, identity] : files_)
    trace(file, folders);
  std::map<int, Names> watches;
  for (auto& [folder, names] : folders) {
    const int watch = ::inotify_add_watch(inotify_.get(), folder.c_str(), what_matters);
    if (watch >= 0) {
      watches[watch].merge(names);
    } else if (errno != ENOENT && errno != ENOTDIR) {  // gone since; next time
      warn_once(folder.c_str(), errno);
    }
  }
  for (const auto& [watch, names] : watches_) {
    if (!watches.contains(watch)) ::inotify_rm_watch(inotify_.get(), watch);
  }
  watches_ = std::move(watches);
}

void FileWatch::warn_once(const char* what, int error_number) {
  if (std::exchange(warned_, true)) return;
  log::warn("changes of files are found late",
            {{"what", what}, {"error", std::generic_category().message(error_number)}});
}

Task<std::vector<fs::path>> FileWatch::next() {
  while (true) {
    bool hint = co_await hinted(runtime_.now() + settings_.look_every);
    const Instant latest = runtime_.now() + settings_.longest_settle;
    while (hint && runtime_.now() < latest)
      hint = co_await hinted(std::min(runtime_.now() + settings_.settle, latest));
    std::vector<fs::path> changed = look();
    if (!changed.empty()) co_return changed;
  }
}

// First asks for events, then looks: what happens in between is seen, or told.
std::vector<fs::path> FileWatch::look() {
  subscribe();
  std::vector<fs::path> changed;
  for (auto& [file, known] : files_) {
    const auto now = identity_of(file);
    if (now != std::exchange(known, now)) changed.push_back(file);
  }
  return changed;
}

// Whether an event that may concern a file came before `until`.
Task<bool> FileWatch::hinted(Instant until) {
  while (!drain()) {
    if (!inotify_) {
      co_await sleep_until(until);
      co_return false;
    }
    try {
      co_await with_deadline(until, event_ready());
    } catch (const Error& error) {
      if (error.condition() == Condition::unsupported) inotify_.reset();  // a simulated runtime
      const bool over = error.condition() == Condition::timeout && runtime_.now() >= until;
      if (over) co_return false;
      if (inotify_) throw;
    }
  }
  co_return true;
}

Task<void> FileWatch::event_ready() { co_await ready(inotify_.get(), Interest::readable); }

bool FileWatch::drain() {
  if (!inotify_) return false;
  constexpr std::size_t some_events = 64 * 1024;
  std::vector<char> buffer(some_events);
  bool concerned = false;
  while (true) {
    const ssize_t size = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (size <= 0 && errno == EINTR) continue;
    if (size <= 0) return concerned;
    concerned |= concerns_us({buffer.data(), static_cast<std::size_t>(size)});
  }
}

// Of a folder itself, and of an overflow, there is no name.
bool FileWatch::concerns_us(std::string_view events) const {
  while (events.size() >= sizeof(inotify_event)) {
    inotify_event event{};
    std::memcpy(&event, events.data(), sizeof event);
    const std::string_view name(events.data() + sizeof event);
    events.remove_prefix(sizeof event + event.len);
    if ((event.mask & IN_IGNORED) != 0) continue;
    if (event.len == 0) return true;
    const auto found = watches_.find(event.wd);
    if (found != watches_.end() && found->second.contains(name)) return true;
  }
  return false;
}

}  // namespace sinew::async
