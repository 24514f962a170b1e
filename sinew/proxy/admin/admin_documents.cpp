#include "sinew/proxy/admin/admin_documents.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <utility>

#include "sinew/base/time.hpp"
#include "sinew/proxy/observe/proxy_metrics.hpp"

namespace sinew::proxy {
namespace {

constexpr auto kLimits = std::to_array({ClusterLimit::connections, ClusterLimit::pending,
                                        ClusterLimit::requests, ClusterLimit::retries});

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

Json route_document(const Route& route, const Snapshot& snapshot) {
  JsonArray protocols;
  if (route.http) protocols.emplace_back("http");
  if (route.https) protocols.emplace_back("https");
  return JsonObject{{"name", route.name},
                    {"service", route.service},
                    {"cluster", route.cluster < snapshot.clusters.size()
                                    ? snapshot.clusters[route.cluster]->settings().name
                                    : ""},
                    {"protocols", std::move(protocols)},
                    {"strip_path", route.strip_path},
                    {"upstream_path", route.upstream_path},
                    {"upstream_tls", route.transport.tls != nullptr},
                    {"connect_timeout_seconds", seconds(route.transport.connect_timeout)},
                    {"read_timeout_seconds", seconds(route.limits.read_timeout)},
                    {"write_timeout_seconds", seconds(route.limits.write_timeout)},
                    {"request_timeout_seconds", seconds(route.limits.request_timeout)},
                    {"try_timeout_seconds", seconds(route.limits.try_timeout)}};
}

Json listener_document(const ListenerSettings& listener) {
  return JsonObject{{"address", async::to_string(listener.address)},
                    {"tls", listener.tls},
                    {"proxy_protocol", listener.proxy_protocol.has_value()},
                    {"trusted_ranges", listener.trusted.size()}};
}

Json limits_document(ClusterLimits& limits) {
  JsonObject document;
  for (const ClusterLimit limit : kLimits) {
    const auto use = limits.use(limit);
    document.append(
        to_string(limit),
        JsonObject{{"in_use", use.in_use}, {"maximum", use.maximum}, {"refused", use.refused}});
  }
  return document;
}

Json budget_document(const resilience::RetryBudget::Snapshot& budget) {
  return JsonObject{{"requests", budget.requests},
                    {"retries", budget.retries},
                    {"allowed", budget.allowed},
                    {"refused", budget.refused}};
}

Json pool_document(const WorkerCluster::Counts& counts) {
  return JsonObject{{"in_use", counts.pool.in_use},
                    {"idle", counts.pool.idle},
                    {"connecting", counts.connecting},
                    {"pending_requests", counts.pending}};
}

}  // namespace

Json snapshot_document(const Snapshot& snapshot) {
  JsonArray routes;
  for (const Route& route : snapshot.routes)
    routes.push_back(route_document(route, snapshot));
  JsonArray listeners;
  for (const ListenerSettings& listener : snapshot.listeners)
    listeners.push_back(listener_document(listener));
  return JsonObject{{"version", snapshot.version},
                    {"source", snapshot.source},
                    {"loaded_at", to_rfc3339(snapshot.loaded_at)},
                    {"listeners", std::move(listeners)},
                    {"clusters", snapshot.clusters.size()},
                    {"routes", std::move(routes)}};
}

Json workers_document(const ProxyState& state) {
  JsonArray workers;
  for (std::size_t i = 0; i < state.workers.size(); ++i) {
    const WorkerCounts& counts = state.workers[i];
    workers.emplace_back(JsonObject{{"worker", i},
                                    {"connections", counts.connections},
                                    {"active_requests", counts.active_requests},
                                    {"accepted", counts.accepted},
                                    {"refused_connections", counts.refused_connections},
                                    {"shed_requests", counts.shed},
                                    {"snapshot", counts.snapshot}});
  }
  return JsonObject{{"workers", std::move(workers)}};
}

Json clusters_document(const ProxyState& state) {
  JsonArray clusters;
  for (const ClusterPtr& cluster : state.snapshot->clusters) {
    const auto counts = std::ranges::find(state.clusters, cluster,
                                          &std::pair<ClusterPtr, WorkerCluster::Counts>::first);
    clusters.push_back(cluster_document(
        *cluster, counts == state.clusters.end() ? nullptr : &counts->second, state.now));
  }
  return JsonObject{{"clusters", std::move(clusters)}};
}

Json cluster_document(Cluster& cluster, const WorkerCluster::Counts* counts, Instant now) {
  const EndpointSetPtr set = cluster.endpoints();
  JsonArray endpoints;
  for (const auto& member : set->members())
    endpoints.push_back(endpoint_document(*member.endpoint, member.weight, now));
  JsonObject document{{"name", cluster.settings().name},
                      {"endpoints", std::move(endpoints)},
                      {"limits", limits_document(cluster.limits())},
                      {"retry_budget", budget_document(cluster.retry_budget().snapshot(now))}};
  if (counts != nullptr) document.append("connections", pool_document(*counts));
  return document;
}

Json endpoint_document(const Endpoint& endpoint, std::uint16_t weight, Instant now) {
  const auto failures = endpoint.health().counts();
  JsonObject document{{"address", address_text(endpoint)},
                      {"host", endpoint.address().host},
                      {"weight", weight},
                      {"available", endpoint.available()},
                      {"health", to_string(endpoint.health().state())},
                      {"ejected", endpoint.ejection().ejected()},
                      {"ejections", endpoint.ejection().multiplier()},
                      {"active_requests", endpoint.active_requests()},
                      {"active_connections", endpoint.active_connections()},
                      {"counted", JsonObject{{"successes", failures.successes},
                                             {"http_failures", failures.http_failures},
                                             {"tcp_failures", failures.tcp_failures},
                                             {"timeouts", failures.timeouts}}}};
  if (endpoint.ejection().ejected())
    document.append("ejected_seconds", seconds(now - endpoint.ejection().since()));
  return document;
}

}  // namespace sinew::proxy
