#pragma once

#include <chrono>
#include <string_view>

#include "sinew/async/descriptor.hpp"

namespace sinew::proxy {

// Tells the service manager how the process is (sd_notify(3), for Type=notify), by datagrams. One
// that cannot be sent is dropped: the manager has its own timeouts. One thread.
class ServiceNotify {
 public:
  // To the socket that the environment names as NOTIFY_SOCKET, which main reads and unsets, so that
  // no child speaks in our name: a path, or a name of Linux's abstract namespace behind an @. When
  // it is empty, or nobody is there, every call does nothing.
  explicit ServiceNotify(std::string_view socket);

  bool listened_to() const noexcept { return bool(socket_); }

  // It serves. Also after reloading().
  void ready(std::string_view status) noexcept;
  // It reads its configuration anew; ready() ends that. `now`: of CLOCK_MONOTONIC.
  void reloading(std::chrono::microseconds now) noexcept;
  // It drains, then ends.
  void stopping(std::string_view status) noexcept;
  // A line for `systemctl status`.
  void status(std::string_view text) noexcept;
  // Stopping, or starting, takes that long from here on.
  void extend_timeout(std::chrono::microseconds by) noexcept;

 private:
  void send(std::string_view fields, std::string_view status) noexcept;

  async::Descriptor socket_;
};

}  // namespace sinew::proxy
