#pragma once

#include <array>
#include <span>
#include <string>
#include <system_error>

#include "sinew/async/stream.hpp"
#include "sinew/tls/internal/openssl.hpp"

namespace sinew::tls {

class ClientSessions;

// OpenSSL's view of the stream below a connection: a BIO that holds nothing. It is owned by the
// TlsStream and outlives the BIO.
struct Transport {
  async::Stream& below;
  std::error_code broken = {};  // the stream's own error
  bool ended = false;           // the peer's end of stream has arrived
  int alert_sent = -1;          // the last one but close_notify, by its number; -1: none

  // Of the session callback, on the client's side.
  ClientSessions* sessions = nullptr;
  std::string session_key = {};
  std::uint64_t context_id = 0;

  X509Owner doubted = {};  // the certificate at which the verification of the peer failed

  // What OpenSSL offered last and the stream did not take; in OpenSSL's buffer.
  std::span<const std::byte> refused = {};
  // The rest of an alert: OpenSSL itself does not send it any more once it has failed.
  static constexpr std::size_t largest_alert = 64;  // as a record, encrypted
  std::array<std::byte, largest_alert> alert = {};
  std::size_t alert_left = 0;  // at the end of `alert`

  // When OpenSSL has failed: what it could not send is kept, and sent when there is room.
  void keep_alert() noexcept;
  void send_alert() noexcept;

  // A new BIO over `transport`; null without memory.
  static BIO* make_bio(Transport& transport) noexcept;
  static Transport& of(const SSL& connection) noexcept;

  // SSL_CTX_set_verify.
  static int note_doubted(int accepted, X509_STORE_CTX* verification) noexcept;
  // SSL_CTX_set_info_callback.
  static void note_alert(const SSL* connection, int where, int value) noexcept;
};

}  // namespace sinew::tls
