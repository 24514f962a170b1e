#include "sinew/async/sim/random.hpp"

#include <bit>

namespace sinew::async::sim {
namespace {

constexpr std::uint64_t golden_gamma = 0x9e3779b97f4a7c15;

}  // namespace

std::uint64_t mix(std::uint64_t value) noexcept {
  value += golden_gamma;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

Random::Random(std::uint64_t seed) noexcept {
  for (std::uint64_t& word : state_) {
    word = mix(seed);
    seed += golden_gamma;
  }
}

std::uint64_t Random::next() noexcept {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

// The high word of the product: its bias, below bound / 2^64, matters to no test.
std::uint64_t Random::below(std::uint64_t bound) noexcept {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(next()) * bound) >> 64);
}

bool Random::chance(double probability) noexcept {
  constexpr double two_to_53 = 9007199254740992.0;
  return static_cast<double>(next() >> 11) < probability * two_to_53;
}

Duration Random::within(Range range) noexcept {
  const auto span = static_cast<std::uint64_t>((range.most - range.least).count());
  return range.least + Duration(below(span + 1));
}

}  // namespace sinew::async::sim
