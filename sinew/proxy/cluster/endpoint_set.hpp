#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/proxy/cluster/endpoint.hpp"
#include "sinew/proxy/cluster/hash_table.hpp"

namespace sinew::proxy {

inline constexpr std::size_t kMaxEndpoints = 10'000;  // of a cluster

// One version of a cluster's endpoints, ordered by address, so that the order of a DNS answer says
// nothing. Never changed once made: workers share it by shared_ptr<const>, handed over by mailbox.
class EndpointSet {
 public:
  struct Member {
    EndpointPtr endpoint;
    std::uint16_t weight;  // 0: never chosen
  };

  EndpointSet(std::uint64_t version, std::vector<Member> members,
              std::shared_ptr<ClusterSignals> signals, std::uint32_t hash_slots);

  std::uint64_t version() const noexcept { return version_; }  // from 1, grows
  std::span<const Member> members() const noexcept { return members_; }
  const ClusterSignals& signals() const noexcept { return *signals_; }
  // Which member owns which slot; empty unless the cluster hashes.
  const HashTable& hash_table() const noexcept { return hash_table_; }

 private:
  std::uint64_t version_;
  std::vector<Member> members_;
  std::shared_ptr<ClusterSignals> signals_;
  HashTable hash_table_;
};

using EndpointSetPtr = std::shared_ptr<const EndpointSet>;

// A line of configuration: a host, by address or by name.
struct Target {
  std::string host;  // numeric addresses without brackets
  std::uint16_t port = 0;
  std::uint16_t weight = 100;  // of each address that the name has (Kong); 0: known, never chosen

  bool operator==(const Target&) const = default;
};

// Makes the versions of one cluster's set out of configuration and DNS answers. An endpoint that is
// in two versions in a row is the same object, with its health, counts and ejection; a new weight
// changes nothing of that. One that comes back after it was gone begins anew.
//
// One thread, off the request path: it allocates. Its sets and endpoints are for all workers.
class EndpointRegistry {
 public:
  // `hash_slots`: the slots of a cluster that hashes, else 0.
  explicit EndpointRegistry(std::uint32_t hash_slots = 0);

  // What a change did; `added` and `removed` are for the log and for whoever keeps something of an
  // endpoint's own. Without any change the set is the one before.
  struct Change {
    EndpointSetPtr set;
    std::vector<EndpointPtr> added;
    std::vector<EndpointPtr> removed;
  };

  // The targets from now on. Names keep the addresses they had; one that is new has none until
  // resolved() says so. Throws Error invalid_input naming every target that is wrong, and changes
  // nothing then: port 0, an empty host, one host and port twice, too many.
  Change configure(std::vector<Target> targets);

  // The addresses of a name, from now on. A look-up that failed is not reported, and one without
  // any address changes nothing: the last answer stays. What is no numeric address is left out.
  // Throws Error exhausted above kMaxEndpoints, and changes nothing then.
  Change resolved(std::string_view host, std::span<const std::string> addresses);

  // From now on, with the endpoints as they are: a version of its own.
  EndpointSetPtr use_slots(std::uint32_t hash_slots);
  // The endpoints as they are under other slots, for who is not current yet: a version of its own,
  // and current() stays.
  EndpointSetPtr copy_with_slots(std::uint32_t hash_slots);

  // The names that need an answer from time to time, each once.
  std::vector<std::string> names() const;

  const EndpointSetPtr& current() const noexcept { return current_; }

 private:
  using Answers = std::map<std::string, std::vector<std::string>, std::less<>>;
  using Weights = std::map<EndpointAddress, std::uint16_t>;

  Change apply(std::vector<Target> targets, Answers answers);
  static Weights wanted(const std::vector<Target>& targets, const Answers& answers);
  bool is_current(const Weights& wanted) const;

  EndpointSetPtr make(std::vector<EndpointSet::Member> members, std::uint32_t hash_slots);

  std::uint32_t hash_slots_;
  std::uint64_t last_version_ = 0;
  std::vector<Target> targets_;
  Answers answers_;
  std::shared_ptr<ClusterSignals> signals_ = std::make_shared<ClusterSignals>();
  EndpointSetPtr current_;
};

}  // namespace sinew::proxy
