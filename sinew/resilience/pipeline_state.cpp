#include <fmt/format.h>

#include <cstdint>
#include <utility>

#include "sinew/async/runtime.hpp"
#include "sinew/resilience/pipeline_parts.hpp"

namespace sinew::resilience {
namespace {

using Names = std::vector<std::string>;

metrics::Family<metrics::Counter>& calls(metrics::Registry& metrics) {
  return metrics.counters("sinew_pipeline_calls_total",
                          "Calls through a pipeline, by where their answer came from.",
                          {"context", "pipeline", "answer"});
}
metrics::Family<metrics::Counter>& attempts(metrics::Registry& metrics) {
  return metrics.counters("sinew_pipeline_attempts_total",
                          "Calls that a pipeline made to its target, by what they say about it.",
                          {"context", "pipeline", "result"});
}
metrics::Family<metrics::Counter>& refusals(metrics::Registry& metrics) {
  return metrics.counters("sinew_pipeline_refusals_total",
                          "Calls that a pipeline did not let through.",
                          {"context", "pipeline", "step"});
}
metrics::Family<metrics::Counter>& repeats(metrics::Registry& metrics) {
  return metrics.counters("sinew_pipeline_repeats_total",
                          "Calls to a target beyond the first of an operation.",
                          {"context", "pipeline", "step"});
}
metrics::Family<metrics::Gauge>& states(metrics::Registry& metrics) {
  return metrics.gauges("sinew_pipeline_state",
                        "What a pipeline holds now: breaker_open (0, half open 0.5, 1), calls "
                        "running and waiting in its bulkhead, entries and bytes of its cache.",
                        {"context", "pipeline", "what"});
}

Json breaker_state(const CircuitBreaker::Snapshot& now) {
  JsonObject object;
  object.set("state", std::string(to_string(now.state)));
  object.set("forced", now.forcing == Forcing::automatic
                           ? Json()
                           : Json(std::string(to_string(now.forcing))));
  object.set("consecutive_failures", static_cast<std::int64_t>(now.consecutive_failures));
  object.set("recent_good", static_cast<std::int64_t>(now.recent.plain));
  object.set("recent_bad", static_cast<std::int64_t>(now.recent.marked));
  object.set("opened", static_cast<std::int64_t>(now.opened));
  object.set("refused", static_cast<std::int64_t>(now.refused));
  return object;
}

Json cache_state(const Cache::Snapshot& now) {
  JsonObject object;
  object.set("entries", static_cast<std::int64_t>(now.entries));
  object.set("bytes", static_cast<std::int64_t>(now.bytes));
  object.set("hits", static_cast<std::int64_t>(now.hits));
  object.set("misses", static_cast<std::int64_t>(now.misses));
  object.set("stale", static_cast<std::int64_t>(now.stale));
  object.set("evicted", static_cast<std::int64_t>(now.evicted));
  object.set("too_large", static_cast<std::int64_t>(now.too_large));
  return object;
}

Json bulkhead_state(const Bulkhead::Snapshot& now) {
  JsonObject object;
  object.set("running", static_cast<std::int64_t>(now.running));
  object.set("waiting", static_cast<std::int64_t>(now.waiting));
  object.set("refused", static_cast<std::int64_t>(now.refused));
  object.set("gave_up", static_cast<std::int64_t>(now.gave_up));
  return object;
}

Json budget_state(const RetryBudget::Snapshot& now) {
  JsonObject object;
  object.set("requests", static_cast<std::int64_t>(now.requests));
  object.set("repeats", static_cast<std::int64_t>(now.retries));
  object.set("allowed", static_cast<std::int64_t>(now.allowed));
  object.set("refused", static_cast<std::int64_t>(now.refused));
  return object;
}

Json limit_state(const RateLimiter& limiter, Timestamp wall) {
  JsonObject left;
  for (std::size_t i = 0; i < kCalendarWindows; ++i) {
    const auto window = static_cast<CalendarWindow>(i);
    if (const auto calls_left = limiter.left(window, wall)) {
      left.set(std::string(to_string(window)), *calls_left);
    }
  }
  JsonObject object;
  object.set("left", std::move(left));
  object.set("refused", static_cast<std::int64_t>(limiter.refused()));
  return object;
}

double openness(CircuitState state) noexcept {
  switch (state) {
    case CircuitState::closed: return 0;
    case CircuitState::half_open: return 0.5;
    case CircuitState::open: return 1;
  }
  return 1;
}

}  // namespace

PipelineEngine::Instruments::Instruments(metrics::Registry& metrics, const std::string& context,
                                         const std::string& pipeline)
    : from_target(calls(metrics).with({context, pipeline, "target"})),
      kept(calls(metrics).with({context, pipeline, "kept"})),
      stale(calls(metrics).with({context, pipeline, "stale"})),
      substitute(calls(metrics).with({context, pipeline, "substitute"})),
      failed(calls(metrics).with({context, pipeline, "failed"})),
      refused(calls(metrics).with({context, pipeline, "refused"})),
      good_attempts(attempts(metrics).with({context, pipeline, "good"})),
      bad_attempts(attempts(metrics).with({context, pipeline, "bad"})),
      other_attempts(attempts(metrics).with({context, pipeline, "other"})),
      refused_by_cache(refusals(metrics).with({context, pipeline, "cache"})),
      refused_by_rate_limit(refusals(metrics).with({context, pipeline, "rate_limit"})),
      refused_by_breaker(refusals(metrics).with({context, pipeline, "breaker"})),
      refused_by_bulkhead(refusals(metrics).with({context, pipeline, "bulkhead"})),
      retries(repeats(metrics).with({context, pipeline, "retry"})),
      second_calls(repeats(metrics).with({context, pipeline, "hedge"})),
      seconds(metrics
                  .histograms("sinew_pipeline_seconds", "Time of calls through a pipeline.",
                              {"context", "pipeline"})
                  .with({context, pipeline})),
      breaker_open(states(metrics).with({context, pipeline, "breaker_open"})),
      running(states(metrics).with({context, pipeline, "running"})),
      waiting(states(metrics).with({context, pipeline, "waiting"})),
      cache_entries(states(metrics).with({context, pipeline, "cache_entries"})),
      cache_bytes(states(metrics).with({context, pipeline, "cache_bytes"})) {}

void PipelineEngine::Instruments::answered(const Outcome& outcome, Duration took) noexcept {
  seconds.observe(std::chrono::duration<double>(took).count());
  if (outcome.refused) return refused.add();
  if (!outcome.good()) return failed.add();
  switch (outcome.source) {
    case Source::target: return from_target.add();
    case Source::kept: return kept.add();
    case Source::stale: return stale.add();
    case Source::substitute: return substitute.add();
  }
}

void PipelineEngine::Instruments::attempted(const Outcome& outcome) noexcept {
  switch (outcome.blame) {
    case Outcome::Blame::none: return good_attempts.add();
    case Outcome::Blame::target: return bad_attempts.add();
    case Outcome::Blame::nobody: return other_attempts.add();
  }
}

void PipelineEngine::Instruments::refused_by(Step step) noexcept {
  if (step == Step::cache) refused_by_cache.add();
  if (step == Step::rate_limit) refused_by_rate_limit.add();
  if (step == Step::breaker) refused_by_breaker.add();
  if (step == Step::bulkhead) refused_by_bulkhead.add();
}

Json PipelineEngine::state() const {
  JsonObject object;
  object.set("name", name_);
  JsonArray steps;
  for (const Step each : settings_.steps)
    steps.push_back(std::string(to_string(each)));
  object.set("steps", std::move(steps));
  if (cache_) object.set("cache", cache_state(cache_->snapshot()));
  if (budget_) object.set("budget", budget_state(budget_->snapshot(now())));
  if (limiter_) object.set("rate_limit", limit_state(*limiter_, registry_.runtime().wall_now()));
  if (breaker_) object.set("breaker", breaker_state(breaker_->snapshot(now())));
  if (bulkhead_) object.set("bulkhead", bulkhead_state(bulkhead_->snapshot()));
  return object;
}

void PipelineEngine::measure() const {
  if (breaker_) {
    const auto now_ = breaker_->snapshot(now());
    const bool forced = now_.forcing == Forcing::open;
    instruments_->breaker_open.set(forced ? 1 : openness(now_.state));
  }
  if (bulkhead_) {
    instruments_->running.set(static_cast<double>(bulkhead_->snapshot().running));
    instruments_->waiting.set(static_cast<double>(bulkhead_->snapshot().waiting));
  }
  if (cache_) {
    instruments_->cache_entries.set(static_cast<double>(cache_->snapshot().entries));
    instruments_->cache_bytes.set(static_cast<double>(cache_->snapshot().bytes));
  }
}

void PipelineEngine::force_breaker(Forcing forcing) {
  if (!breaker_) {
    throw Error(Condition::invalid_input, fmt::format("{} has no breaker to force", name_));
  }
  breaker_->force(forcing);
  generation_ = breaker_->snapshot(now()).generation;
}

}  // namespace sinew::resilience
