#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "sinew/async/runtime.hpp"
#include "sinew/proxy/cluster/worker_cluster.hpp"
#include "sinew/proxy/exchange/buffer_pool.hpp"
#include "sinew/proxy/observe/exchange_record.hpp"
#include "sinew/proxy/snapshot.hpp"

namespace sinew::proxy {

class Exchange;

// A snapshot as one worker uses it: with its own pools, in the order of Snapshot::clusters. An
// exchange keeps the one it began with.
struct WorkerSnapshot {
  SnapshotPtr shared;
  std::vector<std::shared_ptr<WorkerCluster>> clusters;
};
using WorkerSnapshotPtr = std::shared_ptr<const WorkerSnapshot>;

// What a worker tells others about itself: written by it alone.
struct WorkerGauges {
  std::atomic<std::size_t> connections = 0;
  std::atomic<std::size_t> active_requests = 0;
  std::atomic<std::uint64_t> accepted = 0;
  std::atomic<std::uint64_t> refused_connections = 0;
  std::atomic<std::uint64_t> snapshot = 0;
  std::atomic<std::uint64_t> shed = 0;

  template <class T>
  static void add(std::atomic<T>& gauge, T amount) noexcept {
    gauge.store(gauge.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
};

// What the connections and exchanges of one worker share.
struct WorkerContext {
  WorkerContext(async::Runtime& on, ExchangeObserver& told, WorkerGauges& counted);
  WorkerContext(const WorkerContext&) = delete;
  WorkerContext& operator=(const WorkerContext&) = delete;
  ~WorkerContext();

  async::Runtime& runtime;
  ExchangeObserver& observer;
  BufferPool buffers;
  ObjectPool<Exchange> exchanges;
  WorkerSnapshotPtr snapshot;
  WorkerGauges& gauges;
  bool draining = false;    // no answer keeps its connection any more
  bool overloaded = false;  // new requests are answered 503
};

}  // namespace sinew::proxy
