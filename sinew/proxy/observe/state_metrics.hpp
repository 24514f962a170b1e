#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sinew/base/instant.hpp"
#include "sinew/proxy/cluster/cluster.hpp"
#include "sinew/proxy/cluster/worker_cluster.hpp"
#include "sinew/proxy/observe/access_log.hpp"
#include "sinew/proxy/server/engine.hpp"
#include "sinew/proxy/snapshot.hpp"

namespace sinew::proxy {

// How a proxy stands at one moment, for whoever asks: metrics and the admin interface.
struct ProxyState {
  Instant now = {};
  SnapshotPtr snapshot = {};  // never null
  std::vector<WorkerCounts> workers = {};
  std::vector<std::pair<ClusterPtr, WorkerCluster::Counts>> clusters = {};  // of the snapshot
  AccessLog::Counts log = {};
  std::uint64_t reloads = 0;         // that took effect
  std::uint64_t failed_reloads = 0;  // that changed nothing
};

// Appends what is not counted but stands somewhere: workers, clusters, their limits and endpoints,
// the snapshot and the log. In Prometheus' text format; the names are in
// docs/reference/proxy-observability.md.
void write_state_metrics(const ProxyState& state, std::string& out);

}  // namespace sinew::proxy
