#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "sinew/gateway/compile/tls_contexts.hpp"
#include "sinew/gateway/configuration.hpp"
#include "sinew/gateway/process_settings.hpp"
#include "sinew/proxy/snapshot.hpp"

namespace sinew::gateway {

struct Compilation {
  // Complete but for `clusters`, `version`, `loaded_at` and `source`; null where there is an error.
  std::shared_ptr<proxy::Snapshot> snapshot;
  // What the snapshot's clusters are made of, in their order.
  std::vector<proxy::ClusterSettings> clusters;
  std::vector<config::Problem> errors;
  std::vector<config::Problem> warnings;  // also beside errors
};

// Makes what the engine works with out of what was read. One for a process: it keeps what outlives
// a configuration (see TlsContexts). One thread, off the request path.
class SnapshotCompiler {
 public:
  // Throws Error exhausted when there is no randomness to be had.
  SnapshotCompiler() = default;

  // Everything that is wrong is found at once. Names of servers are not looked up, addresses are
  // not bound; the files of ssl_cert are read.
  Compilation compile(const Configuration& configuration, const ProcessSettings& process,
                      Timestamp now);

  void rotate_tickets() { tls_.rotate_tickets(); }

 private:
  TlsContexts tls_;
};

}  // namespace sinew::gateway
