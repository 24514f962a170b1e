// Preloaded into a program to let a disk fail once: the n-th sync of a write-ahead log (n in
// FAILING_SYNC_AT) answers EIO. Only the program itself, not the children it starts.

#include <dlfcn.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using Sync = int (*)(int);

int read_fatal_sync() {
  int number = 0;
  if (const char* text = std::getenv("FAILING_SYNC_AT")) {
    const std::string_view digits(text);
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
  }
  ::unsetenv("LD_PRELOAD");
  return number;
}

const int fatal_sync = read_fatal_sync();
std::atomic<int> syncs{0};

bool is_log(int file) {
  const std::string link = "/proc/self/fd/" + std::to_string(file);
  std::array<char, 4096> path{};
  const ssize_t size = ::readlink(link.c_str(), path.data(), path.size());
  return size > 0 &&
         std::string_view(path.data(), static_cast<std::size_t>(size)).ends_with("-wal");
}

int sync_or_fail(int file, const char* name) {
  if (is_log(file) && syncs.fetch_add(1) + 1 == fatal_sync) {
    errno = EIO;
    return -1;
  }
  return reinterpret_cast<Sync>(::dlsym(RTLD_NEXT, name))(file);
}

}  // namespace

extern "C" int fsync(int file) { return sync_or_fail(file, "fsync"); }
extern "C" int fdatasync(int file) { return sync_or_fail(file, "fdatasync"); }
