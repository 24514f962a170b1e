#pragma once

#include <memory>
#include <string>
#include <utility>

#include "adapters/sqlite/backend.hpp"
#include "sinew/async/sim/world.hpp"
#include "sinew/store/sim/interleaving_database.hpp"

namespace sinew::tests {

// An InterleavingDatabase together with the one before which it stands.
class OwnedInterleavingDatabase final : public store::DatabaseDecorator {
 public:
  OwnedInterleavingDatabase(async::sim::World& world, std::unique_ptr<store::Database> engine)
      : OwnedInterleavingDatabase(
            std::make_unique<store::sim::InterleavingDatabase>(world, *engine), std::move(engine)) {
  }

 private:
  OwnedInterleavingDatabase(std::unique_ptr<store::sim::InterleavingDatabase> outer,
                            std::unique_ptr<store::Database> engine)
      : DatabaseDecorator(static_cast<store::Database&>(*outer)),
        engine_(std::move(engine)),
        outer_(std::move(outer)) {}

  std::unique_ptr<store::Database> engine_;
  std::unique_ptr<store::sim::InterleavingDatabase> outer_;
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

 private:
  async::sim::World& world_;
  sqlite::Backend inner_;
};

}  // namespace sinew::tests
