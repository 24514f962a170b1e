#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "sinew/async/stream.hpp"

namespace sinew::async {

// An IPv4 or IPv6 address as the kernel takes it.
class SocketAddress {
 public:
  SocketAddress() noexcept : any_{} {}
  // Errors: invalid_input when the address is not numeric.
  explicit SocketAddress(const Endpoint& endpoint);

  int family() const noexcept { return any_.sa_family; }
  Endpoint endpoint() const;

  const sockaddr* data() const noexcept { return &any_; }
  sockaddr* data() noexcept { return &any_; }
  static constexpr socklen_t capacity = sizeof(sockaddr_in6);
  socklen_t size() const noexcept {
    return family() == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  }

 private:
  union {
    sockaddr any_;
    sockaddr_in v4_;
    sockaddr_in6 v6_;
  };
};

}  // namespace sinew::async
