#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/time.hpp"

// OpenSSL's objects with an owner, and its words.
namespace sinew::tls {

template <auto Free>
struct Release {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using X509Owner = std::unique_ptr<X509, Release<X509_free>>;
using KeyOwner = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;
using BioOwner = std::unique_ptr<BIO, Release<BIO_free>>;
using SslOwner = std::unique_ptr<SSL, Release<SSL_free>>;
using ContextOwner = std::unique_ptr<SSL_CTX, Release<SSL_CTX_free>>;

// A BIO that reads `text`, which it does not copy.
BioOwner reading(std::string_view text);

// OpenSSL's words for the first error that this thread left, "unknown" without one; clears them.
std::string take_reason();

// Forgets the errors that this thread left: they would be taken for the next operation's.
inline void forget_errors() noexcept {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

Timestamp to_timestamp(const ASN1_TIME* time) noexcept;

// All certificates of a PEM text; `problem` is set to a sentence when one cannot be read or there
// is none.
std::vector<X509Owner> read_certificates(std::string_view pem, std::string& problem);

}  // namespace sinew::tls
