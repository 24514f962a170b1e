#include "examples/commerce/program/folder_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>

#include "sinew/base/error.hpp"

namespace commerce::program {
namespace {

using sinew::Condition;
using sinew::Error;

std::string holder_of(int file) {
  std::array<char, 32> text{};
  const ssize_t size = ::pread(file, text.data(), text.size(), 0);
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : "another";
}

}  // namespace

FolderLock::FolderLock(const std::filesystem::path& folder) {
  const std::string path = (folder / "commerce.lock").string();
  file_ = sinew::async::Descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!file_) {
    throw Error(Condition::unauthorized,
                fmt::format("{} cannot be opened: {}; choose another folder with --folder or "
                            "change its rights",
                            path, std::generic_category().message(errno)));
  }
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    throw Error(Condition::conflict,
                fmt::format("process {} runs the system in {} already; stop it, or choose another "
                            "folder with --folder",
                            holder_of(file_.get()), folder.string()));
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(file_.get(), 0) != 0 ||
      ::pwrite(file_.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    throw Error(Condition::exhausted,
                fmt::format("{} cannot be written: {}; make room, then try again", path,
                            std::generic_category().message(errno)));
  }
}

}  // namespace commerce::program
