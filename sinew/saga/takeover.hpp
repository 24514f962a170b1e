#pragma once

#include "sinew/saga/definition.hpp"
#include "sinew/saga/machine.hpp"

namespace sinew::saga {

// Moves a live instance of an older version to `definition`, as its Takeover says: pure. The
// status, the attempt and a command on its way stay; the step becomes its counterpart, the data is
// lifted and checked. Throws Error conflict, with a sentence and the instance untouched:
//   - the instance is finished, or of this version already, or of one that is not taken over
//   - its step has no counterpart here, or one on the other side of the pivot
//   - before the pivot: the steps that were done are not those that come before the counterpart, so
//     that going back would undo something else than what was done
//   - it waits for an answer, or does not know it, under a step that has another name here: its
//     idempotency key would be another
// and Error invalid_input when the lifted data is not the definition's.
void take_over(const Definition& definition, Instance& instance);

}  // namespace sinew::saga
