#pragma once

#include <array>
#include <boost/describe.hpp>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/config_fwd.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/proxy/cluster/endpoint_set.hpp"
#include "sinew/proxy/cluster/weighted_schedule.hpp"

namespace sinew::proxy {

enum class Balancing : std::uint8_t {
  round_robin,      // in turn, by weight, evenly spread
  least_request,    // of two at random the one with fewer active requests for its weight
  random,           // by weight
  consistent_hash,  // by Query::hash; the set must have been made with slots
  latency,          // of two at random the one that answers sooner for its load
};
BOOST_DESCRIBE_ENUM(Balancing, round_robin, least_request, random, consistent_hash, latency)
std::string_view to_string(Balancing algorithm) noexcept;

struct BalancerSettings {
  Balancing algorithm = Balancing::round_robin;
  // When fewer of the endpoints than this are available, the health information is taken to be
  // wrong and all are used (Envoy's panic threshold: 50 there by default; 0, as in Kong: never).
  int panic_percent = 0;
  // When less than this part of the weight is available, nothing is chosen, so that the rest is not
  // overrun (Kong's healthchecks.threshold; 0: never). Excludes panic_percent.
  int minimum_available_percent = 0;
  Duration latency_decay = std::chrono::seconds(10);  // of PeakLatency; linkerd's and Kong's

  bool operator==(const BalancerSettings&) const = default;
  static void describe(config::Section<BalancerSettings>& section);
  std::vector<std::string> violations() const;
};

// The endpoints that a request was sent to already, by id. The ninth takes the place of the first.
class TriedEndpoints {
 public:
  static constexpr std::size_t kRemembered = 8;

  void add(const Endpoint& endpoint) noexcept { ids_[count_++ % kRemembered] = endpoint.id(); }
  bool contains(const Endpoint& endpoint) const noexcept;
  bool empty() const noexcept { return count_ == 0; }

 private:
  std::array<std::uint64_t, kRemembered> ids_ = {};
  std::size_t count_ = 0;
};

enum class NoEndpoint : std::uint8_t {
  none_known,       // nothing is configured or resolved, or all weights are 0
  none_available,   // all are unhealthy or ejected
  below_threshold,  // minimum_available_percent
};
std::string_view to_string(NoEndpoint reason) noexcept;

// Chooses an endpoint for a request. Endpoints of weight 0 are never chosen, those that are not
// available only in panic. It looks at all endpoints after one became available or ceased to be,
// and after use(); any other choice takes O(log n) for round_robin and random, O(1) for the rest.
// No choice allocates, takes a lock or throws. Belongs to one worker.
class Balancer {
 public:
  // `seed`: another one for each worker, else all of them begin at the same endpoint. Throws Error
  // invalid_input listing every violation, also when consistent_hash meets a set without slots.
  Balancer(const BalancerSettings& settings, EndpointSetPtr set, std::uint64_t seed);

  // A new version. May allocate.
  void use(EndpointSetPtr set);
  const EndpointSetPtr& set() const noexcept { return set_; }

  struct Query {
    std::uint64_t random;  // 64 uniform bits
    // Of the key that shall always meet the same endpoint: mix(stable_hash(key)). Other algorithms
    // do not look at it.
    std::uint64_t hash = 0;
    Instant now = {};  // latency only
    const TriedEndpoints* tried = nullptr;
  };
  // The endpoint lives as long as the set, and as whoever copies the pointer. One that was tried is
  // chosen only when all that may be chosen were.
  std::expected<const EndpointPtr*, NoEndpoint> choose(const Query& query) noexcept;

  // What the choices are made from, since the last look at all.
  struct Snapshot {
    std::size_t candidates;
    bool panic;
  };
  Snapshot snapshot() const noexcept { return {candidates_.size(), panic_}; }

 private:
  void look_at_all() noexcept;
  void take_candidates(bool all) noexcept;
  std::uint32_t draw(const Query& query, std::uint32_t attempt) noexcept;
  std::uint32_t by_weight(std::uint64_t random) const noexcept;
  std::uint32_t by_hash(std::uint64_t hash, std::uint32_t attempt) const noexcept;
  std::uint32_t better_of_two(const Query& query, std::uint64_t random) const noexcept;
  double cost(const Endpoint& endpoint, Instant now) const noexcept;
  bool tried(const Query& query, std::uint32_t index) const noexcept;
  std::uint32_t untried(const Query& query, std::uint32_t otherwise) const noexcept;

  BalancerSettings settings_;
  EndpointSetPtr set_;
  std::uint64_t seed_;
  std::uint64_t seen_changes_ = 0;
  NoEndpoint nothing_ = NoEndpoint::none_known;
  bool panic_ = false;
  std::vector<std::uint32_t> candidates_;   // indices of members
  std::vector<std::uint32_t> cumulative_;   // their weights, added up
  std::vector<std::uint8_t> is_candidate_;  // by index of member
  WeightedSchedule schedule_;
};

}  // namespace sinew::proxy
