#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sinew/async/runtime.hpp"
#include "sinew/async/task.hpp"
#include "sinew/net/resolver.hpp"
#include "sinew/proxy/cluster/cluster.hpp"
#include "sinew/proxy/cluster/name_refresher.hpp"

namespace sinew::proxy {

// Keeps the clusters of a process over its snapshots: resolves names, runs active checks, ends
// ejections. Lives on the controller's reactor, off the request path.
class ClusterDirectory {
 public:
  // `resolver` outlives it.
  ClusterDirectory(async::Runtime& runtime, net::Resolver& resolver);
  ClusterDirectory(const ClusterDirectory&) = delete;
  ClusterDirectory& operator=(const ClusterDirectory&) = delete;
  ~ClusterDirectory();

  // The clusters of a new snapshot, in the order of `settings`. One whose name and settings are
  // those of an earlier one, but for targets and probe, is the same object; with others it is
  // another object that takes over its endpoints with health, ejections and counts. Names are
  // resolved before it returns, within `patience`; those that have no answer by then are tried on,
  // and their cluster begins without them. Until commit() nothing changes for anybody. Throws Error
  // invalid_input naming every violation of every cluster.
  Task<std::vector<ClusterPtr>> prepare(std::vector<ClusterSettings> settings, Duration patience);
  // The clusters of the last prepare() are in use: new targets hold from now on, those of earlier
  // snapshots that are not among them are no longer checked and resolved.
  void commit();
  // ...or are not: forgets them.
  void abandon() noexcept;

  // Resolves, checks and sweeps until it is cancelled.
  Task<void> run();

  // Those in use, by the last commit(). The state of an endpoint is in itself.
  const std::vector<ClusterPtr>& clusters() const noexcept;
  // The names that they are looked up by.
  std::map<std::string, NameRefresher::State> names() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sinew::proxy
