#include "sinew/proxy/process/service_notify.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace sinew::proxy {
namespace {

// Connected, so that a service manager that is gone is found out by a failing send.
async::Descriptor connect_to(std::string_view name) noexcept {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.size() < 2 || name.size() >= sizeof address.sun_path) return {};
  if (name.front() != '/' && name.front() != '@') return {};
  std::ranges::copy(name, address.sun_path);
  if (name.front() == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  async::Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return {};
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return {};
  return socket;
}

}  // namespace

ServiceNotify::ServiceNotify(std::string_view socket) : socket_(connect_to(socket)) {}

void ServiceNotify::ready(std::string_view status) noexcept { send("READY=1\n", status); }

void ServiceNotify::reloading(std::chrono::microseconds now) noexcept {
  std::array<char, 64> fields;
  const auto end = fmt::format_to_n(fields.data(), fields.size(),
                                    "RELOADING=1\nMONOTONIC_USEC={}\n", now.count());
  send({fields.data(), end.size}, {});
}

void ServiceNotify::stopping(std::string_view status) noexcept { send("STOPPING=1\n", status); }

void ServiceNotify::status(std::string_view text) noexcept { send({}, text); }

void ServiceNotify::extend_timeout(std::chrono::microseconds by) noexcept {
  std::array<char, 64> fields;
  const auto end =
      fmt::format_to_n(fields.data(), fields.size(), "EXTEND_TIMEOUT_USEC={}\n", by.count());
  send({fields.data(), end.size}, {});
}

// A status is one line: what follows would be read as another field.
void ServiceNotify::send(std::string_view fields, std::string_view status) noexcept {
  if (!socket_) return;
  std::array<char, 512> text;
  std::size_t size = fields.copy(text.data(), text.size());
  const std::string_view line = status.substr(0, status.find('\n'));
  if (!line.empty()) {
    size += fmt::format_to_n(text.data() + size, text.size() - size, "STATUS={}\n", line).size;
  }
  ::send(socket_.get(), text.data(), std::min(size, text.size()), MSG_NOSIGNAL);
}

}  // namespace sinew::proxy
