#pragma once

#include <memory>
#include <string>
#include <utility>

#include "adapters/sqlite/backend.hpp"
#include "sinew/async/sim/world.hpp"
#include "sinew/sim/options.hpp"
#include "sinew/store/sim/interleaving_database.hpp"

namespace sinew::sim {

// An engine, and the InterleavingDatabase before it.
struct InterleavedEngine {
  InterleavedEngine(async::sim::World& world, std::unique_ptr<store::Database> inner)
      : engine(std::move(inner)), database(world, *engine) {}
  std::unique_ptr<store::Database> engine;
  store::sim::InterleavingDatabase database;
};

// An InterleavingDatabase that owns the one before which it stands.
class OwnedInterleavingDatabase final : private InterleavedEngine, public store::DatabaseDecorator {
 public:
  OwnedInterleavingDatabase(async::sim::World& world, std::unique_ptr<store::Database> engine)
      : InterleavedEngine(world, std::move(engine)),
        DatabaseDecorator(static_cast<store::Database&>(database)) {}
};

// The embedded default, with contexts' databases that behave as ones across a network.
class InterleavingBackend final : public context::Backend {
 public:
  InterleavingBackend(async::sim::World& world, sqlite::Settings settings)
      : world_(world), inner_(std::move(settings)) {}

  Task<void> start(async::Runtime& runtime, std::filesystem::path folder) override {
    return inner_.start(runtime, std::move(folder));
  }
  Task<void> stop() override { return inner_.stop(); }
  Task<std::unique_ptr<store::Database>> open_database(async::Runtime& runtime,
                                                       std::filesystem::path folder) override {
    co_return std::make_unique<OwnedInterleavingDatabase>(
        world_, co_await inner_.open_database(runtime, std::move(folder)));
  }
  Task<std::unique_ptr<messaging::Broker>> connect_broker(async::Runtime& runtime,
                                                          std::string context) override {
    return inner_.connect_broker(runtime, std::move(context));
  }
  messaging::QueueOperator* queues() noexcept override { return inner_.queues(); }

 private:
  async::sim::World& world_;
  sqlite::Backend inner_;
};

inline std::unique_ptr<context::Backend> make_backend(async::sim::World& world, Databases databases,
                                                      sqlite::Settings settings) {
  if (databases == Databases::plain) return std::make_unique<sqlite::Backend>(std::move(settings));
  return std::make_unique<InterleavingBackend>(world, std::move(settings));
}

}  // namespace sinew::sim
