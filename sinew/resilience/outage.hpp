#pragma once

#include "sinew/base/error.hpp"

namespace sinew::resilience {

// Whether an error says that the target could not do its work (unavailable, exhausted, timeout,
// corrupt), so that an older answer or a substitute may stand in for it. All others are answers of
// a target that works; `cancelled` is the caller's own wish.
bool is_outage(Condition condition) noexcept;

}  // namespace sinew::resilience
