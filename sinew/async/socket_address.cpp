#include "sinew/async/socket_address.hpp"

#include <arpa/inet.h>

#include <array>

namespace sinew::async {

SocketAddress::SocketAddress(const Endpoint& endpoint) : v6_{} {
  if (::inet_pton(AF_INET, endpoint.address.c_str(), &v4_.sin_addr) == 1) {
    v4_.sin_family = AF_INET;
    v4_.sin_port = htons(endpoint.port);
  } else if (::inet_pton(AF_INET6, endpoint.address.c_str(), &v6_.sin6_addr) == 1) {
    v6_.sin6_family = AF_INET6;
    v6_.sin6_port = htons(endpoint.port);
  } else {
    throw Error(
        Condition::invalid_input,
        "'" + endpoint.address + "' is not a numeric IPv4 or IPv6 address; resolve names first");
  }
}

Endpoint SocketAddress::endpoint() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (family() == AF_INET6) {
    ::inet_ntop(AF_INET6, &v6_.sin6_addr, text.data(), text.size());
    return {text.data(), ntohs(v6_.sin6_port)};
  }
  ::inet_ntop(AF_INET, &v4_.sin_addr, text.data(), text.size());
  return {text.data(), ntohs(v4_.sin_port)};
}

}  // namespace sinew::async
