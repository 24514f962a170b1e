#include "sinew/saga/machine.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "sinew/base/error.hpp"

namespace sinew::saga {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp noon = from_micros(1'767'268'800'000'000);
constexpr Duration pause = 700ms;

// A command whose reply is appended to the data, a list.
Work command(std::string type) {
  Work work;
  work.command = [type = std::move(type)](const Json& data) { return Command{type, 1, data}; };
  work.take_reply = [](const Json& data, const Json& reply) {
    JsonArray taken = data.is_array() ? data.as_array() : JsonArray();
    taken.push_back(reply);
    return Json(std::move(taken));
  };
  return work;
}
Work local() {
  Work work;
  work.local = [](store::Transaction&, const Instance& instance) -> Task<Json> {
    co_return instance.data;
  };
  return work;
}

Step step(std::string name, StepKind kind, Work action, Work compensation = {}) {
  Step step;
  step.name = std::move(name);
  step.kind = kind;
  step.action = std::move(action);
  step.compensation = std::move(compensation);
  step.timeout = 10s;
  step.retry.max_attempts = kind == StepKind::retriable ? forever : 3;
  return step;
}

enum At : std::int32_t { reserve, look, hold, charge, ship, close };

Definition place_order() {
  Definition definition;
  definition.name = "place-order";
  definition.steps = {
      step("reserve", StepKind::compensatable, command("stock.reserve"), command("stock.release")),
      step("look", StepKind::compensatable, command("risk.look")),
      step("hold", StepKind::compensatable, local(), local()),
      step("charge", StepKind::pivot, command("payment.charge")),
      step("ship", StepKind::retriable, command("carrier.ship")),
      step("close", StepKind::retriable, local()),
  };
  return definition;
}

Instance at(std::int32_t place, Status status = Status::running) {
  Instance instance;
  instance.definition = "place-order";
  instance.id = "1";
  instance.status = status;
  instance.step = place;
  return instance;
}

std::string_view text(Next next) {
  constexpr std::string_view names[] = {"send", "run", "wait", "nothing"};
  return names[static_cast<std::size_t>(next)];
}

struct Row {
  std::string name;
  Instance before;
  Input input;
  Next next;
  Status status;
  std::int32_t step = 0;
  std::int32_t attempt = 1;
  std::int32_t group = 1;
};

Instance tried(Instance instance, std::int32_t attempts) {
  instance.attempt = attempts;
  return instance;
}
Instance refused(Instance instance) {
  instance.rejected = true;
  return instance;
}
Operated by(Verb verb, Json result = {}) { return {verb, std::move(result)}; }

const Rejected no{"no", "really not"};
const Accepted yes{"done"};

using enum Status;
using enum Next;

std::vector<Row> forward() {
  return {
      {"starts", at(reserve), Started{}, send, running, reserve},
      {"accepted goes to the next step", at(reserve), yes, send, running, look},
      {"accepted before a local step runs it", at(look), yes, run, running, hold},
      {"local done goes on", at(hold), LocalDone{"new"}, send, running, charge},
      {"accepted pivot goes on", at(charge), yes, send, running, ship},
      {"the last step completes", at(close), LocalDone{}, nothing, completed, close},
      {"a count of attempts belongs to its step", tried(at(reserve), 3), yes, send, running, look},
      {"time out asks again", at(reserve), TimedOut{}, send, running, reserve, 2},
      {"time out of the last attempt undoes the step itself", tried(at(reserve), 3), TimedOut{},
       send, compensating, reserve},
      {"time out of a step without compensation undoes those before", tried(at(look), 3),
       TimedOut{}, send, compensating, reserve},
      {"an unknown pivot is suspended", tried(at(charge), 3), TimedOut{}, nothing, suspended,
       charge, 3},
      {"a retriable step is asked for ever", tried(at(ship), 1000), TimedOut{}, send, running, ship,
       1001},
      {"a no to the first step ends it", at(reserve), no, nothing, compensated, reserve},
      {"a no is not undone, what came before is", at(look), no, send, compensating, reserve},
      {"a no to the pivot undoes in reverse", at(charge), no, run, compensating, hold},
      {"a no to a retriable step is an operator's", at(ship), no, nothing, suspended, ship},
      {"a local failure waits", at(hold), LocalFailed{"full"}, wait, running, hold, 2},
      {"the last local failure undoes what was before", tried(at(hold), 3), LocalFailed{"full"},
       send, compensating, reserve},
      {"a retriable local step waits for ever", tried(at(close), 1000), LocalFailed{"full"}, wait,
       running, close, 1001},
      {"a due retry runs again", tried(at(hold), 2), RetryDue{}, run, running, hold, 2},
      {"broken code suspends", at(reserve), Broken{"no such member"}, nothing, suspended, reserve},
  };
}

std::vector<Row> backward() {
  const Status failed = compensation_failed;
  return {
      {"undone goes back, past steps without compensation", at(hold, compensating), LocalDone{},
       send, compensating, reserve},
      {"the first step undone ends it", at(reserve, compensating), yes, nothing, compensated,
       reserve},
      {"an unanswered compensation is sent again", at(reserve, compensating), TimedOut{}, send,
       compensating, reserve, 2},
      {"... but not for ever", tried(at(reserve, compensating), 3), TimedOut{}, nothing, failed,
       reserve, 3},
      {"a refused compensation is an operator's", at(reserve, compensating), no, nothing, failed,
       reserve},
      {"a failed local compensation waits", at(hold, compensating), LocalFailed{"full"}, wait,
       compensating, hold, 2},
      {"... but not for ever", tried(at(hold, compensating), 3), LocalFailed{"full"}, nothing,
       failed, hold, 3},
      {"broken code", at(reserve, compensating), Broken{"x"}, nothing, failed, reserve},
  };
}

std::vector<Row> operated() {
  const Status failed = compensation_failed;
  return {
      {"retry of an unknown outcome keeps the key", tried(at(charge, suspended), 3),
       by(Verb::retry), send, running, charge, 4, 1},
      {"retry after a no takes a new key", refused(at(ship, suspended)), by(Verb::retry), send,
       running, ship, 2, 2},
      {"retry of a compensation", refused(at(reserve, failed)), by(Verb::retry), send, compensating,
       reserve, 2, 2},
      {"retry while running", at(reserve), by(Verb::retry), send, running, reserve, 2},
      {"skip goes on", at(charge, suspended), by(Verb::skip), send, running, ship},
      {"skip of a compensation goes back", at(hold, failed), by(Verb::skip), send, compensating,
       reserve},
      {"skip of the last compensation", at(reserve, failed), by(Verb::skip), nothing, compensated,
       reserve},
      {"resolve goes on", at(charge, suspended), by(Verb::resolve, "paid"), send, running, ship},
      {"resolve of a compensation", at(reserve, failed), by(Verb::resolve, "gone"), nothing,
       compensated, reserve},
      {"compensate undoes the current step too", at(hold), by(Verb::compensate), run, compensating,
       hold},
      {"compensate what is suspended before the pivot", at(reserve, suspended),
       by(Verb::compensate), send, compensating, reserve},
      {"compensate a pivot that an operator knows not to have happened", at(charge, suspended),
       by(Verb::compensate), run, compensating, hold},
  };
}

class MachineTable : public testing::TestWithParam<Row> {};

TEST_P(MachineTable, Advances) {
  const Row& row = GetParam();
  const Definition definition = place_order();
  Instance instance = row.before;

  const Next next = advance(definition, instance, row.input, noon, pause);

  EXPECT_EQ(text(next), text(row.next));
  EXPECT_EQ(to_string(instance.status), to_string(row.status));
  EXPECT_EQ(instance.step, row.step);
  EXPECT_EQ(instance.attempt, row.attempt);
  EXPECT_EQ(instance.group, row.group);
  EXPECT_EQ(instance.updated_at, noon);
}

// What holds after every transition, whatever it was: who is waited for, and until when.
TEST_P(MachineTable, WaitsForExactlyWhatItAskedFor) {
  const Row& row = GetParam();
  const Definition definition = place_order();
  Instance instance = row.before;
  instance.command_id = Uuid::parse("01890000-0000-7000-8000-000000000001");
  instance.wake_at = noon;

  const Next next = advance(definition, instance, row.input, noon, pause);

  const std::string& name = definition.steps[static_cast<std::size_t>(instance.step)].name;
  EXPECT_EQ(instance.command_id, next == send ? command_id(instance, name) : Uuid());
  if (next == send) EXPECT_EQ(instance.wake_at, noon + 10s);
  if (next == wait) EXPECT_EQ(instance.wake_at, noon + 700ms);
  if (next == run || next == nothing) EXPECT_EQ(instance.wake_at, std::nullopt);
  EXPECT_EQ(next == nothing, is_final(instance.status) || is_stuck(instance.status));
}

std::string row_name(const testing::TestParamInfo<Row>& info) {
  std::string name;
  for (const char c : info.param.name)
    name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name + "_" + std::to_string(info.index);
}
INSTANTIATE_TEST_SUITE_P(Forward, MachineTable, testing::ValuesIn(forward()), row_name);
INSTANTIATE_TEST_SUITE_P(Backward, MachineTable, testing::ValuesIn(backward()), row_name);
INSTANTIATE_TEST_SUITE_P(Operated, MachineTable, testing::ValuesIn(operated()), row_name);

Condition refusal(Instance instance, Verb verb) {
  try {
    advance(place_order(), instance, Operated{verb, {}}, noon, pause);
  } catch (const Error& error) {
    return error.condition();
  }
  ADD_FAILURE() << "not refused";
  return {};
}

TEST(Machine, RefusesVerbsThatDoNotFit) {
  for (const Verb verb :
       {Verb::retry, Verb::skip, Verb::resolve, Verb::compensate, Verb::edit, Verb::migrate}) {
    EXPECT_EQ(refusal(at(close, completed), verb), Condition::conflict);
    EXPECT_EQ(refusal(at(reserve, compensated), verb), Condition::conflict);
  }
  EXPECT_EQ(refusal(at(charge), Verb::compensate), Condition::conflict);
  EXPECT_EQ(refusal(at(ship), Verb::compensate), Condition::conflict);
  EXPECT_EQ(refusal(at(ship, suspended), Verb::compensate), Condition::conflict);
  EXPECT_EQ(refusal(at(reserve, compensating), Verb::compensate), Condition::conflict);
  EXPECT_EQ(refusal(at(reserve, compensation_failed), Verb::compensate), Condition::conflict);
}

TEST(Machine, MovesWhatIsStoppedByAVerbOnly) {
  const Input inputs[] = {Started{},        yes,        no,         TimedOut{}, LocalDone{"x"},
                          LocalFailed{"x"}, RetryDue{}, Broken{"x"}};
  for (const Status status : {completed, compensated, suspended, compensation_failed}) {
    for (const Input& input : inputs) {
      Instance instance = at(reserve, status);
      EXPECT_EQ(text(advance(place_order(), instance, input, noon, pause)), "nothing");
      EXPECT_EQ(instance.status, status) << input.index();
      EXPECT_EQ(instance.data, Json()) << input.index();
      EXPECT_EQ(instance.error, "") << input.index();
    }
  }
}

TEST(Machine, TakesRepliesAndTheDataOfLocalStepsIntoTheSaga) {
  const Definition definition = place_order();
  Instance instance = at(reserve);

  advance(definition, instance, Accepted{"first"}, noon, pause);
  advance(definition, instance, Accepted{"second"}, noon, pause);
  EXPECT_EQ(to_text(instance.data), R"(["first","second"])");
  advance(definition, instance, LocalDone{"replaced"}, noon, pause);
  EXPECT_EQ(to_text(instance.data), R"("replaced")");
}

TEST(Machine, SaysWhyItGoesBackOrIsStuckAndForgetsWhatPassed) {
  const Definition definition = place_order();
  Instance instance = at(hold);

  advance(definition, instance, LocalFailed{"the disk is full"}, noon, pause);
  EXPECT_EQ(instance.error, "hold failed: the disk is full");
  advance(definition, instance, LocalDone{}, noon, pause);
  EXPECT_EQ(instance.error, "");
  advance(definition, instance, Rejected{"declined", "no credit"}, noon, pause);
  EXPECT_EQ(instance.error, "charge said no: declined: no credit");
  EXPECT_EQ(instance.rejection, "declined");
  advance(definition, instance, LocalDone{}, noon, pause);
  advance(definition, instance, Accepted{}, noon, pause);
  EXPECT_EQ(instance.status, compensated);
  EXPECT_EQ(instance.error, "charge said no: declined: no credit");
  EXPECT_EQ(instance.rejection, "declined");
}

TEST(Machine, DerivesOneKeyAGroupAndOneCommandAnAttempt) {
  Instance instance = at(charge);
  const Uuid key = idempotency_key(instance, "charge");
  const Uuid first = command_id(instance, "charge");

  instance.attempt = 2;
  EXPECT_EQ(idempotency_key(instance, "charge"), key);
  EXPECT_NE(command_id(instance, "charge"), first);
  instance.attempt = 1;
  EXPECT_EQ(command_id(instance, "charge"), first);

  std::set<Uuid> keys{key};
  const auto is_new = [&](const Instance& other, std::string_view name) {
    return keys.insert(idempotency_key(other, name)).second;
  };
  Instance other = instance;
  other.group = 2;
  EXPECT_TRUE(is_new(other, "charge"));
  EXPECT_TRUE(is_new(instance, "ship"));
  other = instance;
  other.id = "2";
  EXPECT_TRUE(is_new(other, "charge"));
  other = instance;
  other.definition = "return-order";
  EXPECT_TRUE(is_new(other, "charge"));
  other = instance;
  other.status = compensating;
  EXPECT_TRUE(is_new(other, "charge"));
}

// Ids are compared with what participants keep: a change of the derivation would charge twice.
TEST(Machine, NeverDerivesAnotherKeyThanTheReleasedOne) {
  EXPECT_EQ(to_string(idempotency_key(at(charge), "charge")),
            "719bdcc0-e64f-5f1d-b77a-60f7a299a1bb");
}

TEST(Machine, NamesStatusesAndVerbsBothWays) {
  for (const Status status :
       {running, compensating, completed, compensated, suspended, compensation_failed}) {
    EXPECT_EQ(parse_status(to_string(status)), status);
  }
  for (const Verb verb :
       {Verb::retry, Verb::skip, Verb::resolve, Verb::compensate, Verb::edit, Verb::migrate})
    EXPECT_EQ(parse_verb(to_string(verb)), verb);
  EXPECT_EQ(parse_verb("undo"), std::nullopt);
  EXPECT_THROW(parse_status("asleep"), Error);
}

}  // namespace
}  // namespace sinew::saga
