#include "sinew/async/clock.hpp"

#include <chrono>

namespace sinew::async {

Instant monotonic_now() noexcept {
  return Instant(std::chrono::steady_clock::now().time_since_epoch());
}

Timestamp wall_clock_now() noexcept {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

}  // namespace sinew::async
