#include "sinew/wire/ip_address.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace sinew::wire {
namespace {

int system_family(IpAddress::Family family) noexcept {
  return family == IpAddress::Family::v4 ? AF_INET : AF_INET6;
}

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text) noexcept {
  std::array<char, kIpTextBytes + 1> terminated;
  if (text.size() > kIpTextBytes || text.find('\0') != std::string_view::npos) return std::nullopt;
  *std::ranges::copy(text, terminated.begin()).out = '\0';
  IpAddress address;
  address.family =
      text.find(':') == std::string_view::npos ? IpAddress::Family::v4 : IpAddress::Family::v6;
  if (inet_pton(system_family(address.family), terminated.data(), address.bytes.data()) != 1) {
    return std::nullopt;
  }
  return address;
}

std::string_view write_ip(const IpAddress& address, std::span<char> out) noexcept {
  std::array<char, kIpTextBytes + 1> terminated;
  if (inet_ntop(system_family(address.family), address.bytes.data(), terminated.data(),
                terminated.size()) == nullptr) {
    return {};
  }
  const std::string_view text(terminated.data());
  if (text.size() > out.size()) return {};
  std::ranges::copy(text, out.begin());
  return {out.data(), text.size()};
}

}  // namespace sinew::wire
