#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/async/sim/random.hpp"

namespace sinew::async::sim {

// One file of a simulated disk, twice: as programs read it, from the system's cache, and as a power
// cut would leave it, with the changes in between. For Disk only.
class FileImage {
 public:
  // What a disk writes as a whole. Smaller than a database's page, so that pages tear.
  static constexpr std::size_t sector_bytes = 512;

  const std::string& content() const noexcept { return cached_; }
  bool clean() const noexcept { return changes_.empty(); }

  void write(std::uint64_t offset, std::string_view bytes);
  void truncate(std::uint64_t size);
  // Everything written so far survives from here on.
  void sync();
  // A sync that fails as on Linux: each change reached the disk or did not, and the system takes
  // all of them for clean, so that the next sync leaves them out and succeeds.
  void fail_sync(Random& random);
  // What was not synced is lost, kept, kept up to a torn end, or kept in part, sector by sector.
  void cut_power(Random& random);

  // What lives with the open file, such as locks and shared memory; gone with the process.
  std::weak_ptr<void> attached;

 private:
  struct Change {
    std::uint64_t offset;
    std::string bytes;
    bool truncation;
  };

  static void apply(std::string& content, const Change& change);
  void keep_some_sectors(const Change& change, double kept, Random& random);

  std::string cached_;
  std::string durable_;
  std::vector<Change> changes_;
};

}  // namespace sinew::async::sim
