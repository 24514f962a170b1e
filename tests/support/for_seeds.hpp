#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <string>

namespace sinew::tests {

// Runs `test(seed)` for the seeds 1 to `count`, up to the first that fails; a failure names its
// seed. With SINEW_SEED=n in the environment only that one is run.
template <class F>
void for_seeds(std::uint64_t count, F&& test) {
  const char* chosen = std::getenv("SINEW_SEED");
  const std::uint64_t first = chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : 1;
  const std::uint64_t last = chosen != nullptr ? first : count;
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
