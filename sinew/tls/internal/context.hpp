#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/tls/internal/openssl.hpp"
#include "sinew/tls/settings.hpp"

// What contexts of both sides have in common.
namespace sinew::tls {

// A context for one side with `settings` applied; what is wrong with them is added to `problems`.
ContextOwner make_context(const SSL_METHOD* method, const Settings& settings,
                          std::vector<std::string>& problems);

// The authorities of a PEM bundle are trusted by `context`. Gives them.
std::vector<X509Owner> trust(SSL_CTX& context, std::string_view bundle,
                             std::vector<std::string>& problems);

// Names for ALPN as the protocol writes them: each after a byte with its length.
std::string alpn_list(std::span<const std::string> applications,
                      std::vector<std::string>& problems);

// Whether OpenSSL would use `certificate` at its security level: a sentence if not.
class CertificateCheck {
 public:
  explicit CertificateCheck(SSL_CTX& context);
  void operator()(const class Certificate& certificate, std::vector<std::string>& problems);

 private:
  SslOwner trial_;
};

}  // namespace sinew::tls
