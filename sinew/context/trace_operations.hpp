#pragma once

#include "sinew/context/saga_operations.hpp"

namespace sinew::context {

// The operation `trace.show`: what this context knows of a process.
Task<Json> show_trace(Call call);

}  // namespace sinew::context
