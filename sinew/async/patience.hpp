#pragma once

#include "sinew/async/scope.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/instant.hpp"

namespace sinew::async {

// Waits up to `patience` for the tasks of `scope` to end by themselves, cancels those that did not
// and joins it. True when none had to be cancelled. Throws what a task threw.
Task<bool> finish_within(Scope& scope, Duration patience);

}  // namespace sinew::async
