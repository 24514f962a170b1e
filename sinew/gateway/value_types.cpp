#include "sinew/gateway/value_types.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "sinew/base/utf8.hpp"
#include "sinew/wire/chars.hpp"
#include "sinew/wire/path.hpp"
#include "sinew/wire/uri.hpp"

namespace sinew::gateway {
namespace {

using wire::is;

constexpr std::size_t kMaxName = 256;       // bytes; Kong's columns are text without a bound
constexpr std::size_t kMaxHostName = 253;   // RFC 1035, section 2.3.4, without the last dot
constexpr std::size_t kMaxPath = 4'096;     // bytes: half of nginx's default for a request line
constexpr std::size_t kMaxFieldText = 512;  // bytes

std::optional<std::string> when(bool accepted, std::string_view text) {
  return accepted ? std::optional(std::string(text)) : std::nullopt;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  return out;
}

bool is_address(int family, std::string_view text) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return text.size() < INET6_ADDRSTRLEN &&
         inet_pton(family, std::string(text).c_str(), bytes.data()) == 1;
}
bool is_ipv4(std::string_view text) { return is_address(AF_INET, text); }
bool is_ipv6(std::string_view text) { return is_address(AF_INET6, text); }

// Letters, digits, - and _ (which RFC 952 lacks and container networks use).
bool is_label(std::string_view label) {
  const auto fits = [](char c) { return is(c, wire::kUnreserved) && c != '.' && c != '~'; };
  return !label.empty() && label.size() <= 63 && std::ranges::all_of(label, fits) &&
         label.front() != '-' && label.back() != '-';
}

bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > kMaxHostName) return false;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find('.', begin), text.size());
    if (!is_label(text.substr(begin, end - begin))) return false;
    begin = end + 1;
  }
  // A name whose last label is a number is an address that is written wrongly.
  const auto last = text.substr(text.rfind('.') + 1);
  return !wire::all(last, wire::kDigit);
}

std::optional<unsigned> read_port(std::string_view text, unsigned lowest) {
  const auto port = config::parse_unsigned(text);
  if (!port || *port < lowest || *port > 65'535) return std::nullopt;
  return static_cast<unsigned>(*port);
}

// The text before the last colon and the port behind it; without a colon there is no port.
struct HostAndPort {
  std::string_view host;
  std::optional<unsigned> port;
  bool fits = true;
};

HostAndPort split_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return {text, std::nullopt};
  const auto port = read_port(text.substr(colon + 1), 1);
  return {text.substr(0, colon), port, port.has_value()};
}

bool is_bracketed_ipv6(std::string_view text) {
  return text.size() > 2 && text.front() == '[' && text.back() == ']' &&
         is_ipv6(text.substr(1, text.size() - 2));
}

bool has_path_characters(std::string_view text) {
  return text.starts_with('/') && text.size() <= kMaxPath && wire::all(text, wire::kPath);
}

}  // namespace

std::optional<std::string> FormatVersionRule::read(std::string_view text) {
  return when(text == "3.0", text);
}

std::optional<std::string> NameRule::read(std::string_view text) {
  const auto fits = [](char c) {
    return is(c, wire::kUnreserved) || static_cast<unsigned char>(c) >= 0x80;
  };
  return when(!text.empty() && text.size() <= kMaxName && std::ranges::all_of(text, fits), text);
}

std::optional<std::string> TagRule::read(std::string_view text) {
  const bool fits =
      text.find_first_of(",/") == std::string_view::npos && wire::all(text, wire::kField);
  return when(fits && !text.empty() && text.size() <= kMaxName, text);
}

std::optional<std::string> HostRule::read(std::string_view text) {
  return when(is_host_name(text) || is_ipv4(text) || is_ipv6(text), lower(text));
}

std::optional<std::string> HostNameRule::read(std::string_view text) {
  return when(is_host_name(text), lower(text));
}

std::optional<std::string> SniRule::read(std::string_view text) {
  if (text.size() > 1 && text.ends_with('.')) text.remove_suffix(1);
  return when(is_host_name(text), lower(text));
}

std::optional<std::string> SniPatternRule::read(std::string_view text) {
  if (text == "*") return "*";
  if (!text.starts_with("*.")) return SniRule::read(text);
  const auto rest = SniRule::read(text.substr(2));
  return rest ? std::optional("*." + *rest) : std::nullopt;
}

std::optional<std::string> HostPatternRule::read(std::string_view text) {
  auto [host, port, fits] = split_port(text);
  if (!fits) return std::nullopt;
  const bool first = host.starts_with("*.");
  const bool last = host.ends_with(".*");
  if (first && last) return std::nullopt;
  const auto plain = host.substr(first ? 2 : 0, host.size() - (first || last ? 2 : 0));
  // What follows the prefix example. may end in digits, and what stands before .* as well.
  const bool name = last ? is_host_name(std::string(plain) + ".x") : is_host_name(plain);
  return when(name || (!first && !last && is_ipv4(plain)), lower(text));
}

std::optional<std::string> PathRule::read(std::string_view text) {
  const bool fits = has_path_characters(text) && text.find("//") == std::string_view::npos;
  return when(fits && wire::normalize_path(text).has_value(), text);
}

std::optional<std::string> PathPrefixRule::read(std::string_view text) {
  if (text.size() > kMaxPath) return std::nullopt;
  std::string space(3 * text.size() + 1, '\0');
  const auto canonical = wire::canonical_path(text, {}, space);
  // Where they differ in more than escapes the path has a segment that no request still has when
  // it is compared.
  const auto given = wire::percent_decode(text);
  if (!canonical || !given || given != wire::percent_decode(canonical->text)) return std::nullopt;
  return std::string(canonical->text);
}

std::optional<std::string> MethodRule::read(std::string_view text) {
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  return when(!text.empty() && text.size() <= 32 && std::ranges::all_of(text, upper), text);
}

std::optional<std::string> FieldNameRule::read(std::string_view text) {
  return when(wire::is_token(text) && text.size() <= kMaxFieldText, lower(text));
}

std::optional<std::string> FieldValueRule::read(std::string_view text) {
  const bool fits = !text.starts_with("~*") && wire::all(text, wire::kField);
  return when(fits && text.size() <= kMaxFieldText, lower(text));
}

std::optional<std::string> CookieNameRule::read(std::string_view text) {
  return when(wire::is_token(text) && text.size() <= kMaxFieldText, text);
}

std::optional<std::string> QueryNameRule::read(std::string_view text) {
  return when(!text.empty() && text.size() <= kMaxFieldText && wire::all(text, wire::kField), text);
}

std::optional<std::string> TargetRule::read(std::string_view text) {
  constexpr unsigned kDefaultPort = 8000;  // Kong's
  if (is_ipv6(text)) return fmt::format("[{}]:{}", lower(text), kDefaultPort);
  if (is_bracketed_ipv6(text)) return fmt::format("{}:{}", lower(text), kDefaultPort);
  const auto [host, port, fits] = split_port(text);
  if (!fits || !(is_host_name(host) || is_ipv4(host) || is_bracketed_ipv6(host))) {
    return std::nullopt;
  }
  return fmt::format("{}:{}", lower(host), port.value_or(kDefaultPort));
}

std::optional<std::string> ListenAddressRule::read(std::string_view text) {
  const auto [host, port, fits] = split_port(text);
  if (!fits || !port || !(is_ipv4(host) || is_bracketed_ipv6(host))) return std::nullopt;
  return fmt::format("{}:{}", lower(host), *port);
}

std::optional<std::string> AddressRangeRule::read(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = text.substr(0, slash);
  const bool four = is_ipv4(address);
  if (!four && !is_ipv6(address)) return std::nullopt;
  if (slash == std::string_view::npos) return lower(text);
  const auto bits = config::parse_unsigned(text.substr(slash + 1));
  return when(bits && *bits <= (four ? 32U : 128U), lower(text));
}

}  // namespace sinew::gateway

namespace sinew::config {

std::optional<gateway::Milliseconds> Scalar<gateway::Milliseconds>::parse(std::string_view text) {
  const auto count = parse_integer(text);
  return count ? std::optional(gateway::Milliseconds(*count)) : std::nullopt;
}

std::string Scalar<gateway::Milliseconds>::print(gateway::Milliseconds value) {
  return std::to_string(value.count());
}

std::optional<gateway::Seconds> Scalar<gateway::Seconds>::parse(std::string_view text) {
  const auto count = parse_number(text);
  return count ? std::optional(gateway::Seconds(*count)) : std::nullopt;
}

std::string Scalar<gateway::Seconds>::print(gateway::Seconds value) {
  return format_number(value.count());
}

}  // namespace sinew::config
