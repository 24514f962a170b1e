#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sinew::wire {

// An IP address as a value; an IPv4 one is in the first four bytes. Bytes are in network order.
struct IpAddress {
  enum class Family : std::uint8_t { v4, v6 };

  Family family = Family::v4;
  std::array<std::uint8_t, 16> bytes{};

  std::size_t size() const noexcept { return family == Family::v4 ? 4 : 16; }

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

// Of the longest IPv6 address in text.
inline constexpr std::size_t kIpTextBytes = 45;

// Four decimal numbers without leading zeros, or RFC 4291's text of an IPv6 address, without
// brackets and without a zone.
std::optional<IpAddress> parse_ip(std::string_view text) noexcept;

// The address in text (RFC 5952 for IPv6), in `out`, which holds kIpTextBytes.
std::string_view write_ip(const IpAddress& address, std::span<char> out) noexcept;

}  // namespace sinew::wire
