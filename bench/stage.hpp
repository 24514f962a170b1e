#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <utility>

#include "adapters/sqlite/embedded_broker.hpp"
#include "bench/measure.hpp"
#include "sinew/async/channel.hpp"
#include "sinew/async/offload.hpp"
#include "sinew/async/worker.hpp"

namespace bench {

// A context on one worker, and the embedded broker, new, on another: as a host places them.
class Stage {
 public:
  // What the context does; the broker's port is closed when it ends.
  using Scene =
      std::function<sinew::Task<void>(sinew::async::Reactor& reactor, sinew::messaging::Broker&)>;

  explicit Stage(std::filesystem::path folder) : folder_(std::move(folder)) {}

  void play(const Scene& scene) {
    sinew::async::WorkerGroup group({.workers = 2, .pools = {}, .on_stall = {}});
    group_ = &group;
    group.run([&](sinew::async::Reactor& reactor, std::size_t index) {
      return index == 0 ? host(reactor) : context(reactor, scene);
    });
  }

 private:
  sinew::Task<void> host(sinew::async::Reactor& reactor) {
    sinew::sqlite::BrokerSettings settings;
    settings.database.path = folder_ / "broker.db";
    remove_database(settings.database.path);
    broker_ = co_await sinew::sqlite::EmbeddedBroker::open(reactor, std::move(settings));
    opened_.set();
    co_await ended_.wait();
    co_await broker_->close();
    broker_.reset();
  }

  sinew::Task<void> context(sinew::async::Reactor& reactor, const Scene& scene) {
    co_await sinew::async::call_on(group_->reactor(0), [this] { return opened_.wait(); });
    {
      const auto port = broker_->connect(reactor);
      co_await scene(reactor, *port);
    }
    co_await sinew::async::call_on(group_->reactor(0), [this]() -> sinew::Task<void> {
      ended_.set();
      co_return;
    });
  }

  std::filesystem::path folder_;
  sinew::async::WorkerGroup* group_ = nullptr;
  std::unique_ptr<sinew::sqlite::EmbeddedBroker> broker_;
  sinew::async::Event opened_;
  sinew::async::Event ended_;
};

}  // namespace bench
