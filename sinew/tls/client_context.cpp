#include "sinew/tls/client_context.hpp"

#include <atomic>
#include <new>

#include "sinew/tls/client_sessions.hpp"
#include "sinew/tls/internal/certificate_parts.hpp"
#include "sinew/tls/internal/context.hpp"
#include "sinew/tls/internal/transport.hpp"

namespace sinew::tls {
namespace {

std::atomic<std::uint64_t> contexts = 0;

int show_certificate(SSL* connection, void* certificate) noexcept {
  return use(*connection, *static_cast<const Certificate*>(certificate)) ? 1 : 0;
}

// Gives 1 when it takes the session over.
int keep_session(SSL* connection, SSL_SESSION* session) noexcept {
  const Transport& transport = Transport::of(*connection);
  if (transport.sessions == nullptr) return 0;
  return transport.sessions->put(transport.session_key, transport.context_id, session) ? 1 : 0;
}

}  // namespace

struct ClientContext::State {
  ClientOptions options;
  ContextOwner context;
  std::uint64_t id = contexts.fetch_add(1, std::memory_order_relaxed) + 1;

  void set_verification(std::vector<std::string>& problems) {
    if (!options.verify) return;
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, Transport::note_doubted);
    if (options.verify_depth) SSL_CTX_set_verify_depth(context.get(), *options.verify_depth);
    if (!options.authorities.empty()) {
      trust(*context, options.authorities, problems);
    } else if (SSL_CTX_set_default_verify_paths(context.get()) != 1) {
      problems.push_back("the system's authorities cannot be read: " + take_reason());
    }
  }

  void set_certificate(std::vector<std::string>& problems) {
    if (!options.certificate) return;
    CertificateCheck check(*context);
    check(*options.certificate, problems);
    SSL_CTX_set_cert_cb(context.get(), show_certificate, &*options.certificate);
  }

  void set_applications(std::vector<std::string>& problems) {
    const std::string list = alpn_list(options.applications, problems);
    const auto* names = reinterpret_cast<const unsigned char*>(list.data());
    // Contrary to the others it answers 0 when it succeeds.
    if (!list.empty() &&
        SSL_CTX_set_alpn_protos(context.get(), names, static_cast<unsigned>(list.size())) != 0) {
      throw std::bad_alloc();
    }
  }

  void set_sessions() noexcept {
    SSL_CTX_set_session_cache_mode(context.get(),
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context.get(), keep_session);
  }
};

ClientContext::ClientContext(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
ClientContext::~ClientContext() = default;

std::expected<std::shared_ptr<const ClientContext>, std::vector<std::string>> ClientContext::make(
    ClientOptions options) {
  std::vector<std::string> problems;
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  state->context = make_context(TLS_client_method(), state->options.settings, problems);
  state->set_verification(problems);
  state->set_certificate(problems);
  state->set_applications(problems);
  state->set_sessions();
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return std::shared_ptr<const ClientContext>(new ClientContext(std::move(state)));
}

bool ClientContext::verifies() const noexcept { return state_->options.verify; }
std::uint64_t ClientContext::id() const noexcept { return state_->id; }
ssl_ctx_st& ClientContext::vendor() const noexcept { return *state_->context; }

}  // namespace sinew::tls
