#pragma once

#include <cstdint>
#include <vector>

#include "examples/commerce/replay/input.hpp"
#include "examples/commerce/replay/progress_bar.hpp"
#include "examples/commerce/replay/target.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/json.hpp"
#include "sinew/base/secret.hpp"

namespace commerce::replay {

struct Result {
  Stage stage;             // the last
  std::int64_t known = 0;  // orders that the system had before
  std::int64_t confirmed = 0;
  std::int64_t rejected = 0;
  std::int64_t refused = 0;  // lines and orders of the input, and what sales refused
  std::vector<reporting::Refusal> refused_by_sales;
};
sinew::Json to_json(const Result& result);

// Brings an input into a system from outside, as shops, suppliers and carriers would: registers the
// batch, drops files, posts the orders, reports shipments; then waits until every order is
// confirmed or rejected and every one that left is known to have left. Doing it again, also after
// it was killed in the middle, does only what is missing. Errors: unavailable, timeout (nothing
// moved for a minute), invalid_input (a context refused a file or the batch).
sinew::Task<Result> replay(sinew::async::Runtime& runtime, const Input& input, Target target,
                           sinew::Secret carrier_secret, ProgressBar& bar);

}  // namespace commerce::replay
