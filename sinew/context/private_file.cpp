#include "sinew/context/private_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "sinew/base/crash_point.hpp"
#include "sinew/base/error.hpp"

namespace sinew::context {

async::Descriptor write_private_file(const std::filesystem::path& path, std::string_view content,
                                     FileLock lock) {
  const std::filesystem::path next = path.string() + ".next";
  ::unlink(next.c_str());  // of a former crash, with whatever rights
  async::Descriptor file(::open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  const bool locked =
      file && (lock == FileLock::none || ::flock(file.get(), LOCK_EX | LOCK_NB) == 0);
  const bool written = locked && ::write(file.get(), content.data(), content.size()) ==
                                     static_cast<ssize_t>(content.size());
  std::error_code error(written ? 0 : errno, std::generic_category());
  SINEW_CRASH_POINT("host.before_rename");
  if (!error) std::filesystem::rename(next, path, error);
  SINEW_CRASH_POINT("host.after_rename");
  if (error) {
    throw Error(Condition::unavailable,
                fmt::format("{} cannot be written: {}", path.string(), error.message()));
  }
  return file;
}

}  // namespace sinew::context
