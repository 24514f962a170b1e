#include "sinew/async/future.hpp"

#include <algorithm>
#include <chrono>

#include "sinew/async/worker_thread.hpp"
#include "sinew/base/error.hpp"

namespace sinew::async {
namespace {

// A clock's time and a longer one would overflow.
constexpr Duration longest_wait = std::chrono::hours(24 * 365);

}  // namespace

bool Progress::begin() noexcept {
  const std::lock_guard lock(mutex_);
  if (phase_ == Phase::withdrawn) return false;
  phase_ = Phase::begun;
  return true;
}

void Progress::settle() noexcept {
  const std::lock_guard lock(mutex_);
  phase_ = Phase::settled;
  over_.notify_all();
}

bool Progress::settled() const noexcept {
  const std::lock_guard lock(mutex_);
  return phase_ == Phase::settled;
}

void Progress::wait(Duration timeout) {
  if (on_worker()) {
    throw Error(Condition::invalid_input,
                "a worker's thread cannot wait for what a worker does: it might wait for itself; "
                "co_await the task, or wait on a thread of your own");
  }
  std::unique_lock lock(mutex_);
  const auto settled = [this] { return phase_ == Phase::settled; };
  if (over_.wait_for(lock, std::min(timeout, longest_wait), settled)) return;
  if (phase_ == Phase::begun) {
    throw Error(Condition::timeout, "it is not over in time and goes on; what it does may be done",
                Applied::unknown);
  }
  phase_ = Phase::withdrawn;
  throw Error(Condition::timeout, "the worker had not begun with it in time, and will not now");
}

}  // namespace sinew::async
