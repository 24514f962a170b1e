#pragma once

#include <memory>
#include <string>

#include "adapters/sqlite/files.hpp"
#include "sinew/async/sim/disk.hpp"
#include "sinew/async/sim/world.hpp"

namespace sinew::sqlite::sim {

// SQLite's file system on a simulated disk, wal-index included: what commits without a sync is lost
// at the next power cut, some time. Syncs the folder with a journal's or log's first sync and after
// deletions, as SQLite's own does on Unix. Time and randomness are the world's.
//
//   Settings settings;
//   settings.vfs = vfs.name();
//   settings.files = files_on(disk);
//   settings.simulate(seed);
class Vfs {
 public:
  // Registers itself until destroyed; databases on it are closed before. Both outlive it.
  Vfs(async::sim::World& world, async::sim::Disk& disk);
  Vfs(const Vfs&) = delete;
  Vfs& operator=(const Vfs&) = delete;
  ~Vfs();

  const std::string& name() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What the adapter itself does to files, on the same disk, which outlives it.
std::shared_ptr<Files> files_on(async::sim::Disk& disk);

}  // namespace sinew::sqlite::sim
