#pragma once

#include "sinew/base/json.hpp"
#include "sinew/proxy/observe/state_metrics.hpp"

// How a proxy stands, as the admin interface says it; the members are described in
// docs/reference/proxy-observability.md. Nothing secret is in a document: no keys, certificates or
// fields of probes.
namespace sinew::proxy {

Json snapshot_document(const Snapshot& snapshot);
Json workers_document(const ProxyState& state);
// Every cluster of the snapshot.
Json clusters_document(const ProxyState& state);
// `counts`: of its connections; may be null.
Json cluster_document(Cluster& cluster, const WorkerCluster::Counts* counts, Instant now);
Json endpoint_document(const Endpoint& endpoint, std::uint16_t weight, Instant now);

}  // namespace sinew::proxy
