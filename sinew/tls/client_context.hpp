#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sinew/tls/certificate.hpp"
#include "sinew/tls/settings.hpp"

struct ssl_ctx_st;

namespace sinew::tls {

struct ClientOptions {
  // PEM bundle of the authorities that servers are trusted by; empty: the system's.
  std::string authorities = {};
  // False: any certificate will do. Then whoever is in between can read and change everything.
  bool verify = true;
  // Authorities between a server's certificate and a trusted one; none: OpenSSL's 100.
  std::optional<int> verify_depth = {};
  std::optional<Certificate> certificate = {};  // shown to servers that ask for one
  std::vector<std::string> applications = {};   // ALPN, the best first; empty: not offered
  Settings settings = {};
};

// What a client's connections share. Immutable, for any number of workers; new authorities or
// certificates are another context, and each connection keeps the one it began with.
class ClientContext {
 public:
  // The errors are sentences, all of them at once.
  static std::expected<std::shared_ptr<const ClientContext>, std::vector<std::string>> make(
      ClientOptions options);
  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;
  ~ClientContext();

  bool verifies() const noexcept;
  // Differs from that of any other context of the process.
  std::uint64_t id() const noexcept;

  ssl_ctx_st& vendor() const noexcept;

 private:
  struct State;
  explicit ClientContext(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace sinew::tls
