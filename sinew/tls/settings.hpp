#pragma once

#include <cstdint>
#include <string>

namespace sinew::tls {

enum class Version : std::uint8_t { tls_1_2, tls_1_3 };

// What may be negotiated. The defaults are Mozilla's "intermediate" configuration 5.7
// (wiki.mozilla.org/Security/Server_Side_TLS) without its finite-field groups: every client since
// 2014 has elliptic curves. The names are OpenSSL's.
struct Settings {
  Version minimum = Version::tls_1_2;
  Version maximum = Version::tls_1_3;
  // Of TLS 1.2; the client's order counts, which knows whether it has AES in hardware.
  std::string ciphers =
      "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
      "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
      "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
  // Of TLS 1.3.
  std::string suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
  std::string groups = "X25519:P-256:P-384";
};

}  // namespace sinew::tls
