#include "sinew/proxy/cluster/upstream_pool.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sinew::proxy {

UpstreamLane::UpstreamLane(EndpointPtr endpoint_, const UpstreamTransport& transport)
    : endpoint(std::move(endpoint_)), tls(transport.tls) {
  if (!tls) return;
  server_name = transport.server_name.empty() ? endpoint->address().host : transport.server_name;
}

bool UpstreamLane::is(const UpstreamTransport& transport) const noexcept {
  if (tls != transport.tls) return false;
  if (!tls) return true;
  return server_name ==
         (transport.server_name.empty() ? endpoint->address().host : transport.server_name);
}

PooledConnection::PooledConnection(UpstreamPool& pool, UpstreamLanePtr lane, OpenConnection open,
                                   ClusterLimits::Permit place,
                                   std::unique_ptr<async::Stream> stream)
    : pool_(pool),
      lane_(std::move(lane)),
      open_(std::move(open)),
      place_(std::move(place)),
      stream_(std::move(stream)) {}

void PooledConnection::unwatch() noexcept {
  stream_->observe(nullptr);
  unlink();
}

void PooledConnection::on_readable() noexcept { pool_.disturbed(*this); }

UpstreamPool::UpstreamPool(async::Runtime& runtime, Cluster& cluster)
    : runtime_(runtime),
      cluster_(cluster),
      version_(cluster.version()),
      set_(cluster.endpoints()),
      policy_(cluster.settings().pool) {}

UpstreamPool::~UpstreamPool() = default;

UpstreamLane* UpstreamPool::find_lane(const Endpoint& endpoint,
                                      const UpstreamTransport& transport) noexcept {
  const auto found = lanes_.find(endpoint.id());
  if (found == lanes_.end()) return nullptr;
  for (const auto& lane : found->second) {
    if (lane->is(transport)) return lane.get();
  }
  return nullptr;
}

UpstreamLanePtr UpstreamPool::lane_for(const EndpointPtr& endpoint,
                                       const UpstreamTransport& transport) {
  follow_endpoints();
  auto& lanes = lanes_[endpoint->id()];
  const auto found =
      std::ranges::find_if(lanes, [&](const auto& lane) { return lane->is(transport); });
  if (found != lanes.end()) return *found;
  auto lane = std::make_shared<UpstreamLane>(endpoint, transport);
  lane->gone = !is_member(endpoint);
  // A request that chose the endpoint a moment before it left; nothing of it is kept.
  if (lane->gone) {
    lanes_.erase(endpoint->id());
    return lane;
  }
  lanes.push_back(lane);
  lane->number = policy_.add_lane();
  return lane;
}

bool UpstreamPool::is_member(const EndpointPtr& endpoint) const noexcept {
  const auto members = set_->members();
  const auto found = std::ranges::lower_bound(
      members, endpoint->address(), {},
      [](const auto& member) -> const EndpointAddress& { return member.endpoint->address(); });
  return found != members.end() && found->endpoint == endpoint;
}

void UpstreamPool::follow_endpoints() noexcept {
  if (cluster_.version() == version_) return;
  set_ = cluster_.endpoints();
  version_ = set_->version();
  std::erase_if(lanes_, [this](const auto& entry) {
    const auto& lanes = entry.second;
    if (!lanes.empty() && is_member(lanes.front()->endpoint)) return false;
    for (const auto& lane : lanes) {
      lane->gone = true;
      policy_.remove_lane(lane->number);
    }
    return true;
  });
  close_doomed();
}

// Lanes of contexts that no configuration has any more.
void UpstreamPool::forget_lanes() {
  const auto unused = [this](const UpstreamLanePtr& lane) {
    if (lane.use_count() > 1 || runtime_.now() - lane->last_used < kLaneKept) return false;
    policy_.remove_lane(lane->number);
    return true;
  };
  for (auto entry = lanes_.begin(); entry != lanes_.end();) {
    std::erase_if(entry->second, unused);
    entry = entry->second.empty() ? lanes_.erase(entry) : std::next(entry);
  }
}

std::optional<UpstreamLease> UpstreamPool::take_idle(const EndpointPtr& endpoint,
                                                     const UpstreamTransport& transport) noexcept {
  auto* lane = find_lane(*endpoint, transport);
  if (lane == nullptr) return std::nullopt;
  const auto now = runtime_.now();
  lane->last_used = now;
  while (const auto number = policy_.take(lane->number, now)) {
    auto& connection = *connections_[PoolPolicy::index_of(*number)];
    const bool told = connection.linked();
    connection.unwatch();
    if (!told || connection.stream().undisturbed()) {
      if (policy_.counts().to_close > 0) close_doomed();
      return UpstreamLease(connection);
    }
    count(cluster_.counters().connections_ended_idle);
    close(connection, PoolPolicy::EndedBy::peer);
  }
  close_doomed();
  return std::nullopt;
}

void UpstreamPool::give_back(PooledConnection& connection, const KeepAlive& offer) noexcept {
  follow_endpoints();
  if (retired_ || !connection.stream().undisturbed()) return discard(connection);
  const auto index = PoolPolicy::index_of(connection.number());
  connection.watch();
  policy_.release(connection.number(), runtime_.now(), offer);
  close_doomed();
  if (connections_[index].get() != &connection) return;
  if (!pending_.empty()) return hand_on(connection);
  if (others_wait()) return close(connection, PoolPolicy::EndedBy::us);
  look_again_in(kIdleLook);
}

void UpstreamPool::discard(PooledConnection& connection) noexcept {
  policy_.discard(connection.number());
  close_doomed();
}

void UpstreamPool::retire() noexcept {
  retired_ = true;
  while (policy_.close_oldest_idle())
    close_doomed();
}

void UpstreamPool::close(PooledConnection& connection, PoolPolicy::EndedBy by) noexcept {
  policy_.ended(connection.number(), runtime_.now(), by);
  connections_[PoolPolicy::index_of(connection.number())].reset();
  serve_pending();
}

void UpstreamPool::close_doomed() noexcept {
  bool closed = false;
  while (const auto number = policy_.next_to_close()) {
    connections_[PoolPolicy::index_of(*number)].reset();
    closed = true;
  }
  if (closed) serve_pending();
}

// Within an event of the stream: it is ended when the turn is over, and taken by nobody until then.
void UpstreamPool::disturbed(PooledConnection& connection) noexcept {
  disturbed_.push_back(connection);
  runtime_.at_turn_end(*this);
}

void UpstreamPool::turn_ended() noexcept {
  while (!disturbed_.empty()) {
    auto& connection = disturbed_.pop_front();
    if (connection.stream().undisturbed()) continue;  // a session ticket of TLS, or nothing
    count(cluster_.counters().connections_ended_idle);
    close(connection, PoolPolicy::EndedBy::peer);
  }
}

void UpstreamPool::look_again_in(Duration pause) noexcept {
  const auto when = runtime_.now() + pause;
  if (!Timer::linked() || when < Timer::when()) runtime_.arm(*this, when);
}

void UpstreamPool::fire() noexcept {
  follow_endpoints();
  policy_.expire(runtime_.now());
  if (others_wait()) policy_.close_oldest_idle();
  close_doomed();
  forget_lanes();
  serve_pending();
  const auto& counts = policy_.counts();
  count(cluster_.counters().connections_reused,
        counts.reused - std::exchange(told_reused_, counts.reused));
  if (!pending_.empty()) {
    look_again_in(kPendingLook);
  } else if (counts.idle > 0) {
    look_again_in(kIdleLook);
  }
}

}  // namespace sinew::proxy
