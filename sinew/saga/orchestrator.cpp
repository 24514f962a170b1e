#include "sinew/saga/orchestrator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sinew/base/crash_point.hpp"
#include "sinew/base/error.hpp"
#include "sinew/event/typed.hpp"

namespace sinew::saga {
namespace {

// Extensions of a command, which its reply repeats, and the key that makes it idempotent.
constexpr auto extension_type = "sagatype";
constexpr auto extension_id = "sagaid";
constexpr auto extension_key = "idempotencykey";

constexpr std::size_t timers_a_round = 128;
constexpr std::size_t verbs_a_round = 32;
constexpr Duration longest_sleep = std::chrono::seconds(30);
constexpr Duration pause_after_failure = std::chrono::milliseconds(200);

// Every local step of a transition may fail once in each direction, and the rest break once.
constexpr std::size_t most_runs = 2 * Definition::max_steps + 2;

std::string extension(const event::Envelope& message, const char* name) {
  const auto found = message.extensions.find(name);
  return found == message.extensions.end() ? std::string() : found->second;
}

std::string queue_of(const Command& command) {
  return command.type.substr(0, command.type.find('.')) + ".commands";
}

// Whether another try of the same transaction cannot help.
bool lasting(const Error& error) {
  return !error.transient() && error.condition() != Condition::conflict &&
         error.condition() != Condition::cancelled;
}

const std::string& step_name(const Definition& definition, const Instance& instance) {
  return definition.steps[static_cast<std::size_t>(instance.step)].name;
}

}  // namespace

// What a local step threw that another try of the same transaction cannot mend.
class Orchestrator::LocalFailure final : public Error {
 public:
  LocalFailure(Condition condition, Setbacks::Local what)
      : Error(condition, fmt::format("step {}: {}", what.step, what.error)),
        local(std::move(what)) {}
  Setbacks::Local local;
};

Orchestrator::Orchestrator(async::Runtime& runtime, store::Database& database,
                           store::Outbox& outbox, Address address)
    : runtime_(runtime),
      database_(database),
      outbox_(outbox),
      address_(std::move(address)),
      log_(log::root().with({{"sagas", address_.source}})) {}

void Orchestrator::add(Definition definition) {
  validate(definition);
  auto& versions = definitions_[definition.name];
  const std::int32_t version = definition.version;
  const std::string name = definition.name;
  if (!versions.emplace(version, std::move(definition)).second) {
    throw Error(Condition::conflict,
                fmt::format("saga {} version {} is registered twice", name, version));
  }
}

Task<void> Orchestrator::check_live_versions() {
  for (;;) {
    const auto migrations =
        co_await database_.read([](store::Transaction& tx) -> Task<std::vector<VerbRequest>> {
          co_return co_await pending_migrations(tx, verbs_a_round);
        });
    for (const VerbRequest& request : migrations)
      co_await execute_verb(request);
    if (migrations.empty()) break;
  }
  const auto versions =
      co_await database_.read([](store::Transaction& tx) -> Task<std::vector<LiveVersion>> {
        co_return co_await live_versions(tx);
      });
  for (const LiveVersion& live : versions) {
    const auto known = definitions_.find(live.definition);
    if (known != definitions_.end() && known->second.contains(live.version)) continue;
    std::string takeover;
    if (known != definitions_.end() && known->second.rbegin()->first > live.version) {
      takeover = fmt::format(
          ", or have them taken over: `sinew saga migrate --definition {} --to {} "
          "--all`",
          live.definition, known->second.rbegin()->first);
    }
    throw Error(
        Condition::unsupported,
        fmt::format("saga {} version {} has {} live instances, such as {}, but this program "
                    "does not know that version; register it until they have ended{}",
                    live.definition, live.version, live.instances, live.example, takeover));
  }
}

const Definition* Orchestrator::find(std::string_view name, std::int32_t version) const noexcept {
  const auto versions = definitions_.find(name);
  if (versions == definitions_.end()) return nullptr;
  const auto found = versions->second.find(version);
  return found == versions->second.end() ? nullptr : &found->second;
}

const Definition& Orchestrator::definition_of(const Instance& instance) const {
  const Definition* found = find(instance.definition, instance.definition_version);
  if (found != nullptr) return *found;
  throw Error(Condition::unsupported,
              fmt::format("saga {} version {} is not registered", instance.definition,
                          instance.definition_version));
}

Task<void> Orchestrator::start(store::Transaction& tx, std::string name, std::string id, Json data,
                               event::Lineage lineage) {
  const auto versions = definitions_.find(name);
  if (versions == definitions_.end()) {
    throw Error(Condition::not_found, fmt::format("there is no saga called {}", name));
  }
  if (id.empty() || id.size() > 200) {
    throw Error(Condition::invalid_input, "a saga's id has 1 to 200 bytes");
  }
  const Definition& definition = versions->second.rbegin()->second;
  Instance instance;
  instance.definition = name;
  instance.definition_version = definition.version;
  instance.id = id;
  instance.data = std::move(data);
  instance.lineage = std::move(lineage);
  instance.started_at = runtime_.wall_now();
  const Next next = co_await transition(tx, definition, instance, {Started{}, "started", ""}, {});
  if (!co_await insert_instance(tx, instance)) {
    throw Error(Condition::conflict, fmt::format("saga {}/{} was started before", name, id));
  }
  if (next == Next::send) co_await send(tx, definition, instance);
  if (instance.wake_at) tx.after_commit(*this);
}

Duration Orchestrator::draw_pause(const Definition& definition, const Instance& instance) {
  const auto& retry = definition.steps[static_cast<std::size_t>(instance.step)].retry;
  return messaging::retry_delay(retry, std::min(instance.attempt + 1, 64), runtime_.random());
}

Task<Next> Orchestrator::transition(store::Transaction& tx, const Definition& definition,
                                    Instance& instance, Cause cause, const Setbacks& setbacks) {
  const Timestamp now = runtime_.wall_now();
  std::string step = step_name(definition, instance);
  Next next = advance(definition, instance, cause.input, now, draw_pause(definition, instance));
  co_await note(tx, instance, step, cause.what, cause.detail);
  while (next == Next::run) {
    step = step_name(definition, instance);
    const Input outcome = co_await run_local(tx, definition, instance, setbacks);
    const auto* failure = std::get_if<LocalFailed>(&outcome);
    next = advance(definition, instance, outcome, now, draw_pause(definition, instance));
    co_await note(tx, instance, step, failure ? "failed" : "done", failure ? failure->error : "");
  }
  if (next == Next::nothing) {
    co_await note(tx, instance, "", std::string(to_string(instance.status)), instance.error);
  }
  co_return next;
}

Task<Input> Orchestrator::run_local(store::Transaction& tx, const Definition& definition,
                                    const Instance& instance, const Setbacks& setbacks) {
  const std::string& step = step_name(definition, instance);
  const bool forward = instance.forward();
  for (const Setbacks::Local& local : setbacks.failed) {
    if (local.step == step && local.forward == forward) co_return LocalFailed{local.error};
  }
  try {
    co_return LocalDone{co_await current_work(definition, instance).local(tx, instance)};
  } catch (const Error& error) {
    if (!lasting(error)) throw;
    throw LocalFailure(error.condition(), {step, forward, error.detail()});
  } catch (const std::exception& error) {
    throw LocalFailure(Condition::invalid_input, {step, forward, error.what()});
  }
}

// Runs a transition, one transaction a run, until one commits.
template <class Run>
Task<void> Orchestrator::persist(Run run) {
  Setbacks setbacks;
  for (std::size_t runs = 0; runs < most_runs; ++runs) {
    try {
      co_await run(std::as_const(setbacks));
      co_return;
    } catch (const LocalFailure& failure) {
      setbacks.failed.push_back(failure.local);
    } catch (const Error& error) {
      if (!lasting(error) || !setbacks.broken.empty()) throw;
      setbacks.broken = error.detail();
    } catch (const std::exception& error) {
      if (!setbacks.broken.empty()) throw;
      setbacks.broken = error.what();
    }
  }
  throw Error(Condition::exhausted, "the local steps of a saga fail in ever new places");
}

Task<void> Orchestrator::proceed(store::Transaction& tx, Instance instance, Cause cause,
                                 const Setbacks& setbacks) {
  const Definition& definition = definition_of(instance);
  SINEW_CRASH_POINT("saga.before_transition");
  const Next next = co_await transition(tx, definition, instance, std::move(cause), setbacks);
  SINEW_CRASH_POINT("saga.in_transition");
  co_await update_instance(tx, instance);
  if (next == Next::send) co_await send(tx, definition, instance);
  SINEW_CRASH_POINT("saga.after_transition");
  if (instance.wake_at) tx.after_commit(*this);
}

Task<void> Orchestrator::send(store::Transaction& tx, const Definition& definition,
                              const Instance& instance) {
  const std::string& step = step_name(definition, instance);
  const Command command = current_work(definition, instance).command(instance.data);
  event::Envelope envelope;
  envelope.id = instance.command_id;
  envelope.source = address_.source;
  envelope.type = command.type;
  envelope.version = command.version;
  envelope.subject = instance.id;
  envelope.ordering_key = instance.id;
  envelope.reply_to = address_.replies;
  envelope.time = instance.updated_at;
  envelope.lineage = instance.lineage;
  ++envelope.lineage.hops;
  envelope.extensions[extension_type] = instance.definition;
  envelope.extensions[extension_id] = instance.id;
  envelope.extensions[extension_key] = to_string(idempotency_key(instance, step));
  envelope.data = SharedBytes(to_text(command.data));
  co_await note(tx, instance, step, "sent",
                fmt::format("{} attempt {}", command.type, instance.attempt));
  co_await outbox_.insert(tx, {store::DestinationKind::queue, queue_of(command)},
                          std::move(envelope));
}

Task<void> Orchestrator::note(store::Transaction& tx, const Instance& instance, std::string step,
                              std::string what, std::string detail) {
  co_await record(tx, instance, runtime_.new_id(), std::move(step), std::move(what),
                  std::move(detail));
}

Task<void> Orchestrator::handle(messaging::Handling& handling) {
  bool late = false;
  co_await persist([&](const Setbacks& setbacks) -> Task<void> {
    co_await handling.commit([&](store::Transaction& tx) -> Task<void> {
      late = !co_await take_reply(tx, handling.message(), setbacks);
    });
  });
  late_replies_ += late ? 1 : 0;
}

// False: nobody waits for this reply any more.
Task<bool> Orchestrator::take_reply(store::Transaction& tx, const event::Envelope& reply,
                                    const Setbacks& setbacks) {
  const auto instance =
      co_await find_instance(tx, extension(reply, extension_type), extension(reply, extension_id));
  if (!instance) co_return false;
  if (instance->command_id.is_nil() || instance->command_id != reply.lineage.causation_id) {
    co_await note(tx, *instance, "", "late_reply", reply.type);
    co_return false;
  }
  co_await proceed(tx, *instance, cause_of(reply, setbacks), setbacks);
  co_return true;
}

Orchestrator::Cause Orchestrator::cause_of(const event::Envelope& reply, const Setbacks& setbacks) {
  if (!setbacks.broken.empty()) return {Broken{setbacks.broken}, "broken", reply.type};
  messaging::ReplyData data = messaging::read_reply(reply);
  if (!data.rejection) return {Accepted{std::move(*data.value)}, "accepted", reply.type};
  return {Rejected{data.rejection->code, data.rejection->detail}, "rejected",
          data.rejection->code + ": " + data.rejection->detail};
}

Task<void> Orchestrator::run() {
  for (;;) {
    Duration pause = pause_after_failure;
    due_.reset();
    bool failed = true;
    try {
      pause = co_await work();
      failed = false;
    } catch (const Error& error) {
      if (error.condition() == Condition::cancelled) throw;
      log_.warn("some sagas cannot be moved now", {{"error", error.detail()}});
    }
    // A commit wakes the rounds that work, not those that fail.
    if (failed) {
      co_await async::sleep_for(pause);
      continue;
    }
    if (pause == Duration::zero()) continue;
    try {
      co_await async::with_deadline(runtime_.now() + pause, due_.wait());
    } catch (const Error& error) {
      if (error.condition() != Condition::timeout) throw;
    }
  }
}

// One round; gives how long there is nothing to do. One saga that cannot be moved does not keep the
// others; what it threw comes out in the end.
Task<Duration> Orchestrator::work() {
  co_await mind_the_clock();
  const Agenda agenda = co_await read_agenda();
  std::exception_ptr failure;
  for (const VerbRequest& request : agenda.verbs) {
    try {
      co_await execute_verb(request);
    } catch (const Error& error) {
      if (error.condition() == Condition::cancelled) throw;
      failure = std::current_exception();
    }
  }
  for (const InstanceKey& key : agenda.due) {
    try {
      co_await wake(key);
    } catch (const Error& error) {
      if (error.condition() == Condition::cancelled) throw;
      failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
  if (!agenda.verbs.empty() || !agenda.due.empty()) co_return Duration::zero();
  if (!agenda.next) co_return longest_sleep;
  co_return std::clamp<Duration>(*agenda.next - runtime_.wall_now(), Duration(1), longest_sleep);
}

Task<void> Orchestrator::mind_the_clock() {
  const Timestamp now = runtime_.wall_now();
  if (now < last_round_) {
    const auto anew = co_await database_.transaction(
        [now](store::Transaction& tx) { return wait_anew(tx, now); });
    if (anew > 0) log_.warn("the wall clock was set back: timers begin again", {{"sagas", anew}});
  }
  last_round_ = now;
}

Task<Orchestrator::Agenda> Orchestrator::read_agenda() {
  const Timestamp now = runtime_.wall_now();
  co_return co_await database_.read([now](store::Transaction& tx) -> Task<Agenda> {
    Agenda agenda;
    agenda.verbs = co_await pending_verbs(tx, verbs_a_round);
    agenda.due = co_await due_instances(tx, now, timers_a_round);
    agenda.next = co_await next_wake(tx, now);
    co_return agenda;
  });
}

Task<void> Orchestrator::wake(InstanceKey key) {
  co_await persist([&](const Setbacks& setbacks) -> Task<void> {
    co_await database_.transaction(
        [&](store::Transaction& tx) -> Task<void> { co_await wake(tx, key, setbacks); });
  });
}

Task<void> Orchestrator::wake(store::Transaction& tx, const InstanceKey& key,
                              const Setbacks& setbacks) {
  const auto instance = co_await find_instance(tx, key.definition, key.id);
  if (!instance || !instance->wake_at || *instance->wake_at > runtime_.wall_now()) co_return;
  Cause cause{TimedOut{}, "timed_out", ""};
  if (instance->command_id.is_nil()) cause = {RetryDue{}, "retried", ""};
  if (!setbacks.broken.empty()) cause = {Broken{setbacks.broken}, "broken", ""};
  co_await proceed(tx, *instance, std::move(cause), setbacks);
}

Task<void> Orchestrator::execute_verb(VerbRequest request) {
  co_await persist([&](const Setbacks& setbacks) -> Task<void> {
    co_await database_.transaction([&](store::Transaction& tx) -> Task<void> {
      co_await execute_verb(tx, request, setbacks);
    });
  });
}

}  // namespace sinew::saga
