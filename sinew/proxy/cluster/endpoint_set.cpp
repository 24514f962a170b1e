#include "sinew/proxy/cluster/endpoint_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sinew/base/error.hpp"
#include "sinew/net/resolver.hpp"

namespace sinew::proxy {
namespace {

HashTable table_of(std::span<const EndpointSet::Member> members, std::uint32_t slots) {
  if (slots == 0) return {};
  std::vector<HashTable::Owner> owners;
  owners.reserve(members.size());
  for (const auto& member : members)
    owners.push_back({member.endpoint->hash(), member.weight});
  return HashTable(owners, slots);
}

void require_valid(const std::vector<Target>& targets) {
  std::string problems;
  std::set<std::pair<std::string_view, std::uint16_t>> seen;
  for (const auto& [host, port, weight] : targets) {
    if (host.empty()) problems += fmt::format("\n  target :{}: a host is missing", port);
    if (port == 0) problems += fmt::format("\n  target {}: port 0; 1 to 65535 is allowed", host);
    if (!seen.emplace(host, port).second) {
      problems += fmt::format("\n  target {}:{} is there twice", host, port);
    }
  }
  if (targets.size() > kMaxEndpoints) {
    problems +=
        fmt::format("\n  {} targets; at most {} are allowed", targets.size(), kMaxEndpoints);
  }
  if (problems.empty()) return;
  throw Error(Condition::invalid_input, "the targets are not usable:" + problems);
}

}  // namespace

EndpointSet::EndpointSet(std::uint64_t version, std::vector<Member> members,
                         std::shared_ptr<ClusterSignals> signals, std::uint32_t hash_slots)
    : version_(version),
      members_(std::move(members)),
      signals_(std::move(signals)),
      hash_table_(table_of(members_, hash_slots)) {}

EndpointRegistry::EndpointRegistry(std::uint32_t hash_slots)
    : hash_slots_(hash_slots), current_(make({}, hash_slots)) {}

EndpointSetPtr EndpointRegistry::make(std::vector<EndpointSet::Member> members,
                                      std::uint32_t hash_slots) {
  return std::make_shared<const EndpointSet>(++last_version_, std::move(members), signals_,
                                             hash_slots);
}

EndpointSetPtr EndpointRegistry::copy_with_slots(std::uint32_t hash_slots) {
  const auto members = current_->members();
  return make({members.begin(), members.end()}, hash_slots);
}

EndpointSetPtr EndpointRegistry::use_slots(std::uint32_t hash_slots) {
  hash_slots_ = hash_slots;
  return current_ = copy_with_slots(hash_slots);
}

EndpointRegistry::Change EndpointRegistry::configure(std::vector<Target> targets) {
  require_valid(targets);
  Answers answers;
  for (const auto& target : targets) {
    if (const auto known = answers_.find(target.host); known != answers_.end()) {
      answers.insert(*known);
    }
  }
  return apply(std::move(targets), std::move(answers));
}

EndpointRegistry::Change EndpointRegistry::resolved(std::string_view host,
                                                    std::span<const std::string> addresses) {
  std::vector<std::string> numeric;
  for (const auto& address : addresses) {
    if (net::is_numeric_address(address)) numeric.push_back(address);
  }
  const bool known = std::ranges::find(targets_, host, &Target::host) != targets_.end();
  if (numeric.empty() || !known) return {current_, {}, {}};
  auto answers = answers_;
  answers.insert_or_assign(std::string(host), std::move(numeric));
  return apply(targets_, std::move(answers));
}

std::vector<std::string> EndpointRegistry::names() const {
  std::set<std::string> names;
  for (const auto& target : targets_) {
    if (!net::is_numeric_address(target.host)) names.insert(target.host);
  }
  return {names.begin(), names.end()};
}

EndpointRegistry::Weights EndpointRegistry::wanted(const std::vector<Target>& targets,
                                                   const Answers& answers) {
  Weights weights;
  for (const auto& [host, port, weight] : targets) {
    if (net::is_numeric_address(host)) {
      weights.emplace(EndpointAddress{host, host, port}, weight);
    } else if (const auto answer = answers.find(host); answer != answers.end()) {
      for (const auto& address : answer->second)
        weights.emplace(EndpointAddress{host, address, port}, weight);
    }
  }
  if (weights.size() > kMaxEndpoints) {
    throw Error(Condition::exhausted,
                fmt::format("{} endpoints; a cluster has at most {}: the set before stays",
                            weights.size(), kMaxEndpoints));
  }
  return weights;
}

bool EndpointRegistry::is_current(const Weights& wanted) const {
  return std::ranges::equal(wanted, current_->members(), [](const auto& want, const auto& member) {
    return want.first == member.endpoint->address() && want.second == member.weight;
  });
}

EndpointRegistry::Change EndpointRegistry::apply(std::vector<Target> targets, Answers answers) {
  const auto weights = wanted(targets, answers);
  targets_ = std::move(targets);
  answers_ = std::move(answers);
  if (is_current(weights)) return {current_, {}, {}};

  Change change;
  std::vector<EndpointSet::Member> members;
  members.reserve(weights.size());
  auto old = current_->members().begin();
  const auto end = current_->members().end();
  for (const auto& [address, weight] : weights) {
    for (; old != end && old->endpoint->address() < address; ++old)
      change.removed.push_back(old->endpoint);
    if (old != end && old->endpoint->address() == address) {
      members.push_back({(old++)->endpoint, weight});
    } else {
      members.push_back({std::make_shared<Endpoint>(address, signals_), weight});
      change.added.push_back(members.back().endpoint);
    }
  }
  for (; old != end; ++old)
    change.removed.push_back(old->endpoint);

  signals_->set_members(static_cast<std::uint32_t>(members.size()));
  for (const auto& endpoint : change.removed) {
    if (endpoint->ejection().remove()) signals_->uncount_ejected();
  }
  current_ = make(std::move(members), hash_slots_);
  change.set = current_;
  return change;
}

}  // namespace sinew::proxy
