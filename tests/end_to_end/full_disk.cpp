// Preloaded into a program to fill its disk: while the file FULL_DISK_FLAG exists, every write to a
// file below FULL_DISK_FOLDER answers ENOSPC; reads go on. Its child processes share the disk.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

bool is_full() {
  static const char* const flag = std::getenv("FULL_DISK_FLAG");
  return flag != nullptr && ::access(flag, F_OK) == 0;
}

bool is_on_disk(int file) {
  static const char* const folder = std::getenv("FULL_DISK_FOLDER");
  const std::string link = "/proc/self/fd/" + std::to_string(file);
  std::array<char, 4096> path{};
  const ssize_t size = ::readlink(link.c_str(), path.data(), path.size());
  return size > 0 && folder != nullptr &&
         std::string_view(path.data(), static_cast<std::size_t>(size)).starts_with(folder);
}

template <class Result, class... Arguments>
Result write_or_fail(const char* name, int file, Arguments... arguments) {
  const int before = errno;
  if (is_full() && is_on_disk(file)) {
    errno = ENOSPC;
    return -1;
  }
  errno = before;
  return reinterpret_cast<Result (*)(int, Arguments...)>(::dlsym(RTLD_NEXT, name))(file,
                                                                                   arguments...);
}

}  // namespace

extern "C" {
ssize_t write(int file, const void* data, size_t size) {
  return write_or_fail<ssize_t>("write", file, data, size);
}
ssize_t writev(int file, const iovec* parts, int count) {
  return write_or_fail<ssize_t>("writev", file, parts, count);
}
ssize_t pwrite(int file, const void* data, size_t size, off_t at) {
  return write_or_fail<ssize_t>("pwrite", file, data, size, at);
}
ssize_t pwrite64(int file, const void* data, size_t size, off64_t at) {
  return write_or_fail<ssize_t>("pwrite64", file, data, size, at);
}
int fallocate(int file, int mode, off_t at, off_t size) {
  return write_or_fail<int>("fallocate", file, mode, at, size);
}
int fallocate64(int file, int mode, off64_t at, off64_t size) {
  return write_or_fail<int>("fallocate64", file, mode, at, size);
}
}
