#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "sinew/base/id.hpp"
#include "sinew/base/json.hpp"
#include "sinew/base/time.hpp"
#include "sinew/event/envelope.hpp"
#include "sinew/saga/definition.hpp"

namespace sinew::saga {

enum class Status : std::uint8_t {
  running,              // going forward
  compensating,         // undoing, in reverse order
  completed,            // every step done
  compensated,          // every done step undone
  suspended,            // forward, but an operator must decide
  compensation_failed,  // backward, but an operator must decide
};
std::string_view to_string(Status status) noexcept;
Status parse_status(std::string_view text);  // Error corrupt
std::optional<Status> find_status(std::string_view text) noexcept;
constexpr bool is_final(Status status) {
  return status == Status::completed || status == Status::compensated;
}
constexpr bool is_stuck(Status status) {
  return status == Status::suspended || status == Status::compensation_failed;
}

// What is persisted of one saga: its place in the definition, not its history.
struct Instance {
  std::string definition;
  std::int32_t definition_version = 1;
  std::string id;  // the business key, unique within the definition; 1 to 200 bytes
  Status status = Status::running;
  std::int32_t step = 0;             // index; backward: of the step being undone
  std::string step_name;             // of `step`, for whoever has no definition at hand
  std::optional<StepKind> kind;      // likewise; none: a row of before these were kept
  std::int32_t attempt = 1;          // at the step, in its direction
  std::int32_t group = 1;            // attempts of one group share their idempotency key
  Uuid command_id;                   // the command whose reply is awaited; nil: none
  std::optional<Timestamp> wake_at;  // a timeout or a retry
  bool rejected = false;             // the last outcome was a definite no
  std::string error;                 // why it is stuck or goes back; empty: nothing went wrong
  std::string rejection;             // the code of the no that turned it back; empty: none did
  Json data;
  event::Lineage lineage;
  std::int64_t revision = 0;  // compare-and-set
  Timestamp started_at{};
  Timestamp updated_at{};

  bool forward() const { return status == Status::running || status == Status::suspended; }
};

// What happens to an instance.
struct Started {};
struct Accepted {
  Json reply;
};
struct Rejected {
  std::string code;
  std::string detail;
};
struct TimedOut {};  // the reply did not come: the outcome is unknown
struct LocalDone {
  Json data;
};
struct LocalFailed {  // rolled back: certainly not done
  std::string error;
};
struct RetryDue {};
struct Broken {  // the definition's own code threw, on this data: only people can help
  std::string error;
};
enum class Verb : std::uint8_t { retry, skip, resolve, compensate, edit, migrate };
std::string_view to_string(Verb verb) noexcept;
std::optional<Verb> parse_verb(std::string_view text) noexcept;
struct Operated {
  Verb verb = Verb::retry;
  Json argument;  // resolve: the reply to assume; edit: members that replace those of the data
};
using Input = std::variant<Started, Accepted, Rejected, TimedOut, LocalDone, LocalFailed, RetryDue,
                           Broken, Operated>;

// What the orchestrator then does, in the same transaction.
enum class Next : std::uint8_t {
  send,     // the command of the current step, in the current direction
  run,      // its local work
  wait,     // until wake_at, or for whatever it waited for
  nothing,  // finished or stuck
};

// The transition of an instance: pure, total, tested as a table. One that is finished or stuck
// moves by a verb only. `delay` is a pause drawn by the
// caller for a retry. Throws Error conflict for a verb that does not fit (see refusal() of
// verbs.hpp):
//   retry       the current step again; asks under the same key, unless the last answer was a no
//   skip        the current step counts as done, its reply as never taken
//   resolve     the same with a reply to take
//   compensate  goes back, the current step included; at the pivot only while it is suspended, when
//               the operator knows that it did not happen
//   edit        corrects the data and moves nothing; Error invalid_input when its struct refuses it
//   migrate     is none of the machine's: see takeover.hpp
Next advance(const Definition& definition, Instance& instance, const Input& input, Timestamp now,
             Duration delay);

// Sets step_name and kind to those of the step.
void name_step(const Definition& definition, Instance& instance);

// The work of the current step in the current direction.
const Work& current_work(const Definition& definition, const Instance& instance);

// Derived, never random: the same for every attempt of a group, so a participant recognises it.
Uuid idempotency_key(const Instance& instance, std::string_view step);
// The id of the command of the current attempt.
Uuid command_id(const Instance& instance, std::string_view step);

}  // namespace sinew::saga
