#pragma once

#include "sinew/base/instant.hpp"
#include "sinew/base/time.hpp"

namespace sinew::async {

// The machine's clocks, for real runtimes and the threads around them; everyone else asks his
// Runtime. The monotonic one counts from boot, so the runtimes of a process share it.
Instant monotonic_now() noexcept;
Timestamp wall_clock_now() noexcept;

}  // namespace sinew::async
