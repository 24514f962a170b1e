#include "sinew/wire/ip_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <system_error>

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

namespace {

// inet_ntop goes by printf, which costs a proxy more than the rest of its note of a client.
std::string_view write_v4(const IpAddress& address, std::span<char> out) noexcept {
  char* at = out.data();
  char* const end = at + out.size();
  for (std::size_t i = 0; i < address.size(); ++i) {
    if (i > 0) {
      if (at == end) return {};
      *at++ = '.';
    }
    const auto written = std::to_chars(at, end, static_cast<unsigned>(address.bytes[i]));
    if (written.ec != std::errc()) return {};
    at = written.ptr;
  }
  return {out.data(), at};
}

}  // namespace

std::string_view write_ip(const IpAddress& address, std::span<char> out) noexcept {
  if (address.family == IpAddress::Family::v4) return write_v4(address, out);
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
