#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sinew/async/reactor.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/proxy/cluster/worker_cluster.hpp"
#include "sinew/proxy/observe/exchange_record.hpp"
#include "sinew/proxy/snapshot.hpp"

namespace sinew::proxy {

struct EngineOptions {
  std::size_t workers = 1;
  std::size_t max_connections = 16'384;  // a worker; above: closed at once, counted
  // Above this time between two turns of a worker, new requests are answered 503 with Retry-After,
  // so that those which were taken are served in time.
  Duration overload_lag = std::chrono::milliseconds(250);
};

// What a worker is doing; numbers are of the moment they were asked.
struct WorkerCounts {
  std::size_t connections = 0;
  std::size_t active_requests = 0;
  std::uint64_t accepted = 0;
  std::uint64_t refused_connections = 0;
  std::uint64_t snapshot = 0;  // version in use for new requests
  std::uint64_t shed = 0;
};

// The data plane: workers that serve the listeners of a snapshot, each on its own reactor, sharing
// nothing but the snapshot, the clusters and what observes them. It has no configuration format, no
// signals and no admin interface: front ends give it snapshots.
class Engine {
 public:
  // `observer(index)` is that of the worker with this index (0 to workers - 1); it outlives run().
  Engine(EngineOptions options, SnapshotPtr first,
         std::function<ExchangeObserver&(std::size_t)> observer);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  // The task of worker `index`, on its reactor, until the engine is drained or cancelled. Throws
  // the Error of a listener that cannot be opened, and nothing else.
  Task<void> work(async::Runtime& runtime, std::size_t index);

  // The rest is for one task of another reactor, the controller's.

  // Opens the listeners that are new in `next` on all workers; if one fails nothing changes and its
  // Error comes out. Then all workers use `next` for requests whose head comes from now on, and
  // close the listeners that it no longer has. Returns when every worker has it.
  Task<void> replace(SnapshotPtr next);
  SnapshotPtr snapshot() const;     // from any thread
  bool listening() const noexcept;  // every worker accepts: what "ready" asks; from any thread

  // Goes on to accept for `announce` (load balancers take notice of "not ready"), then accepts
  // what is waiting and closes the listeners; answers from the beginning on say Connection: close;
  // idle connections are closed; what is not done after `patience` more is cut. work() returns.
  Task<void> drain(Duration announce, Duration patience);

  std::vector<WorkerCounts> counts() const;  // from any thread
  // Of a cluster of the current snapshot, summed over the workers.
  Task<std::vector<std::pair<ClusterPtr, WorkerCluster::Counts>>> cluster_counts();

 private:
  Task<void> wait_until_empty(Duration patience);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sinew::proxy
