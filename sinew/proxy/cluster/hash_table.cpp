#include "sinew/proxy/cluster/hash_table.hpp"

#include <limits>

#include "sinew/proxy/cluster/mix.hpp"
#include "sinew/proxy/cluster/weighted_schedule.hpp"

namespace sinew::proxy {
namespace {

constexpr auto kFree = std::numeric_limits<std::uint16_t>::max();

bool is_prime(std::uint32_t number) noexcept {
  for (std::uint32_t divisor = 2; divisor * divisor <= number; ++divisor) {
    if (number % divisor == 0) return false;
  }
  return number > 1;
}

std::uint32_t prime_from(std::uint32_t number) noexcept {
  while (!is_prime(number))
    ++number;
  return number;
}

// An owner's order of preference: every slot once, since the size is prime.
struct Preference {
  std::uint32_t next;
  std::uint32_t skip;

  std::uint32_t take(std::uint32_t size) noexcept {
    const auto slot = next;
    next = (next + skip) % size;
    return slot;
  }
};

}  // namespace

HashTable::HashTable(std::span<const Owner> owners, std::uint32_t slots) {
  const auto size = prime_from(slots);
  WeightedSchedule turns;
  std::vector<Preference> preferences;
  for (const auto& [hash, weight] : owners) {
    const auto place = static_cast<std::uint32_t>(preferences.size());
    preferences.push_back({static_cast<std::uint32_t>(below(size, mix(hash, 1))),
                           static_cast<std::uint32_t>(below(size - 1, mix(hash, 2)) + 1)});
    if (weight > 0) turns.add(place, weight, mix(hash, 3));
  }
  if (turns.empty()) return;
  slots_.assign(size, kFree);
  for (std::uint32_t filled = 0; filled < size; ++filled) {
    const auto owner = turns.next();
    auto slot = preferences[owner].take(size);
    while (slots_[slot] != kFree)
      slot = preferences[owner].take(size);
    slots_[slot] = static_cast<std::uint16_t>(owner);
  }
}

std::uint32_t HashTable::owner_of(std::uint64_t hash) const noexcept {
  return slots_[below(slots_.size(), hash)];
}

}  // namespace sinew::proxy
