#include "sinew/proxy/snapshot.hpp"

#include <algorithm>

namespace sinew::proxy {

bool AddressRange::contains(const wire::IpAddress& other) const noexcept {
  if (other.family != address.family) return false;
  const unsigned whole = prefix / 8;
  if (!std::equal(other.bytes.begin(), other.bytes.begin() + whole, address.bytes.begin())) {
    return false;
  }
  const unsigned rest = prefix % 8;
  if (rest == 0) return true;
  const unsigned mask = 0xFFU << (8 - rest) & 0xFFU;
  return (other.bytes[whole] & mask) == (address.bytes[whole] & mask);
}

bool contains(const std::vector<AddressRange>& ranges, const wire::IpAddress& address) noexcept {
  return std::ranges::any_of(ranges, [&](const auto& range) { return range.contains(address); });
}

std::array<std::string_view, 3> join_path(std::string_view service_path, std::string_view path,
                                          std::size_t prefix, bool strip_path) noexcept {
  const bool base_ends = service_path.ends_with('/');
  if (!strip_path) {
    if (base_ends) return {service_path, path.substr(std::min<std::size_t>(1, path.size())), ""};
    return {service_path, path == "/" ? "" : path, ""};
  }
  // A route without paths has matched nothing, and takes the slash that every path begins with.
  const auto rest = path.substr(std::min(std::max<std::size_t>(prefix, 1), path.size()));
  if (!rest.empty()) {
    if (base_ends && rest.starts_with('/')) return {service_path, rest.substr(1), ""};
    const bool joined = base_ends || rest.starts_with('/');
    return {service_path, joined ? "" : "/", rest};
  }
  if (!base_ends) return {service_path, path.size() > 1 && path.ends_with('/') ? "/" : "", ""};
  if (service_path == "/" || path.ends_with('/')) return {service_path, "", ""};
  return {service_path.substr(0, service_path.size() - 1), "", ""};
}

}  // namespace sinew::proxy
