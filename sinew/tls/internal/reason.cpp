#include "sinew/tls/internal/reason.hpp"

#include "sinew/tls/fault.hpp"
#include "sinew/tls/internal/openssl.hpp"

namespace sinew::tls {
namespace {

Fault fault_of_certificate(long verification) noexcept {
  switch (verification) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED: return Fault::unknown_authority;
    case X509_V_ERR_CERT_HAS_EXPIRED: return Fault::certificate_expired;
    case X509_V_ERR_CERT_NOT_YET_VALID: return Fault::certificate_not_yet_valid;
    case X509_V_ERR_CERT_REVOKED: return Fault::certificate_revoked;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return Fault::wrong_name;
    case X509_V_ERR_INVALID_PURPOSE: return Fault::wrong_purpose;
    default: return Fault::bad_certificate;
  }
}

Fault fault_of(int reason, long verification) noexcept {
  switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST: return Fault::plain_http;
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_BAD_RECORD_TYPE:
    case SSL_R_RECORD_LENGTH_MISMATCH:
    case SSL_R_PACKET_LENGTH_TOO_LONG: return Fault::not_tls;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_VERSION_TOO_HIGH:
    case SSL_R_NO_PROTOCOLS_AVAILABLE: return Fault::no_shared_version;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_CIPHERS_AVAILABLE:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM: return Fault::no_shared_cipher;
    case SSL_R_NO_APPLICATION_PROTOCOL: return Fault::no_shared_application;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return Fault::certificate_required;
    case SSL_R_CERTIFICATE_VERIFY_FAILED: return fault_of_certificate(verification);
    case SSL_R_CALLBACK_FAILED: return Fault::unknown_server_name;
    case ERR_R_MALLOC_FAILURE:
    case ERR_R_INTERNAL_ERROR: return Fault::internal;
    default: return Fault::broken;
  }
}

}  // namespace

std::error_code reason_of(unsigned long vendor_reason, long verification) noexcept {
  if (ERR_GET_LIB(vendor_reason) != ERR_LIB_SSL) return Fault::internal;
  const int reason = ERR_GET_REASON(vendor_reason);
  const int alert = reason - SSL_AD_REASON_OFFSET;
  if (alert >= 0 && alert <= 255) return alert_code(alert);
  return fault_of(reason, verification);
}

}  // namespace sinew::tls
