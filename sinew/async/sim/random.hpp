#pragma once

#include <array>
#include <cstdint>

#include "sinew/base/instant.hpp"

namespace sinew::async::sim {

// A span of time from which the simulator draws, both ends included. most >= least >= 0.
struct Range {
  Duration least{};
  Duration most{};
};

// The one source of chance of a simulation: xoshiro256** (Blackman and Vigna, 2018), its state
// filled from the seed by splitmix64. The same seed gives the same numbers on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept;

  std::uint64_t next() noexcept;
  // Uniform in [0, bound); bound >= 1.
  std::uint64_t below(std::uint64_t bound) noexcept;
  // True with this probability; at 0 and below never, at 1 and above always.
  bool chance(double probability) noexcept;
  Duration within(Range range) noexcept;

 private:
  std::array<std::uint64_t, 4> state_;
};

// A well-mixed function of one number (splitmix64's): for hashes that no attacker chooses.
std::uint64_t mix(std::uint64_t value) noexcept;

}  // namespace sinew::async::sim
