#pragma once

#include <cstdint>
#include <string_view>

#include "sinew/wire/fault.hpp"
#include "sinew/wire/head.hpp"

namespace sinew::wire {

// What the fields of one head say about the length of its body and the life of its connection;
// gathered in one pass, each ambiguity refused.
struct MessageFields {
  const Field* host = nullptr;
  const Field* expect = nullptr;
  bool has_length = false;
  bool chunked = false;
  bool close = false;
  bool keep_alive = false;
  bool upgrade_listed = false;
  bool upgrade_field = false;
  std::uint64_t length = 0;  // when has_length

  // Content-Length, Transfer-Encoding, Host and Expect may be preceded by spaces, not by tabs, and
  // followed by nothing: tabs and trailing spaces are legal white space, yet no honest sender's,
  // and some parsers take them for part of the value. Names that a gateway interface reads as one
  // of the two (Content_Length) are bad_field_name.
  Fault gather(const Head& head, std::string_view received) noexcept;

  // RFC 9112, section 9.3.
  bool persistent(Version version) const noexcept {
    return !close && (version == Version::http_1_1 || keep_alive);
  }
  bool upgrade() const noexcept { return upgrade_listed && upgrade_field; }

 private:
  Fault add(const Field& field, std::string_view received) noexcept;
  Fault add_length(std::string_view value) noexcept;
  Fault add_coding(std::string_view value) noexcept;
  Fault add_connection(std::string_view value) noexcept;
};

// 1 to 18 decimal digits and nothing else, no zero before others (to some, it makes a number
// octal).
bool parse_length(std::string_view text, std::uint64_t& value) noexcept;

// "HTTP/1.1" or "HTTP/1.0", exactly; another well-formed version is unsupported_version.
Fault parse_version(std::string_view text, Version& version) noexcept;

// `host [":" port]`, the host a reg-name, an IPv4 address or an IP literal in brackets (RFC 9110,
// section 7.2). No user information, no empty host, no escapes; the port is up to 65535, and
// demanded if so.
bool is_authority(std::string_view text, bool port_demanded) noexcept;

}  // namespace sinew::wire
