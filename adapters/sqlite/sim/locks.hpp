#pragma once

#include <sqlite3.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace sinew::sqlite::sim {

// The locks and the shared memory of one database file, for all connections of the one process: as
// SQLite's Unix VFS keeps them between the connections of a process. Single-threaded.
class Locks {
 public:
  // What one connection holds.
  struct Holder {
    int level = SQLITE_LOCK_NONE;
    std::uint16_t shared = 0;  // of the wal-index, a bit a slot
    std::uint16_t exclusive = 0;
  };

  int lock(Holder& holder, int level);
  int unlock(Holder& holder, int level);
  bool reserved() const noexcept { return reserved_ != nullptr; }

  int lock_index(Holder& holder, int first, int count, int flags);
  // Null: there is no such region and none is to be made.
  void* map(int region, int size, bool extend);
  void forget(Holder& holder);

 private:
  using Slots = std::array<int, SQLITE_SHM_NLOCK>;  // number of shared holders, or -1: exclusive

  int shared_ = 0;
  const Holder* reserved_ = nullptr;  // reserved, pending or exclusive
  bool pending_ = false;
  Slots slots_{};
  std::vector<std::unique_ptr<char[]>> regions_;
};

}  // namespace sinew::sqlite::sim
