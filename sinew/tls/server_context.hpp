#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sinew/tls/certificate.hpp"
#include "sinew/tls/settings.hpp"
#include "sinew/tls/ticket_keys.hpp"

struct ssl_ctx_st;

namespace sinew::tls {

// A certificate and the names it is shown for.
struct Identity {
  Certificate certificate;
  // With a key of another kind (RSA beside ECDSA): the client's signatures decide.
  std::optional<Certificate> alternative = {};
  // `orders.example.org`, `*.example.org` (one label deep); empty: the certificate's own DNS names.
  // A name that several identities have without naming it belongs to the first.
  std::vector<std::string> names = {};
};

enum class ClientCertificates : std::uint8_t {
  none,      // not asked for
  optional,  // a client without one goes on, one with a wrong one is refused
  required,
};

struct ServerOptions {
  std::vector<Identity> identities = {};  // the first is shown to clients that name none of them
  bool refuse_unknown_names = false;      // ...or they are refused by the alert unrecognized_name
  std::vector<std::string> applications = {};  // ALPN, the best first; empty: not negotiated
  ClientCertificates client_certificates = ClientCertificates::none;
  std::string client_authorities = {};  // PEM bundle: who issues clients' certificates
  // Sessions are resumed by tickets under these keys, which contexts and workers may share; null:
  // every handshake is a full one. A ticket is good only where client certificates are asked for
  // in the same way, from the same authorities.
  std::shared_ptr<const TicketKeys> ticket_keys = {};
  std::chrono::seconds session_lifetime = std::chrono::hours(24);
  Settings settings = {};
};

// What a server's connections share: certificates by name, authorities, settings. Immutable, for
// any number of workers. Certificates are exchanged by making another one for the connections to
// come; each connection keeps the one it began with.
class ServerContext {
 public:
  // The errors are sentences, all of them at once.
  static std::expected<std::shared_ptr<const ServerContext>, std::vector<std::string>> make(
      ServerOptions options);
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;
  ~ServerContext();

  // Which certificate a client is shown that asks for `server_name` (empty: for none); null: it is
  // refused.
  const Certificate* certificate_for(std::string_view server_name) const noexcept;

  ssl_ctx_st& vendor() const noexcept;

 private:
  struct State;
  explicit ServerContext(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace sinew::tls
