#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sinew/base/config_tree.hpp"
#include "sinew/base/uuid.hpp"
#include "sinew/gateway/sinew_settings.hpp"
#include "sinew/gateway/value_types.hpp"
#include "sinew/tls/certificate.hpp"

// Kong's entities as Sinew has them, with Kong's names and defaults (3.9). They are plain values:
// made by read_configuration(), never changed afterwards, read from any thread.
namespace sinew::gateway {

// What every entity has.
struct Entity {
  // As given, or derived from the name as Kong derives it, so it is the same after each reload.
  Uuid id;
  std::vector<Tag> tags;
  std::int64_t created_at = 0;  // seconds since 1970; 0: not given
  config::Position position;    // in the file
};

// Where requests go: an upstream when one has the host's name, otherwise what DNS says of it.
struct Service : Entity {
  Name name;  // may be empty
  Protocol protocol = Protocol::http;
  Host host;
  std::uint16_t port = 80;
  std::optional<Path> path;
  int retries = 5;
  Milliseconds connect_timeout{60'000};
  Milliseconds write_timeout{60'000};
  Milliseconds read_timeout{60'000};
  bool enabled = true;  // false: its routes match nothing
  ExchangeSettings exchange;
  std::optional<ClusterSettings> cluster;  // only where the host is no upstream
  std::optional<std::size_t> upstream;     // index into Configuration::upstreams

  // Towards services of https.
  bool tls_verify = false;               // Kong's: any certificate will do
  std::optional<int> tls_verify_depth;   // authorities between the certificate and a trusted one
  std::vector<std::size_t> authorities;  // into Configuration::ca_certificates; empty: the system's
  std::optional<std::size_t> client_certificate;  // into Configuration::certificates
};

// Which requests a service gets: all criteria that are given must be met, one of each list.
struct Route : Entity {
  Name name;  // may be empty
  std::vector<Protocol> protocols{Protocol::http, Protocol::https};
  std::vector<Method> methods;
  std::vector<HostPattern> hosts;
  std::vector<PathPrefix> paths;
  std::map<std::string, std::vector<FieldValue>> headers;  // by lower-case name
  std::vector<Sni> snis;  // for requests over TLS only; plain ones are not asked
  HttpsRedirect https_redirect_status_code = HttpsRedirect::upgrade_required;
  bool strip_path = true;
  bool preserve_host = false;
  ExchangeSettings exchange;
  std::size_t service = 0;  // index into Configuration::services
};

struct HealthyCheck {
  Seconds interval{0};  // 0: no probes of healthy targets
  std::vector<int> http_statuses{200, 302};
  int successes = 0;  // 0: off

  static void describe(config::Section<HealthyCheck>& section);
};
struct UnhealthyCheck {
  Seconds interval{0};
  std::vector<int> http_statuses{429, 404, 500, 501, 502, 503, 504, 505};
  int tcp_failures = 0;  // each 0: off
  int timeouts = 0;
  int http_failures = 0;

  static void describe(config::Section<UnhealthyCheck>& section);
};
struct ActiveChecks {
  CheckType type = CheckType::http;
  Seconds timeout{1};
  int concurrency = 10;
  Path http_path{"/"};
  std::optional<Sni> https_sni;
  bool https_verify_certificate = true;
  std::map<std::string, std::vector<std::string>> headers;
  HealthyCheck healthy;
  UnhealthyCheck unhealthy;

  static void describe(config::Section<ActiveChecks>& section);
};
struct PassiveHealthy {
  std::vector<int> http_statuses{200, 201, 202, 203, 204, 205, 206, 207, 208, 226,
                                 300, 301, 302, 303, 304, 305, 306, 307, 308};
  int successes = 0;

  static void describe(config::Section<PassiveHealthy>& section);
};
struct PassiveUnhealthy {
  std::vector<int> http_statuses{429, 500, 503};
  int tcp_failures = 0;
  int timeouts = 0;
  int http_failures = 0;

  static void describe(config::Section<PassiveUnhealthy>& section);
};
struct PassiveChecks {
  CheckType type = CheckType::http;
  PassiveHealthy healthy;
  PassiveUnhealthy unhealthy;

  static void describe(config::Section<PassiveChecks>& section);
};
struct HealthChecks {
  ActiveChecks active;
  PassiveChecks passive;
  double threshold = 0;  // percent of the weight that must be healthy; below it the upstream is not

  static void describe(config::Section<HealthChecks>& section);
};

struct Target : Entity {
  TargetAddress target;        // always with a port
  std::uint16_t weight = 100;  // 0: gets nothing
};

struct Upstream : Entity {
  HostName name;
  Algorithm algorithm = Algorithm::round_robin;
  HashOn hash_on = HashOn::none;
  HashOn hash_fallback = HashOn::none;
  std::optional<FieldName> hash_on_header;
  std::optional<FieldName> hash_fallback_header;
  std::optional<CookieName> hash_on_cookie;
  Path hash_on_cookie_path{"/"};
  std::optional<QueryName> hash_on_query_arg;
  std::optional<QueryName> hash_fallback_query_arg;
  int slots = 10'000;
  HealthChecks healthchecks;
  std::optional<Host> host_header;
  ClusterSettings cluster;
  std::vector<Target> targets;
  // Shown to targets by services that have none of their own; into Configuration::certificates.
  std::optional<std::size_t> client_certificate;
};

// A certificate with its chain and key, and the names of servers it is for.
struct Certificate : Entity {
  struct ServerName : Entity {
    SniPattern name;
  };

  std::optional<tls::Certificate> pair;  // always set in a Configuration
  std::vector<ServerName> snis;
};

// An authority that others' certificates are verified by.
struct CaCertificate : Entity {
  std::string pem;  // one certificate
};

// A whole file. What refers to another entity has its index.
struct Configuration {
  std::vector<Service> services;
  std::vector<Route> routes;  // in the order of the file; precedence is route_order()'s
  std::vector<Upstream> upstreams;
  std::vector<Certificate> certificates;
  std::vector<CaCertificate> ca_certificates;
  std::vector<ListenerSettings> listeners;
};

}  // namespace sinew::gateway
