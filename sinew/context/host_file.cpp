#include "sinew/context/host_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <system_error>

#include "sinew/base/described.hpp"
#include "sinew/base/error.hpp"
#include "sinew/context/private_file.hpp"

namespace sinew::context {
namespace {

std::string rest_of(int file) {
  std::string text;
  std::array<char, 4096> part{};
  for (ssize_t size = 0; (size = ::read(file, part.data(), part.size())) > 0;)
    text.append(part.data(), static_cast<std::size_t>(size));
  return text;
}

// Nothing when nobody holds the file.
std::optional<RunningHost> read_host(const std::filesystem::path& path) {
  const async::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno == ENOENT) return std::nullopt;  // it has stopped meanwhile
  if (!file) {
    throw Error(Condition::unauthorized,
                fmt::format("{} cannot be read: {}; be the user who runs the system", path.string(),
                            std::generic_category().message(errno)));
  }
  if (::flock(file.get(), LOCK_SH | LOCK_NB) == 0) return std::nullopt;
  try {
    return from_json<RunningHost>(parse_json(rest_of(file.get())));
  } catch (const Error& error) {
    throw Error(Condition::corrupt,
                fmt::format("{} is not what a host writes ({}): stop the host, and start it again",
                            path.string(), error.detail()));
  }
}

}  // namespace

HostFile::HostFile(const std::filesystem::path& folder, const RunningHost& host)
    : path_(folder / "hosts" / (host.name + ".json")),
      lock_(write_private_file(path_, to_text(to_json(host)) + "\n", FileLock::exclusive)) {}

HostFile::~HostFile() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

std::vector<RunningHost> running_hosts(const std::filesystem::path& folder) {
  std::vector<RunningHost> hosts;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder / "hosts", error);
  for (const std::filesystem::directory_iterator end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() != ".json") continue;
    if (auto host = read_host(entry->path())) hosts.push_back(std::move(*host));
  }
  return hosts;
}

}  // namespace sinew::context
