#include "sinew/resilience/pipeline_outcome.hpp"

#include "sinew/resilience/outage.hpp"

namespace sinew::resilience {

std::string_view to_string(Source source) noexcept {
  switch (source) {
    case Source::target: return "target";
    case Source::kept: return "kept";
    case Source::stale: return "stale";
    case Source::substitute: return "substitute";
  }
  return "unknown";
}

Outcome Outcome::of(const Error& error) {
  Outcome outcome;
  outcome.error = std::current_exception();
  if (!outcome.error) outcome.error = std::make_exception_ptr(error);
  outcome.failure = Failure::of(error);
  if (error.condition() == Condition::cancelled) outcome.blame = Blame::nobody;
  if (is_outage(error.condition())) outcome.blame = Blame::target;
  return outcome;
}

Outcome Outcome::refusal(Condition condition, const std::string& detail, Duration retry_after) {
  Outcome outcome;
  outcome.error = std::make_exception_ptr(Error(condition, detail, Applied::no));
  outcome.failure = Failure{condition, Applied::no, retry_after};
  outcome.blame = Blame::nobody;
  outcome.refused = true;
  return outcome;
}

bool Outcome::replaceable() const noexcept { return failure && is_outage(failure->condition); }

Error Outcome::as_error() const {
  if (!error) {
    return {failure->condition, "the target answered that it cannot do its work", failure->applied};
  }
  try {
    std::rethrow_exception(error);
  } catch (const Error& known) {
    return known;
  } catch (const std::exception& other) {
    return {Condition::unavailable, other.what(), Applied::unknown};
  }
}

void Outcome::doubt() {
  if (!error || !failure || failure->applied == Applied::unknown) return;
  const Error known = as_error();
  error = std::make_exception_ptr(Error(known.condition(), known.detail(), Applied::unknown));
  failure->applied = Applied::unknown;
}

}  // namespace sinew::resilience
