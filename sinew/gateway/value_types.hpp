#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sinew/base/config_scalar.hpp"
#include "sinew/base/config_tree.hpp"

// The values of Kong's entities: what Kong accepts for each, as types of the configuration tree.
namespace sinew::gateway {

// A text that its rule accepted, in the rule's canonical form. A rule says what it accepts
// (`kNoun`, for people) and reads: the canonical text, or nothing.
template <class Rule>
struct Text {
  std::string text;

  friend auto operator<=>(const Text&, const Text&) = default;
};

struct FormatVersionRule {
  static constexpr std::string_view kNoun =
      "\"3.0\" (files of 1.1 and 2.1 have to be converted, as `deck convert` does: their paths "
      "that "
      "are regular expressions lack the ~)";
  static std::optional<std::string> read(std::string_view text);
};
// Kong 3's name of a service or route: letters, digits, `.`, `_`, `~`, `-`, and UTF-8 beyond ASCII.
struct NameRule {
  static constexpr std::string_view kNoun =
      "a name of letters, digits, and . _ ~ - (at most 256 bytes)";
  static std::optional<std::string> read(std::string_view text);
};
struct TagRule {
  static constexpr std::string_view kNoun = "a tag without , and / (1 to 256 bytes)";
  static std::optional<std::string> read(std::string_view text);
};
// A host name or an IP address (IPv6 without brackets), without a port; lower case.
struct HostRule {
  static constexpr std::string_view kNoun = "a host name or an IP address, without a port";
  static std::optional<std::string> read(std::string_view text);
};
// A host name, no address, without a port; lower case.
struct HostNameRule {
  static constexpr std::string_view kNoun = "a host name (no IP address, no port)";
  static std::optional<std::string> read(std::string_view text);
};
// The name of the server of a TLS handshake, its last dot removed; lower case.
struct SniRule {
  static constexpr std::string_view kNoun = "the name of a server, without wildcard and port";
  static std::optional<std::string> read(std::string_view text);
};
// As SniRule, or with a first label of `*`, or `*` alone.
struct SniPatternRule {
  static constexpr std::string_view kNoun =
      "the name of a server, *.example.com, or * (a wildcard at the end is not supported yet)";
  static std::optional<std::string> read(std::string_view text);
};
// A route's host: a name, *.example.com or example.*, with a port or without; lower case.
struct HostPatternRule {
  static constexpr std::string_view kNoun =
      "a host name, with at most one * as its first or last label, and :port where wanted";
  static std::optional<std::string> read(std::string_view text);
};
// A service's path, kept as written.
struct PathRule {
  static constexpr std::string_view kNoun =
      "a path that begins with / and has no empty segment, query or fragment";
  static std::optional<std::string> read(std::string_view text);
};
// A route's path in the form of wire::canonical_path(), in which requests are compared.
struct PathPrefixRule {
  static constexpr std::string_view kNoun =
      "a normalised path prefix such as /api/v1 (regular expressions, ~/..., are not supported "
      "yet)";
  static std::optional<std::string> read(std::string_view text);
};
struct MethodRule {
  static constexpr std::string_view kNoun = "a method in upper case such as GET";
  static std::optional<std::string> read(std::string_view text);
};
// The name of a field of a request, lower case.
struct FieldNameRule {
  static constexpr std::string_view kNoun = "the name of a header field";
  static std::optional<std::string> read(std::string_view text);
};
// A value that a route's header must have; lower case, since Kong compares without case.
struct FieldValueRule {
  static constexpr std::string_view kNoun =
      "a header's value (regular expressions, ~*..., are not supported yet)";
  static std::optional<std::string> read(std::string_view text);
};
struct CookieNameRule {
  static constexpr std::string_view kNoun = "the name of a cookie";
  static std::optional<std::string> read(std::string_view text);
};
struct QueryNameRule {
  static constexpr std::string_view kNoun = "the name of a query's parameter";
  static std::optional<std::string> read(std::string_view text);
};
// host, host:port, address, or [IPv6]:port; the canonical form always has the port.
struct TargetRule {
  static constexpr std::string_view kNoun =
      "host:port, where the port is 8000 when it is left out (IPv6 as [::1]:8000)";
  static std::optional<std::string> read(std::string_view text);
};
// An address with its port, at which one listens.
struct ListenAddressRule {
  static constexpr std::string_view kNoun = "an IP address and a port, such as 0.0.0.0:8000";
  static std::optional<std::string> read(std::string_view text);
};
// Addresses: one, or a range such as 10.0.0.0/8.
struct AddressRangeRule {
  static constexpr std::string_view kNoun = "an IP address or a range such as 10.0.0.0/8";
  static std::optional<std::string> read(std::string_view text);
};

// Which other entity is meant: its name or id as a text, or as {name: x} or {id: x}.
struct Reference {
  std::string text;    // empty: none
  bool given = false;  // though perhaps wrongly, which was said
  config::Position position;
};

using FormatVersion = Text<FormatVersionRule>;
using Name = Text<NameRule>;
using Tag = Text<TagRule>;
using Host = Text<HostRule>;
using HostName = Text<HostNameRule>;
using Sni = Text<SniRule>;
using SniPattern = Text<SniPatternRule>;
using HostPattern = Text<HostPatternRule>;
using Path = Text<PathRule>;
using PathPrefix = Text<PathPrefixRule>;
using Method = Text<MethodRule>;
using FieldName = Text<FieldNameRule>;
using FieldValue = Text<FieldValueRule>;
using CookieName = Text<CookieNameRule>;
using QueryName = Text<QueryNameRule>;
using TargetAddress = Text<TargetRule>;
using ListenAddress = Text<ListenAddressRule>;
using AddressRange = Text<AddressRangeRule>;

// Whole milliseconds, as Kong's timeouts; and seconds with a fraction, as its health checks.
using Milliseconds = std::chrono::milliseconds;
using Seconds = std::chrono::duration<double>;

enum class Protocol { http, https };
enum class Algorithm { round_robin, consistent_hashing, least_connections };
enum class HashOn { none, ip, header, cookie, path, query_arg };
enum class CheckType { http, https, tcp };
enum class HttpsRedirect {
  upgrade_required = 426,
  moved_permanently = 301,
  found = 302,
  temporary = 307,
  permanent = 308,
};

enum class ClientCertificates { optional, required };

// The names that Kong has for the values of an enumeration, and those it has beyond them.
template <class E>
struct KongNames;

template <>
struct KongNames<Protocol> {
  static constexpr std::array<std::pair<Protocol, std::string_view>, 2> values{
      {{Protocol::http, "http"}, {Protocol::https, "https"}}};
  static constexpr std::string_view kNoun =
      "one of http, https (grpc, tcp, tls, udp and ws are not supported yet)";
};
template <>
struct KongNames<Algorithm> {
  static constexpr std::array<std::pair<Algorithm, std::string_view>, 3> values{
      {{Algorithm::round_robin, "round-robin"},
       {Algorithm::consistent_hashing, "consistent-hashing"},
       {Algorithm::least_connections, "least-connections"}}};
  static constexpr std::string_view kNoun =
      "one of round-robin, consistent-hashing, least-connections (latency is not supported yet)";
};
template <>
struct KongNames<HashOn> {
  static constexpr std::array<std::pair<HashOn, std::string_view>, 6> values{
      {{HashOn::none, "none"},
       {HashOn::ip, "ip"},
       {HashOn::header, "header"},
       {HashOn::cookie, "cookie"},
       {HashOn::path, "path"},
       {HashOn::query_arg, "query_arg"}}};
  static constexpr std::string_view kNoun =
      "one of none, ip, header, cookie, path, query_arg (consumer and uri_capture are not "
      "supported yet)";
};
template <>
struct KongNames<CheckType> {
  static constexpr std::array<std::pair<CheckType, std::string_view>, 3> values{
      {{CheckType::http, "http"}, {CheckType::https, "https"}, {CheckType::tcp, "tcp"}}};
  static constexpr std::string_view kNoun =
      "one of http, https, tcp (grpc and grpcs are not supported yet)";
};
template <>
struct KongNames<HttpsRedirect> {
  static constexpr std::array<std::pair<HttpsRedirect, std::string_view>, 5> values{
      {{HttpsRedirect::upgrade_required, "426"},
       {HttpsRedirect::moved_permanently, "301"},
       {HttpsRedirect::found, "302"},
       {HttpsRedirect::temporary, "307"},
       {HttpsRedirect::permanent, "308"}}};
  static constexpr std::string_view kNoun = "one of 426, 301, 302, 307, 308";
};

template <>
struct KongNames<ClientCertificates> {
  static constexpr std::array<std::pair<ClientCertificates, std::string_view>, 2> values{
      {{ClientCertificates::optional, "optional"}, {ClientCertificates::required, "required"}}};
  static constexpr std::string_view kNoun = "one of optional, required";
};

template <class E>
concept NamedByKong = requires { KongNames<E>::values; };

template <NamedByKong E>
constexpr std::string_view kong_name(E value) noexcept {
  for (const auto& [each, name] : KongNames<E>::values) {
    if (each == value) return name;
  }
  return "?";
}

}  // namespace sinew::gateway

namespace sinew::config {

template <class Rule>
struct Scalar<gateway::Text<Rule>> {
  static constexpr std::string_view kNoun = Rule::kNoun;
  static std::optional<gateway::Text<Rule>> parse(std::string_view text) {
    auto read = Rule::read(text);
    if (!read) return std::nullopt;
    return gateway::Text<Rule>{std::move(*read)};
  }
  static std::string print(const gateway::Text<Rule>& value) {
    return value.text.empty() ? "none" : value.text;
  }
};

template <gateway::NamedByKong E>
struct Scalar<E> {
  static constexpr std::string_view kNoun = gateway::KongNames<E>::kNoun;
  static std::optional<E> parse(std::string_view text) {
    for (const auto& [value, name] : gateway::KongNames<E>::values) {
      if (name == text) return value;
    }
    return std::nullopt;
  }
  static std::string print(E value) { return std::string(gateway::kong_name(value)); }
};

template <>
struct Scalar<gateway::Milliseconds> {
  static constexpr std::string_view kNoun = "whole milliseconds";
  static std::optional<gateway::Milliseconds> parse(std::string_view text);
  static std::string print(gateway::Milliseconds value);
};

template <>
struct Scalar<gateway::Seconds> {
  static constexpr std::string_view kNoun = "seconds";
  static std::optional<gateway::Seconds> parse(std::string_view text);
  static std::string print(gateway::Seconds value);
};

}  // namespace sinew::config
