#include "adapters/sqlite/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "sinew/base/error.hpp"

namespace sinew::sqlite {
namespace {

Condition condition_of(int number) {
  switch (number) {
    case ENOENT:
    case ENOTDIR: return Condition::not_found;
    case EACCES:
    case EPERM:
    case EROFS: return Condition::unauthorized;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE: return Condition::exhausted;
    default: return Condition::unavailable;
  }
}

std::string_view advice_on(int number) {
  switch (number) {
    case EACCES:
    case EPERM:
    case EROFS: return "; be a user who may, or change its rights";
    case ENOSPC:
    case EDQUOT: return "; make room, then try again";
    default: return "";
  }
}

[[noreturn]] void fail(int number, std::string_view action, const std::string& path) {
  throw Error(condition_of(number),
              fmt::format("cannot {} {}: {}{}", action, path,
                          std::generic_category().message(number), advice_on(number)));
}

class Descriptor {
 public:
  explicit Descriptor(int number) noexcept : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const noexcept { return number_; }

 private:
  int number_;
};

Descriptor open_file(const std::string& path, int flags, std::string_view action) {
  Descriptor file(::open(path.c_str(), flags | O_CLOEXEC, 0644));
  if (file.get() < 0) fail(errno, action, path);
  return file;
}

void sync(const Descriptor& file, const std::string& path) {
  if (::fsync(file.get()) != 0) fail(errno, "sync", path);
}

void write_all(const Descriptor& file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno, "write", path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string_view read_some(const Descriptor& file, std::span<char> buffer,
                           const std::string& path) {
  for (;;) {
    const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count >= 0) return {buffer.data(), static_cast<std::size_t>(count)};
    if (errno != EINTR) fail(errno, "read", path);
  }
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

class SystemLock final : public FileLock {
 public:
  SystemLock(Descriptor file, bool left_behind) noexcept
      : file_(std::move(file)), left_behind_(left_behind) {}

  bool left_behind() const noexcept override { return left_behind_; }
  void finish() noexcept override { static_cast<void>(::ftruncate(file_.get(), 0)); }

 private:
  Descriptor file_;
  bool left_behind_;
};

class SystemFiles final : public Files {
 public:
  std::unique_ptr<FileLock> lock(const std::string& path) override {
    Descriptor file = open_file(path, O_RDWR | O_CREAT, "open the lock file");
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) fail(errno, "lock", path);
      std::array<char, 32> pid{};
      throw Error(Condition::conflict,
                  fmt::format("process {} has this database open (it holds {}); stop it, or use "
                              "another folder",
                              read_some(file, pid, path), path));
    }
    std::array<char, 32> before{};
    const bool left_behind = !read_some(file, before, path).empty();
    // Written over and then cut, so that it is never empty in between.
    const std::string pid = std::to_string(::getpid());
    if (::lseek(file.get(), 0, SEEK_SET) != 0) fail(errno, "write", path);
    write_all(file, pid, path);
    if (::ftruncate(file.get(), static_cast<off_t>(pid.size())) != 0) fail(errno, "write", path);
    return std::make_unique<SystemLock>(std::move(file), left_behind);
  }

  std::optional<std::uint64_t> size(const std::string& path) override {
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0) return static_cast<std::uint64_t>(status.st_size);
    if (errno == ENOENT) return std::nullopt;
    fail(errno, "look at", path);
  }

  std::string head(const std::string& path, std::size_t bytes) override {
    const Descriptor file = open_file(path, O_RDONLY, "read");
    std::string content(bytes, '\0');
    std::size_t filled = 0;
    while (filled < bytes) {
      const std::size_t count = read_some(file, std::span(content).subspan(filled), path).size();
      if (count == 0) break;
      filled += count;
    }
    content.resize(filled);
    return content;
  }

  void copy_durably(const std::string& from, const std::string& to) override {
    const Descriptor source = open_file(from, O_RDONLY, "read");
    const Descriptor target = open_file(to, O_WRONLY | O_CREAT | O_TRUNC, "write");
    std::string buffer(copy_buffer_bytes, '\0');
    for (;;) {
      const std::string_view chunk = read_some(source, buffer, from);
      if (chunk.empty()) break;
      write_all(target, chunk, to);
    }
    sync(target, to);
  }

  void rename_durably(const std::string& from, const std::string& to) override {
    if (std::rename(from.c_str(), to.c_str()) != 0) fail(errno, "rename " + from + " to", to);
    const std::string folder = folder_of(to);
    sync(open_file(folder, O_RDONLY | O_DIRECTORY, "open"), folder);
  }

 private:
  static constexpr std::size_t copy_buffer_bytes = 1024 * 1024;
};

}  // namespace

std::shared_ptr<Files> Files::system() { return std::make_shared<SystemFiles>(); }

}  // namespace sinew::sqlite
