#include "sinew/proxy/server/engine.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "sinew/async/channel.hpp"
#include "sinew/base/error.hpp"
#include "sinew/proxy/server/remote_step.hpp"
#include "sinew/proxy/server/worker.hpp"

namespace sinew::proxy {

namespace {

WorkerCounts counts_of(const WorkerGauges& gauges) noexcept {
  const auto read = [](const auto& gauge) { return gauge.load(std::memory_order_relaxed); };
  return {.connections = read(gauges.connections),
          .active_requests = read(gauges.active_requests),
          .accepted = read(gauges.accepted),
          .refused_connections = read(gauges.refused_connections),
          .snapshot = read(gauges.snapshot),
          .shed = read(gauges.shed)};
}

}  // namespace

struct Engine::State {
  // A worker as others reach it.
  struct Place {
    async::Runtime* runtime = nullptr;
    std::unique_ptr<Worker> worker;
    async::Event end;  // of the engine, seen by this worker
    WorkerGauges gauges;
  };

  EngineOptions options;
  std::function<ExchangeObserver&(std::size_t)> observer;
  std::vector<Place> places;
  std::atomic<std::size_t> listening = 0;
  std::atomic<bool> ending = false;
  mutable std::mutex mutex;  // guards the snapshot, and that a worker is there
  SnapshotPtr snapshot;

  Task<void> on_each(std::function<void(Place&)> step);
};

// On one worker after the other; of failures the first comes out, at the end.
Task<void> Engine::State::on_each(std::function<void(Place&)> step) {
  std::exception_ptr failure;
  for (Place& place : places) {
    try {
      co_await RemoteStep(*place.runtime, [&] { step(place); });
    } catch (...) {
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

Engine::Engine(EngineOptions options, SnapshotPtr first,
               std::function<ExchangeObserver&(std::size_t)> observer)
    : state_(std::make_unique<State>()) {
  if (options.workers == 0)
    throw Error(Condition::invalid_input, "a proxy has one worker at least");
  state_->options = options;
  state_->observer = std::move(observer);
  state_->places = std::vector<State::Place>(options.workers);
  state_->snapshot = std::move(first);
}

Engine::~Engine() = default;

Task<void> Engine::work(async::Runtime& runtime, std::size_t index) {
  State::Place& place = state_->places.at(index);
  place.runtime = &runtime;
  place.worker =
      std::make_unique<Worker>(runtime, state_->observer(index), place.gauges, state_->options);
  const SnapshotPtr first = snapshot();
  place.worker->open(*first);
  place.worker->use(first);
  state_->listening.fetch_add(1, std::memory_order_release);
  std::exception_ptr failure;
  try {
    co_await place.end.wait();
  } catch (...) {  // cancelled
    failure = std::current_exception();
  }
  state_->listening.fetch_sub(1, std::memory_order_release);
  place.worker->stop_accepting();
  place.worker->cut();
  co_await place.worker->joined();
  place.worker.reset();
  if (failure) std::rethrow_exception(failure);
}

SnapshotPtr Engine::snapshot() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->snapshot;
}

bool Engine::listening() const noexcept {
  return state_->listening.load(std::memory_order_acquire) == state_->places.size() &&
         !state_->ending.load(std::memory_order_acquire);
}

Task<void> Engine::replace(SnapshotPtr next) {
  if (!listening()) throw Error(Condition::unavailable, "the proxy is starting or draining");
  std::exception_ptr failure;
  try {
    co_await state_->on_each([&](State::Place& place) { place.worker->open(*next); });
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    co_await state_->on_each([](State::Place& place) { place.worker->close_unused(); });
    std::rethrow_exception(failure);
  }
  co_await state_->on_each([&](State::Place& place) { place.worker->use(next); });
  const std::scoped_lock lock(state_->mutex);
  state_->snapshot = std::move(next);
}

Task<void> Engine::drain(Duration announce, Duration patience) {
  if (state_->ending.exchange(true)) co_return;
  co_await state_->on_each([](State::Place& place) { place.worker->announce_end(); });
  if (announce > Duration::zero()) co_await async::sleep_for(announce);
  co_await state_->on_each([](State::Place& place) {
    place.worker->stop_accepting();
    place.worker->close_idle(false);
  });
  // Who has connected and not asked yet is about to.
  static constexpr Duration kToAsk = std::chrono::seconds(1);
  const Duration first = std::min(kToAsk, patience);
  co_await wait_until_empty(first);
  co_await state_->on_each([](State::Place& place) { place.worker->close_idle(true); });
  co_await wait_until_empty(patience - first);
  co_await state_->on_each([](State::Place& place) { place.end.set(); });
}

// The workers' connections end by themselves; to look now and then is soon enough.
Task<void> Engine::wait_until_empty(Duration patience) {
  static constexpr Duration kLook = std::chrono::milliseconds(20);
  const async::TaskContext& context = co_await async::this_context();
  const Instant until = context.runtime->now() + patience;
  for (;;) {
    std::size_t left = 0;
    for (const WorkerCounts& counts : this->counts())
      left += counts.connections;
    if (left == 0 || context.runtime->now() >= until) co_return;
    co_await async::sleep_for(kLook);
  }
}

std::vector<WorkerCounts> Engine::counts() const {
  std::vector<WorkerCounts> counts;
  for (const State::Place& place : state_->places)
    counts.push_back(counts_of(place.gauges));
  return counts;
}

Task<std::vector<std::pair<ClusterPtr, WorkerCluster::Counts>>> Engine::cluster_counts() {
  std::vector<std::pair<ClusterPtr, WorkerCluster::Counts>> all;
  const SnapshotPtr current = snapshot();
  for (const ClusterPtr& cluster : current->clusters)
    all.emplace_back(cluster, WorkerCluster::Counts{});
  co_await state_->on_each([&](State::Place& place) {
    for (auto& [cluster, sum] : all) {
      const WorkerCluster::Counts mine = place.worker->cluster_counts(*cluster);
      sum.pool.in_use += mine.pool.in_use;
      sum.pool.idle += mine.pool.idle;
      sum.pool.to_close += mine.pool.to_close;
      sum.pool.opened += mine.pool.opened;
      sum.pool.reused += mine.pool.reused;
      sum.connecting += mine.connecting;
      sum.pending += mine.pending;
    }
  });
  co_return all;
}

}  // namespace sinew::proxy
