#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sinew/async/channel.hpp"
#include "sinew/async/file_watch.hpp"
#include "sinew/async/signals.hpp"
#include "sinew/async/worker.hpp"
#include "sinew/gateway/process/engine_deployment.hpp"
#include "sinew/gateway/process/gateway_options.hpp"
#include "sinew/gateway/process/reloader.hpp"
#include "sinew/net/resolver.hpp"
#include "sinew/proxy/admin/admin.hpp"
#include "sinew/proxy/observe/access_log.hpp"
#include "sinew/proxy/observe/observers.hpp"
#include "sinew/proxy/observe/proxy_metrics.hpp"
#include "sinew/proxy/process/service_notify.hpp"

namespace sinew::gateway {

// Everything of a gateway that is not the serving of requests, on a reactor of its own: reloads,
// clusters, the admin listener, signals, the end. So nothing of it can hold a request up.
class Controller {
 public:
  // Before the group's threads: the signals are taken from here on. What it is given outlives it.
  Controller(async::WorkerGroup& group, const GatewayOptions& options,
             const ProcessSettings& process, SnapshotCompiler& compiler, proxy::AddressLocks& locks,
             proxy::ServiceNotify& manager);

  // Serves until it is told to end. Throws the Error of a start that failed.
  Task<void> run(Candidate first);

 private:
  void start_admin(const ProcessSettings& process);
  proxy::Readiness readiness();
  Task<proxy::ProxyState> state();
  Task<proxy::ReloadResult> reload();
  Task<void> serve();
  void say_ready();
  Task<void> take_signals();
  void act_on(int signal);
  void reopen_logs();
  Task<void> rotate_tickets();
  Task<void> follow_files();
  void watch(const std::vector<std::string>& files);

  async::WorkerGroup& group_;
  const GatewayOptions& options_;
  SnapshotCompiler& compiler_;
  proxy::ServiceNotify& manager_;
  async::Runtime& runtime_;
  async::SignalWatch signals_;
  std::unique_ptr<net::Resolver> resolver_;
  proxy::ClusterDirectory directory_;
  proxy::AccessLog access_log_;
  proxy::ProxyMetrics metrics_;
  proxy::Observers observers_;
  EngineDeployment deployment_;
  Reloader reloader_;
  std::optional<async::FileWatch> watch_;
  std::optional<proxy::Admin> admin_;
  async::Event stopping_;
};

}  // namespace sinew::gateway
