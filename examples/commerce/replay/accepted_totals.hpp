#pragma once

#include "examples/commerce/replay/input.hpp"
#include "sinew/base/json.hpp"

namespace commerce::replay {

// The figures of totals.json over what is sent, computed from the input alone; and opening_units,
// the goods delivered.
sinew::Json accepted_totals(const Input& input);

}  // namespace commerce::replay
