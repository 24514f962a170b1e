#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sinew::proxy {

inline constexpr std::uint32_t kMinSlots = 10;  // Kong's bounds of `slots`
inline constexpr std::uint32_t kMaxSlots = 65'536;
inline constexpr std::uint32_t kDefaultSlots = 10'000;

// Which owner a hash belongs to, such that an owner that comes or goes moves few hashes of others:
// Maglev's table (Eisenbud et al., NSDI 2016), with turns by weight as Envoy's has.
//
// Why not a ring: a look-up is one index, the table is shared by all workers, and each owner has
// its share of the slots to within one turn whatever their number, where a ring of Kong's 10,000
// slots gives a hundred endpoints shares that differ by tens of percent. The price: an owner that
// comes or goes moves, beside its own slots, a few that need not move (the test states the bound).
//
// Immutable. The same owners give the same table in every process and version.
class HashTable {
 public:
  struct Owner {
    std::uint64_t hash;    // of its name; distinct
    std::uint16_t weight;  // 0: owns nothing
  };

  HashTable() = default;
  // `slots` is rounded up to a prime. For a good spread they are a hundred times the owners.
  HashTable(std::span<const Owner> owners, std::uint32_t slots);

  bool empty() const noexcept { return slots_.empty(); }
  // The index of the owner. Not of an empty table.
  std::uint32_t owner_of(std::uint64_t hash) const noexcept;
  std::span<const std::uint16_t> slots() const noexcept { return slots_; }

 private:
  std::vector<std::uint16_t> slots_;  // indices below kMaxEndpoints
};

}  // namespace sinew::proxy
