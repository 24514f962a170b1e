#pragma once

#include <cstdint>

// Numbers out of numbers, where a choice needs more randomness than it was handed.
namespace sinew::proxy {

// A well-mixed function of one number: the finish of splitmix64 (Steele, Lea, Flood, 2014).
constexpr std::uint64_t mix(std::uint64_t value) noexcept {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111eb;
  return value ^ (value >> 31U);
}

// The nth number that follows from a seed.
constexpr std::uint64_t mix(std::uint64_t seed, std::uint64_t nth) noexcept {
  return mix(seed ^ (nth * 0xd1342543de82ef95));
}

// A uniform 64-bit number into 0 .. count - 1, without the bias that matters (Lemire, 2019).
constexpr std::uint64_t below(std::uint64_t count, std::uint64_t random) noexcept {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(Wide{random} * count >> 64U);
}

}  // namespace sinew::proxy
