#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "sinew/wire/fault.hpp"

namespace sinew::wire {

// The longest name the DNS has (RFC 1035, section 2.3.4), without the dot at its end.
inline constexpr std::size_t kMaxHostBytes = 253;

// What stands in a Host field or in a target's authority.
struct HostAndPort {
  std::string_view host;  // an IPv6 literal with its brackets
  std::optional<std::uint16_t> port;
};

// Of a RequestHead's authority, which the parser has checked: RequestParser sees to it that there
// is one Host, that it is well-formed, and that a target in absolute form agrees with it.
HostAndPort split_authority(std::string_view authority) noexcept;

// The one form of a host on which routing decides: lower case, without the dot at its end, an IPv6
// literal in the text of RFC 5952. The input itself where it has that form, else written to `out`,
// which holds kMaxHostBytes. Faults: bad_host for an empty label ("a..b", "."), a name longer than
// kMaxHostBytes, or a malformed literal.
std::expected<std::string_view, Fault> canonical_host(std::string_view host,
                                                      std::span<char> out) noexcept;

// A host to compare with, or one with a wildcard for its first or its last label: "*.example.com",
// "example.*". In canonical form; "*" alone is none (a route without hosts matches all).
bool is_host_pattern(std::string_view pattern) noexcept;

// Whether the canonical `host` is the pattern, or has one or more labels in the wildcard's place:
// "*.example.com" matches "a.b.example.com" and not "example.com".
bool host_matches(std::string_view pattern, std::string_view host) noexcept;

}  // namespace sinew::wire
