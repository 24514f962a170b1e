#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/async/task.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/base/json.hpp"
#include "sinew/messaging/failure.hpp"
#include "sinew/store/transaction.hpp"

namespace sinew::saga {

struct Instance;  // see machine.hpp

// A command for a participant, made from the saga's data. Its type names the queue.
struct Command {
  std::string type;
  std::int32_t version = 1;
  Json data;
};

// The action or the compensation of a step, on the saga's data as JSON: either a command whose
// reply is taken into the data, or something local in the orchestrator's own transaction. Neither:
// nothing to do. Made by ask() and local() (see builder.hpp).
struct Work {
  std::function<Command(const Json& data)> command;
  std::function<Json(const Json& data, const Json& reply)> take_reply;
  std::function<Task<Json>(store::Transaction& transaction, const Instance& instance)> local;

  bool empty() const { return !command && !local; }
};

// Garcia-Molina and Salem's steps in Richardson's words: compensatable ones, then at most one
// pivot, after which the saga can only go forward, then retriable ones.
enum class StepKind : std::uint8_t { compensatable, pivot, retriable };

struct Step {
  std::string name;
  StepKind kind = StepKind::compensatable;
  Work action;
  Work compensation;
  Duration timeout = std::chrono::seconds(30);  // for one reply: 10 ms to 30 days
  messaging::RetrySettings retry;               // of an attempt whose outcome is unknown
};

// The attempts of a step that must happen: it is tried until it succeeds or an operator decides.
constexpr std::int32_t forever = 1'000'000'000;

// How live instances of an older version go on in this one, asked for by an operator's `migrate`.
struct Takeover {
  // A step of the older version and its counterpart here; none: the step is gone.
  struct StepChange {
    std::string before;
    std::string now;
  };
  std::int32_t version = 1;                         // the older one
  std::vector<StepChange> steps;                    // all of its steps, in its order
  std::function<JsonObject(JsonObject data)> lift;  // pure; empty: the data stays as it is
};

// What a saga does. Immutable once a version is released: live instances refer to it by name and
// version and are pinned to that version.
struct Definition {
  std::string name;  // [a-z][a-z0-9-]{0,59}
  std::int32_t version = 1;
  std::vector<Step> steps;
  std::vector<Takeover> takeovers;
  // Gives the data back as its struct reads it; throws Error invalid_input with every wrong or
  // unknown member. Empty: operators cannot edit the data.
  std::function<Json(const Json& data)> check_data;

  static constexpr std::size_t max_steps = 50;
};

// Throws Error invalid_input that lists every broken rule: more than one pivot, a compensation at
// or after the pivot, a compensatable step after it, a retriable one before it, a step that does
// nothing, two steps of one name, names and times out of range; a takeover of a version that is not
// older or is taken over already, or whose steps do not lead to steps of this one in order.
void validate(const Definition& definition);

}  // namespace sinew::saga
