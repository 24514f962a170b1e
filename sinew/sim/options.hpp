#pragma once

#include <cstdint>
#include <optional>

#include "sinew/async/sim/disk.hpp"
#include "sinew/async/sim/options.hpp"
#include "sinew/base/log.hpp"
#include "sinew/context/settings.hpp"

namespace sinew::sim {

// What the contexts have for databases: SQLite as it is, or SQLite behind a database that suspends
// at every statement, interleaves bodies, runs them again and loses the answers of commits, as one
// across a network may (store::sim::InterleavingDatabase).
enum class Databases : bool { plain, interleaving };

struct WorldOptions {
  std::uint64_t seed = 1;
  Databases databases = Databases::plain;
  // A simulated disk that fails so under every database, and whose power can be cut; nothing: the
  // machine's own files, in memory where that is possible.
  std::optional<async::sim::DiskOptions> disk = {};
  double duplicates = 0;                   // probability that the broker gets a message twice
  context::ContextSettings contexts = {};  // without DNS: names are addresses or localhost
  std::uint16_t first_port = 8000;         // of the simulated network: of the first context
  async::sim::Options simulation = {};
  log::Level log = log::Level::off;  // what goes wrong on purpose is no news
};

}  // namespace sinew::sim
