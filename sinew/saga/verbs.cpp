#include "sinew/saga/verbs.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace sinew::saga {
namespace {

std::string refusal_to_go_back(const Instance& instance) {
  if (!instance.forward()) {
    return fmt::format("saga {} goes back already; use retry, skip or resolve", instance.id);
  }
  const bool decided = instance.kind == StepKind::retriable;
  const bool asking = instance.kind == StepKind::pivot && instance.status != Status::suspended;
  if (!decided && !asking) return "";
  return fmt::format("saga {} is {} its pivot and can only go forward", instance.id,
                     decided ? "past" : "at");
}

std::string_view text_of(Verb verb, const Instance& instance) {
  switch (verb) {
    case Verb::retry:
      return instance.rejected ? "asks again under a new key, once the reason for the no is gone"
                               : "asks again under the same key: done twice it counts once";
    case Verb::resolve: return "takes the step as answered with the reply you know";
    case Verb::skip: return "takes the step as done, when it happened or need not happen";
    case Verb::compensate: return "undoes what was done, this step included";
    case Verb::edit: return "corrects the data, before a retry";
    case Verb::migrate: return "goes on in a newer version of its definition";
  }
  return "";
}

}  // namespace

std::string refusal(const Instance& instance, Verb verb) {
  if (is_final(instance.status)) {
    return fmt::format("saga {} is {}: there is nothing left to {}", instance.id,
                       to_string(instance.status), to_string(verb));
  }
  return verb == Verb::compensate ? refusal_to_go_back(instance) : "";
}

std::vector<Advice> advice(const Instance& instance) {
  if (!is_stuck(instance.status)) return {};
  constexpr std::array verbs{Verb::retry, Verb::edit, Verb::resolve, Verb::skip, Verb::compensate};
  std::vector<Advice> fitting;
  for (const Verb verb : verbs) {
    if (refusal(instance, verb).empty())
      fitting.push_back({verb, std::string(text_of(verb, instance))});
  }
  return fitting;
}

}  // namespace sinew::saga
