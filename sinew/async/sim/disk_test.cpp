#include "sinew/async/sim/disk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "sinew/async/sim/world.hpp"

namespace sinew::async::sim {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

constexpr int many = 200;

std::string content(Disk& disk, const std::string& path) {
  const auto file = disk.open(path, false);
  if (!file) return "(none)";
  std::string bytes(file->size(), '\0');
  std::size_t count = 0;
  file->read(0, bytes, count);
  return bytes;
}

// A disk with one file whose content and name are safe.
struct Machine {
  explicit Machine(std::uint64_t seed, const DiskOptions& options = {})
      : world(seed, all_sites()), disk(world, options), file(disk.open("d/file", true)) {
    file->write(0, "safe");
    file->sync();
    disk.sync_folder("d");
  }
  static Options all_sites() {
    Options options;
    options.enabled_sites = 1;
    return options;
  }
  World world;
  Disk disk;
  std::unique_ptr<DiskHandle> file;
};

TEST(SimDisk, ReadsWhatWasWrittenAndTellsTheEnd) {
  Machine machine(1);
  machine.file->write(6, "more");
  std::string bytes(20, 'x');
  std::size_t count = 0;

  EXPECT_EQ(machine.file->read(2, bytes, count), DiskFault::none);

  EXPECT_EQ(bytes.substr(0, count), std::string("fe\0\0more", 8));
  EXPECT_EQ(machine.file->read(10, bytes, count), DiskFault::none);
  EXPECT_EQ(count, 0u);
}

TEST(SimDisk, KeepsWhatWasSyncedInEveryCut) {
  for (int seed = 1; seed <= many; ++seed) {
    Machine machine(static_cast<std::uint64_t>(seed));
    machine.file->truncate(0);
    machine.file->write(0, "synced");
    machine.file->sync();

    machine.disk.cut_power();

    ASSERT_EQ(content(machine.disk, "d/file"), "synced") << seed;
  }
}

TEST(SimDisk, LosesKeepsAndTearsWhatWasNotSynced) {
  std::set<std::string> outcomes;
  for (int seed = 1; seed <= many; ++seed) {
    Machine machine(static_cast<std::uint64_t>(seed));
    machine.file->write(0, "lost");

    machine.disk.cut_power();

    outcomes.insert(content(machine.disk, "d/file"));
  }

  EXPECT_TRUE(outcomes.contains("safe"));
  EXPECT_TRUE(outcomes.contains("lost"));
  EXPECT_TRUE(outcomes.contains("lofe")) << "torn";
  EXPECT_GT(outcomes.size(), 5u) << "and garbled";
}

TEST(SimDisk, LosesSectorsInAnyOrder) {
  int gaps = 0;
  for (int seed = 1; seed <= many; ++seed) {
    Machine machine(static_cast<std::uint64_t>(seed));
    machine.file->write(0, std::string(FileImage::sector_bytes, 'a'));
    machine.file->write(FileImage::sector_bytes, std::string(FileImage::sector_bytes, 'b'));

    machine.disk.cut_power();

    const std::string left = content(machine.disk, "d/file");
    gaps += left.starts_with("safe") && left.ends_with("b");
  }

  EXPECT_GT(gaps, 0);
}

TEST(SimDisk, MayLoseNamesWhoseFolderWasNotSynced) {
  std::set<std::vector<std::string>> outcomes;
  for (int seed = 1; seed <= many; ++seed) {
    Machine machine(static_cast<std::uint64_t>(seed));
    machine.disk.open("d/new", true)->sync();
    machine.disk.rename("d/file", "d/moved");
    machine.disk.remove("d/new");

    machine.disk.cut_power();

    outcomes.insert(machine.disk.list("d"));
  }

  EXPECT_THAT(outcomes, SizeIs(4)) << "each number of first changes, and no others";
  EXPECT_TRUE(outcomes.contains({"d/file"}));
  EXPECT_TRUE(outcomes.contains({"d/file", "d/new"}));
  EXPECT_TRUE(outcomes.contains({"d/moved", "d/new"}));
  EXPECT_TRUE(outcomes.contains({"d/moved"}));
}

TEST(SimDisk, KeepsNamesOnceTheirFolderIsSynced) {
  for (int seed = 1; seed <= many; ++seed) {
    Machine machine(static_cast<std::uint64_t>(seed));
    machine.disk.rename("d/file", "d/moved");
    machine.disk.sync_folder("d");

    machine.disk.cut_power();

    ASSERT_THAT(machine.disk.list("d"), ElementsAre("d/moved"));
    ASSERT_EQ(content(machine.disk, "d/moved"), "safe");
  }
}

// As Linux does: after the failure the pages count as clean.
TEST(SimDisk, ForgetsThatPagesAreDirtyAfterAFailedSync) {
  std::set<std::string> outcomes;
  for (int seed = 1; seed <= many; ++seed) {
    Machine machine(static_cast<std::uint64_t>(seed));
    DiskOptions always;
    always.sync_error = 1;
    Disk disk(machine.world, always);
    const auto file = disk.open("d/file", true);
    disk.sync_folder("d");
    file->write(0, "gone");

    EXPECT_EQ(file->sync(), DiskFault::io);
    EXPECT_EQ(content(disk, "d/file"), "gone") << "the cache still has it";
    EXPECT_EQ(file->sync(), DiskFault::none) << "nothing is dirty";
    disk.cut_power();

    outcomes.insert(content(disk, "d/file"));
  }

  EXPECT_THAT(outcomes, ElementsAre("", "gone"));
}

TEST(SimDisk, RefusesAFullDiskOnlyWhereAFileGrows) {
  Machine machine(1);
  DiskOptions full;
  full.full = 1;
  Disk disk(machine.world, full);
  const auto file = disk.open("d/file", true);

  EXPECT_EQ(file->write(0, "x"), DiskFault::full);
  EXPECT_EQ(file->size(), 0u);
  EXPECT_EQ(machine.file->write(0, "fits"), DiskFault::none);
}

TEST(SimDisk, AnswersNothingToAProcessThatIsGone) {
  Machine machine(1);
  machine.file->write(0, "kept");

  machine.disk.end_process();

  EXPECT_EQ(machine.file->write(0, "late"), DiskFault::io);
  EXPECT_EQ(machine.file->sync(), DiskFault::io);
  EXPECT_EQ(content(machine.disk, "d/file"), "kept");
}

TEST(SimDisk, CutsThePowerDuringAChosenOperation) {
  Machine machine(1);
  int told = 0;
  machine.disk.cut_power_after(3, [&] { ++told; });

  EXPECT_EQ(machine.file->write(0, "one!"), DiskFault::none);
  EXPECT_EQ(machine.file->sync(), DiskFault::none);
  EXPECT_EQ(told, 0);
  EXPECT_EQ(machine.file->sync(), DiskFault::io);

  EXPECT_EQ(told, 1);
  EXPECT_EQ(content(machine.disk, "d/file"), "one!");
}

}  // namespace
}  // namespace sinew::async::sim
