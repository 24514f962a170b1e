#include "sinew/saga/machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/saga/verbs.hpp"

namespace sinew::saga {
namespace {

constexpr std::array<std::string_view, 6> status_names{
    "running", "compensating", "completed", "compensated", "suspended", "compensation_failed"};
constexpr std::array<std::string_view, 6> verb_names{"retry",      "skip", "resolve",
                                                     "compensate", "edit", "migrate"};

// The namespace of all derived ids of sagas; drawn once, never changed.
Uuid saga_namespace() { return Uuid::parse("5ca1ab1e-0f0f-5a6a-9d1e-5a6a5a6a5a6a"); }

std::chrono::microseconds in_micros(Duration duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration);
}

// One transition under way: an overload an input.
class Transition {
 public:
  Transition(const Definition& definition, Instance& instance, Timestamp now, Duration delay)
      : definition_(definition), instance_(instance), now_(now), delay_(delay) {}

  Next operator()(const Started&) { return perform(); }
  Next operator()(const RetryDue&) { return perform(); }
  Next operator()(const Accepted& accepted) {
    const Work& work = current_work(definition_, instance_);
    if (work.take_reply) instance_.data = work.take_reply(instance_.data, accepted.reply);
    return done();
  }
  Next operator()(const LocalDone& local) {
    instance_.data = local.data;
    return done();
  }

  Next operator()(const Rejected& rejected) {
    instance_.error =
        fmt::format("{} said no: {}: {}", step().name, rejected.code, rejected.detail);
    instance_.rejected = true;
    if (!instance_.forward()) return stop(Status::compensation_failed);
    instance_.rejection = rejected.code;
    if (step().kind == StepKind::retriable) return stop(Status::suspended);
    // What was refused has no effect to undo; what came before it has.
    return go_back(instance_.step - 1);
  }

  Next operator()(const TimedOut&) {
    instance_.rejected = false;
    if (instance_.attempt < step().retry.max_attempts) {
      ++instance_.attempt;
      return perform();
    }
    instance_.error = fmt::format("{} did not answer {} times; whether it happened is unknown",
                                  step().name, instance_.attempt);
    if (!instance_.forward()) return stop(Status::compensation_failed);
    // The outcome of a pivot decides the saga: it is not guessed.
    if (step().kind != StepKind::compensatable) return stop(Status::suspended);
    return go_back(instance_.step);
  }

  Next operator()(const LocalFailed& failed) {
    instance_.error = fmt::format("{} failed: {}", step().name, failed.error);
    if (instance_.attempt < step().retry.max_attempts) {
      ++instance_.attempt;
      instance_.command_id = {};
      instance_.wake_at = now_ + in_micros(delay_);
      return Next::wait;
    }
    if (!instance_.forward()) return stop(Status::compensation_failed);
    if (step().kind != StepKind::compensatable) return stop(Status::suspended);
    return go_back(instance_.step - 1);
  }

  Next operator()(const Broken& broken) {
    instance_.error = fmt::format("{} cannot go on: {}", step().name, broken.error);
    return stop(instance_.forward() ? Status::suspended : Status::compensation_failed);
  }

  Next operator()(const Operated& operated) {
    const std::string why = refusal(instance_, operated.verb);
    if (!why.empty()) throw Error(Condition::conflict, why);
    switch (operated.verb) {
      case Verb::retry: return retry();
      case Verb::skip: resume(); return done();
      case Verb::resolve: resume(); return (*this)(Accepted{operated.argument});
      case Verb::compensate: return force_back();
      case Verb::edit: return edit(operated.argument);
      case Verb::migrate: break;
    }
    return Next::nothing;
  }

 private:
  const Step& step() const {
    return definition_.steps.at(static_cast<std::size_t>(instance_.step));
  }

  Next perform() {
    const Work& work = current_work(definition_, instance_);
    if (instance_.forward()) instance_.rejection.clear();
    instance_.command_id = {};
    instance_.wake_at.reset();
    if (work.empty()) return done();
    if (work.local) return Next::run;
    instance_.command_id = command_id(instance_, step().name);
    instance_.wake_at = now_ + in_micros(step().timeout);
    return Next::send;
  }

  Next done() {
    instance_.attempt = 1;
    instance_.group = 1;
    instance_.rejected = false;
    if (!instance_.forward()) return go_back(instance_.step - 1);
    instance_.error.clear();
    if (static_cast<std::size_t>(instance_.step) + 1 < definition_.steps.size()) {
      ++instance_.step;
      return perform();
    }
    return stop(Status::completed);
  }

  Next go_back(std::int32_t to) {
    instance_.status = Status::compensating;
    instance_.attempt = 1;
    instance_.group = 1;
    instance_.rejected = false;
    instance_.step = std::max(to, 0);
    return to >= 0 ? perform() : stop(Status::compensated);
  }

  Next stop(Status status) {
    instance_.status = status;
    instance_.command_id = {};
    instance_.wake_at.reset();
    return Next::nothing;
  }

  // Asked again under the same key while the outcome is unknown; a definite no needs a new one, or
  // the participant would only repeat it.
  Next retry() {
    if (instance_.rejected) ++instance_.group;
    instance_.rejected = false;
    ++instance_.attempt;
    resume();
    return perform();
  }

  void resume() {
    if (instance_.status == Status::suspended) instance_.status = Status::running;
    if (instance_.status == Status::compensation_failed) instance_.status = Status::compensating;
  }

  Next force_back() {
    instance_.error = "compensated by an operator";
    instance_.rejection.clear();
    return go_back(instance_.step);
  }

  Next edit(const Json& members) {
    if (!definition_.check_data) {
      throw Error(Condition::conflict,
                  fmt::format("saga {} has no struct to check its data by", definition_.name));
    }
    JsonObject data = instance_.data.as_object();
    for (const JsonMember& member : members.as_object().members())
      data.set(member.name, member.value);
    instance_.data = definition_.check_data(Json(std::move(data)));
    return Next::wait;
  }

  const Definition& definition_;
  Instance& instance_;
  Timestamp now_;
  Duration delay_;
};

}  // namespace

std::string_view to_string(Status status) noexcept {
  return status_names[static_cast<std::size_t>(status)];
}

std::optional<Status> find_status(std::string_view text) noexcept {
  for (std::size_t i = 0; i < status_names.size(); ++i) {
    if (status_names[i] == text) return static_cast<Status>(i);
  }
  return std::nullopt;
}

Status parse_status(std::string_view text) {
  if (const auto status = find_status(text)) return *status;
  throw Error(Condition::corrupt, fmt::format("a saga has the unknown status \"{}\"", text));
}

std::string_view to_string(Verb verb) noexcept {
  return verb_names[static_cast<std::size_t>(verb)];
}

std::optional<Verb> parse_verb(std::string_view text) noexcept {
  for (std::size_t i = 0; i < verb_names.size(); ++i) {
    if (verb_names[i] == text) return static_cast<Verb>(i);
  }
  return std::nullopt;
}

Next advance(const Definition& definition, Instance& instance, const Input& input, Timestamp now,
             Duration delay) {
  const bool stopped = is_final(instance.status) || is_stuck(instance.status);
  if (stopped && !std::holds_alternative<Operated>(input)) return Next::nothing;
  instance.updated_at = now;
  name_step(definition, instance);
  const Next next = std::visit(Transition(definition, instance, now, delay), input);
  name_step(definition, instance);
  return next;
}

void name_step(const Definition& definition, Instance& instance) {
  const Step& step = definition.steps.at(static_cast<std::size_t>(instance.step));
  instance.step_name = step.name;
  instance.kind = step.kind;
}

const Work& current_work(const Definition& definition, const Instance& instance) {
  const Step& step = definition.steps.at(static_cast<std::size_t>(instance.step));
  return instance.forward() ? step.action : step.compensation;
}

Uuid idempotency_key(const Instance& instance, std::string_view step) {
  return derive_uuid(saga_namespace(),
                     fmt::format("{}/{}/{}/{}/{}", instance.definition, instance.id, step,
                                 instance.forward() ? "action" : "compensation", instance.group));
}

Uuid command_id(const Instance& instance, std::string_view step) {
  return derive_uuid(idempotency_key(instance, step), fmt::format("attempt {}", instance.attempt));
}

}  // namespace sinew::saga
