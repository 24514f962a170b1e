#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "sinew/async/intrusive_list.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/async/stream.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/proxy/cluster/worker_cluster.hpp"
#include "sinew/tls/client_sessions.hpp"

// The sockets behind a WorkerCluster; PoolPolicy decides, this does.
namespace sinew::proxy {

struct UpstreamLane;
struct PendingInLaneTag;
struct DisturbedTag;

// What a request that waited was given: the place of a new connection, or one that became idle.
using ConnectTurn = std::variant<ClusterLimits::Permit, UpstreamLease>;

// A request that waits for its turn. What it was given and did not take goes back when it ends,
// whatever ends it.
class PendingConnect final : public async::Wait, public async::ListHook<PendingInLaneTag> {
 public:
  PendingConnect(UpstreamPool& pool, UpstreamLane& lane, ClusterLimits::Permit waits) noexcept;
  PendingConnect(const PendingConnect&) = delete;
  PendingConnect& operator=(const PendingConnect&) = delete;
  ~PendingConnect();

  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) noexcept {
    suspend(handle);
    if (waiting()) line_up();
  }
  // done: take() what it was given.
  async::WaitOutcome await_resume() const noexcept { return outcome(); }

  void grant(ConnectTurn turn) noexcept {
    turn_.emplace(std::move(turn));
    complete();
  }
  ConnectTurn take() noexcept { return *std::exchange(turn_, std::nullopt); }
  // How often another one was served first.
  int pass_over() noexcept { return ++passed_over_; }

 private:
  void line_up() noexcept;

  UpstreamPool& pool_;
  UpstreamLane& lane_;
  ClusterLimits::Permit waits_;
  std::optional<ConnectTurn> turn_;
  int passed_over_ = 0;
};

// The connections that are alike: to one endpoint, made in one way.
struct UpstreamLane {
  UpstreamLane(EndpointPtr endpoint_, const UpstreamTransport& transport);

  bool is(const UpstreamTransport& transport) const noexcept;

  EndpointPtr endpoint;
  std::shared_ptr<const tls::ClientContext> tls;
  std::string server_name;       // of TLS
  PoolPolicy::Lane number = {};  // while its endpoint is in the set
  bool gone = false;             // it is not any more
  Instant last_used;
  async::IntrusiveList<PendingConnect, PendingInLaneTag> pending;
};
using UpstreamLanePtr = std::shared_ptr<UpstreamLane>;

// A connection of the pool: in use by one lease, or idle.
class PooledConnection final : public async::ListHook<DisturbedTag>, private async::StreamObserver {
 public:
  PooledConnection(UpstreamPool& pool, UpstreamLanePtr lane, OpenConnection open,
                   ClusterLimits::Permit place, std::unique_ptr<async::Stream> stream);
  PooledConnection(const PooledConnection&) = delete;
  PooledConnection& operator=(const PooledConnection&) = delete;
  ~PooledConnection() { stream_->observe(nullptr); }

  UpstreamPool& pool() const noexcept { return pool_; }
  UpstreamLane& lane() const noexcept { return *lane_; }
  async::Stream& stream() const noexcept { return *stream_; }
  PoolPolicy::Connection number() const noexcept { return number_; }
  void set_number(PoolPolicy::Connection number) noexcept { number_ = number; }

  // Watched while it is idle: what comes then is nothing that anybody asked for.
  void watch() noexcept { stream_->observe(this); }
  void unwatch() noexcept;

 private:
  void on_readable() noexcept override;
  void on_writable() noexcept override {}

  UpstreamPool& pool_;
  UpstreamLanePtr lane_;
  PoolPolicy::Connection number_ = {};
  OpenConnection open_;
  ClusterLimits::Permit place_;
  std::unique_ptr<async::Stream> stream_;
};

// One worker's connections to one cluster.
class UpstreamPool final : private async::TurnEnd, private async::Timer {
 public:
  // How long those who wait for a connection do not see one that another worker has closed.
  static constexpr Duration kPendingLook = std::chrono::milliseconds(10);
  // Between two looks at idle connections: how late one ends that has been idle for too long.
  static constexpr Duration kIdleLook = std::chrono::seconds(1);
  // A lane without connections and requests for so long is forgotten, with what it has learned.
  static constexpr Duration kLaneKept = IdleTime::kForgetAfter;
  // Of those who wait the first may be passed over so often by one whom the connection that became
  // idle suits; then it is closed to make room for the first.
  static constexpr int kPassedOver = 8;

  using Connected = std::expected<UpstreamLease, ConnectFailure>;

  UpstreamPool(async::Runtime& runtime, Cluster& cluster);
  UpstreamPool(const UpstreamPool&) = delete;
  UpstreamPool& operator=(const UpstreamPool&) = delete;
  ~UpstreamPool();

  std::optional<UpstreamLease> take_idle(const EndpointPtr& endpoint,
                                         const UpstreamTransport& transport) noexcept;
  Task<Connected> connect(EndpointPtr endpoint, const UpstreamTransport& transport,
                          Instant deadline);
  void give_back(PooledConnection& connection, const KeepAlive& offer) noexcept;
  void discard(PooledConnection& connection) noexcept;
  void retire() noexcept;

  WorkerCluster::Counts counts() const noexcept {
    return {policy_.counts(), connecting_, pending_count_};
  }
  int requests(const PooledConnection& connection) const noexcept {
    return policy_.requests(connection.number());
  }
  void disturbed(PooledConnection& connection) noexcept;

 private:
  friend PendingConnect;
  class Opening;
  using Place = ClusterLimits::Permit;
  struct Opened {
    std::unique_ptr<async::Stream> stream;  // null: `failure` says why
    ConnectFailure failure = {};
  };

  UpstreamLane* find_lane(const Endpoint& endpoint, const UpstreamTransport& transport) noexcept;
  UpstreamLanePtr lane_for(const EndpointPtr& endpoint, const UpstreamTransport& transport);
  bool is_member(const EndpointPtr& endpoint) const noexcept;
  void follow_endpoints() noexcept;
  void forget_lanes();

  Task<Connected> connect_in(UpstreamLanePtr lane, Duration connect_timeout, Instant deadline);
  Task<std::expected<ConnectTurn, ConnectFailure>> turn(UpstreamLane& lane, Instant deadline);
  Task<Connected> open(UpstreamLanePtr lane, Place place, Instant until);
  Task<Opened> open_stream(const UpstreamLane& lane);
  PooledConnection& adopt(Opening opening, std::unique_ptr<async::Stream> stream);
  void count_failure(ConnectFailure::Kind kind) noexcept;

  std::optional<Place> free_place() noexcept;
  void serve_pending() noexcept;
  void hand_on(PooledConnection& idle) noexcept;
  bool others_wait() noexcept;
  PendingConnect* first_of(UpstreamLane& lane) noexcept;

  void close(PooledConnection& connection, PoolPolicy::EndedBy by) noexcept;
  void close_doomed() noexcept;
  void look_again_in(Duration pause) noexcept;
  void turn_ended() noexcept override;
  void fire() noexcept override;

  async::Runtime& runtime_;
  Cluster& cluster_;
  std::uint64_t version_;
  EndpointSetPtr set_;
  tls::ClientSessions sessions_;
  PoolPolicy policy_;
  bool retired_ = false;
  std::size_t connecting_ = 0;
  std::size_t pending_count_ = 0;
  std::uint64_t told_reused_ = 0;  // of policy_'s count, to the cluster's counters
  async::IntrusiveList<async::Wait, async::WaitQueueTag> pending_;         // PendingConnects
  std::unordered_map<std::uint64_t, std::vector<UpstreamLanePtr>> lanes_;  // by Endpoint::id()
  async::IntrusiveList<PooledConnection, DisturbedTag> disturbed_;
  std::vector<std::unique_ptr<PooledConnection>> connections_;  // by PoolPolicy::index_of()
};

}  // namespace sinew::proxy
