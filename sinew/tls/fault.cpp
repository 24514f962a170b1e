#include "sinew/tls/fault.hpp"

#include <openssl/ssl.h>

#include <string>

namespace sinew::tls {
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "sinew.tls"; }
  std::string message(int value) const override {
    return std::string(to_string(static_cast<Fault>(value)));
  }
};

class AlertCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "sinew.tls.alert"; }
  std::string message(int value) const override {
    return std::string("the peer ended TLS by the alert `") + SSL_alert_desc_string_long(value) +
           "` (" + std::to_string(value) + ")";
  }
};

}  // namespace

std::string_view to_string(Fault fault) noexcept {
  switch (fault) {
    case Fault::none: return "no fault";
    case Fault::plain_http: return "an HTTP request in clear text came to a TLS port";
    case Fault::not_tls: return "the peer does not speak TLS";
    case Fault::closed: return "the peer closed the connection during the TLS handshake";
    case Fault::truncated: return "the connection ended without TLS's close_notify";
    case Fault::broken: return "the peer's bytes break the TLS protocol";
    case Fault::no_shared_version: return "the two sides share no version of TLS";
    case Fault::no_shared_cipher: return "the two sides share no cipher, group or signature";
    case Fault::no_shared_application: return "the two sides share no application protocol (ALPN)";
    case Fault::unknown_server_name: return "the client asked for a name that is not served here";
    case Fault::certificate_required: return "the client sent no certificate";
    case Fault::unknown_authority: return "the certificate is not from a trusted authority";
    case Fault::certificate_expired: return "the certificate has expired";
    case Fault::certificate_not_yet_valid: return "the certificate is not valid yet";
    case Fault::certificate_revoked: return "the certificate is revoked";
    case Fault::wrong_name: return "the certificate is for another name";
    case Fault::wrong_purpose: return "the certificate is not for this purpose";
    case Fault::bad_certificate: return "the certificate cannot be accepted";
    case Fault::no_name: return "the server is to be verified, and no name of it is given";
    case Fault::shorter_retry: return "a write that waited was repeated with fewer bytes";
    case Fault::not_established: return "the TLS handshake has not succeeded";
    case Fault::internal: return "OpenSSL failed";
  }
  return "unknown fault";
}

const std::error_category& tls_category() noexcept {
  static const Category category;
  return category;
}

std::error_code make_error_code(Fault fault) noexcept {
  return {static_cast<int>(fault), tls_category()};
}

const std::error_category& alert_category() noexcept {
  static const AlertCategory category;
  return category;
}

std::error_code alert_code(int alert) noexcept { return {alert, alert_category()}; }

}  // namespace sinew::tls
