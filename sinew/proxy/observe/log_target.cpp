#include "sinew/proxy/observe/log_target.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <climits>

#include "sinew/base/error.hpp"

namespace sinew::proxy {
namespace {

constexpr mode_t kMode = 0640;

std::error_code last_error() noexcept { return {errno, std::generic_category()}; }

async::Descriptor open_file(const std::string& name) noexcept {
  if (name == "stdout") return async::Descriptor(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  if (name == "stderr") return async::Descriptor(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
  return async::Descriptor(
      ::open(name.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, kMode));
}

bool is_regular(int descriptor) noexcept {
  struct stat status{};
  return ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

bool becomes_writable(int descriptor, Duration patience) noexcept {
  pollfd waited{.fd = descriptor, .events = POLLOUT, .revents = 0};
  const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(patience);
  return ::poll(&waited, 1, static_cast<int>(timeout.count())) != 0;
}

// As many whole lines as `most` bytes hold, but at least one.
std::string_view first_lines(std::string_view lines, std::size_t most) noexcept {
  if (lines.size() <= most) return lines;
  std::size_t end = lines.substr(0, most).rfind('\n');
  if (end == std::string_view::npos) end = lines.find('\n');
  return lines.substr(0, end == std::string_view::npos ? lines.size() : end + 1);
}

}  // namespace

LogTarget::LogTarget(std::string name, Duration patience)
    : name_(std::move(name)), patience_(patience), file_(open_file(name_)) {
  if (file_) return;
  throw Error(Condition::unavailable,
              fmt::format("the access log {} cannot be opened: {}", name_, last_error().message()));
}

LogTarget::Outcome LogTarget::write(std::string_view lines) noexcept {
  if (std::string_view end = "\n"; torn_) {
    if (const auto error = put(end)) return {error, lines};
  }
  const std::size_t most = is_regular(file_.get()) ? SIZE_MAX : PIPE_BUF;
  while (!lines.empty()) {
    auto some = first_lines(lines, most);
    const std::size_t size = some.size();
    const auto error = put(some);
    lines.remove_prefix(size - some.size());
    if (error) return {error, lines};
  }
  return {};
}

std::error_code LogTarget::reopen() noexcept {
  if (is_stream()) return {};
  async::Descriptor next = open_file(name_);
  if (!next) return last_error();
  file_ = std::move(next);
  torn_ = false;
  return {};
}

std::error_code LogTarget::put(std::string_view& bytes) noexcept {
  while (!bytes.empty()) {
    if (!becomes_writable(file_.get(), patience_)) return make_error_code(std::errc::timed_out);
    const ssize_t size = ::write(file_.get(), bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return last_error();
    torn_ = bytes[static_cast<std::size_t>(size) - 1] != '\n';
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  return {};
}

bool LogTarget::is_stream() const noexcept { return name_ == "stdout" || name_ == "stderr"; }

}  // namespace sinew::proxy
