#include "sinew/gateway/compile/cluster_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sinew/base/config_scalar.hpp"

namespace sinew::gateway {
namespace {

using proxy::Balancing;
using proxy::HashKey;

Duration to_duration(Seconds seconds) { return std::chrono::duration_cast<Duration>(seconds); }

Balancing balancing_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::consistent_hashing: return Balancing::consistent_hash;
    case Algorithm::least_connections: return Balancing::least_request;
    case Algorithm::round_robin: break;
  }
  return Balancing::round_robin;
}

HashKey::Source source_of(HashOn kind) {
  switch (kind) {
    case HashOn::ip: return HashKey::Source::client_address;
    case HashOn::header: return HashKey::Source::header;
    case HashOn::cookie: return HashKey::Source::cookie;
    case HashOn::path: return HashKey::Source::path;
    case HashOn::query_arg: return HashKey::Source::query;
    case HashOn::none: break;
  }
  return HashKey::Source::none;
}

HashKey hash_key(const Upstream& upstream, HashOn kind, const std::optional<FieldName>& header,
                 const std::optional<QueryName>& argument) {
  HashKey key{.source = source_of(kind)};
  if (kind == HashOn::header && header) key.name = header->text;
  if (kind == HashOn::query_arg && argument) key.name = argument->text;
  if (kind == HashOn::cookie && upstream.hash_on_cookie) {
    key.name = upstream.hash_on_cookie->text;
    key.cookie_path = upstream.hash_on_cookie_path.text;
  }
  return key;
}

void add_hash(const Upstream& upstream, proxy::ClusterSettings& out) {
  if (upstream.algorithm != Algorithm::consistent_hashing) return;
  out.hash_slots = static_cast<std::uint32_t>(upstream.slots);
  out.hash =
      hash_key(upstream, upstream.hash_on, upstream.hash_on_header, upstream.hash_on_query_arg);
  out.hash_fallback = hash_key(upstream, upstream.hash_fallback, upstream.hash_fallback_header,
                               upstream.hash_fallback_query_arg);
}

// Kong asks statuses of http and https only: with tcp it is connections that count.
proxy::PassiveHealthSettings passive_of(const PassiveChecks& checks) {
  const bool http = checks.type != CheckType::tcp;
  return {.healthy_statuses = checks.healthy.http_statuses,
          .unhealthy_statuses = checks.unhealthy.http_statuses,
          .thresholds = {.successes = checks.healthy.successes,
                         .http_failures = http ? checks.unhealthy.http_failures : 0,
                         .tcp_failures = checks.unhealthy.tcp_failures,
                         .timeouts = checks.unhealthy.timeouts}};
}

std::optional<proxy::ActiveCheckSettings> active_of(const ActiveChecks& checks) {
  if (checks.healthy.interval.count() <= 0 && checks.unhealthy.interval.count() <= 0) {
    return std::nullopt;
  }
  proxy::ActiveCheckSettings out;
  out.healthy_interval = to_duration(checks.healthy.interval);
  out.unhealthy_interval = to_duration(checks.unhealthy.interval);
  out.timeout = to_duration(checks.timeout);
  out.concurrency = checks.concurrency;
  out.healthy_statuses = checks.healthy.http_statuses;
  out.unhealthy_statuses = checks.unhealthy.http_statuses;
  out.thresholds = {.successes = checks.healthy.successes,
                    .http_failures = checks.unhealthy.http_failures,
                    .tcp_failures = checks.unhealthy.tcp_failures,
                    .timeouts = checks.unhealthy.timeouts};
  return out;
}

proxy::Probe probe_of(const Upstream& upstream, std::shared_ptr<const tls::ClientContext> probing) {
  const auto& checks = upstream.healthchecks.active;
  proxy::Probe probe;
  if (checks.type == CheckType::tcp) probe.kind = proxy::Probe::Kind::tcp;
  if (checks.type == CheckType::https) probe.kind = proxy::Probe::Kind::https;
  probe.path = checks.http_path.text;
  if (upstream.host_header) probe.host = upstream.host_header->text;
  for (const auto& [name, values] : checks.headers) {
    for (const auto& value : values)
      probe.headers.emplace_back(name, value);
  }
  probe.tls = std::move(probing);
  if (checks.https_sni) probe.server_name = checks.https_sni->text;
  return probe;
}

void add_rules(const ClusterSettings& settings, proxy::ClusterSettings& out) {
  out.limits = {.max_connections = settings.limits.connections,
                .max_pending = settings.limits.pending,
                .max_requests = settings.limits.requests,
                .max_retries = settings.limits.retries};
  out.retry_budget = settings.retry_budget;
  if (!settings.ejection) return;
  auto& ejection = out.ejection.emplace();
  ejection.consecutive_server_errors = settings.ejection->consecutive_failures;
  ejection.base_ejection = settings.ejection->base_time;
  ejection.max_ejection = settings.ejection->max_time;
  ejection.max_ejected_percent = settings.ejection->max_percent;
  ejection.always_eject_one = true;
}

}  // namespace

proxy::PoolSettings pool_settings(const ProcessSettings& process) {
  constexpr int kNoBound = 1'000'000'000;
  constexpr Duration kLongestIdle = std::chrono::hours(24);
  proxy::PoolSettings pool;
  pool.max_idle = process.upstream_keepalive_pool_size;
  const int requests = process.upstream_keepalive_max_requests;
  pool.max_requests = requests == 0 ? kNoBound : std::min(requests, kNoBound);
  const Duration idle = process.upstream_keepalive_idle_timeout.time;
  pool.idle_timeout = idle == Duration::zero() ? kLongestIdle : std::min(idle, kLongestIdle);
  return pool;
}

std::string name_or_id(const Name& name, const Uuid& id) {
  return name.text.empty() ? to_string(id) : name.text;
}

std::pair<std::string, std::uint16_t> split_address(const std::string& text) {
  const auto colon = text.rfind(':');
  std::string host = text.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  const auto port = config::parse_unsigned(std::string_view(text).substr(colon + 1));
  return {std::move(host), static_cast<std::uint16_t>(port.value_or(0))};
}

proxy::ClusterSettings cluster_of(const Upstream& upstream, const ProcessSettings& process,
                                  std::shared_ptr<const tls::ClientContext> probing) {
  proxy::ClusterSettings out;
  out.name = upstream.name.text;
  for (const auto& target : upstream.targets) {
    const auto [host, port] = split_address(target.target.text);
    out.targets.push_back({.host = host, .port = port, .weight = target.weight});
  }
  out.balancer.algorithm = balancing_of(upstream.algorithm);
  out.balancer.minimum_available_percent =
      static_cast<int>(std::ceil(upstream.healthchecks.threshold));
  add_hash(upstream, out);
  out.pool = pool_settings(process);
  out.passive = passive_of(upstream.healthchecks.passive);
  out.active = active_of(upstream.healthchecks.active);
  if (out.active) out.probe = probe_of(upstream, std::move(probing));
  add_rules(upstream.cluster, out);
  return out;
}

proxy::ClusterSettings cluster_of(const Service& service, const ProcessSettings& process) {
  proxy::ClusterSettings out;
  out.name = "service:" + name_or_id(service.name, service.id);
  out.targets.push_back({.host = service.host.text, .port = service.port});
  out.pool = pool_settings(process);
  add_rules(service.cluster.value_or(ClusterSettings()), out);
  return out;
}

std::string upstream_host(const Service& service, const Upstream* upstream) {
  const auto with_port = [&](const std::string& host, std::uint16_t port) {
    const std::uint16_t usual = service.protocol == Protocol::https ? 443 : 80;
    const bool bare = host.contains(':');  // an IPv6 address
    const std::string shown = bare ? fmt::format("[{}]", host) : host;
    return port == usual ? shown : fmt::format("{}:{}", shown, port);
  };
  if (upstream == nullptr) return with_port(service.host.text, service.port);
  if (!upstream->host_header) return {};
  // Kong adds the port of the target that is chosen; here that is known where all have one.
  const auto& targets = upstream->targets;
  const auto port_of = [](const Target& target) {
    return split_address(target.target.text).second;
  };
  const auto same = [&](const Target& target) {
    return port_of(target) == port_of(targets.front());
  };
  if (targets.empty() || !std::ranges::all_of(targets, same)) return upstream->host_header->text;
  return with_port(upstream->host_header->text, port_of(targets.front()));
}

}  // namespace sinew::gateway
