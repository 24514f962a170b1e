#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "sinew/async/scope.hpp"
#include "sinew/async/sim/node.hpp"
#include "sinew/async/sim/world.hpp"
#include "sinew/proxy/cluster/cluster.hpp"
#include "sinew/proxy/cluster/worker_cluster.hpp"

namespace sinew::proxy::test {

// A simulated process that accepts connections and keeps them until a test does something with
// them.
class Backend {
 public:
  explicit Backend(async::sim::Node& node)
      : node_(&node), listener_(node.listen({"127.0.0.1", 0})), scope_(node, "back end") {
    scope_.spawn(accept());
  }
  ~Backend() {
    scope_.cancel();
    listener_->close();
  }

  std::uint16_t port() const { return listener_->local().port; }
  Target target(std::uint16_t weight = 100) const { return {"127.0.0.1", port(), weight}; }
  async::sim::Node& node() const noexcept { return *node_; }
  std::vector<std::unique_ptr<async::Stream>>& accepted() noexcept { return accepted_; }
  // No one listens any more; what is accepted stays.
  void close() noexcept { listener_->close(); }

 private:
  Task<void> accept() {
    while (true)
      accepted_.push_back(co_await listener_->accept());
  }

  async::sim::Node* node_;
  std::unique_ptr<async::Listener> listener_;
  std::vector<std::unique_ptr<async::Stream>> accepted_;
  async::Scope scope_;
};

// A proxy with one worker and one cluster of `count` back ends.
class Upstreams {
 public:
  explicit Upstreams(std::uint64_t seed, std::size_t count = 1, ClusterSettings settings = {},
                     const async::sim::Options& options = {})
      : world(seed, options), proxy(world.add_node("proxy")), registry(settings.hash_slots) {
    for (std::size_t i = 0; i < count; ++i) {
      backends.push_back(std::make_unique<Backend>(world.add_node("backend")));
      settings.targets.push_back(backends.back()->target());
    }
    if (settings.name.empty()) settings.name = "orders";
    auto set = registry.configure(settings.targets).set;
    cluster = std::make_shared<Cluster>(std::move(settings), std::move(set));
    worker = std::make_unique<WorkerCluster>(proxy, cluster, seed);
  }

  EndpointPtr endpoint(std::size_t index = 0) const {
    return endpoint_of(backends[index]->target());
  }
  EndpointPtr endpoint_of(const Target& target) const {
    for (const auto& member : registry.current()->members()) {
      if (member.endpoint->address().port == target.port) return member.endpoint;
    }
    return nullptr;
  }
  void set_targets(std::vector<Target> targets) {
    cluster->set_endpoints(registry.configure(std::move(targets)).set);
  }

  using Connected = std::expected<UpstreamLease, ConnectFailure>;
  Connected connect(std::size_t index = 0, Duration patience = std::chrono::seconds(1)) {
    return proxy.run(worker->connect(endpoint(index), transport, world.now() + patience));
  }
  UpstreamLease lease(std::size_t index = 0) { return std::move(connect(index)).value(); }
  std::optional<UpstreamLease> idle(std::size_t index = 0) {
    return worker->take_idle(endpoint(index), transport);
  }
  std::int64_t in_use(ClusterLimit limit) { return cluster->limits().use(limit).in_use; }

  async::sim::World world;
  async::sim::Node& proxy;
  std::vector<std::unique_ptr<Backend>> backends;
  EndpointRegistry registry;
  ClusterPtr cluster;
  UpstreamTransport transport;
  std::unique_ptr<WorkerCluster> worker;
};

}  // namespace sinew::proxy::test
