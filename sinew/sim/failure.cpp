#include "sinew/sim/failure.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <exception>

namespace sinew::sim {
namespace {

[[noreturn]] void fail_seed(std::uint64_t seed, const std::string& reason) {
  throw Failure(fmt::format("{}\nseed {}: SINEW_SEED={} in the environment runs it alone", reason,
                            seed, seed));
}

}  // namespace

void fail(const std::string& text, const std::source_location& where) {
  throw Failure(fmt::format("{}:{}: {}", where.file_name(), where.line(), text));
}

void for_seeds(std::uint64_t count, const std::function<void(std::uint64_t)>& test,
               const std::function<bool()>& failed) {
  const char* chosen = std::getenv("SINEW_SEED");
  const std::uint64_t first = chosen == nullptr ? 1 : std::strtoull(chosen, nullptr, 10);
  const std::uint64_t last = chosen == nullptr ? count : first;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    try {
      test(seed);
    } catch (const std::exception& error) {
      fail_seed(seed, error.what());
    }
    if (failed && failed()) fail_seed(seed, "an expectation was missed");
  }
}

}  // namespace sinew::sim
