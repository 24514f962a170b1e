#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>

#include "sinew/wire/bytes.hpp"
#include "sinew/wire/fault.hpp"
#include "sinew/wire/ip_address.hpp"

namespace sinew::wire {

// What the PROXY protocol (haproxy.org/download/2.9/doc/proxy-protocol.txt) says of a connection:
// who really opened it, and to which address.
struct ProxyHeader {
  enum class Source : std::uint8_t {
    // LOCAL, UNKNOWN or an unspecified family: the connection's own addresses are the ones that
    // count (a health check of the proxy itself, or a peer that cannot tell).
    connection,
    ip,           // `client` and `server` with their ports
    unix_socket,  // `client_path` and `server_path`
  };

  std::uint8_t version = 0;  // 1 or 2
  Source source = Source::connection;
  IpAddress client;
  IpAddress server;
  std::uint16_t client_port = 0;
  std::uint16_t server_port = 0;
  // Up to their NUL; a name of the abstract name space begins with one and is kept whole.
  Slice client_path;
  Slice server_path;
  // Type-length-values of version 2; empty where there are none. `ssl` is the raw value of
  // PP2_TYPE_SSL, for whoever trusts it; `unique_id` at most 128 bytes. Others are skipped.
  Slice authority;
  Slice ssl;
  Slice unique_id;
  // Where the connection's own bytes begin.
  std::uint32_t bytes = 0;
};

struct ProxyProtocolRules {
  bool version_1 = true;
  bool version_2 = true;
  // Of a whole header of version 2, TLVs included; nginx reads as much (4096). Version 1 has its
  // own bound, 107 bytes with CRLF.
  std::uint32_t version_2_bytes = 4096;
};

// Of a line of version 1 with its CRLF, after the specification's section 2.1.
inline constexpr std::uint32_t kProxyLineBytes = 107;

// Reads the header at the start of a connection. It is for connections of which the listener's
// configuration says that they begin with one: nothing is guessed, a connection that begins
// otherwise is refused (not_proxy_protocol) at its first wrong byte.
//
// `received`: all bytes of the connection so far, at each call the same and more; the verdict does
// not depend on how they were split. At most max(kProxyLineBytes, rules.version_2_bytes) of them
// are looked at. `header` is whole when complete, its slices are of `received`; `fault` is set when
// refused. Datagram transports, families the specification does not have, ports with leading zeros,
// TLVs that pass the end, and a wrong CRC32c (where there is one) are refused.
Progress parse_proxy_header(Bytes received, const ProxyProtocolRules& rules, ProxyHeader& header,
                            Fault& fault) noexcept;

// The two ends of a connection, as a header for an upstream tells them. Both of one family.
struct ProxiedConnection {
  IpAddress client;
  IpAddress server;
  std::uint16_t client_port = 0;
  std::uint16_t server_port = 0;
};

// Write a header into `out` and return it; without `connection` it is UNKNOWN or LOCAL. Faults:
// no_space; bad_proxy_header where the families differ, or `authority` (the SNI or Host which the
// client asked for; written if not empty) is longer than 255 bytes.
std::expected<Bytes, Fault> write_proxy_v1(const std::optional<ProxiedConnection>& connection,
                                           std::span<std::byte> out) noexcept;
std::expected<Bytes, Fault> write_proxy_v2(const std::optional<ProxiedConnection>& connection,
                                           std::string_view authority,
                                           std::span<std::byte> out) noexcept;

}  // namespace sinew::wire
