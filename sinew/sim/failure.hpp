#pragma once

#include <functional>
#include <source_location>
#include <stdexcept>
#include <string>

namespace sinew::sim {

// What a test expected is not so. Any test framework reports an exception that leaves a test:
// what() begins with the file and line of the expectation, says what was expected and what was
// found.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

[[noreturn]] void fail(const std::string& text, const std::source_location& where);

// Runs `test` for the seeds 1 to `count`, up to the first that fails; with SINEW_SEED=n in the
// environment only for that one. What the test throws comes out as a Failure that ends with the
// line that repeats the run. A framework whose expectations do not throw says by `failed` whether
// one was missed: testing::Test::HasFailure of GoogleTest.
void for_seeds(std::uint64_t count, const std::function<void(std::uint64_t seed)>& test,
               const std::function<bool()>& failed = {});

}  // namespace sinew::sim
