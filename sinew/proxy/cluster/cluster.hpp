#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sinew/base/instant.hpp"
#include "sinew/proxy/cluster/active_checks.hpp"
#include "sinew/proxy/cluster/balancer.hpp"
#include "sinew/proxy/cluster/cluster_counters.hpp"
#include "sinew/proxy/cluster/cluster_limits.hpp"
#include "sinew/proxy/cluster/endpoint_set.hpp"
#include "sinew/proxy/cluster/health_policy.hpp"
#include "sinew/proxy/cluster/outlier_detector.hpp"
#include "sinew/proxy/cluster/pool_policy.hpp"
#include "sinew/resilience/retry_budget.hpp"
#include "sinew/tls/client_context.hpp"

namespace sinew::proxy {

// How a connection to an endpoint is made. A route's, so that one cluster can be spoken to in
// several ways; connections are pooled apart by it.
struct UpstreamTransport {
  std::shared_ptr<const tls::ClientContext> tls;  // null: in clear
  std::string server_name;  // to ask for and to verify; empty: the endpoint's host
  Duration connect_timeout = std::chrono::seconds(60);  // TCP and TLS together (Kong's default)
};

// Which part of a request decides where it goes, when the cluster hashes.
struct HashKey {
  enum class Source : std::uint8_t { none, client_address, header, cookie, path, query };
  Source source = Source::none;
  std::string name = {};  // of header, cookie or parameter
  // Of the cookie that an answer sets where the request has none; empty: none is set.
  std::string cookie_path = {};

  bool operator==(const HashKey&) const = default;
};

// What an active check asks.
struct Probe {
  enum class Kind : std::uint8_t { http, https, tcp };
  Kind kind = Kind::http;
  std::string path = "/";
  std::string host = {};  // empty: the endpoint's
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::shared_ptr<const tls::ClientContext> tls = {};  // https
  std::string server_name = {};

  bool operator==(const Probe&) const = default;
};

struct ClusterSettings {
  std::string name = {};  // its identity over reloads
  std::vector<Target> targets = {};
  BalancerSettings balancer = {};
  std::uint32_t hash_slots = 0;  // of a cluster that hashes
  HashKey hash = {};
  HashKey hash_fallback = {};  // for requests that lack the other
  PoolSettings pool = {};
  ClusterLimitSettings limits = {};
  resilience::RetryBudgetSettings retry_budget = {};
  PassiveHealthSettings passive = {};
  std::optional<ActiveCheckSettings> active = {};
  Probe probe = {};
  std::optional<OutlierSettings> ejection = {};

  bool operator==(const ClusterSettings&) const = default;
};

// What is wrong with them, each a sentence; empty: they can be used.
std::vector<std::string> violations(const ClusterSettings& settings);

// A cluster as all workers share it, from snapshot to snapshot: as long as its name stays, its
// endpoints keep their health, ejections and counts. Settings are those of this object.
//
// The workers' part takes no lock in the steady state: endpoints() is asked when version() has
// moved.
class Cluster {
 public:
  // Throws Error invalid_input listing every violation.
  Cluster(ClusterSettings settings, EndpointSetPtr endpoints);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // What it was made with; targets and probe may have changed since (see ClusterDirectory).
  const ClusterSettings& settings() const noexcept { return settings_; }
  ClusterLimits& limits() noexcept { return limits_; }
  resilience::RetryBudget& retry_budget() noexcept { return retry_budget_; }
  ClusterCounters& counters() noexcept { return counters_; }
  const ClusterCounters& counters() const noexcept { return counters_; }
  const HealthPolicy& passive() const noexcept { return passive_; }
  const OutlierDetector* outliers() const noexcept { return outliers_ ? &*outliers_ : nullptr; }

  std::uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }
  EndpointSetPtr endpoints() const;         // takes a lock
  void set_endpoints(EndpointSetPtr next);  // by the ClusterDirectory

 private:
  ClusterSettings settings_;
  ClusterLimits limits_;
  resilience::RetryBudget retry_budget_;
  ClusterCounters counters_;
  HealthPolicy passive_;
  std::optional<OutlierDetector> outliers_;
  std::atomic<std::uint64_t> version_;
  mutable std::mutex mutex_;
  EndpointSetPtr endpoints_;
};
using ClusterPtr = std::shared_ptr<Cluster>;

}  // namespace sinew::proxy
