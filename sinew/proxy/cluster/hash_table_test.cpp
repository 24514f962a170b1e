#include "sinew/proxy/cluster/hash_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "sinew/proxy/cluster/mix.hpp"

namespace sinew::proxy {
namespace {

std::vector<HashTable::Owner> owners(std::size_t count, std::uint16_t weight = 100) {
  std::vector<HashTable::Owner> made;
  for (std::uint64_t i = 0; i < count; ++i)
    made.push_back({mix(i), weight});
  return made;
}

std::vector<int> slots_of(const HashTable& table, std::size_t owners) {
  std::vector<int> counts(owners);
  for (const auto owner : table.slots())
    ++counts[owner];
  return counts;
}

TEST(HashTable, HasAPrimeNumberOfSlotsFromTheOnesAskedFor) {
  EXPECT_EQ(HashTable(owners(2), kMinSlots).slots().size(), 11U);
  EXPECT_EQ(HashTable(owners(2), kDefaultSlots).slots().size(), 10'007U);
  EXPECT_EQ(HashTable(owners(2), kMaxSlots).slots().size(), 65'537U);
}

TEST(HashTable, EqualOwnersHaveEqualSharesToASlot) {
  for (const std::size_t count : {1, 2, 3, 10, 100, 1'000}) {
    const HashTable table(owners(count), kDefaultSlots);
    const auto [least, most] = std::ranges::minmax(slots_of(table, count));
    EXPECT_LE(most - least, 1) << count << " owners";
  }
}

TEST(HashTable, SharesGoByWeight) {
  const std::vector<HashTable::Owner> weighted = {
      {mix(1), 10}, {mix(2), 30}, {mix(3), 0}, {mix(4), 60}};

  const auto counts = slots_of(HashTable(weighted, kDefaultSlots), 4);

  EXPECT_NEAR(counts[0], 1'001, 2);
  EXPECT_NEAR(counts[1], 3'002, 2);
  EXPECT_EQ(counts[2], 0);
  EXPECT_NEAR(counts[3], 6'004, 2);
}

TEST(HashTable, NobodyOwnsAnythingWithoutWeight) {
  EXPECT_TRUE(HashTable().empty());
  EXPECT_TRUE(HashTable({}, kDefaultSlots).empty());
  EXPECT_TRUE(HashTable(owners(3, 0), kDefaultSlots).empty());
}

// The share of slots with another owner, of those that the one which goes did not have.
double moved_by_removing(std::size_t count, std::size_t victim, std::uint32_t slots) {
  auto some = owners(count);
  const HashTable before(some, slots);
  some.erase(some.begin() + static_cast<std::ptrdiff_t>(victim));
  const HashTable after(some, slots);
  int moved = 0;
  for (std::size_t slot = 0; slot < before.slots().size(); ++slot) {
    const std::size_t was = before.slots()[slot];
    const std::size_t is = after.slots()[slot] + (after.slots()[slot] >= victim ? 1U : 0U);
    moved += was != victim && was != is ? 1 : 0;
  }
  return moved / static_cast<double>(before.slots().size());
}

// One of n that comes or goes must move 1/n; these are the slots of others that move beside.
TEST(HashTable, AnOwnerThatComesOrGoesMovesFewSlotsOfOthers) {
  struct Row {
    std::size_t owners;
    std::uint32_t slots;
    double bound;
  };
  const Row rows[] = {{3, 10'000, 0.01},
                      {10, 10'000, 0.01},
                      {100, 10'000, 0.03},
                      {10, 65'536, 0.01},
                      {100, 65'536, 0.01}};
  for (const auto& [count, slots, bound] : rows) {
    double worst = 0;
    for (std::size_t victim = 0; victim < count; victim += std::max<std::size_t>(1, count / 5))
      worst = std::max(worst, moved_by_removing(count, victim, slots));
    EXPECT_LE(worst, bound) << count << " owners, " << slots << " slots";
  }
}

TEST(HashTable, IsTheSameInEveryProcess) {
  const HashTable table(owners(5), kDefaultSlots);
  EXPECT_EQ(table.owner_of(mix(1)), table.slots()[below(table.slots().size(), mix(1))]);
  std::uint64_t digest = 0;
  for (const auto owner : table.slots())
    digest = mix(digest ^ owner);
  EXPECT_EQ(digest, 3'144'586'351'529'583'124ULL);
}

}  // namespace
}  // namespace sinew::proxy
