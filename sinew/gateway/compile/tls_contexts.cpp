#include "sinew/gateway/compile/tls_contexts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "sinew/tls/self_signed.hpp"

namespace sinew::gateway {
namespace {

tls::Settings settings_of(const ProcessSettings& process) {
  tls::Settings out;
  const bool modern = process.ssl_cipher_suite == CipherSuite::modern;
  if (modern || !process.ssl_protocols.tls_1_2) out.minimum = tls::Version::tls_1_3;
  if (!modern && !process.ssl_protocols.tls_1_3) out.maximum = tls::Version::tls_1_2;
  if (process.ssl_ciphers) out.ciphers = *process.ssl_ciphers;
  return out;
}

}  // namespace

TlsContexts::TlsContexts() : ticket_keys_(std::make_shared<tls::TicketKeys>()) {}

void TlsContexts::begin(const Configuration& configuration, const ProcessSettings& process,
                        Timestamp now, Findings& findings) {
  configuration_ = &configuration;
  process_ = &process;
  findings_ = &findings;
  now_ = now;
  defaults_read_ = false;
  defaults_.clear();
  servers_.clear();
}

void TlsContexts::end() {
  std::erase_if(clients_, [](const auto& each) { return each.second.expired(); });
  servers_.clear();
  defaults_.clear();
  configuration_ = nullptr;
  process_ = nullptr;
  findings_ = nullptr;
}

// Two of ssl_cert with keys of different kinds are one identity; OpenSSL's list would hold no more.
void TlsContexts::add_default(tls::Certificate certificate) {
  if (defaults_.empty()) {
    defaults_.push_back({.certificate = std::move(certificate)});
  } else if (!defaults_.front().alternative) {
    defaults_.front().alternative = std::move(certificate);
  } else {
    findings_->errors.push_back({{}, "ssl_cert", "at most two are possible: RSA and ECDSA"});
  }
}

void TlsContexts::read_defaults() {
  if (std::exchange(defaults_read_, true)) return;
  const auto& files = process_->ssl_cert.paths;
  const auto& keys = process_->ssl_cert_key.paths;
  for (std::size_t i = 0; i < std::min(files.size(), keys.size()); ++i) {
    auto read = tls::Certificate::from_files(files[i], keys[i]);
    if (!read) {
      findings_->errors.push_back({{}, "ssl_cert", std::move(read.error())});
      continue;
    }
    if (auto said = read->warning(now_)) findings_->warnings.push_back({{}, "ssl_cert", *said});
    add_default(std::move(*read));
  }
  if (!files.empty()) return;
  if (!made_) made_ = tls::self_signed_certificate("localhost", now_);
  findings_->warnings.push_back(
      {{},
       "ssl_cert",
       "is not set: clients that ask for no configured name are shown a certificate that this "
       "process made at its start and nobody trusts"});
  add_default(*made_);
}

// The first is what clients get that name none: the certificate of the SNI `*`, as in Kong, or
// else ssl_cert.
std::vector<tls::Identity> TlsContexts::identities() {
  read_defaults();
  std::vector<tls::Identity> out;
  for (const auto& certificate : configuration_->certificates) {
    if (certificate.snis.empty() || !certificate.pair) continue;
    if (auto said = certificate.pair->warning(now_)) {
      findings_->warnings.push_back({certificate.position, "", *said});
    }
    tls::Identity identity{.certificate = *certificate.pair};
    bool any = false;
    for (const auto& sni : certificate.snis) {
      if (sni.name.text == "*") {
        any = true;
      } else {
        identity.names.push_back(sni.name.text);
      }
    }
    out.insert(any ? out.begin() : out.end(), std::move(identity));
    if (any) defaults_.clear();
  }
  out.insert(out.begin(), defaults_.begin(), defaults_.end());
  return out;
}

// Which certificate is to blame: each by itself.
bool TlsContexts::explain(const tls::ServerOptions& options) {
  bool explained = false;
  for (const auto& certificate : configuration_->certificates) {
    if (!certificate.pair || certificate.snis.empty()) continue;
    tls::ServerOptions alone;
    alone.settings = options.settings;
    alone.identities.push_back({.certificate = *certificate.pair});
    const auto made = tls::ServerContext::make(std::move(alone));
    if (made) continue;
    explained = true;
    for (const auto& problem : made.error())
      findings_->errors.push_back({certificate.position, "", problem});
  }
  return explained;
}

TlsContexts::ServerPtr TlsContexts::for_listener(
    const std::optional<ClientCertificateSettings>& clients,
    const std::vector<std::size_t>& authorities) {
  const auto mode = clients ? static_cast<int>(clients->mode) : -1;
  const auto key = fmt::format("{} {}", mode, fmt::join(authorities, ","));
  if (const auto made = servers_.find(key); made != servers_.end()) return made->second;
  const bool first = servers_.empty();
  tls::ServerOptions options;
  options.identities = identities();
  options.applications = {"http/1.1"};
  options.ticket_keys = ticket_keys_;
  options.settings = settings_of(*process_);
  if (clients) {
    options.client_certificates = clients->mode == ClientCertificates::required
                                      ? tls::ClientCertificates::required
                                      : tls::ClientCertificates::optional;
    options.client_authorities = bundle(authorities);
  }
  auto& made = servers_[key];
  if (options.identities.empty()) return nullptr;  // ssl_cert cannot be read, which was said
  auto context = tls::ServerContext::make(options);
  if (context) {
    made = *context;
  } else if (first && !explain(options)) {
    for (const auto& problem : context.error())
      findings_->errors.push_back({{}, "certificates", problem});
  }
  return made;
}

std::string TlsContexts::bundle(const std::vector<std::size_t>& authorities) const {
  std::string out;
  for (const auto index : authorities) {
    out += configuration_->ca_certificates[index].pem;
    out += '\n';
  }
  return out;
}

tls::ClientOptions TlsContexts::client_options(
    const std::optional<std::size_t>& certificate) const {
  tls::ClientOptions options;
  options.applications = {"http/1.1"};
  if (certificate) options.certificate = configuration_->certificates[*certificate].pair;
  return options;
}

TlsContexts::ClientPtr TlsContexts::client(tls::ClientOptions options,
                                           const config::Position& position,
                                           const std::string& place) {
  const auto key = fmt::format(
      "{} {} {} {}", options.verify, options.verify_depth.value_or(-1),
      options.certificate ? options.certificate->details().fingerprint : "-", options.authorities);
  auto& kept = clients_[key];
  if (auto made = kept.lock()) return made;
  auto context = tls::ClientContext::make(std::move(options));
  if (context) {
    kept = *context;
    return *context;
  }
  for (const auto& problem : context.error())
    findings_->errors.push_back({position, place, problem});
  return nullptr;
}

TlsContexts::ClientPtr TlsContexts::for_service(const Service& service) {
  if (service.protocol != Protocol::https) return nullptr;
  auto certificate = service.client_certificate;
  if (!certificate && service.upstream) {
    certificate = configuration_->upstreams[*service.upstream].client_certificate;
  }
  auto options = client_options(certificate);
  options.verify = service.tls_verify;
  options.verify_depth = service.tls_verify_depth;
  options.authorities = bundle(service.authorities);
  const auto place = fmt::format("service {}", service.name.text);
  if (!service.tls_verify) {
    findings_->warnings.push_back(
        {service.position, place,
         "tls_verify is not true: whoever stands in between can read and change everything"});
  }
  return client(std::move(options), service.position, place);
}

TlsContexts::ClientPtr TlsContexts::for_probes(const Upstream& upstream) {
  const auto& checks = upstream.healthchecks.active;
  if (checks.type != CheckType::https) return nullptr;
  auto options = client_options(upstream.client_certificate);
  options.verify = checks.https_verify_certificate;
  return client(std::move(options), upstream.position,
                fmt::format("upstream {}", upstream.name.text));
}

}  // namespace sinew::gateway
