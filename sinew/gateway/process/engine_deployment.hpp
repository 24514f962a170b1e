#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sinew/async/scope.hpp"
#include "sinew/async/worker.hpp"
#include "sinew/gateway/process/reloader.hpp"
#include "sinew/proxy/cluster/cluster_directory.hpp"
#include "sinew/proxy/process/address_locks.hpp"
#include "sinew/proxy/server/engine.hpp"

namespace sinew::gateway {

// Configurations brought to an engine on the workers of a process: the first one starts it. On the
// controller's reactor.
class EngineDeployment final : public Deployment {
 public:
  using Observer = std::function<proxy::ExchangeObserver&(std::size_t worker)>;

  // The workers are the reactors of `group` from the second on. What it is given outlives it.
  EngineDeployment(async::WorkerGroup& group, proxy::ClusterDirectory& directory,
                   proxy::AddressLocks& locks, Observer observer);

  std::vector<std::string> claim(std::span<const proxy::ListenerSettings> listeners) override;
  Task<std::vector<proxy::ClusterPtr>> prepare(
      std::vector<proxy::ClusterSettings> clusters) override;
  Task<void> replace(proxy::SnapshotPtr next) override;
  void commit() override;
  void abandon() noexcept override;

  // Null before the first configuration.
  proxy::Engine* engine() noexcept { return engine_ ? &*engine_ : nullptr; }

  // See Engine::drain(); returns when no worker serves any more.
  Task<void> drain(Duration announce, Duration patience);

 private:
  Task<void> start(proxy::SnapshotPtr first);
  Task<void> work(std::size_t worker);

  async::WorkerGroup& group_;
  proxy::ClusterDirectory& directory_;
  proxy::AddressLocks& locks_;
  Observer observer_;
  std::optional<proxy::Engine> engine_;
  std::optional<async::Scope> working_;
  std::size_t ended_ = 0;                   // workers
  std::vector<async::Endpoint> held_;       // of the configuration in use
  std::vector<async::Endpoint> candidate_;  // of the one that is brought into use
};

}  // namespace sinew::gateway
