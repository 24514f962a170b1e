#include "sinew/tls/internal/context.hpp"

#include <fmt/format.h>

#include <new>

#include "sinew/tls/internal/certificate_parts.hpp"
#include "sinew/tls/internal/transport.hpp"

namespace sinew::tls {
namespace {

constexpr std::size_t longest_application = 255;  // RFC 7301: its length is one byte

int number_of(Version version) noexcept {
  return version == Version::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
}

void apply(SSL_CTX& context, const Settings& settings, std::vector<std::string>& problems) {
  const auto check = [&](bool accepted, std::string_view what, const std::string& value) {
    if (!accepted) problems.push_back(fmt::format("{} '{}': {}", what, value, take_reason()));
  };
  forget_errors();
  check(SSL_CTX_set_cipher_list(&context, settings.ciphers.c_str()) == 1, "ciphers of TLS 1.2",
        settings.ciphers);
  check(SSL_CTX_set_ciphersuites(&context, settings.suites.c_str()) == 1, "suites of TLS 1.3",
        settings.suites);
  check(SSL_CTX_set1_groups_list(&context, settings.groups.c_str()) == 1, "groups",
        settings.groups);
}

}  // namespace

ContextOwner make_context(const SSL_METHOD* method, const Settings& settings,
                          std::vector<std::string>& problems) {
  ContextOwner context(SSL_CTX_new(method));
  if (!context) throw std::bad_alloc();
  if (settings.maximum < settings.minimum) {
    problems.push_back("the highest version of TLS is below the lowest");
  }
  SSL_CTX_set_min_proto_version(context.get(), number_of(settings.minimum));
  SSL_CTX_set_max_proto_version(context.get(), number_of(settings.maximum));
  // CRIME; and renegotiation, which costs a server more than the client that asks for it.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context.get(), 1);  // head and body of a record in one system call
  SSL_CTX_set_max_early_data(context.get(), 0);
  SSL_CTX_set_info_callback(context.get(), Transport::note_alert);
  apply(*context, settings, problems);
  return context;
}

std::vector<X509Owner> trust(SSL_CTX& context, std::string_view bundle,
                             std::vector<std::string>& problems) {
  std::string problem;
  auto authorities = read_certificates(bundle, problem);
  if (!problem.empty()) problems.push_back("the bundle of authorities: " + problem);
  X509_STORE* store = SSL_CTX_get_cert_store(&context);
  for (const X509Owner& authority : authorities) {
    if (X509_STORE_add_cert(store, authority.get()) != 1) throw std::bad_alloc();
  }
  return authorities;
}

std::string alpn_list(std::span<const std::string> applications,
                      std::vector<std::string>& problems) {
  std::string list;
  for (const std::string& application : applications) {
    if (application.empty() || application.size() > longest_application) {
      problems.push_back(fmt::format("the application protocol '{}' has {} bytes, not 1 to {}",
                                     application, application.size(), longest_application));
    } else {
      list += static_cast<char>(application.size());
      list += application;
    }
  }
  return list;
}

CertificateCheck::CertificateCheck(SSL_CTX& context) : trial_(SSL_new(&context)) {
  if (!trial_) throw std::bad_alloc();
}

void CertificateCheck::operator()(const Certificate& certificate,
                                  std::vector<std::string>& problems) {
  forget_errors();
  if (use(*trial_, certificate)) return;
  problems.push_back(fmt::format("{}: the certificate {} cannot be used: {}", certificate.name(),
                                 certificate.details().subject, take_reason()));
}

}  // namespace sinew::tls
