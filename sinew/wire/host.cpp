#include "sinew/wire/host.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "sinew/wire/chars.hpp"
#include "sinew/wire/ip_address.hpp"

namespace sinew::wire {
namespace {

bool is_capital(char c) noexcept { return c >= 'A' && c <= 'Z'; }

std::expected<std::string_view, Fault> canonical_literal(std::string_view host,
                                                         std::span<char> out) noexcept {
  if (!host.ends_with(']')) return std::unexpected(Fault::bad_host);
  const auto address = parse_ip(host.substr(1, host.size() - 2));
  if (!address || address->family != IpAddress::Family::v6 || out.size() < kIpTextBytes + 2) {
    return std::unexpected(Fault::bad_host);
  }
  out[0] = '[';
  const std::size_t length = write_ip(*address, out.subspan(1)).size();
  out[length + 1] = ']';
  return std::string_view(out.data(), length + 2);
}

}  // namespace

HostAndPort split_authority(std::string_view authority) noexcept {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (!has_port) return {authority, std::nullopt};
  const std::string_view digits = authority.substr(colon + 1);
  std::uint16_t port = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return {authority.substr(0, colon), port};
}

std::expected<std::string_view, Fault> canonical_host(std::string_view host,
                                                      std::span<char> out) noexcept {
  if (host.starts_with('[')) return canonical_literal(host, out);
  if (host.ends_with('.')) host.remove_suffix(1);
  const bool empty_label = host.empty() || host.front() == '.' || host.back() == '.' ||
                           host.find("..") != std::string_view::npos;
  if (empty_label || host.size() > std::min(kMaxHostBytes, out.size())) {
    return std::unexpected(Fault::bad_host);
  }
  if (std::ranges::none_of(host, is_capital)) return host;
  std::ranges::transform(host, out.begin(),
                         [](char c) { return is_capital(c) ? static_cast<char>(c | 0x20) : c; });
  return std::string_view(out.data(), host.size());
}

bool is_host_pattern(std::string_view pattern) noexcept {
  if (pattern.starts_with("*.")) {
    pattern.remove_prefix(2);
  } else if (pattern.ends_with(".*")) {
    pattern.remove_suffix(2);
  }
  std::array<char, kMaxHostBytes> out;
  const auto canonical = canonical_host(pattern, out);
  if (!canonical || *canonical != pattern) return false;
  return pattern.starts_with('[') ||
         (all(pattern, kHost) && pattern.find('*') == std::string_view::npos);
}

bool host_matches(std::string_view pattern, std::string_view host) noexcept {
  if (pattern.starts_with('*')) {
    const std::string_view suffix = pattern.substr(1);
    return host.size() > suffix.size() && host.ends_with(suffix);
  }
  if (pattern.ends_with('*')) {
    const std::string_view prefix = pattern.substr(0, pattern.size() - 1);
    return host.size() > prefix.size() && host.starts_with(prefix);
  }
  return pattern == host;
}

}  // namespace sinew::wire
