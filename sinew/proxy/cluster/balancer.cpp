#include "sinew/proxy/cluster/balancer.hpp"

#include <algorithm>

#include "sinew/base/config.hpp"
#include "sinew/base/error.hpp"
#include "sinew/proxy/cluster/mix.hpp"

namespace sinew::proxy {
namespace {

using namespace std::chrono_literals;

// Draws that may meet tried endpoints, or hashes slots of unavailable ones, before all candidates
// are looked at: with half of them to be avoided one choice in 256 does.
constexpr std::uint32_t kDraws = 8;

void require_usable(const BalancerSettings& settings, const EndpointSet& set) {
  if (settings.algorithm != Balancing::consistent_hash) return;
  const bool may_choose =
      std::ranges::any_of(set.members(), [](const auto& member) { return member.weight > 0; });
  if (may_choose && set.hash_table().empty()) {
    throw Error(Condition::invalid_input,
                "consistent_hash needs endpoints with slots: make their registry with hash_slots");
  }
}

}  // namespace

std::string_view to_string(Balancing algorithm) noexcept {
  switch (algorithm) {
    case Balancing::round_robin: return "round_robin";
    case Balancing::least_request: return "least_request";
    case Balancing::random: return "random";
    case Balancing::consistent_hash: return "consistent_hash";
    case Balancing::latency: return "latency";
  }
  return "unknown";
}

std::string_view to_string(NoEndpoint reason) noexcept {
  switch (reason) {
    case NoEndpoint::none_known: return "none_known";
    case NoEndpoint::none_available: return "none_available";
    case NoEndpoint::below_threshold: return "below_threshold";
  }
  return "unknown";
}

void BalancerSettings::describe(config::Section<BalancerSettings>& section) {
  using S = BalancerSettings;
  section.option("algorithm", &S::algorithm, "how an endpoint is chosen");
  section
      .option("panic_percent", &S::panic_percent,
              "of endpoints available, below which all are used; 0: never")
      .range(0, 100);
  section
      .option("minimum_available_percent", &S::minimum_available_percent,
              "of the weight available, below which none is used; 0: never")
      .range(0, 100);
  section.option("latency_decay", &S::latency_decay, "in which a measurement's weight falls to 1/e")
      .range(100ms, 10min);
}

std::vector<std::string> BalancerSettings::violations() const {
  if (panic_percent == 0 || minimum_available_percent == 0) return {};
  return {
      "panic_percent and minimum_available_percent are both set: one uses all endpoints where the "
      "other uses none"};
}

bool TriedEndpoints::contains(const Endpoint& endpoint) const noexcept {
  const auto end = ids_.begin() + static_cast<std::ptrdiff_t>(std::min(count_, kRemembered));
  return std::find(ids_.begin(), end, endpoint.id()) != end;
}

Balancer::Balancer(const BalancerSettings& settings, EndpointSetPtr set, std::uint64_t seed)
    : settings_(settings), seed_(seed) {
  config::require_valid(settings, "the load balancer");
  use(std::move(set));
}

void Balancer::use(EndpointSetPtr set) {
  require_usable(settings_, *set);
  const auto count = set->members().size();
  candidates_.reserve(count);
  cumulative_.reserve(count);
  schedule_.reserve(count);
  is_candidate_.assign(count, 0);
  set_ = std::move(set);
  look_at_all();
}

void Balancer::look_at_all() noexcept {
  // Before the endpoints are looked at: what changes from here on is looked at next time.
  seen_changes_ = set_->signals().changes();
  std::uint64_t weight = 0;
  std::uint64_t available_weight = 0;
  std::uint64_t count = 0;
  std::uint64_t available = 0;
  for (const auto& member : set_->members()) {
    const bool usable = member.weight > 0 && member.endpoint->available();
    weight += member.weight;
    count += member.weight > 0 ? 1 : 0;
    available_weight += usable ? member.weight : 0;
    available += usable ? 1 : 0;
  }
  const auto part = [](int percent, std::uint64_t whole) {
    return static_cast<std::uint64_t>(percent) * whole;
  };
  panic_ = available * 100 < part(settings_.panic_percent, count);
  take_candidates(panic_);
  nothing_ = count == 0 ? NoEndpoint::none_known : NoEndpoint::none_available;
  if (available > 0 && available_weight * 100 < part(settings_.minimum_available_percent, weight)) {
    candidates_.clear();
    nothing_ = NoEndpoint::below_threshold;
  }
}

void Balancer::take_candidates(bool all) noexcept {
  candidates_.clear();
  cumulative_.clear();
  schedule_.clear();
  // Each look begins the turns anew, from other phases: however often endpoints come and go, none
  // is first every time.
  seed_ = mix(seed_);
  std::uint32_t sum = 0;
  for (std::uint32_t index = 0; index < set_->members().size(); ++index) {
    const auto& [endpoint, weight] = set_->members()[index];
    is_candidate_[index] = weight > 0 && (all || endpoint->available()) ? 1 : 0;
    if (is_candidate_[index] == 0) continue;
    candidates_.push_back(index);
    cumulative_.push_back(sum += weight);
    if (settings_.algorithm == Balancing::round_robin) {
      schedule_.add(index, weight, mix(seed_, index));
    }
  }
}

std::expected<const EndpointPtr*, NoEndpoint> Balancer::choose(const Query& query) noexcept {
  if (set_->signals().changes() != seen_changes_) look_at_all();
  if (candidates_.empty()) return std::unexpected(nothing_);
  auto index = draw(query, 0);
  for (std::uint32_t attempt = 1; attempt < kDraws && tried(query, index); ++attempt)
    index = draw(query, attempt);
  if (tried(query, index)) index = untried(query, index);
  return &set_->members()[index].endpoint;
}

std::uint32_t Balancer::draw(const Query& query, std::uint32_t attempt) noexcept {
  const auto random = mix(query.random, attempt);
  switch (settings_.algorithm) {
    case Balancing::round_robin: return schedule_.next();
    case Balancing::random: return by_weight(random);
    case Balancing::consistent_hash: return by_hash(query.hash, attempt);
    case Balancing::least_request:
    case Balancing::latency: break;
  }
  return better_of_two(query, random);
}

std::uint32_t Balancer::by_weight(std::uint64_t random) const noexcept {
  const auto drawn = static_cast<std::uint32_t>(below(cumulative_.back(), random));
  const auto at = std::ranges::upper_bound(cumulative_, drawn) - cumulative_.begin();
  return candidates_[static_cast<std::size_t>(at)];
}

// What belongs to an endpoint that may not be chosen is spread over the others by further hashes;
// what belongs to the others stays where it is.
std::uint32_t Balancer::by_hash(std::uint64_t hash, std::uint32_t attempt) const noexcept {
  const auto& table = set_->hash_table();
  auto owner = table.owner_of(attempt == 0 ? hash : mix(hash, std::uint64_t{attempt} * kDraws));
  for (std::uint32_t draw = 1; is_candidate_[owner] == 0 && draw < kDraws; ++draw)
    owner = table.owner_of(mix(hash, std::uint64_t{attempt} * kDraws + draw));
  if (is_candidate_[owner] != 0) return owner;
  return candidates_[below(candidates_.size(), mix(hash))];
}

// Both are drawn by weight, so an idle cluster is shared by weight; their load is then compared for
// its weight. (Envoy has active + 1 there, over endpoints in turn by weight: with two at random a
// light endpoint of an idle cluster would get next to nothing.)
std::uint32_t Balancer::better_of_two(const Query& query, std::uint64_t random) const noexcept {
  const auto first = by_weight(random);
  if (candidates_.size() == 1) return first;
  auto second = by_weight(mix(random));
  if (second == first) second = by_weight(mix(random, 2));
  const auto& a = set_->members()[first];
  const auto& b = set_->members()[second];
  if (settings_.algorithm == Balancing::latency) {
    return cost(*b.endpoint, query.now) < cost(*a.endpoint, query.now) ? second : first;
  }
  const auto load_of_a = std::uint64_t{a.endpoint->active_requests()} * b.weight;
  const auto load_of_b = std::uint64_t{b.endpoint->active_requests()} * a.weight;
  return load_of_b < load_of_a ? second : first;
}

double Balancer::cost(const Endpoint& endpoint, Instant now) const noexcept {
  return endpoint.latency().microseconds(now, settings_.latency_decay) *
         (endpoint.active_requests() + 1.0);
}

bool Balancer::tried(const Query& query, std::uint32_t index) const noexcept {
  return query.tried != nullptr && !query.tried->empty() &&
         query.tried->contains(*set_->members()[index].endpoint);
}

std::uint32_t Balancer::untried(const Query& query, std::uint32_t otherwise) const noexcept {
  const auto count = candidates_.size();
  const auto start = below(count, mix(query.random));
  for (std::size_t i = 0; i < count; ++i) {
    const auto index = candidates_[(start + i) % count];
    if (!tried(query, index)) return index;
  }
  return otherwise;
}

}  // namespace sinew::proxy
