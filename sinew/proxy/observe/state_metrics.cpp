#include "sinew/proxy/observe/state_metrics.hpp"

#include <array>
#include <atomic>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "sinew/proxy/observe/metrics_text.hpp"
#include "sinew/proxy/observe/proxy_metrics.hpp"

namespace sinew::proxy {
namespace {

constexpr auto kLimits = std::to_array({ClusterLimit::connections, ClusterLimit::pending,
                                        ClusterLimit::requests, ClusterLimit::retries});

// One sample a worker.
template <typename Value>
void write_workers(MetricsText& text, const ProxyState& state, Value value) {
  for (std::size_t i = 0; i < state.workers.size(); ++i)
    text.sample({{"worker", std::to_string(i)}}, std::uint64_t{value(state.workers[i])});
}

void write_workers(MetricsText& text, const ProxyState& state) {
  using Counts = WorkerCounts;
  text.gauge("sinew_proxy_connections", "Connections of clients that are open.");
  write_workers(text, state, [](const Counts& counts) { return counts.connections; });
  text.gauge("sinew_proxy_active_requests", "Exchanges that have begun and not ended.");
  write_workers(text, state, [](const Counts& counts) { return counts.active_requests; });
  text.counter("sinew_proxy_connections_accepted_total", "Connections that clients opened.");
  write_workers(text, state, [](const Counts& counts) { return counts.accepted; });
  text.counter("sinew_proxy_connections_refused_total",
               "Connections closed at once, above the bound of a worker.");
  write_workers(text, state, [](const Counts& counts) { return counts.refused_connections; });
  text.counter("sinew_proxy_requests_shed_total",
               "Requests answered 503 because their worker was late.");
  write_workers(text, state, [](const Counts& counts) { return counts.shed; });
  text.gauge("sinew_proxy_worker_snapshot_version", "Of the configuration that a worker uses.");
  write_workers(text, state, [](const Counts& counts) { return counts.snapshot; });
}

void write_snapshot(MetricsText& text, const ProxyState& state) {
  const Snapshot& snapshot = *state.snapshot;
  const auto size = [](const auto& list) { return std::uint64_t{list.size()}; };
  text.gauge("sinew_proxy_snapshot_version", "Of the configuration in use.")
      .sample({}, snapshot.version);
  text.gauge("sinew_proxy_snapshot_loaded_timestamp_seconds", "When it was loaded.")
      .sample({}, static_cast<double>(to_micros(snapshot.loaded_at)) * 1e-6);
  text.gauge("sinew_proxy_snapshot_routes", "Routes in it.").sample({}, size(snapshot.routes));
  text.gauge("sinew_proxy_snapshot_clusters", "Clusters in it.")
      .sample({}, size(snapshot.clusters));
  text.gauge("sinew_proxy_snapshot_listeners", "Listeners in it.")
      .sample({}, size(snapshot.listeners));
  text.counter("sinew_proxy_reloads_total", "Reloads, by whether they took effect.")
      .sample({{"outcome", "applied"}}, state.reloads)
      .sample({{"outcome", "refused"}}, state.failed_reloads);
  text.counter("sinew_proxy_access_log_lines_total", "Lines that went into a buffer of the log.")
      .sample({}, state.log.lines);
  text.counter("sinew_proxy_access_log_lost_lines_total",
               "Lines that are not in the log, by reason.")
      .sample({{"reason", "no_room"}}, state.log.no_room)
      .sample({{"reason", "write_failed"}}, state.log.write_failed);
}

// One sample a limit of each cluster.
template <typename Value>
void write_limits(MetricsText& text, const ProxyState& state, Value value) {
  for (const ClusterPtr& cluster : state.snapshot->clusters) {
    for (const ClusterLimit limit : kLimits)
      text.sample({{"cluster", cluster->settings().name}, {"limit", to_string(limit)}},
                  static_cast<std::uint64_t>(value(cluster->limits().use(limit))));
  }
}

void write_limits(MetricsText& text, const ProxyState& state) {
  using Use = ClusterLimits::Use;
  text.gauge("sinew_proxy_cluster_limit_in_use", "Of a limit of a cluster.");
  write_limits(text, state, [](const Use& use) { return use.in_use; });
  text.gauge("sinew_proxy_cluster_limit_maximum", "The limit.");
  write_limits(text, state, [](const Use& use) { return use.maximum; });
  text.counter("sinew_proxy_cluster_limit_refused_total", "What was refused because of it.");
  write_limits(text, state, [](const Use& use) { return use.refused; });
}

// One sample a cluster.
template <typename Value>
void write_budgets(MetricsText& text, const ProxyState& state, Value value) {
  for (const ClusterPtr& cluster : state.snapshot->clusters)
    text.sample({{"cluster", cluster->settings().name}},
                std::uint64_t{value(cluster->retry_budget().snapshot(state.now))});
}

void write_budgets(MetricsText& text, const ProxyState& state) {
  using Budget = resilience::RetryBudget::Snapshot;
  text.gauge("sinew_proxy_cluster_retries_allowed", "By the budget, in its window.");
  write_budgets(text, state, [](const Budget& budget) { return budget.allowed; });
  text.gauge("sinew_proxy_cluster_retries_recent", "Retries in the window of the budget.");
  write_budgets(text, state, [](const Budget& budget) { return budget.retries; });
  text.counter("sinew_proxy_cluster_retries_refused_total", "Retries that the budget refused.");
  write_budgets(text, state, [](const Budget& budget) { return budget.refused; });
}

void write_pools(MetricsText& text, const ProxyState& state) {
  text.gauge("sinew_proxy_pool_connections", "Connections to endpoints, by state.");
  for (const auto& [cluster, counts] : state.clusters) {
    const std::string_view name = cluster->settings().name;
    text.sample({{"cluster", name}, {"state", "in_use"}}, std::uint64_t{counts.pool.in_use})
        .sample({{"cluster", name}, {"state", "idle"}}, std::uint64_t{counts.pool.idle})
        .sample({{"cluster", name}, {"state", "connecting"}}, std::uint64_t{counts.connecting});
  }
  text.gauge("sinew_proxy_pool_pending_requests", "Requests that wait for a connection.");
  for (const auto& [cluster, counts] : state.clusters)
    text.sample({{"cluster", cluster->settings().name}}, std::uint64_t{counts.pending});
}

// One sample a cluster and way to count.
struct Counted {
  std::string_view value;  // of the label
  ClusterCounters::Count ClusterCounters::* count;
};
void write_counted(MetricsText& text, const ProxyState& state, std::string_view label,
                   std::initializer_list<Counted> counted) {
  for (const ClusterPtr& cluster : state.snapshot->clusters) {
    const ClusterCounters& counters = std::as_const(*cluster).counters();
    for (const auto& [value, count] : counted)
      text.sample({{"cluster", cluster->settings().name}, {label, value}},
                  (counters.*count).load(std::memory_order_relaxed));
  }
}

void write_events(MetricsText& text, const ProxyState& state) {
  using Counters = ClusterCounters;
  text.counter("sinew_proxy_pool_uses_total",
               "Requests given a connection to an endpoint, by whether it had served one before.");
  write_counted(
      text, state, "connection",
      {{"new", &Counters::connections_opened}, {"reused", &Counters::connections_reused}});
  text.counter("sinew_proxy_connect_failures_total", "Connections that were not to be had.");
  write_counted(text, state, "kind",
                {{"refused", &Counters::connect_refused},
                 {"tls", &Counters::connect_tls_failures},
                 {"timeout", &Counters::connect_timeouts},
                 {"limit", &Counters::connect_over_limit}});
  text.counter(
      "sinew_proxy_endpoint_changes_total",
      "Endpoints that became what they were not; kept: enough failures, but as many as may "
      "be were ejected already.");
  write_counted(text, state, "change",
                {{"unhealthy", &Counters::became_unhealthy},
                 {"healthy", &Counters::became_healthy},
                 {"ejected", &Counters::ejected},
                 {"kept", &Counters::not_ejected},
                 {"readmitted", &Counters::readmitted}});
}

// One sample an endpoint.
template <typename Value>
void write_endpoints(MetricsText& text, const ProxyState& state, Value value) {
  for (const ClusterPtr& cluster : state.snapshot->clusters) {
    for (const auto& member : cluster->endpoints()->members())
      text.sample({{"cluster", cluster->settings().name},
                   {"host", member.endpoint->address().host},
                   {"endpoint", address_text(*member.endpoint)}},
                  static_cast<std::uint64_t>(value(*member.endpoint)));
  }
}

void write_endpoints(MetricsText& text, const ProxyState& state) {
  text.gauge("sinew_proxy_endpoint_available", "1: it may be chosen.");
  write_endpoints(text, state, [](const Endpoint& one) { return one.available(); });
  text.gauge("sinew_proxy_endpoint_healthy", "1: checks and traffic say it is well.");
  write_endpoints(text, state, [](const Endpoint& one) { return one.health().available(); });
  text.gauge("sinew_proxy_endpoint_ejected", "1: it is out of the balancing for a time.");
  write_endpoints(text, state, [](const Endpoint& one) { return one.ejection().ejected(); });
  text.gauge("sinew_proxy_endpoint_active_requests", "Requests that it works on.");
  write_endpoints(text, state, [](const Endpoint& one) { return one.active_requests(); });
  text.gauge("sinew_proxy_endpoint_active_connections", "Connections open or being opened.");
  write_endpoints(text, state, [](const Endpoint& one) { return one.active_connections(); });
}

}  // namespace

void write_state_metrics(const ProxyState& state, std::string& out) {
  MetricsText text(out);
  write_workers(text, state);
  write_limits(text, state);
  write_budgets(text, state);
  write_pools(text, state);
  write_events(text, state);
  write_endpoints(text, state);
  write_snapshot(text, state);
}

}  // namespace sinew::proxy
