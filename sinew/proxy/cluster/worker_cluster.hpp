#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "sinew/async/runtime.hpp"
#include "sinew/async/stream.hpp"
#include "sinew/proxy/cluster/cluster.hpp"
#include "sinew/proxy/cluster/idle_time.hpp"

namespace sinew::proxy {

class PooledConnection;
class UpstreamPool;

// A connection to an endpoint, for one request at a time. Given back for others to use, or closed
// when it goes out of scope, whatever ends it.
class UpstreamLease {
 public:
  UpstreamLease(UpstreamLease&&) noexcept;
  UpstreamLease& operator=(UpstreamLease&&) noexcept;
  ~UpstreamLease();

  async::Stream& stream() const noexcept;
  const EndpointPtr& endpoint() const noexcept;
  bool reused() const noexcept;  // it has served a request before

  // The answer was read to its end and both sides keep the connection: others may use it.
  void give_back(const KeepAlive& offer = {}) noexcept;
  // It is closed now; also what the destructor does.
  void discard() noexcept;

 private:
  friend UpstreamPool;
  explicit UpstreamLease(PooledConnection& connection) noexcept : connection_(&connection) {}
  PooledConnection* connection_;  // of the worker's pool; null once given back
};

// Why there is no connection.
struct ConnectFailure {
  enum class Kind : std::uint8_t {
    limit,      // ClusterLimit::connections or pending, or descriptors: 503; not the endpoint's
    refused,    // refused, unreachable, reset
    tls,        // no handshake
    timeout,    // of UpstreamTransport::connect_timeout, or the deadline
    cancelled,  // the task was; says nothing of the endpoint
  };
  Kind kind = Kind::refused;
  std::string reason = {};  // a sentence for the log
};

// One worker's view of a cluster: its balancer and its pool of connections.
class WorkerCluster {
 public:
  // `seed`: another one for each worker.
  WorkerCluster(async::Runtime& runtime, ClusterPtr cluster, std::uint64_t seed);
  WorkerCluster(const WorkerCluster&) = delete;
  WorkerCluster& operator=(const WorkerCluster&) = delete;
  // Leases are gone by then. Closes what is idle.
  ~WorkerCluster();

  Cluster& cluster() const noexcept { return *cluster_; }

  // Whom a request goes to. Follows the endpoints' changes by itself.
  std::expected<EndpointPtr, NoEndpoint> choose(Balancer::Query query) noexcept;

  // An idle connection whose peer has not ended it as far as is known; nothing: connect(). Costs no
  // system call.
  std::optional<UpstreamLease> take_idle(const EndpointPtr& endpoint,
                                         const UpstreamTransport& transport) noexcept;
  // A new connection, when the cluster's limits have a place; waits for one within its bound of
  // pending requests until `deadline`. A connection that becomes idle meanwhile is taken instead.
  Task<std::expected<UpstreamLease, ConnectFailure>> connect(EndpointPtr endpoint,
                                                             const UpstreamTransport& transport,
                                                             Instant deadline);

  // What an attempt says of its endpoint, for passive health and ejection; transitions are logged.
  // The caller says it of every attempt that was answered or failed at the endpoint, a connect()
  // included (refused, tls: LocalFailure::connect).
  void answered(Endpoint& endpoint, int status) noexcept;
  void failed(Endpoint& endpoint, LocalFailure failure) noexcept;

  // No connection is kept any more: what is idle is closed now, what is in use when it is given
  // back.
  void retire() noexcept;

  struct Counts {
    PoolPolicy::Counts pool;
    std::size_t connecting = 0;
    std::size_t pending = 0;
  };
  Counts counts() const noexcept;

 private:
  void follow_endpoints() noexcept;

  async::Runtime& runtime_;
  ClusterPtr cluster_;
  std::uint64_t version_;  // of the endpoints that balancer_ chooses from
  Balancer balancer_;
  std::unique_ptr<UpstreamPool> pool_;
};

}  // namespace sinew::proxy
