#include "sinew/gateway/compile/snapshot_compiler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "sinew/base/error.hpp"
#include "sinew/gateway/compile/cluster_settings.hpp"
#include "sinew/gateway/compile/listeners.hpp"
#include "sinew/gateway/route_rules.hpp"

namespace sinew::gateway {
namespace {

constexpr std::size_t kReplayBody = 64U << 10U;  // where neither route nor service says

template <class T>
std::optional<T> first_of(const std::optional<T>& route, const std::optional<T>& service) {
  return route ? route : service;
}

proxy::ExchangeLimits limits_of(const ExchangeSettings& route, const Service& service) {
  const ExchangeSettings& common = service.exchange;
  proxy::ExchangeLimits out;
  out.write_timeout = service.write_timeout;
  out.read_timeout = service.read_timeout;
  out.request_timeout =
      first_of(route.request_timeout, common.request_timeout).value_or(Duration::zero());
  out.try_timeout = first_of(route.try_timeout, common.try_timeout).value_or(Duration::zero());
  out.stream_timeout =
      first_of(route.stream_timeout, common.stream_timeout).value_or(out.read_timeout);
  if (const auto most = first_of(route.max_body, common.max_body)) {
    out.max_body = most->bytes == 0 ? UINT64_MAX : most->bytes;
  }
  const auto kept = first_of(route.replay_body, common.replay_body);
  out.replay_body = service.retries == 0 ? 0 : kept ? kept->bytes : kReplayBody;
  return out;
}

proxy::RetryRules retries_of(const ExchangeSettings& route, const Service& service) {
  const bool again =
      first_of(route.retry_idempotent, service.exchange.retry_idempotent).value_or(false);
  return proxy::RetryRules(
      {.retries = service.retries, .on_broken = again, .on_timeout = again, .on_statuses = {}});
}

// Without its port.
std::string server_name_of(const Upstream* upstream) {
  return upstream != nullptr && upstream->host_header ? upstream->host_header->text : "";
}

class Compiler {
 public:
  Compiler(const Configuration& configuration, const ProcessSettings& process, TlsContexts& tls,
           Findings& findings)
      : configuration_(configuration), process_(process), tls_(tls), findings_(findings) {}

  void run(Compilation& out) {
    auto snapshot = std::make_shared<proxy::Snapshot>();
    add_clusters(out);
    for (const auto& route : configuration_.routes)
      snapshot->routes.push_back(route_of(route));
    add_table(*snapshot);
    snapshot->listeners = listeners_of(configuration_, process_, tls_, findings_);
    const auto own = [](const auto& listener) { return listener.tls_context != nullptr; };
    const auto first = std::ranges::find_if(snapshot->listeners, own);
    if (first != snapshot->listeners.end()) snapshot->tls = first->tls_context;
    if (findings_.errors.empty()) out.snapshot = std::move(snapshot);
  }

 private:
  // Of what enabled services use: nobody is checked or looked up in vain.
  void add_clusters(Compilation& out) {
    for (const auto& service : configuration_.services) {
      auto& transport = transports_.emplace_back();
      auto& cluster = cluster_of_service_.emplace_back(0);
      if (!service.enabled) continue;
      const Upstream* upstream = upstream_of(service);
      transport.tls = tls_.for_service(service);
      transport.server_name = transport.tls ? server_name_of(upstream) : "";
      transport.connect_timeout = service.connect_timeout;
      const auto known = upstream ? of_upstream_.find(upstream) : of_upstream_.end();
      cluster = known != of_upstream_.end() ? known->second : out.clusters.size();
      if (known != of_upstream_.end()) continue;
      if (upstream == nullptr) {
        out.clusters.push_back(cluster_of(service, process_));
      } else {
        of_upstream_.emplace(upstream, cluster);
        const bool probes = upstream->healthchecks.active.healthy.interval.count() > 0 ||
                            upstream->healthchecks.active.unhealthy.interval.count() > 0;
        out.clusters.push_back(
            cluster_of(*upstream, process_, probes ? tls_.for_probes(*upstream) : nullptr));
      }
    }
  }

  const Upstream* upstream_of(const Service& service) const {
    return service.upstream ? &configuration_.upstreams[*service.upstream] : nullptr;
  }

  proxy::Route route_of(const Route& route) const {
    const Service& service = configuration_.services[route.service];
    const auto speaks = [&](Protocol protocol) {
      return std::ranges::find(route.protocols, protocol) != route.protocols.end();
    };
    proxy::Route out;
    out.name = name_or_id(route.name, route.id);
    out.service = name_or_id(service.name, service.id);
    out.http = speaks(Protocol::http);
    out.https = speaks(Protocol::https);
    out.https_redirect = static_cast<int>(route.https_redirect_status_code);
    out.strip_path = route.strip_path;
    if (service.path) out.upstream_path = service.path->text;
    out.preserve_host = route.preserve_host;
    out.upstream_host = upstream_host(service, upstream_of(service));
    out.cluster = cluster_of_service_[route.service];
    out.transport = transports_[route.service];
    out.limits = limits_of(route.exchange, service);
    out.retry = retries_of(route.exchange, service);
    return out;
  }

  void add_table(proxy::Snapshot& snapshot) {
    try {
      snapshot.table = proxy::RouteTable(route_rules(configuration_));
    } catch (const Error& error) {
      findings_.errors.push_back({{}, "routes", error.detail()});
    }
  }

  const Configuration& configuration_;
  const ProcessSettings& process_;
  TlsContexts& tls_;
  Findings& findings_;
  std::vector<proxy::UpstreamTransport> transports_;  // of each service
  std::vector<std::size_t> cluster_of_service_;
  std::map<const Upstream*, std::size_t> of_upstream_;
};

}  // namespace

Compilation SnapshotCompiler::compile(const Configuration& configuration,
                                      const ProcessSettings& process, Timestamp now) {
  Compilation out;
  Findings findings;
  findings.errors = listener_problems(configuration, process);
  tls_.begin(configuration, process, now, findings);
  Compiler(configuration, process, tls_, findings).run(out);
  tls_.end();
  out.errors = std::move(findings.errors);
  out.warnings = std::move(findings.warnings);
  return out;
}

}  // namespace sinew::gateway
