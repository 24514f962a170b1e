#pragma once

#include <cstddef>
#include <cstdint>

namespace sinew::tests {

// Draws of a seed, the same in every run and with every library (SplitMix64, Steele, Lea, Flood).
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t word = state_ += 0x9e3779b97f4a7c15;
    word = (word ^ (word >> 30U)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27U)) * 0x94d049bb133111eb;
    return word ^ (word >> 31U);
  }
  // 0 to bound - 1; the bound is small, so what the division favours does not matter.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }

 private:
  std::uint64_t state_;
};

}  // namespace sinew::tests
