#include <algorithm>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/proxy/cluster/upstream_pool.hpp"
#include "sinew/tls/tls_stream.hpp"

namespace sinew::proxy {

// What a connection holds while it is being made; when that fails, it makes room for the next.
class UpstreamPool::Opening {
 public:
  Opening(UpstreamPool& pool, UpstreamLanePtr lane, Place place)
      : pool_(&pool), lane_(std::move(lane)), open_(lane_->endpoint), place_(std::move(place)) {
    ++pool_->connecting_;
  }
  Opening(Opening&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)),
        lane_(std::move(other.lane_)),
        open_(std::move(other.open_)),
        place_(std::move(other.place_)) {}
  Opening& operator=(Opening&&) = delete;
  ~Opening() {
    if (pool_ == nullptr) return;
    --pool_->connecting_;
    place_.release();
    pool_->serve_pending();
  }

  // The connection is there.
  std::unique_ptr<PooledConnection> end(std::unique_ptr<async::Stream> stream) {
    auto connection = std::make_unique<PooledConnection>(*pool_, std::move(lane_), std::move(open_),
                                                         std::move(place_), std::move(stream));
    --std::exchange(pool_, nullptr)->connecting_;
    return connection;
  }

 private:
  UpstreamPool* pool_;
  UpstreamLanePtr lane_;
  OpenConnection open_;
  Place place_;
};

namespace {

using Kind = ConnectFailure::Kind;

Kind kind_of(const Error& error) noexcept {
  switch (error.condition()) {
    case Condition::timeout: return Kind::timeout;
    case Condition::cancelled: return Kind::cancelled;
    case Condition::exhausted: return Kind::limit;  // descriptors, memory
    default: return Kind::refused;
  }
}

ConnectFailure failure_of(std::error_code error, const tls::TlsStream& stream) {
  if (error == std::errc::timed_out) {
    return {Kind::timeout, "the deadline passed during the TLS handshake"};
  }
  if (error == std::errc::operation_canceled) return {Kind::cancelled, "cancelled"};
  auto reason = stream.failure();
  return {Kind::tls, reason.empty() ? "no TLS handshake: " + error.message() : std::move(reason)};
}

Task<async::WaitOutcome> outcome_of(PendingConnect& pending) { co_return co_await pending; }

}  // namespace

Task<UpstreamPool::Connected> UpstreamPool::connect(EndpointPtr endpoint,
                                                    const UpstreamTransport& transport,
                                                    Instant deadline) {
  auto failure = ConnectFailure{Kind::limit, {}};
  try {
    auto lane = lane_for(endpoint, transport);
    lane->last_used = runtime_.now();
    auto connected = co_await connect_in(std::move(lane), transport.connect_timeout, deadline);
    if (connected) co_return connected;
    failure = std::move(connected.error());
  } catch (const std::exception& error) {  // memory
    failure.reason = error.what();
  }
  count_failure(failure.kind);
  co_return std::unexpected(std::move(failure));
}

Task<UpstreamPool::Connected> UpstreamPool::connect_in(UpstreamLanePtr lane,
                                                       Duration connect_timeout, Instant deadline) {
  auto turn = co_await this->turn(*lane, deadline);
  if (!turn) co_return std::unexpected(std::move(turn.error()));
  if (auto* idle = std::get_if<UpstreamLease>(&*turn)) co_return std::move(*idle);
  const auto now = runtime_.now();
  const auto until = now + std::min(connect_timeout, Instant::max() - now);
  co_return co_await open(std::move(lane), std::get<Place>(std::move(*turn)),
                          std::min(until, deadline));
}

Task<std::expected<ConnectTurn, ConnectFailure>> UpstreamPool::turn(UpstreamLane& lane,
                                                                    Instant deadline) {
  if (pending_.empty()) {
    auto place = cluster_.limits().try_take(ClusterLimit::connections);
    if (!place && policy_.close_oldest_idle()) {
      close_doomed();
      place = free_place();
    }
    if (place) co_return std::move(*place);
  }
  auto waits = cluster_.limits().try_take(ClusterLimit::pending);
  if (!waits) {
    co_return std::unexpected(ConnectFailure{
        Kind::limit, "the cluster has as many connections and waiting requests as it may"});
  }
  PendingConnect pending(*this, lane, std::move(*waits));
  look_again_in(kPendingLook);
  switch (co_await async::with_deadline(deadline, outcome_of(pending))) {
    case async::WaitOutcome::done: co_return pending.take();
    case async::WaitOutcome::cancelled:
      co_return std::unexpected(ConnectFailure{Kind::cancelled, "cancelled"});
    default: break;
  }
  co_return std::unexpected(ConnectFailure{
      Kind::limit, "the cluster has as many connections as it may, and none became free in time"});
}

Task<UpstreamPool::Connected> UpstreamPool::open(UpstreamLanePtr lane, Place place, Instant until) {
  Opening opening(*this, lane, std::move(place));
  auto opened = co_await async::with_deadline(until, open_stream(*lane));
  if (!opened.stream) co_return std::unexpected(std::move(opened.failure));
  co_return UpstreamLease(adopt(std::move(opening), std::move(opened.stream)));
}

Task<UpstreamPool::Opened> UpstreamPool::open_stream(const UpstreamLane& lane) {
  const auto& address = lane.endpoint->address();
  std::unique_ptr<async::Stream> stream;
  try {
    stream = co_await runtime_.connect({address.address, address.port});
  } catch (const Error& error) {
    co_return Opened{nullptr, {kind_of(error), error.detail()}};
  }
  if (!lane.tls) co_return Opened{std::move(stream)};
  auto secured =
      tls::TlsStream::client(std::move(stream), lane.tls, {.name = lane.server_name}, &sessions_);
  if (const auto error = co_await secured->handshake()) {
    co_return Opened{nullptr, failure_of(error, *secured)};
  }
  co_return Opened{std::move(secured)};
}

PooledConnection& UpstreamPool::adopt(Opening opening, std::unique_ptr<async::Stream> stream) {
  auto connection = opening.end(std::move(stream));
  auto& lane = connection->lane();
  // Its endpoint may have left while it was being made: then it is in a lane of its own, that is
  // removed at once, and closed after its request.
  const auto number = lane.gone ? policy_.add_lane() : lane.number;
  connection->set_number(policy_.opened(number, runtime_.now(), runtime_.random()));
  if (lane.gone) policy_.remove_lane(number);
  const auto index = PoolPolicy::index_of(connection->number());
  if (index >= connections_.size()) connections_.resize(index + 1);
  connections_[index] = std::move(connection);
  count(cluster_.counters().connections_opened);
  if (const auto* outliers = cluster_.outliers()) outliers->connected(*lane.endpoint);
  return *connections_[index];
}

void UpstreamPool::count_failure(Kind kind) noexcept {
  auto& counters = cluster_.counters();
  switch (kind) {
    case Kind::limit: return count(counters.connect_over_limit);
    case Kind::refused: return count(counters.connect_refused);
    case Kind::tls: return count(counters.connect_tls_failures);
    case Kind::timeout: return count(counters.connect_timeouts);
    case Kind::cancelled: return;
  }
}

PendingConnect::PendingConnect(UpstreamPool& pool, UpstreamLane& lane,
                               ClusterLimits::Permit waits) noexcept
    : pool_(pool), lane_(lane), waits_(std::move(waits)) {
  ++pool_.pending_count_;
}

PendingConnect::~PendingConnect() {
  --pool_.pending_count_;
  if (!turn_) return;
  if (auto* idle = std::get_if<UpstreamLease>(&*turn_)) {
    idle->give_back();
  } else {
    turn_.reset();
    pool_.serve_pending();
  }
}

void PendingConnect::line_up() noexcept {
  pool_.pending_.push_back(*this);
  lane_.pending.push_back(*this);
}

std::optional<UpstreamPool::Place> UpstreamPool::free_place() noexcept {
  auto& limits = cluster_.limits();
  const auto use = limits.use(ClusterLimit::connections);
  if (use.in_use >= use.maximum) return std::nullopt;  // not counted as refused again
  return limits.try_take(ClusterLimit::connections);
}

void UpstreamPool::serve_pending() noexcept {
  while (!pending_.empty()) {
    auto place = free_place();
    if (!place) return;
    static_cast<PendingConnect&>(pending_.front()).grant(std::move(*place));
  }
}

PendingConnect* UpstreamPool::first_of(UpstreamLane& lane) noexcept {
  while (!lane.pending.empty()) {
    auto& first = lane.pending.front();
    if (first.waiting()) return &first;
    lane.pending.pop_front();
  }
  return nullptr;
}

void UpstreamPool::hand_on(PooledConnection& idle) noexcept {
  auto& first = static_cast<PendingConnect&>(pending_.front());
  auto* suited = first_of(idle.lane());
  const bool passes = suited != nullptr && suited != &first;
  if (suited == nullptr || (passes && first.pass_over() > kPassedOver)) {
    return close(idle, PoolPolicy::EndedBy::us);
  }
  const auto taken = policy_.take(idle.lane().number, runtime_.now());
  if (taken != idle.number()) return close_doomed();
  idle.unwatch();
  suited->grant(UpstreamLease(idle));
}

// Of other workers, which wait for what this one has.
bool UpstreamPool::others_wait() noexcept {
  const auto waiting = cluster_.limits().use(ClusterLimit::pending).in_use;
  return waiting > static_cast<std::int64_t>(pending_count_);
}

}  // namespace sinew::proxy
