#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/async/stream.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/base/time.hpp"
#include "sinew/proxy/cluster/cluster.hpp"
#include "sinew/proxy/cluster/retry_decision.hpp"
#include "sinew/proxy/exchange/filter.hpp"
#include "sinew/proxy/router/route_table.hpp"
#include "sinew/tls/server_context.hpp"
#include "sinew/wire/head.hpp"
#include "sinew/wire/ip_address.hpp"
#include "sinew/wire/path.hpp"

// What front ends (Kong's format, Istio's resources) compile their configuration into: the one
// immutable form in which the workers use it. A request keeps the snapshot it began with.
namespace sinew::proxy {

// The times and bounds of one exchange. Zero: no bound.
struct ExchangeLimits {
  Duration write_timeout = std::chrono::seconds(60);  // without a byte taken by the upstream
  Duration read_timeout = std::chrono::seconds(60);   // without a byte from the upstream
  Duration request_timeout = Duration::zero();        // all attempts, until the answer's head
  Duration try_timeout = Duration::zero();            // one attempt, until the answer's head
  // Without a byte either way in an upgraded connection.
  Duration stream_timeout = std::chrono::hours(1);
  std::optional<std::uint64_t> max_body = {};  // none: the listener's
  std::size_t replay_body = 0;                 // bytes of a body kept to send it again
};

// Where a request goes and how.
struct Route {
  std::string name = {};     // in log and metrics; never empty
  std::string service = {};  // for the same; may be empty

  // Schemes: a request over the other one is answered `https_redirect` (426, or 30x with Location).
  bool http = true;
  bool https = true;
  int https_redirect = 426;

  // What is sent on: see join_path().
  bool strip_path = true;
  std::string upstream_path = "/";  // what the path is put behind
  bool preserve_host = false;
  std::string upstream_host = {};  // Host otherwise, with its port where it has one;
                                   // empty: the endpoint's

  std::size_t cluster = 0;  // index into Snapshot::clusters
  UpstreamTransport transport = {};
  ExchangeLimits limits = {};
  RetryRules retry{RetryPolicy{}};
  FilterChain filters = {};
  // Protocols that a client may upgrade to, in lower case.
  std::vector<std::string> upgrades = {"websocket"};
};

// A range of addresses.
struct AddressRange {
  wire::IpAddress address;
  unsigned prefix = 0;  // bits

  bool contains(const wire::IpAddress& other) const noexcept;
};
bool contains(const std::vector<AddressRange>& ranges, const wire::IpAddress& address) noexcept;

// A listening address as every worker opens it. Two of the same `address` and other settings are
// one listener: only its settings change, the socket stays.
struct ListenerSettings {
  async::Endpoint address = {};
  bool tls = false;
  // With `tls`, this listener's own (it asks for client certificates, say); null: Snapshot::tls.
  std::shared_ptr<const tls::ServerContext> tls_context = {};
  int backlog = 16'384;

  struct ProxyProtocol {
    std::vector<AddressRange> from = {};
    Duration timeout = std::chrono::seconds(5);
  };
  std::optional<ProxyProtocol> proxy_protocol = {};  // given: mandatory

  std::vector<AddressRange> trusted = {};  // whose Forwarded and X-Forwarded-* are believed
  // Where a trusted peer says who the client is: a field of one or more addresses, by its name in
  // lower case. Empty: Forwarded, or else X-Forwarded-For.
  std::string client_field = {};
  bool client_recursive = true;  // the last address that is not trusted; false: the last one
  wire::HeadLimits head = {};
  wire::PathRules path = {};
  Duration header_timeout = std::chrono::seconds(60);
  Duration body_timeout = std::chrono::seconds(60);  // between two bytes of a body
  Duration send_timeout = std::chrono::seconds(60);  // until the client takes a byte
  Duration idle_timeout = std::chrono::seconds(75);
  Duration handshake_timeout = std::chrono::seconds(10);
  Duration linger_timeout = std::chrono::seconds(5);
  std::uint64_t max_body = UINT64_MAX;
  int max_requests = 10'000;  // of one connection (nginx's keepalive_requests is 1,000)
};

struct Snapshot {
  std::uint64_t version = 0;  // grows with each
  Timestamp loaded_at;
  std::string source = {};  // the file it was read from

  RouteTable table;
  std::vector<Route> routes;
  std::vector<ClusterPtr> clusters;
  std::vector<ListenerSettings> listeners;
  std::shared_ptr<const tls::ServerContext> tls = {};  // of the listeners with TLS

  // What every answer says of its sender ("Server" of our own answers, "Via" of others); a token.
  std::string pseudonym = "sinew";
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

// The pieces of the path that is sent on, one after the other: Kong's `path_handling` v0. Moved
// here from the front end because the engine does it a request. Views of the arguments and of
// constants. `service_path`: that of the service, "/" without one; `path`: the request's canonical
// one; `prefix`: what matched of it.
//
// Both are joined with exactly one slash. With `strip_path` the prefix is taken away; a request for
// the prefix alone asks for the service's path, with a slash at its end exactly if the request had
// one or the service's path is "/".
std::array<std::string_view, 3> join_path(std::string_view service_path, std::string_view path,
                                          std::size_t prefix, bool strip_path) noexcept;

}  // namespace sinew::proxy
