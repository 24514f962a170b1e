#pragma once

#include <cstdint>
#include <string_view>
#include <system_error>

namespace sinew::tls {

// Why a TLS connection could not be made, or went wrong. Codes of alerts that the peer sent are of
// alert_category(); those of the stream below pass through as they are.
enum class Fault : std::uint8_t {
  none = 0,
  // what the peer speaks
  plain_http,  // an HTTP request in clear text came to the port
  not_tls,     // other bytes that are no TLS record
  closed,      // the peer closed the connection during the handshake
  truncated,   // it ended without close_notify: what was read may not be all there was
  broken,      // bytes that break the protocol, or that were changed on the way
  // nothing in common
  no_shared_version,
  no_shared_cipher,
  no_shared_application,
  unknown_server_name,
  // certificates of the peer
  certificate_required,  // the client sent none
  unknown_authority,     // the chain does not end at an authority that is trusted here
  certificate_expired,
  certificate_not_yet_valid,
  certificate_revoked,
  wrong_name,       // the certificate is not one of the host that was asked for
  wrong_purpose,    // a client's certificate of a server, or the reverse
  bad_certificate,  // signature, key too weak, constraints
  // of the caller
  no_name,          // a name is needed to verify the server, and none was given
  shorter_retry,    // a write that had to wait is repeated with fewer bytes
  not_established,  // data before the handshake has ended, or after it failed
  internal,         // OpenSSL could not: memory, randomness
};

std::string_view to_string(Fault fault) noexcept;
const std::error_category& tls_category() noexcept;
std::error_code make_error_code(Fault fault) noexcept;

// Alerts that the peer sent, by their numbers (RFC 8446, section 6; RFC 5246, section 7.2). A
// server often tells only by one why it refuses, and in TLS 1.3 a client hears so from its first
// read: certificate_required (116), unknown_ca (48), bad_certificate (42) and so on.
const std::error_category& alert_category() noexcept;
std::error_code alert_code(int alert) noexcept;

}  // namespace sinew::tls

template <>
struct std::is_error_code_enum<sinew::tls::Fault> : std::true_type {};
