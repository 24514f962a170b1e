#pragma once

#include <string>

#include "sinew/tls/certificate.hpp"
#include "sinew/tls/internal/openssl.hpp"

namespace sinew::tls {

struct ReleaseChain {
  void operator()(STACK_OF(X509) * chain) const noexcept { sk_X509_pop_free(chain, X509_free); }
};
using ChainOwner = std::unique_ptr<STACK_OF(X509), ReleaseChain>;

struct Certificate::Parts {
  std::string name;
  X509Owner certificate;
  ChainOwner chain;
  KeyOwner key;
  CertificateDetails details;
};

CertificateDetails details_of(X509& certificate);

// The connection shows this certificate. False: OpenSSL's error queue says why.
bool use(SSL& connection, const Certificate& certificate) noexcept;

}  // namespace sinew::tls
