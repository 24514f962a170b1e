#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "adapters/sqlite/database.hpp"
#include "adapters/sqlite/embedded_broker.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/sim/node.hpp"
#include "tests/support/simulated_sqlite.hpp"

namespace sinew::tests {

// A process of a simulated world with a context's database and the embedded broker, which ends
// cleanly or by a crash and starts again on what its files hold. What lives on it goes first: stop
// or drop it before end() and before crash().
class SimulatedProcess {
 public:
  explicit SimulatedProcess(std::uint64_t seed, const async::sim::Options& options = {})
      : world_(seed, options) {
    start();
  }
  SimulatedProcess(const SimulatedProcess&) = delete;
  SimulatedProcess& operator=(const SimulatedProcess&) = delete;
  ~SimulatedProcess() {
    if (database_) end();
  }

  async::sim::World& world() noexcept { return world_; }
  async::sim::Node& node() noexcept { return *node_; }
  sqlite::Database& database() noexcept { return *database_; }
  sqlite::EmbeddedBroker& broker() noexcept { return *broker_; }
  messaging::Broker& port() noexcept { return *port_; }

  void start() {
    node_ = &world_.add_node("process");
    sqlite::Settings settings;
    settings.path = folder_.file("context.db");
    settings.simulate(world_.seed());
    database_ = node_->run(sqlite::Database::open(*node_, settings));
    sqlite::BrokerSettings broker;
    broker.database.path = folder_.file("broker.db");
    broker.database.simulate(world_.seed());
    broker_ = node_->run(sqlite::EmbeddedBroker::open(*node_, std::move(broker)));
    port_ = broker_->connect(*node_);
  }
  void end() {
    port_.reset();
    node_->run(broker_->close());
    broker_.reset();
    node_->run(database_->close());
    database_.reset();
  }
  // What a kill leaves: nothing of the process is closed.
  void crash() {
    node_->crash();
    port_.reset();
    broker_.reset();
    database_.reset();
  }

 private:
  TemporaryFolder folder_;
  async::sim::World world_;
  async::sim::Node* node_ = nullptr;
  std::unique_ptr<sqlite::Database> database_;
  std::unique_ptr<sqlite::EmbeddedBroker> broker_;
  std::unique_ptr<messaging::Broker> port_;
};

}  // namespace sinew::tests
