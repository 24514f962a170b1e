#include "sinew/saga/definition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "sinew/base/error.hpp"

namespace sinew::saga {
namespace {

constexpr Duration shortest_timeout = std::chrono::milliseconds(10);
constexpr Duration longest_timeout = std::chrono::hours(24 * 30);

bool valid_name(std::string_view name) {
  if (name.empty() || name.size() > 60 || name.front() < 'a' || name.front() > 'z') return false;
  return std::ranges::all_of(
      name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

void check_step(const Step& step, bool after_pivot, std::vector<std::string>& broken) {
  if (!valid_name(step.name)) {
    broken.push_back(fmt::format("step name \"{}\": expected [a-z][a-z0-9-]{{0,59}}", step.name));
  }
  if (step.action.empty() && step.compensation.empty()) {
    broken.push_back(fmt::format("step {} does nothing", step.name));
  }
  if (step.timeout < shortest_timeout || step.timeout > longest_timeout) {
    broken.push_back(fmt::format("step {}: a timeout is 10 ms to 30 days", step.name));
  }
  if (step.retry.max_attempts < 1) {
    broken.push_back(fmt::format("step {}: at least one attempt", step.name));
  }
  if (step.kind == StepKind::pivot && !step.compensation.empty()) {
    broken.push_back(fmt::format("step {} is the pivot and cannot be compensated", step.name));
  }
  if (after_pivot && !step.compensation.empty()) {
    broken.push_back(
        fmt::format("step {} comes after the pivot and cannot be compensated", step.name));
  }
  if (after_pivot && step.kind == StepKind::compensatable) {
    broken.push_back(fmt::format("step {} comes after the pivot and must be retriable", step.name));
  }
  if (!after_pivot && step.kind == StepKind::retriable) {
    broken.push_back(
        fmt::format("step {} is retriable, which only steps after a pivot can be", step.name));
  }
}

std::optional<std::size_t> index_of(const Definition& definition, std::string_view name) {
  const auto found = std::ranges::find(definition.steps, name, &Step::name);
  if (found == definition.steps.end()) return std::nullopt;
  return static_cast<std::size_t>(found - definition.steps.begin());
}

void check_takeover_steps(const Definition& definition, const Takeover& takeover,
                          std::vector<std::string>& broken) {
  std::set<std::string> names;
  std::optional<std::size_t> last;
  for (const Takeover::StepChange& change : takeover.steps) {
    if (!names.insert(change.before).second) {
      broken.push_back(
          fmt::format("version {} has two steps called {}", takeover.version, change.before));
    }
    if (change.now.empty()) continue;
    const auto index = index_of(definition, change.now);
    if (!index) {
      broken.push_back(fmt::format("step {} of version {} goes on as {}, which is no step",
                                   change.before, takeover.version, change.now));
    } else if (last && *index <= *last) {
      broken.push_back(
          fmt::format("steps of version {} change places at {}", takeover.version, change.now));
    }
    last = index ? index : last;
  }
}

void check_takeovers(const Definition& definition, std::vector<std::string>& broken) {
  std::set<std::int32_t> versions;
  for (const Takeover& takeover : definition.takeovers) {
    if (takeover.version < 1 || takeover.version >= definition.version) {
      broken.push_back(fmt::format("version {} cannot take over version {}: it is not older",
                                   definition.version, takeover.version));
    }
    if (!versions.insert(takeover.version).second) {
      broken.push_back(fmt::format("version {} is taken over twice", takeover.version));
    }
    if (takeover.steps.empty() || takeover.steps.size() > Definition::max_steps) {
      broken.push_back(fmt::format("version {} had 1 to 50 steps; name them", takeover.version));
    }
    check_takeover_steps(definition, takeover, broken);
  }
}

}  // namespace

void validate(const Definition& definition) {
  std::vector<std::string> broken;
  if (!valid_name(definition.name)) broken.push_back("a saga's name is [a-z][a-z0-9-]{0,59}");
  if (definition.version < 1) broken.push_back("a version is at least 1");
  if (definition.steps.empty() || definition.steps.size() > Definition::max_steps) {
    broken.push_back("a saga has 1 to 50 steps");
  }
  std::set<std::string> names;
  int pivots = 0;
  for (const Step& step : definition.steps) {
    check_step(step, pivots > 0, broken);
    if (!names.insert(step.name).second) {
      broken.push_back(fmt::format("two steps are called {}", step.name));
    }
    pivots += step.kind == StepKind::pivot ? 1 : 0;
  }
  if (pivots > 1) broken.push_back(fmt::format("{} pivots; a saga has at most one", pivots));
  check_takeovers(definition, broken);
  if (broken.empty()) return;
  throw Error(Condition::invalid_input,
              fmt::format("saga {}: {}", definition.name, fmt::join(broken, "; ")));
}

}  // namespace sinew::saga
