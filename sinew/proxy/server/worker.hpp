#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "sinew/async/channel.hpp"
#include "sinew/async/intrusive_list.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/proxy/exchange/client_connection.hpp"
#include "sinew/proxy/exchange/worker_context.hpp"
#include "sinew/proxy/server/engine.hpp"

namespace sinew::proxy {

// One worker of an engine: its listeners, their connections, its view of the snapshot. Everything
// but the gauges is of its own thread.
class Worker {
 public:
  Worker(async::Runtime& runtime, ExchangeObserver& observer, WorkerGauges& gauges,
         const EngineOptions& options);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  // Opens the listeners of `next` that it does not have; keeps none of them if one fails. Throws
  // the Error of that one.
  void open(const Snapshot& next);
  // Closes those that open() has opened for a snapshot that is not to be used.
  void close_unused() noexcept;
  // Requests whose head comes from now on use it; listeners that it does not have are closed.
  void use(const SnapshotPtr& next);

  // Answers say close from now on; then accepting ends; then what is left is cut.
  void announce_end() noexcept { context_.draining = true; }
  // Who waits to be accepted by now still is.
  void stop_accepting();
  void close_idle(bool fresh_too) noexcept;
  void cut() noexcept { scope_.cancel(); }
  // All connections and acceptors are gone.
  Task<void> joined() { co_await scope_.join(); }

  WorkerCluster::Counts cluster_counts(const Cluster& cluster) const noexcept;

 private:
  struct Key {
    std::string address;
    std::uint16_t port;
    auto operator<=>(const Key&) const = default;
  };
  struct Opened {
    std::unique_ptr<async::Listener> listener;
    std::shared_ptr<ListenerState> state;     // null until a snapshot is used that has it,
    std::unique_ptr<async::Scope> accepting;  // as this is
  };

  static Key key_of(const ListenerSettings& settings) {
    return {settings.address.address, settings.address.port};
  }
  Task<void> accept(async::Listener& listener, std::shared_ptr<const ListenerState> state);
  Task<void> serve(std::unique_ptr<async::Stream> stream,
                   std::shared_ptr<const ListenerState> state);
  Task<void> watch_load();
  void use_listeners(const SnapshotPtr& next);
  void take(std::unique_ptr<async::Stream> stream, std::shared_ptr<const ListenerState> state);
  void close_listener(Opened opened);
  Task<void> close_when_empty(Opened opened);
  void count(std::ptrdiff_t more) noexcept;

  EngineOptions options_;
  WorkerContext context_;
  std::map<Key, Opened> listeners_;
  async::IntrusiveList<ClientConnection, ClientConnectionTag> connections_;
  std::size_t count_ = 0;  // of connections and of listeners that are being emptied
  async::Scope scope_;     // last: its tasks use the rest
};

}  // namespace sinew::proxy
