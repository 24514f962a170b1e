#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>

namespace sinew::tests {

// Of SINEW_SEED=n in the environment; nothing without.
inline std::optional<std::uint64_t> chosen_seed() {
  const char* chosen = std::getenv("SINEW_SEED");
  if (chosen == nullptr) return std::nullopt;
  return std::strtoull(chosen, nullptr, 10);
}

// Runs `test(seed)` for the seeds 1 to `count`, up to the first that fails; a failure names its
// seed. With SINEW_SEED=n in the environment only that one is run.
template <class F>
void for_seeds(std::uint64_t count, F test) {
  const auto chosen = chosen_seed();
  const std::uint64_t first = chosen.value_or(1);
  const std::uint64_t last = chosen.value_or(count);
  for (std::uint64_t seed = first; seed <= last && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed=" + std::to_string(seed) + " (SINEW_SEED=" + std::to_string(seed) +
                 " runs it alone)");
    try {
      test(seed);
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

}  // namespace sinew::tests
