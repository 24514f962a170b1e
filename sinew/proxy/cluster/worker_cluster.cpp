#include "sinew/proxy/cluster/worker_cluster.hpp"

#include <exception>
#include <utility>

#include "sinew/base/log.hpp"
#include "sinew/proxy/cluster/cluster_events.hpp"
#include "sinew/proxy/cluster/upstream_pool.hpp"

namespace sinew::proxy {

UpstreamLease::UpstreamLease(UpstreamLease&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

UpstreamLease& UpstreamLease::operator=(UpstreamLease&& other) noexcept {
  if (this != &other) {
    discard();
    connection_ = std::exchange(other.connection_, nullptr);
  }
  return *this;
}

UpstreamLease::~UpstreamLease() { discard(); }

async::Stream& UpstreamLease::stream() const noexcept { return connection_->stream(); }
const EndpointPtr& UpstreamLease::endpoint() const noexcept { return connection_->lane().endpoint; }
bool UpstreamLease::reused() const noexcept {
  return connection_->pool().requests(*connection_) > 1;
}

void UpstreamLease::give_back(const KeepAlive& offer) noexcept {
  if (auto* connection = std::exchange(connection_, nullptr)) {
    connection->pool().give_back(*connection, offer);
  }
}

void UpstreamLease::discard() noexcept {
  if (auto* connection = std::exchange(connection_, nullptr)) {
    connection->pool().discard(*connection);
  }
}

WorkerCluster::WorkerCluster(async::Runtime& runtime, ClusterPtr cluster, std::uint64_t seed)
    : runtime_(runtime),
      cluster_(std::move(cluster)),
      version_(cluster_->version()),
      balancer_(cluster_->settings().balancer, cluster_->endpoints(), seed),
      pool_(std::make_unique<UpstreamPool>(runtime, *cluster_)) {}

WorkerCluster::~WorkerCluster() = default;

std::expected<EndpointPtr, NoEndpoint> WorkerCluster::choose(Balancer::Query query) noexcept {
  if (cluster_->version() != version_) follow_endpoints();
  const auto chosen = balancer_.choose(query);
  if (!chosen) return std::unexpected(chosen.error());
  return **chosen;
}

void WorkerCluster::follow_endpoints() noexcept {
  version_ = cluster_->version();
  try {
    balancer_.use(cluster_->endpoints());
  } catch (const std::exception& error) {
    log::error("a worker goes on with the endpoints that it had",
               {{"cluster", cluster_->settings().name}, {"error", error.what()}});
  }
}

std::optional<UpstreamLease> WorkerCluster::take_idle(const EndpointPtr& endpoint,
                                                      const UpstreamTransport& transport) noexcept {
  return pool_->take_idle(endpoint, transport);
}

Task<std::expected<UpstreamLease, ConnectFailure>> WorkerCluster::connect(
    EndpointPtr endpoint, const UpstreamTransport& transport, Instant deadline) {
  return pool_->connect(std::move(endpoint), transport, deadline);
}

void WorkerCluster::answered(Endpoint& endpoint, int status) noexcept {
  if (const auto transition = cluster_->passive().report_status(endpoint, status)) {
    note_transition(*cluster_, endpoint, *transition, "traffic");
  }
  const auto* outliers = cluster_->outliers();
  if (outliers == nullptr) return;
  outliers->connected(endpoint);
  if (const auto event = outliers->answered(endpoint, status, runtime_.now())) {
    note_ejection(*cluster_, endpoint, *event);
  }
}

void WorkerCluster::failed(Endpoint& endpoint, LocalFailure failure) noexcept {
  const auto signal =
      failure == LocalFailure::timeout ? HealthSignal::timeout : HealthSignal::tcp_failure;
  if (const auto transition = cluster_->passive().report(endpoint, signal)) {
    note_transition(*cluster_, endpoint, *transition, "traffic");
  }
  const auto* outliers = cluster_->outliers();
  if (outliers == nullptr) return;
  if (const auto event = outliers->failed(endpoint, failure, runtime_.now())) {
    note_ejection(*cluster_, endpoint, *event);
  }
}

void WorkerCluster::retire() noexcept { pool_->retire(); }

WorkerCluster::Counts WorkerCluster::counts() const noexcept { return pool_->counts(); }

}  // namespace sinew::proxy
