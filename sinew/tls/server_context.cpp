#include "sinew/tls/server_context.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <new>

#include "sinew/base/hash.hpp"
#include "sinew/tls/internal/certificate_parts.hpp"
#include "sinew/tls/internal/context.hpp"
#include "sinew/tls/internal/ticket_callback.hpp"
#include "sinew/tls/internal/transport.hpp"

namespace sinew::tls {
namespace {

constexpr std::size_t longest_name = 253;  // RFC 1035, section 2.3.4, as text

char to_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), to_lower);
  return result;
}

bool valid_name(std::string_view name) noexcept {
  const std::string_view plain = name.starts_with("*.") ? name.substr(2) : name;
  return !plain.empty() && plain.size() <= longest_name && plain.front() != '.' &&
         plain.back() != '.' && plain.find('*') == std::string_view::npos &&
         plain.find("..") == std::string_view::npos;
}

// Identities by name: `a.b` as it is, `*.b` as ".b".
class Names {
 public:
  void add(const Identity& identity, std::size_t index, std::vector<std::string>& problems) {
    for (const std::string& name : identity.names) {
      if (!valid_name(name)) {
        problems.push_back(
            fmt::format("{}: '{}' is no name of a host; a wildcard is its whole "
                        "first label: *.example.org",
                        identity.certificate.name(), name));
      } else if (!insert(name, index)) {
        problems.push_back(fmt::format("{}: the name '{}' belongs to another certificate already",
                                       identity.certificate.name(), name));
      }
    }
  }

  void add_own(const Identity& identity, std::size_t index) {
    if (!identity.names.empty()) return;
    for (const std::string& name : identity.certificate.details().dns_names) {
      if (valid_name(name)) insert(name, index);
    }
  }

  std::optional<std::size_t> find(std::string_view name) const noexcept {
    std::array<char, longest_name> buffer;
    if (name.ends_with('.')) name.remove_suffix(1);
    if (name.empty() || name.front() == '.' || name.size() > buffer.size()) return std::nullopt;
    std::ranges::transform(name, buffer.begin(), to_lower);
    const std::string_view lowered(buffer.data(), name.size());
    if (const auto exact = indices_.find(lowered); exact != indices_.end()) return exact->second;
    const std::size_t dot = lowered.find('.');
    if (dot == std::string_view::npos || dot == 0) return std::nullopt;
    const auto wildcard = indices_.find(lowered.substr(dot));
    return wildcard == indices_.end() ? std::nullopt : std::optional(wildcard->second);
  }

 private:
  bool insert(std::string_view name, std::size_t index) {
    if (name.starts_with('*')) name.remove_prefix(1);
    return indices_.emplace(lower(name), index).second;
  }

  std::map<std::string, std::size_t, std::less<>> indices_;
};

int kind_of_key(const Certificate& certificate) noexcept {
  return EVP_PKEY_get_base_id(certificate.parts().key.get());
}

// Sessions of one way to ask for client certificates are of no use in another.
Sha256 session_scope(const ServerOptions& options) {
  return sha256(fmt::format("{}\n{}", static_cast<int>(options.client_certificates),
                            options.client_authorities));
}

}  // namespace

struct ServerContext::State {
  ServerOptions options;
  Names names;
  std::string applications;
  ContextOwner context;

  const Identity* identity(std::string_view server_name) const noexcept {
    const auto found = names.find(server_name);
    if (!found && options.refuse_unknown_names) return nullptr;
    return &options.identities[found.value_or(0)];
  }

  static int choose_name(SSL* connection, int* alert, void* state) noexcept {
    const char* name = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
    const auto* self = static_cast<State*>(state);
    if (self->identity(name == nullptr ? "" : name) != nullptr) {
      return name == nullptr ? SSL_TLSEXT_ERR_NOACK : SSL_TLSEXT_ERR_OK;
    }
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }

  static int show_certificate(SSL* connection, void* state) noexcept {
    const char* name = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
    const Identity* identity = static_cast<State*>(state)->identity(name == nullptr ? "" : name);
    if (identity == nullptr || !use(*connection, identity->certificate)) return 0;
    return !identity->alternative || use(*connection, *identity->alternative) ? 1 : 0;
  }

  static int choose_application(SSL*, const unsigned char** chosen, unsigned char* size,
                                const unsigned char* offered, unsigned int offered_size,
                                void* state) noexcept {
    const std::string& ours = static_cast<State*>(state)->applications;
    unsigned char* selected = nullptr;
    const int result =
        SSL_select_next_proto(&selected, size, reinterpret_cast<const unsigned char*>(ours.data()),
                              static_cast<unsigned int>(ours.size()), offered, offered_size);
    *chosen = selected;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
  }

  void set_certificates(std::vector<std::string>& problems) {
    if (options.identities.empty()) problems.push_back("a server needs at least one certificate");
    CertificateCheck check(*context);
    for (const Identity& identity : options.identities) {
      check(identity.certificate, problems);
      if (!identity.alternative) continue;
      check(*identity.alternative, problems);
      if (kind_of_key(identity.certificate) == kind_of_key(*identity.alternative)) {
        problems.push_back(fmt::format("{} and its alternative {} have keys of the same kind",
                                       identity.certificate.name(), identity.alternative->name()));
      }
    }
    for (std::size_t i = 0; i < options.identities.size(); ++i)
      names.add(options.identities[i], i, problems);
    for (std::size_t i = 0; i < options.identities.size(); ++i)
      names.add_own(options.identities[i], i);
    SSL_CTX_set_tlsext_servername_callback(context.get(), choose_name);
    SSL_CTX_set_tlsext_servername_arg(context.get(), this);
    SSL_CTX_set_cert_cb(context.get(), show_certificate, this);
  }

  void set_applications(std::vector<std::string>& problems) {
    applications = alpn_list(options.applications, problems);
    if (!applications.empty()) {
      SSL_CTX_set_alpn_select_cb(context.get(), choose_application, this);
    }
  }

  void set_client_certificates(std::vector<std::string>& problems) {
    if (options.client_certificates == ClientCertificates::none) return;
    int mode = SSL_VERIFY_PEER;
    if (options.client_certificates == ClientCertificates::required) {
      mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    }
    SSL_CTX_set_verify(context.get(), mode, Transport::note_doubted);
    for (const X509Owner& authority : trust(*context, options.client_authorities, problems)) {
      SSL_CTX_add_client_CA(context.get(), authority.get());
    }
  }

  void set_sessions(std::vector<std::string>& problems) {
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    const Sha256 scope = session_scope(options);
    SSL_CTX_set_session_id_context(context.get(), scope.data(), scope.size());
    if (options.session_lifetime < std::chrono::seconds(1) ||
        options.session_lifetime > std::chrono::days(7)) {  // RFC 8446, section 4.6.1
      problems.push_back(fmt::format("a session lifetime of {} s is not in 1 s to 7 days",
                                     options.session_lifetime.count()));
    }
    SSL_CTX_set_timeout(context.get(), options.session_lifetime.count());
    resume_by_tickets(*context, options.ticket_keys.get());
  }
};

ServerContext::ServerContext(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
ServerContext::~ServerContext() = default;

std::expected<std::shared_ptr<const ServerContext>, std::vector<std::string>> ServerContext::make(
    ServerOptions options) {
  std::vector<std::string> problems;
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  state->context = make_context(TLS_server_method(), state->options.settings, problems);
  state->set_certificates(problems);
  state->set_applications(problems);
  state->set_client_certificates(problems);
  state->set_sessions(problems);
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return std::shared_ptr<const ServerContext>(new ServerContext(std::move(state)));
}

const Certificate* ServerContext::certificate_for(std::string_view server_name) const noexcept {
  const Identity* identity = state_->identity(server_name);
  return identity == nullptr ? nullptr : &identity->certificate;
}

ssl_ctx_st& ServerContext::vendor() const noexcept { return *state_->context; }

}  // namespace sinew::tls
