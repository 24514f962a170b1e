#pragma once

#include <optional>
#include <vector>

#include "sinew/base/config_fwd.hpp"
#include "sinew/base/config_scalar.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/gateway/value_types.hpp"
#include "sinew/resilience/retry_budget.hpp"

// What Kong's format lacks: the `sinew:` objects of services, routes, upstreams and listeners.
namespace sinew::gateway {

// How one exchange goes. A route's value stands before its service's; where neither has one there
// is no such bound beyond Kong's timeouts.
struct ExchangeSettings {
  std::optional<Duration> request_timeout;  // all attempts, until the answer's head
  std::optional<Duration> try_timeout;      // one attempt, until the answer's head
  std::optional<Duration> stream_timeout;   // without a byte either way in an upgraded connection
  std::optional<config::ByteSize> max_body;
  // Kong's `retries` counts; without this only requests that were provably not processed are sent
  // again. With it also idempotent ones (RFC 9110, 9.2.2) whose body is kept.
  std::optional<bool> retry_idempotent;
  std::optional<config::ByteSize> replay_body;  // kept of a body, to send it again

  static void describe(config::Section<ExchangeSettings>& section);
};

// When an endpoint that fails is left alone (passive, beside Kong's health checks).
struct EjectionSettings {
  int consecutive_failures = 5;
  Duration base_time = std::chrono::seconds(30);  // times the number of ejections, up to max_time
  Duration max_time = std::chrono::seconds(300);
  int max_percent = 10;  // of the endpoints, at least one when there are two

  static void describe(config::Section<EjectionSettings>& section);
  std::vector<std::string> violations() const;
};

// Bounds of a cluster as a whole, over all workers. What exceeds them is answered 503 at once.
struct LimitSettings {
  int connections = 10'000;
  int pending = 1'024;  // requests that wait for a connection
  int requests = 10'000;
  int retries = 100;  // at the same time

  static void describe(config::Section<LimitSettings>& section);
};

// Of an upstream, or of a service whose host is no upstream.
struct ClusterSettings {
  std::optional<EjectionSettings> ejection;  // none: endpoints are never ejected
  LimitSettings limits;
  resilience::RetryBudgetSettings retry_budget;

  static void describe(config::Section<ClusterSettings>& section);
};

// Of a service.
struct ServiceSettings : ExchangeSettings {
  std::optional<ClusterSettings> cluster;

  static void describe(config::Section<ServiceSettings>& section);
};

// Where configured the header is mandatory, and accepted from these addresses only.
struct ProxyProtocolSettings {
  std::vector<AddressRange> from;
  Duration timeout = std::chrono::seconds(5);  // from accepting to the header's last byte

  static void describe(config::Section<ProxyProtocolSettings>& section);
};

// Which certificates a listener with TLS asks its clients for.
struct ClientCertificateSettings {
  ClientCertificates mode = ClientCertificates::required;
  std::vector<Reference> ca_certificates;  // who issues them

  static void describe(config::Section<ClientCertificateSettings>& section);
};

struct ListenerSettings {
  ListenAddress address;
  std::optional<ClientCertificateSettings> client_certificates;
  std::vector<std::size_t> client_authorities;  // indices into Configuration::ca_certificates
  std::optional<ProxyProtocolSettings> proxy_protocol;
  std::vector<AddressRange> trusted_addresses;  // whose Forwarded and X-Forwarded-* are believed
  Duration header_timeout = std::chrono::seconds(60);  // nginx's client_header_timeout
  Duration body_timeout = std::chrono::seconds(60);    // nginx's client_body_timeout: between bytes
  Duration idle_timeout = std::chrono::seconds(75);    // nginx's keepalive_timeout
  std::optional<config::ByteSize> max_body;            // none: as the process says

  static void describe(config::Section<ListenerSettings>& section);
};

}  // namespace sinew::gateway
