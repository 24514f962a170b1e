#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "adapters/sqlite/database.hpp"
#include "sinew/async/sim/node.hpp"
#include "sinew/sim/temporary_folder.hpp"

namespace sinew::tests {

using sim::TemporaryFolder;

// SQLite, as it is, on the one node of a simulated world.
class SimulatedSqlite {
 public:
  explicit SimulatedSqlite(std::uint64_t seed) : world_(seed) { start(); }
  SimulatedSqlite(const SimulatedSqlite&) = delete;
  SimulatedSqlite& operator=(const SimulatedSqlite&) = delete;
  ~SimulatedSqlite() { close(); }

  async::sim::World& world() noexcept { return world_; }
  async::sim::Node& node() noexcept { return *node_; }
  sqlite::Database& database() noexcept { return *database_; }
  std::string path() const { return folder_.file("test.db"); }

  // Runs `task` to its end, at most a minute of virtual time; throws what it throws.
  void run(Task<void> task) {
    node_->run(async::with_deadline(node_->now() + std::chrono::minutes(1), std::move(task)));
  }
  void reopen() {
    close();
    open();
  }
  // The process ends where it is and starts again, as a new node. Scopes of the old one, and what
  // refers to the old database, must be gone before.
  void crash() {
    node_->crash();
    database_.reset();
    start();
  }

 private:
  void start() {
    node_ = &world_.add_node("host");
    open();
  }
  void open() {
    sqlite::Settings settings;
    settings.path = folder_.file("test.db");
    settings.simulate(world_.seed());
    database_ = node_->run(sqlite::Database::open(*node_, settings));
  }
  void close() {
    node_->run(database_->close());
    database_.reset();
  }

  TemporaryFolder folder_;
  async::sim::World world_;
  async::sim::Node* node_ = nullptr;
  std::unique_ptr<sqlite::Database> database_;
};

}  // namespace sinew::tests
