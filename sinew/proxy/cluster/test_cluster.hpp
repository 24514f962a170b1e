#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sinew/proxy/cluster/endpoint_set.hpp"
#include "sinew/proxy/cluster/mix.hpp"

namespace sinew::proxy {

// The nth target: 10.0.0.0 and on.
inline Target target(std::size_t nth, std::uint16_t weight = 100) {
  return {"10.0." + std::to_string(nth / 250) + "." + std::to_string(nth % 250), 8'000, weight};
}

inline std::vector<Target> targets(const std::vector<std::uint16_t>& weights) {
  std::vector<Target> made;
  for (const auto weight : weights)
    made.push_back(target(made.size(), weight));
  return made;
}

// 64 random bits after the other.
class TestRandom {
 public:
  explicit TestRandom(std::uint64_t seed) : state_(mix(seed)) {}
  std::uint64_t operator()() noexcept { return state_ = mix(state_); }
  std::uint64_t below(std::uint64_t count) noexcept { return proxy::below(count, (*this)()); }

 private:
  std::uint64_t state_;
};

}  // namespace sinew::proxy
