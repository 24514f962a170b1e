#include "sinew/async/patience.hpp"

#include <chrono>

#include "sinew/base/error.hpp"

namespace sinew::async {
namespace {

constexpr Duration between_looks = std::chrono::milliseconds(5);

Task<void> until_empty(Scope& scope) {
  while (scope.size() > 0)
    co_await sleep_for(between_looks);
}

}  // namespace

Task<bool> finish_within(Scope& scope, Duration patience) {
  bool in_time = true;
  try {
    const Instant until = scope.context().runtime->now() + patience;
    co_await with_deadline(until, until_empty(scope));
  } catch (const Error&) {
    in_time = false;
  }
  scope.cancel();
  co_await scope.join();
  co_return in_time;
}

}  // namespace sinew::async
