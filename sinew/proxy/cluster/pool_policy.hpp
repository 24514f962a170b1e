#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/config_fwd.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/proxy/cluster/idle_time.hpp"

namespace sinew::proxy {

// How long connections to endpoints are kept. nginx's and Kong's names and defaults where they have
// them.
struct PoolSettings {
  int max_idle = 512;                                // a worker, of all endpoints; 0: keep none
  Duration idle_timeout = std::chrono::seconds(60);  // less where an endpoint closes sooner
  Duration max_age = std::chrono::hours(1);          // since it was opened
  int age_jitter_percent = 10;  // of max_age, at random less, so that they do not end together
  int max_requests = 10'000;    // on one connection; 1: none is used again

  bool operator==(const PoolSettings&) const = default;
  static void describe(config::Section<PoolSettings>& section);
};

// Decides which connection a request takes and which ones are closed; it has no sockets. Of idle
// connections the one that was used last is taken first, so what is too much becomes old and goes.
//
// A connection is in use, idle or to be closed, from opened() until its end is told by ended() or
// handed out by next_to_close(): then the pool knows nothing of it any more, and its number never
// means another one. So whatever cuts a connection off, at any moment, its owner says ended() and
// the counts are right.
//
// One worker, one cluster. Only opened() and add_lane() may allocate.
class PoolPolicy {
 public:
  // The connections that are alike: to one endpoint, with one set of TLS settings.
  enum class Lane : std::uint32_t {};
  enum class Connection : std::uint64_t {};

  // Throws Error invalid_input listing every violation.
  explicit PoolPolicy(const PoolSettings& settings);

  Lane add_lane();
  // Its endpoint is gone: what is idle is to be closed, what is in use once it is released. The
  // number is given to another lane after its last connection ended.
  void remove_lane(Lane lane) noexcept;

  // A connection was made, for a request that uses it from now on. `random` is 64 uniform bits.
  Connection opened(Lane lane, Instant now, std::uint64_t random);

  // The idle connection that a request uses from now on; nothing: make one. The caller looks
  // whether the system has reported its end meanwhile, says ended() then, and asks again.
  std::optional<Connection> take(Lane lane, Instant now) noexcept;

  // A request ended and its connection can serve another: its answer was read to the end, and
  // neither side said close. Idle from now on, or to be closed. `offer` is what the answer's
  // Keep-Alive field said, if there was one.
  void release(Connection connection, Instant now, const KeepAlive& offer = {}) noexcept;
  // A request ended, and its connection can not: to be closed.
  void discard(Connection connection) noexcept;

  enum class EndedBy : std::uint8_t { us, peer };
  // It is closed, in whatever state it was. An idle one that its peer closed teaches the lane.
  // False: the pool did not know it any more.
  bool ended(Connection connection, Instant now, EndedBy by) noexcept;

  // To be called from time to time, at the latest when expires_at() has come: what has been idle
  // for too long is to be closed. (What is too old goes when it would be taken, or then.) Work: the
  // lanes, and what expires.
  void expire(Instant now) noexcept;
  Instant expires_at() const noexcept;  // Instant::max(): nothing idle
  // Of all lanes the connection that has been idle for longest is to be closed: its place is
  // needed. False: none is idle.
  bool close_oldest_idle() noexcept;
  // A connection that its owner closes now, without any further word to the pool. Ask after
  // release(), discard(), expire(), take(), close_oldest_idle() and remove_lane() until there is
  // none.
  std::optional<Connection> next_to_close() noexcept;

  struct Counts {
    std::size_t in_use = 0;
    std::size_t idle = 0;
    std::size_t to_close = 0;
    std::uint64_t opened = 0;  // ever
    std::uint64_t reused = 0;  // ever
    bool operator==(const Counts&) const = default;
  };
  const Counts& counts() const noexcept { return counts_; }
  // For how long connections of the lane stay idle at most.
  Duration idle_timeout(Lane lane, Instant now) const noexcept;
  // How many requests the connection was used for, this one included; 0: not known any more.
  int requests(Connection connection) const noexcept;
  // Where its owner may keep what belongs to it: no two connections that the pool knows have the
  // same index, and all are below the most that it knew at once.
  static constexpr std::size_t index_of(Connection connection) noexcept {
    return static_cast<Index>(connection);
  }

 private:
  using Index = std::uint32_t;
  static constexpr Index kNone = ~Index{0};

  enum class State : std::uint8_t { free, in_use, idle, to_close };
  struct Slot {
    State state = State::free;
    std::uint32_t generation = 0;
    Index lane = 0;
    int requests = 0;
    int requests_left = 0;
    Instant old_at = {};  // max_age
    Instant idle_since = {};
    Index newer = kNone;  // in its lane; to_close and free: the next one of that list
    Index older = kNone;
    Index newer_of_all = kNone;  // among all that are idle
    Index older_of_all = kNone;
  };
  struct LaneState {
    bool removed = false;
    std::size_t connections = 0;
    Index newest = kNone;
    Index oldest = kNone;
    IdleTime idle_time;
  };

  LaneState& lane_of(const Slot& slot) noexcept { return lanes_[slot.lane]; }
  Index find(Connection connection) const noexcept;
  Connection number_of(Index index) const noexcept;
  Instant expires_at(const LaneState& lane, const Slot& slot) const noexcept;
  void push_idle(Index index, Instant now) noexcept;
  void unlink_idle(Index index) noexcept;
  void doom(Index index) noexcept;
  void unlink_doomed(Index index) noexcept;
  void leave_state(Index index) noexcept;
  void forget(Index index) noexcept;

  PoolSettings settings_;
  std::vector<Slot> slots_;
  std::vector<LaneState> lanes_;
  Index free_slot_ = kNone;
  Index doomed_first_ = kNone;
  Index newest_of_all_ = kNone;
  Index oldest_of_all_ = kNone;
  Counts counts_;
};

}  // namespace sinew::proxy
