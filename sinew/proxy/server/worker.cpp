#include "sinew/proxy/server/worker.hpp"

#include <algorithm>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"

namespace sinew::proxy {

Worker::Worker(async::Runtime& runtime, ExchangeObserver& observer, WorkerGauges& gauges,
               const EngineOptions& options)
    : options_(options), context_(runtime, observer, gauges), scope_(runtime, "proxy") {
  scope_.spawn(watch_load(), "proxy load");
}

Worker::~Worker() = default;

void Worker::open(const Snapshot& next) {
  for (const ListenerSettings& settings : next.listeners) {
    const Key key = key_of(settings);
    if (listeners_.contains(key)) continue;
    try {
      listeners_[key].listener =
          context_.runtime.listen(settings.address, {.shared = true, .backlog = settings.backlog});
    } catch (...) {
      listeners_.erase(key);
      close_unused();
      throw;
    }
  }
}

void Worker::close_unused() noexcept {
  std::erase_if(listeners_, [](const auto& entry) { return entry.second.state == nullptr; });
}

void Worker::use(const SnapshotPtr& next) {
  auto mine = std::make_shared<WorkerSnapshot>();
  mine->shared = next;
  for (const ClusterPtr& cluster : next->clusters) {
    std::shared_ptr<WorkerCluster> pooled;
    if (context_.snapshot) {
      const auto& before = context_.snapshot->clusters;
      const auto found = std::ranges::find(before, cluster.get(),
                                           [](const auto& each) { return &each->cluster(); });
      if (found != before.end()) pooled = *found;
    }
    if (!pooled) {
      pooled =
          std::make_shared<WorkerCluster>(context_.runtime, cluster, context_.runtime.random());
    }
    mine->clusters.push_back(std::move(pooled));
  }
  if (context_.snapshot) {
    for (const auto& old : context_.snapshot->clusters) {
      if (std::ranges::find(mine->clusters, old) == mine->clusters.end()) old->retire();
    }
  }
  context_.snapshot = std::move(mine);
  context_.gauges.snapshot.store(next->version, std::memory_order_relaxed);
  use_listeners(next);
}

// New connections and new requests see the new settings; sockets stay.
void Worker::use_listeners(const SnapshotPtr& next) {
  for (auto entry = listeners_.begin(); entry != listeners_.end();) {
    const bool stays = std::ranges::any_of(next->listeners, [&](const ListenerSettings& settings) {
      return key_of(settings) == entry->first;
    });
    if (!stays) close_listener(std::move(entry->second));
    entry = stays ? std::next(entry) : listeners_.erase(entry);
  }
  for (const ListenerSettings& settings : next->listeners) {
    Opened& opened = listeners_.at(key_of(settings));
    const bool fresh = opened.state == nullptr;
    if (fresh) opened.state = std::make_shared<ListenerState>();
    opened.state->settings = std::shared_ptr<const ListenerSettings>(next, &settings);
    opened.state->tls = settings.tls_context ? settings.tls_context : next->tls;
    if (!fresh) continue;
    opened.accepting = std::make_unique<async::Scope>(context_.runtime, "proxy accept");
    opened.accepting->spawn(accept(*opened.listener, opened.state));
  }
}

// The system resets who waits to be accepted by a listener that is closed: they are taken first. It
// counts as a connection, so that a drain waits for it.
void Worker::close_listener(Opened opened) {
  if (!opened.state) return;
  opened.state->listening = false;
  count(1);
  scope_.spawn(close_when_empty(std::move(opened)), "proxy accept");
}

Task<void> Worker::close_when_empty(Opened opened) {
  static constexpr Duration kTold = std::chrono::milliseconds(1);  // when nobody waits
  static constexpr Duration kMost = std::chrono::seconds(1);
  opened.accepting->cancel();
  co_await opened.accepting->join();
  const Instant until = context_.runtime.now() + kMost;
  try {
    while (context_.runtime.now() < until) {
      take(co_await with_deadline(context_.runtime.now() + kTold, opened.listener->accept()),
           opened.state);
    }
  } catch (const Error&) {  // nobody is left, or no time
  }
  opened.listener->close();
  count(-1);
}

void Worker::stop_accepting() {
  for (auto& [key, opened] : listeners_)
    close_listener(std::move(opened));
  listeners_.clear();
}

void Worker::close_idle(bool fresh_too) noexcept {
  for (const ClientConnection& connection : connections_)
    const_cast<ClientConnection&>(connection).drain(fresh_too);
}

Task<void> Worker::accept(async::Listener& listener, std::shared_ptr<const ListenerState> state) {
  for (;;) {
    std::unique_ptr<async::Stream> stream;
    try {
      stream = co_await listener.accept();
    } catch (const Error& error) {
      if (error.condition() != Condition::cancelled) {
        log::error("a listener has failed",
                   {{"listener", to_string(state->settings->address)}, {"cause", error.what()}});
      }
      co_return;
    }
    take(std::move(stream), state);
  }
}

void Worker::take(std::unique_ptr<async::Stream> stream,
                  std::shared_ptr<const ListenerState> state) {
  WorkerGauges::add(context_.gauges.accepted, std::uint64_t{1});
  if (count_ >= options_.max_connections) {
    WorkerGauges::add(context_.gauges.refused_connections, std::uint64_t{1});
    return;
  }
  scope_.spawn(serve(std::move(stream), std::move(state)), "proxy connection");
}

void Worker::count(std::ptrdiff_t more) noexcept {
  count_ += static_cast<std::size_t>(more);
  context_.gauges.connections.store(count_, std::memory_order_relaxed);
}

Task<void> Worker::serve(std::unique_ptr<async::Stream> stream,
                         std::shared_ptr<const ListenerState> state) {
  ClientConnection connection(context_, std::move(state), std::move(stream));
  connections_.push_back(connection);
  count(1);
  try {
    co_await connection.serve();
  } catch (const Error& error) {
    if (error.condition() != Condition::cancelled) {
      log::error("a connection failed", {{"cause", error.what()}});
    }
  } catch (const std::exception& error) {
    log::error("a connection failed", {{"cause", error.what()}});
  }
  count(-1);
}

// How late a task is resumed is how long a request waits for its turn.
Task<void> Worker::watch_load() {
  static constexpr Duration kInterval = std::chrono::milliseconds(50);
  try {
    for (;;) {
      const Instant due = context_.runtime.now() + kInterval;
      co_await async::sleep_until(due);
      context_.overloaded = context_.runtime.now() - due > options_.overload_lag;
    }
  } catch (const Error&) {  // cancelled
  }
}

WorkerCluster::Counts Worker::cluster_counts(const Cluster& cluster) const noexcept {
  for (const auto& each : context_.snapshot->clusters) {
    if (&each->cluster() == &cluster) return each->counts();
  }
  return {};
}

}  // namespace sinew::proxy
