#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/async/scope.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/proxy/cluster/cluster.hpp"
#include "sinew/proxy/cluster/name_refresher.hpp"
#include "sinew/proxy/cluster/prober.hpp"

namespace sinew::proxy {

// A cluster as the ClusterDirectory keeps it: what makes its endpoints and checks them. The
// controller's reactor.
class KeptCluster {
 public:
  // One that is new.
  KeptCluster(async::Runtime& runtime, ClusterSettings settings);
  // One of the same name with other settings: it takes over the endpoints of `before`, with
  // whatever is known of them. Nothing changes for anybody until use().
  KeptCluster(async::Runtime& runtime, ClusterSettings settings, const KeptCluster& before);
  KeptCluster(const KeptCluster&) = delete;
  KeptCluster& operator=(const KeptCluster&) = delete;

  const ClusterPtr& cluster() const noexcept { return cluster_; }
  // Whether it can go on as it is under these settings, but for use().
  bool fits(const ClusterSettings& settings) const;

  // It is the one in use from now on, with these targets, the addresses that `names` knows, and
  // this probe. `before`: whose endpoints it took over, if any; what only that one's checks could
  // end is ended. Throws Error exhausted above kMaxEndpoints: then the endpoints stay.
  void use(const ClusterSettings& settings, const KeptCluster* before, const NameRefresher& names);
  void resolved(std::string_view host, std::span<const std::string> addresses);
  // It is in use no longer; check() ends.
  void leave() noexcept;
  std::vector<std::string> names() const { return registry_->names(); }

  // Whether there is anything to do in keep().
  bool looks_after_endpoints() const noexcept {
    return checks_.has_value() || cluster_->outliers() != nullptr;
  }
  // Checks endpoints and ends ejections until leave() or cancellation.
  static Task<void> keep(std::shared_ptr<KeptCluster> self);

 private:
  void publish();
  void heal(const Cluster& before);
  Task<async::WaitOutcome> woken();
  Instant work(async::Scope& probes);
  Task<void> check(ActiveChecks::Check check);
  void ended(const ActiveChecks::Check& check, const ProbeResult& result);

  async::Runtime& runtime_;
  std::shared_ptr<EndpointRegistry> registry_;  // handed on to the cluster that comes after
  ClusterPtr cluster_;
  Probe probe_;
  std::optional<ActiveChecks> checks_;
  Instant sweep_at_;
  bool left_ = false;
  async::WaitQueue woken_;
};
using KeptClusterPtr = std::shared_ptr<KeptCluster>;

}  // namespace sinew::proxy
