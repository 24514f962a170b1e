#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinew/base/config_scalar.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/gateway/value_types.hpp"

// The values of kong.conf, as types of the configuration tree.
namespace sinew::gateway {

// One address of proxy_listen or admin_listen.
struct Listen {
  ListenAddress address;
  bool ssl = false;
  bool http2 = false;  // accepted, since Kong's default has it; HTTP/1.1 is spoken for now
  bool proxy_protocol = false;
  int backlog = 0;  // connections that wait to be accepted; 0: the system's default

  friend auto operator<=>(const Listen&, const Listen&) = default;
};
struct Listens {
  std::vector<Listen> entries;  // `off`: none

  friend auto operator<=>(const Listens&, const Listens&) = default;
};

struct Workers {
  int count = 0;  // 0: a worker each core

  friend auto operator<=>(const Workers&, const Workers&) = default;
};
struct Switch {
  bool on = false;

  friend auto operator<=>(const Switch&, const Switch&) = default;
};
struct NginxSize {
  std::uint64_t bytes = 0;

  friend auto operator<=>(const NginxSize&, const NginxSize&) = default;
};
struct NginxTime {
  Duration time{};

  friend auto operator<=>(const NginxTime&, const NginxTime&) = default;
};
struct AddressRanges {
  std::vector<AddressRange> ranges;

  friend auto operator<=>(const AddressRanges&, const AddressRanges&) = default;
};
struct FilePaths {
  std::vector<std::string> paths;

  friend auto operator<=>(const FilePaths&, const FilePaths&) = default;
};
struct TlsVersions {
  bool tls_1_2 = true;
  bool tls_1_3 = true;

  friend auto operator<=>(const TlsVersions&, const TlsVersions&) = default;
};

struct LogTargetRule {
  static constexpr std::string_view kNoun = "a path, or off";
  static std::optional<std::string> read(std::string_view text);
};
struct RealIpHeaderRule {
  static constexpr std::string_view kNoun = "the name of a header field, or proxy_protocol";
  static std::optional<std::string> read(std::string_view text);
};
struct UserAndGroupRule {
  static constexpr std::string_view kNoun = "a user, and a group where wanted";
  static std::optional<std::string> read(std::string_view text);
};
using LogTarget = Text<LogTargetRule>;
using RealIpHeader = Text<RealIpHeaderRule>;
using UserAndGroup = Text<UserAndGroupRule>;

// Those beyond `error` are told apart by nginx only.
enum class ProcessLogLevel { debug, info, notice, warn, error, crit, alert, emerg };
enum class CipherSuite { modern, intermediate, custom };

template <>
struct KongNames<ProcessLogLevel> {
  static constexpr std::array<std::pair<ProcessLogLevel, std::string_view>, 8> values{
      {{ProcessLogLevel::debug, "debug"},
       {ProcessLogLevel::info, "info"},
       {ProcessLogLevel::notice, "notice"},
       {ProcessLogLevel::warn, "warn"},
       {ProcessLogLevel::error, "error"},
       {ProcessLogLevel::crit, "crit"},
       {ProcessLogLevel::alert, "alert"},
       {ProcessLogLevel::emerg, "emerg"}}};
  static constexpr std::string_view kNoun =
      "one of debug, info, notice, warn, error, crit, alert, emerg";
};
template <>
struct KongNames<CipherSuite> {
  static constexpr std::array<std::pair<CipherSuite, std::string_view>, 3> values{
      {{CipherSuite::modern, "modern"},
       {CipherSuite::intermediate, "intermediate"},
       {CipherSuite::custom, "custom"}}};
  static constexpr std::string_view kNoun =
      "one of modern, intermediate, custom (old and fips are not supported)";
};

}  // namespace sinew::gateway

namespace sinew::config {

// How each is read and printed; in process_values.cpp.
template <class T>
struct ProcessScalar {
  static std::optional<T> parse(std::string_view text);
  static std::string print(const T& value);
};

template <>
struct Scalar<gateway::Listens> : ProcessScalar<gateway::Listens> {
  static constexpr std::string_view kNoun =
      "off, or addresses separated by commas: IP:port, then any of ssl, http2, proxy_protocol, "
      "reuseport, deferred, bind, backlog=1 to 65535";
};
template <>
struct Scalar<gateway::Workers> : ProcessScalar<gateway::Workers> {
  static constexpr std::string_view kNoun = "auto, or an integer from 1 to 1024";
};
template <>
struct Scalar<gateway::Switch> : ProcessScalar<gateway::Switch> {
  static constexpr std::string_view kNoun = "on or off";
};
template <>
struct Scalar<gateway::NginxSize> : ProcessScalar<gateway::NginxSize> {
  static constexpr std::string_view kNoun = "a size as nginx writes it (like 0, 8k, 20m, 1g)";
};
template <>
struct Scalar<gateway::NginxTime> : ProcessScalar<gateway::NginxTime> {
  static constexpr std::string_view kNoun = "seconds, or a duration (like 60, 60s, 5m), at most 1d";
};
template <>
struct Scalar<gateway::AddressRanges> : ProcessScalar<gateway::AddressRanges> {
  static constexpr std::string_view kNoun =
      "IP addresses and ranges such as 10.0.0.0/8, separated by commas";
};
template <>
struct Scalar<gateway::FilePaths> : ProcessScalar<gateway::FilePaths> {
  static constexpr std::string_view kNoun = "absolute paths, separated by commas";
};
template <>
struct Scalar<gateway::TlsVersions> : ProcessScalar<gateway::TlsVersions> {
  static constexpr std::string_view kNoun =
      "TLSv1.2, TLSv1.3 or both, separated by spaces (older versions are not supported)";
};

}  // namespace sinew::config
