#include "sinew/proxy/cluster/pool_policy.hpp"

#include <algorithm>
#include <utility>

#include "sinew/base/config.hpp"
#include "sinew/proxy/cluster/mix.hpp"

namespace sinew::proxy {

using namespace std::chrono_literals;

void PoolSettings::describe(config::Section<PoolSettings>& section) {
  using S = PoolSettings;
  section.option("max_idle", &S::max_idle, "idle connections a worker; 0: keep none")
      .range(0, 100'000);
  section.option("idle_timeout", &S::idle_timeout, "how long one stays idle").range(1ms, 24h);
  section.option("max_age", &S::max_age, "how long one is used").range(1s, 30 * 24h);
  section.option("age_jitter_percent", &S::age_jitter_percent, "of max_age, at random less")
      .range(0, 100);
  section.option("max_requests", &S::max_requests, "on one connection").range(1, 1'000'000'000);
}

PoolPolicy::PoolPolicy(const PoolSettings& settings) : settings_(settings) {
  config::require_valid(settings, "the connection pool");
}

PoolPolicy::Lane PoolPolicy::add_lane() {
  const auto unused = std::ranges::find_if(
      lanes_, [](const LaneState& lane) { return lane.removed && lane.connections == 0; });
  const auto index = static_cast<std::uint32_t>(unused - lanes_.begin());
  if (unused == lanes_.end()) {
    lanes_.emplace_back();
  } else {
    *unused = {};
  }
  return Lane{index};
}

void PoolPolicy::remove_lane(Lane lane) noexcept {
  auto& state = lanes_[std::to_underlying(lane)];
  state.removed = true;
  while (state.newest != kNone)
    doom(state.newest);
}

// A number is the slot's, and how often that was given away before.
PoolPolicy::Connection PoolPolicy::number_of(Index index) const noexcept {
  return Connection{std::uint64_t{slots_[index].generation} << 32U | index};
}

PoolPolicy::Index PoolPolicy::find(Connection connection) const noexcept {
  const auto index = static_cast<Index>(std::to_underlying(connection));
  const auto generation = static_cast<std::uint32_t>(std::to_underlying(connection) >> 32U);
  if (index >= slots_.size()) return kNone;
  const auto& slot = slots_[index];
  return slot.state != State::free && slot.generation == generation ? index : kNone;
}

PoolPolicy::Connection PoolPolicy::opened(Lane lane, Instant now, std::uint64_t random) {
  auto index = free_slot_;
  if (index == kNone) {
    index = static_cast<Index>(slots_.size());
    slots_.emplace_back();
  } else {
    free_slot_ = slots_[index].newer;
  }
  const auto jitter =
      static_cast<std::uint64_t>(settings_.max_age.count() / 100 * settings_.age_jitter_percent);
  slots_[index] = {.state = State::in_use,
                   .generation = slots_[index].generation,
                   .lane = std::to_underlying(lane),
                   .requests = 1,
                   .requests_left = settings_.max_requests - 1,
                   .old_at = now + settings_.max_age - Duration(below(jitter + 1, random))};
  ++lanes_[std::to_underlying(lane)].connections;
  ++counts_.in_use;
  ++counts_.opened;
  return number_of(index);
}

std::optional<PoolPolicy::Connection> PoolPolicy::take(Lane lane, Instant now) noexcept {
  auto& state = lanes_[std::to_underlying(lane)];
  while (state.newest != kNone) {
    const auto index = state.newest;
    auto& slot = slots_[index];
    if (now >= expires_at(state, slot)) {
      doom(index);
      continue;
    }
    unlink_idle(index);
    slot.state = State::in_use;
    ++slot.requests;
    --slot.requests_left;
    ++counts_.in_use;
    ++counts_.reused;
    return number_of(index);
  }
  return std::nullopt;
}

void PoolPolicy::release(Connection connection, Instant now, const KeepAlive& offer) noexcept {
  const auto index = find(connection);
  if (index == kNone || slots_[index].state != State::in_use) return;
  auto& slot = slots_[index];
  auto& lane = lane_of(slot);
  if (offer.timeout) lane.idle_time.offered(*offer.timeout);
  if (offer.max) slot.requests_left = std::min(slot.requests_left, *offer.max);
  const bool kept = !lane.removed && slot.requests_left > 0 && now < slot.old_at &&
                    settings_.max_idle > 0 && offer.timeout != Duration::zero();
  if (!kept) return doom(index);
  --counts_.in_use;
  push_idle(index, now);
  if (counts_.idle > static_cast<std::size_t>(settings_.max_idle)) doom(oldest_of_all_);
}

void PoolPolicy::discard(Connection connection) noexcept {
  const auto index = find(connection);
  if (index != kNone && slots_[index].state == State::in_use) doom(index);
}

bool PoolPolicy::ended(Connection connection, Instant now, EndedBy by) noexcept {
  const auto index = find(connection);
  if (index == kNone) return false;
  auto& slot = slots_[index];
  if (slot.state == State::idle && by == EndedBy::peer) {
    lane_of(slot).idle_time.closed_after(now - slot.idle_since, now);
  }
  leave_state(index);
  forget(index);
  return true;
}

void PoolPolicy::expire(Instant now) noexcept {
  for (auto& lane : lanes_) {
    while (lane.oldest != kNone && now >= expires_at(lane, slots_[lane.oldest]))
      doom(lane.oldest);
  }
}

Instant PoolPolicy::expires_at() const noexcept {
  auto earliest = Instant::max();
  for (const auto& lane : lanes_) {
    if (lane.oldest != kNone) earliest = std::min(earliest, expires_at(lane, slots_[lane.oldest]));
  }
  return earliest;
}

// What the lane has learned by the time a connection became idle holds for it.
Instant PoolPolicy::expires_at(const LaneState& lane, const Slot& slot) const noexcept {
  const auto limit = lane.idle_time.limit(settings_.idle_timeout, slot.idle_since);
  return std::min(slot.idle_since + limit, slot.old_at);
}

bool PoolPolicy::close_oldest_idle() noexcept {
  if (oldest_of_all_ == kNone) return false;
  doom(oldest_of_all_);
  return true;
}

std::optional<PoolPolicy::Connection> PoolPolicy::next_to_close() noexcept {
  const auto index = doomed_first_;
  if (index == kNone) return std::nullopt;
  const auto number = number_of(index);
  leave_state(index);
  forget(index);
  return number;
}

Duration PoolPolicy::idle_timeout(Lane lane, Instant now) const noexcept {
  return lanes_[std::to_underlying(lane)].idle_time.limit(settings_.idle_timeout, now);
}

int PoolPolicy::requests(Connection connection) const noexcept {
  const auto index = find(connection);
  return index == kNone ? 0 : slots_[index].requests;
}

void PoolPolicy::push_idle(Index index, Instant now) noexcept {
  auto& slot = slots_[index];
  auto& lane = lane_of(slot);
  slot.state = State::idle;
  slot.idle_since = now;
  slot.newer = slot.newer_of_all = kNone;
  slot.older = std::exchange(lane.newest, index);
  (slot.older == kNone ? lane.oldest : slots_[slot.older].newer) = index;
  slot.older_of_all = std::exchange(newest_of_all_, index);
  (slot.older_of_all == kNone ? oldest_of_all_ : slots_[slot.older_of_all].newer_of_all) = index;
  ++counts_.idle;
}

void PoolPolicy::unlink_idle(Index index) noexcept {
  auto& slot = slots_[index];
  auto& lane = lane_of(slot);
  (slot.newer == kNone ? lane.newest : slots_[slot.newer].older) = slot.older;
  (slot.older == kNone ? lane.oldest : slots_[slot.older].newer) = slot.newer;
  (slot.newer_of_all == kNone ? newest_of_all_ : slots_[slot.newer_of_all].older_of_all) =
      slot.older_of_all;
  (slot.older_of_all == kNone ? oldest_of_all_ : slots_[slot.older_of_all].newer_of_all) =
      slot.newer_of_all;
  --counts_.idle;
}

void PoolPolicy::doom(Index index) noexcept {
  leave_state(index);
  auto& slot = slots_[index];
  slot.state = State::to_close;
  slot.older = kNone;
  slot.newer = doomed_first_;
  if (doomed_first_ != kNone) slots_[doomed_first_].older = index;
  doomed_first_ = index;
  ++counts_.to_close;
}

void PoolPolicy::unlink_doomed(Index index) noexcept {
  const auto& slot = slots_[index];
  (slot.older == kNone ? doomed_first_ : slots_[slot.older].newer) = slot.newer;
  if (slot.newer != kNone) slots_[slot.newer].older = slot.older;
  --counts_.to_close;
}

void PoolPolicy::leave_state(Index index) noexcept {
  switch (slots_[index].state) {
    case State::in_use: --counts_.in_use; break;
    case State::idle: unlink_idle(index); break;
    case State::to_close: unlink_doomed(index); break;
    case State::free: break;
  }
}

void PoolPolicy::forget(Index index) noexcept {
  auto& slot = slots_[index];
  --lane_of(slot).connections;
  slot.state = State::free;
  ++slot.generation;
  slot.newer = std::exchange(free_slot_, index);
}

}  // namespace sinew::proxy
