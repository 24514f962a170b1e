#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sinew/gateway/configuration.hpp"
#include "sinew/gateway/process_settings.hpp"
#include "sinew/tls/client_context.hpp"
#include "sinew/tls/server_context.hpp"

namespace sinew::gateway {

// Where a compilation puts what it finds.
struct Findings {
  std::vector<config::Problem> errors;
  std::vector<config::Problem> warnings;
};

// The TLS of one process, over its configurations: ticket keys, so that sessions are resumed after
// a reload; the certificate made at the start where none is configured; and the contexts towards
// upstreams, which stay the same objects as long as their settings stay, so that connections in
// the pools are used on. One thread.
class TlsContexts {
 public:
  // Throws Error exhausted when there is no randomness to be had.
  TlsContexts();

  // A configuration is compiled until end(). `now` is for what is said of certificates that expire.
  void begin(const Configuration& configuration, const ProcessSettings& process, Timestamp now,
             Findings& findings);
  void end();

  // Of listeners with TLS. Null where there is an error, which was said.
  std::shared_ptr<const tls::ServerContext> for_listener(
      const std::optional<ClientCertificateSettings>& clients,
      const std::vector<std::size_t>& authorities);
  // Towards the targets of a service of https.
  std::shared_ptr<const tls::ClientContext> for_service(const Service& service);
  // For active checks of an upstream by https.
  std::shared_ptr<const tls::ClientContext> for_probes(const Upstream& upstream);

  // A new key seals the tickets from here on; from one thread at a time.
  void rotate_tickets() { ticket_keys_->rotate(); }

 private:
  using ServerPtr = std::shared_ptr<const tls::ServerContext>;
  using ClientPtr = std::shared_ptr<const tls::ClientContext>;

  void read_defaults();
  void add_default(tls::Certificate certificate);
  std::vector<tls::Identity> identities();
  bool explain(const tls::ServerOptions& options);
  std::string bundle(const std::vector<std::size_t>& authorities) const;
  tls::ClientOptions client_options(const std::optional<std::size_t>& certificate) const;
  ClientPtr client(tls::ClientOptions options, const config::Position& position,
                   const std::string& place);

  std::shared_ptr<tls::TicketKeys> ticket_keys_;
  std::optional<tls::Certificate> made_;  // where no ssl_cert is configured
  std::map<std::string, std::weak_ptr<const tls::ClientContext>> clients_;  // in use somewhere

  // Of the compilation under way.
  const Configuration* configuration_ = nullptr;
  const ProcessSettings* process_ = nullptr;
  Findings* findings_ = nullptr;
  Timestamp now_;
  bool defaults_read_ = false;
  std::vector<tls::Identity> defaults_;
  std::map<std::string, ServerPtr> servers_;
};

}  // namespace sinew::gateway
