#include <fmt/format.h>

#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/saga/orchestrator.hpp"
#include "sinew/saga/takeover.hpp"

// The part of the orchestrator that executes what operators asked for.
namespace sinew::saga {
namespace {

constexpr std::size_t longest_value = 200;  // bytes of a value in the history of an edit

std::string shortened(const Json* value) {
  if (value == nullptr) return "nothing";
  std::string text = to_text(*value);
  if (text.size() <= longest_value) return text;
  text.resize(longest_value);
  return text + "...";
}

// `; units: 3 -> 4` for each member that the edit changes.
std::string changes(const Json& before, const Json& after) {
  std::string text;
  for (const JsonMember& member : after.as_object().members()) {
    const Json* old = before.find(member.name);
    if (old != nullptr && *old == member.value) continue;
    text += fmt::format("; {}: {} -> {}", member.name, shortened(old), shortened(&member.value));
  }
  return text;
}

}  // namespace

Task<void> Orchestrator::execute_verb(store::Transaction& tx, const VerbRequest& request,
                                      const Setbacks& setbacks) {
  const auto instance = co_await find_instance(tx, request.target.definition, request.target.id);
  std::string refusal = "the saga is gone";
  if (instance)
    refusal = setbacks.broken.empty() ? refusal_of(request, *instance) : setbacks.broken;
  const bool mine = co_await settle_verb(tx, request.id, refusal, runtime_.wall_now());
  if (!mine || !instance) co_return;
  if (!refusal.empty()) {
    co_await note(tx, *instance, "", "verb_refused",
                  fmt::format("{} by {}: {}", to_string(request.verb), request.actor, refusal));
    co_return;
  }
  if (request.verb == Verb::migrate) {
    co_await migrate(tx, request, *instance);
    co_return;
  }
  const Operated operated{request.verb, request.argument};
  std::string detail = fmt::format("by {}: {}", request.actor, request.reason);
  if (request.verb == Verb::edit) {
    Instance trial = *instance;
    advance(definition_of(trial), trial, operated, runtime_.wall_now(), Duration::zero());
    detail += changes(instance->data, trial.data);
  }
  co_await proceed(
      tx, *instance,
      {operated, fmt::format("operator_{}", to_string(request.verb)), std::move(detail)}, setbacks);
}

// Tries the verb on a copy. Empty: it fits.
std::string Orchestrator::refusal_of(const VerbRequest& request, const Instance& instance) const {
  try {
    Instance trial = instance;
    if (request.verb == Verb::migrate) {
      take_over(wanted_version(request), trial);
    } else {
      advance(definition_of(trial), trial, Operated{request.verb, request.argument},
              runtime_.wall_now(), Duration::zero());
    }
  } catch (const Error& error) {
    return error.detail();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

const Definition& Orchestrator::wanted_version(const VerbRequest& request) const {
  const std::int64_t wanted = request.argument.as_integer();
  const Definition* found = std::in_range<std::int32_t>(wanted)
                                ? find(request.target.definition, static_cast<std::int32_t>(wanted))
                                : nullptr;
  if (found != nullptr) return *found;
  throw Error(Condition::conflict, fmt::format("saga {} version {} is not registered",
                                               request.target.definition, wanted));
}

Task<void> Orchestrator::migrate(store::Transaction& tx, const VerbRequest& request,
                                 Instance instance) {
  const std::int32_t before = instance.definition_version;
  const std::string step = instance.step_name;
  take_over(wanted_version(request), instance);
  instance.updated_at = runtime_.wall_now();
  co_await note(tx, instance, step, "operator_migrate",
                fmt::format("by {}: {}; version {} -> {}, at {}", request.actor, request.reason,
                            before, instance.definition_version, instance.step_name));
  co_await update_instance(tx, instance);
  if (instance.wake_at) tx.after_commit(*this);
}

}  // namespace sinew::saga
