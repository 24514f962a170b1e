#include "sinew/resilience/pipeline_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sinew/base/config.hpp"

namespace sinew::resilience {
namespace {

using config::format_duration;

// `outer` stands outside `inner`, or the pipeline does not do what it says.
struct Order {
  Step outer;
  Step inner;
  std::string_view reason;
};

constexpr std::string_view kHidesFailures = "it would take the substitute for the target's answer";
constexpr std::string_view kKeptAnswerPasses = "a kept answer does not call the target";
constexpr std::string_view kNotCounted = "a call that is made again would not be counted";

constexpr Order kOrders[] = {
    {Step::fallback, Step::cache, "it would keep the substitute as the target's answer"},
    {Step::fallback, Step::total_timeout, "the substitute would come too late"},
    {Step::fallback, Step::retry, kHidesFailures},
    {Step::fallback, Step::hedge, kHidesFailures},
    {Step::fallback, Step::rate_limit, kHidesFailures},
    {Step::fallback, Step::breaker, kHidesFailures},
    {Step::fallback, Step::bulkhead, kHidesFailures},
    {Step::fallback, Step::attempt_timeout, "the substitute would come too late"},
    {Step::cache, Step::total_timeout, "the kept answer would come too late"},
    {Step::cache, Step::retry, kKeptAnswerPasses},
    {Step::cache, Step::hedge, kKeptAnswerPasses},
    {Step::cache, Step::rate_limit, kKeptAnswerPasses},
    {Step::cache, Step::breaker, kKeptAnswerPasses},
    {Step::cache, Step::bulkhead, kKeptAnswerPasses},
    {Step::cache, Step::attempt_timeout, "the kept answer would come too late"},
    {Step::total_timeout, Step::retry, "each attempt would have the time of all"},
    {Step::total_timeout, Step::hedge, "each call would have the time of all"},
    {Step::total_timeout, Step::attempt_timeout, "an attempt is a part of all"},
    {Step::retry, Step::hedge, "each of two calls would be tried again by itself"},
    {Step::retry, Step::rate_limit, kNotCounted},
    {Step::retry, Step::bulkhead, "the pauses would hold a place"},
    {Step::retry, Step::attempt_timeout, "it would be the time of all attempts"},
    {Step::hedge, Step::rate_limit, kNotCounted},
    {Step::hedge, Step::bulkhead, kNotCounted},
};

bool stands_before(const std::vector<Step>& steps, Step first, Step second) {
  const auto end = std::ranges::find(steps, second);
  return end != steps.end() && std::find(steps.begin(), end, first) != end;
}

using Violations = std::vector<std::string>;

void add_order(const PipelineSettings& settings, Violations& out) {
  const auto& steps = settings.steps;
  if (steps.empty()) out.emplace_back("steps is empty: it would do nothing");
  for (auto step = steps.begin(); step != steps.end(); ++step) {
    if (std::find(steps.begin(), step, *step) != step) {
      out.push_back(fmt::format("steps names {} twice", to_string(*step)));
    }
  }
  for (const auto& [outer, inner, reason] : kOrders) {
    if (stands_before(steps, inner, outer)) {
      out.push_back(fmt::format("steps: {} must stand before {}: {}", to_string(outer),
                                to_string(inner), reason));
    }
  }
}

void add_unused(const PipelineSettings& s, Violations& out) {
  const auto unused = [&](bool given, bool used, std::string_view section) {
    if (given && !used) out.push_back(fmt::format("{} is set, but no step uses it", section));
  };
  unused(s.cache.has_value(), s.has(Step::cache), "cache");
  unused(s.timeout.has_value(), s.has(Step::total_timeout) || s.has(Step::attempt_timeout),
         "timeout");
  unused(s.retry.has_value(), s.has(Step::retry), "retry");
  unused(s.budget.has_value(), s.has(Step::retry) || s.has(Step::hedge), "budget");
  unused(s.hedge.has_value(), s.has(Step::hedge), "hedge");
  unused(s.rate_limit.has_value(), s.has(Step::rate_limit), "rate_limit");
  unused(s.breaker.has_value(), s.has(Step::breaker), "breaker");
  unused(s.bulkhead.has_value(), s.has(Step::bulkhead), "bulkhead");
}

// A limit that another, always shorter, never lets be reached.
class Reach {
 public:
  explicit Reach(Violations& out) : out_(out) {}

  void below(std::string_view name, Duration value, std::string_view bound_name, Duration bound,
             std::string_view consequence) {
    if (value < bound) return;
    out_.push_back(fmt::format("{} ({}) is not below {} ({}): {}", name, format_duration(value),
                               bound_name, format_duration(bound), consequence));
  }

 private:
  Violations& out_;
};

void add_unreachable(const PipelineSettings& s, Violations& out) {
  const auto timeout = s.timeout.value_or(TimeoutSettings{});
  const auto retry = s.retry.value_or(RetrySettings{});
  const auto hedge = s.hedge.value_or(HedgeSettings{});
  const auto bulkhead = s.bulkhead.value_or(BulkheadSettings{});
  Reach reach(out);
  const auto check = [&](Step timer, std::string_view bound_name, Duration bound) {
    if (s.has(Step::hedge)) {
      reach.below("hedge.delay", hedge.delay, bound_name, bound, "there would be no second call");
    }
    if (bulkhead.max_waiting > 0 && stands_before(s.steps, timer, Step::bulkhead)) {
      reach.below("bulkhead.max_wait", bulkhead.max_wait, bound_name, bound, "it would never end");
    }
  };
  if (s.has(Step::total_timeout)) {
    check(Step::total_timeout, "timeout.total", timeout.total);
    if (s.has(Step::attempt_timeout)) {
      reach.below("timeout.attempt", timeout.attempt, "timeout.total", timeout.total,
                  "it would never fire");
    }
    if (s.has(Step::retry)) {
      reach.below("retry.first_delay", retry.first_delay, "timeout.total", timeout.total,
                  "there would be no second attempt");
    }
  }
  if (s.has(Step::attempt_timeout))
    check(Step::attempt_timeout, "timeout.attempt", timeout.attempt);
}

}  // namespace

std::string_view to_string(Step step) noexcept {
  constexpr std::string_view names[] = {"fallback", "cache",    "total_timeout",
                                        "retry",    "hedge",    "rate_limit",
                                        "breaker",  "bulkhead", "attempt_timeout"};
  return names[std::to_underlying(step)];
}

bool PipelineSettings::has(Step step) const noexcept {
  return std::ranges::find(steps, step) != steps.end();
}

void PipelineSettings::describe(config::Section<PipelineSettings>& section) {
  using S = PipelineSettings;
  section.option("steps", &S::steps, "what a call passes through, outermost first");
  section.option("cache", &S::cache, "of answers");
  section.option("timeout", &S::timeout, "of all attempts and of one");
  section.option("retry", &S::retry, "of an attempt that failed");
  section.option("budget", &S::budget, "for the repeated calls of all callers");
  section.option("hedge", &S::hedge, "a second call for one that is late");
  section.option("rate_limit", &S::rate_limit, "calls in a time");
  section.option("breaker", &S::breaker, "when the target is left alone");
  section.option("bulkhead", &S::bulkhead, "calls at the same time");
}

std::vector<std::string> PipelineSettings::violations() const {
  Violations out;
  add_order(*this, out);
  add_unused(*this, out);
  add_unreachable(*this, out);
  if (has(Step::rate_limit) && !rate_limit) {
    out.emplace_back("steps names rate_limit, which has no limits by default: set some");
  }
  return out;
}

}  // namespace sinew::resilience
