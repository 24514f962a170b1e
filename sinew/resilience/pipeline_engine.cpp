#include "sinew/resilience/pipeline_engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sinew/async/runtime.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/base/config.hpp"
#include "sinew/resilience/pipeline_parts.hpp"

namespace sinew::resilience {
namespace {

bool is_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !name.empty() && name.size() <= 40 && std::ranges::all_of(name, fits);
}

void add(config::Problems& problems, std::string what) {
  problems.add({.position = {}, .path = {}, .what = std::move(what)});
}

// Everything that is wrong, of the settings and of what the program gives beside them.
void require_usable(const std::string& name, const PipelineSettings& settings,
                    const PipelineEngine::Functions& functions) {
  config::Problems problems;
  const Environment no_environment;
  config::Walk walk(problems, no_environment);
  config::schema<PipelineSettings>()->check(&settings, walk);
  // A section out of range keeps the whole from being judged; here it is in any case.
  for (auto& violation : settings.violations()) {
    const auto same = [&](const config::Problem& known) { return known.what == violation; };
    if (std::ranges::none_of(problems.kept(), same)) add(problems, std::move(violation));
  }
  if (!is_name(name)) {
    add(problems, "name: expected 1 to 40 of a to z, 0 to 9 and -");
  }
  if (settings.has(Step::fallback) != static_cast<bool>(functions.fallback)) {
    add(problems, functions.fallback ? "a fallback is given, but steps does not name it"
                                     : "steps names fallback, but none is given");
  }
  if (settings.has(Step::cache) && !functions.bytes) {
    add(problems, "steps names cache, but it is not said how many bytes an answer takes");
  }
  problems.throw_if_any(fmt::format("the pipeline {} is not usable:", name));
}

// The settings with the defaults of the steps that have no section.
PipelineSettings filled(PipelineSettings settings) {
  const auto fill = [&]<class S>(std::optional<S>& section, bool used) {
    if (used && !section) section.emplace();
  };
  const auto has = [&](Step step) { return settings.has(step); };
  fill(settings.cache, has(Step::cache));
  fill(settings.timeout, has(Step::total_timeout) || has(Step::attempt_timeout));
  fill(settings.retry, has(Step::retry));
  fill(settings.budget, has(Step::retry) || has(Step::hedge));
  fill(settings.hedge, has(Step::hedge));
  fill(settings.breaker, has(Step::breaker));
  fill(settings.bulkhead, has(Step::bulkhead));
  return settings;
}

}  // namespace

PipelineEngine::PipelineEngine(PipelineRegistry& registry, std::string name,
                               PipelineSettings settings, Functions functions)
    : registry_(registry),
      name_(std::move(name)),
      settings_(std::move(settings)),
      functions_(std::move(functions)),
      log_(registry.log().with({{"pipeline", name_}})) {
  require_usable(name_, settings_, functions_);
  settings_ = filled(std::move(settings_));
  if (settings_.cache) cache_.emplace(*settings_.cache);
  if (settings_.budget) budget_.emplace(*settings_.budget);
  if (settings_.rate_limit) limiter_.emplace(*settings_.rate_limit);
  if (settings_.breaker) breaker_.emplace(*settings_.breaker);
  if (settings_.bulkhead) bulkhead_.emplace(*settings_.bulkhead);
  instruments_ = std::make_unique<Instruments>(registry.metrics(), registry.context(), name_);
  registry_.add(*this);
}

PipelineEngine::~PipelineEngine() { registry_.remove(*this); }

Task<Outcome> PipelineEngine::run(Call call, Operation operation) {
  const Instant started = now();
  Visit visit{std::move(call), std::move(operation)};
  Outcome outcome = co_await step(0, visit);
  instruments_->answered(outcome, now() - started);
  co_return outcome;
}

Task<Outcome> PipelineEngine::step(std::size_t index, Visit& visit) {
  if (index == settings_.steps.size()) return attempt(visit);
  const std::size_t next = index + 1;
  switch (settings_.steps[index]) {
    case Step::fallback: return with_fallback(next, visit);
    case Step::cache: return cached(next, visit);
    case Step::total_timeout: return within(settings_.timeout->total, next, visit);
    case Step::retry: return retried(next, visit);
    case Step::hedge: return hedged(next, visit);
    case Step::rate_limit: return limited(next, visit);
    case Step::breaker: return guarded(next, visit);
    case Step::bulkhead: return confined(next, visit);
    case Step::attempt_timeout: return within(settings_.timeout->attempt, next, visit);
  }
  return attempt(visit);
}

// The call of the target itself. One whose time is over already would say nothing about it.
Task<Outcome> PipelineEngine::attempt(Visit& visit) {
  const auto& context = co_await async::this_context();
  if (context.deadline <= now()) {
    co_return Outcome::refusal(Condition::timeout,
                               fmt::format("{}: the time was over before the call", name_));
  }
  Outcome outcome;
  try {
    outcome.value = co_await visit.operation();
    const auto judgement =
        functions_.judge ? functions_.judge(outcome.value.get()) : std::optional<Judgement>();
    if (judgement) {
      outcome.failure = judgement->failure;
      if (judgement->blames_target) outcome.blame = Outcome::Blame::target;
    }
  } catch (const Error& error) {
    outcome = Outcome::of(error);
  } catch (...) {
    outcome = {};
    outcome.error = std::current_exception();
    outcome.blame = Outcome::Blame::nobody;
  }
  instruments_->attempted(outcome);
  co_return outcome;
}

Task<Outcome> PipelineEngine::with_fallback(std::size_t next, Visit& visit) {
  Outcome outcome = co_await step(next, visit);
  if (!outcome.replaceable()) co_return outcome;
  Outcome other;
  try {
    other.value = co_await functions_.fallback(visit.call, outcome.as_error());
    other.source = Source::substitute;
  } catch (const Error& error) {
    other = Outcome::of(error);
  }
  co_return other;
}

Task<Outcome> PipelineEngine::within(Duration timeout, std::size_t next, Visit& visit) {
  const Instant deadline = deadline_in(timeout, now());
  co_return co_await async::with_deadline(deadline, step(next, visit));
}

void PipelineEngine::count_request(Visit& visit) {
  if (!std::exchange(visit.counted, true)) budget_->request(now());
}

Task<Outcome> PipelineEngine::retried(std::size_t next, Visit& visit) {
  const auto& context = co_await async::this_context();
  count_request(visit);
  Retry retry(*settings_.retry, visit.call.repeatable, now(), context.deadline);
  Outcome last = co_await step(next, visit);
  bool in_doubt = false;
  while (last.failure && !last.refused) {
    in_doubt = in_doubt || last.failure->applied == Applied::unknown;
    const auto delay = retry.failed(*last.failure, now(), registry_.runtime().random());
    if (!delay || !budget_->try_retry(now())) break;
    instruments_->retries.add();
    if (auto ended = co_await pause(*delay)) {
      last = std::move(*ended);
      break;
    }
    Outcome again = co_await step(next, visit);
    if (again.refused) break;  // what the target said before says more
    last = std::move(again);
  }
  if (in_doubt) last.doubt();
  co_return last;
}

// How the caller's wish ended the pause; nothing at its end.
Task<std::optional<Outcome>> PipelineEngine::pause(Duration delay) {
  try {
    co_await async::sleep_for(delay);
  } catch (const Error& error) {
    co_return Outcome::of(error);
  }
  co_return std::nullopt;
}

// In the frame of hedged(), which joins those who run.
struct PipelineEngine::Race {
  Hedge hedge;
  std::optional<Outcome> best = {};
  bool decided = false;
  bool in_doubt = false;
  async::WaitQueue over = {};
};

namespace {

Task<void> wait_for(async::WaitQueue& queue) { co_await queue.wait(); }

}  // namespace

Task<Outcome> PipelineEngine::hedged(std::size_t next, Visit& visit) {
  count_request(visit);
  Race race{Hedge(*settings_.hedge, visit.call.repeatable, now())};
  async::Scope scope(co_await async::this_context());
  scope.spawn(this->race(next, visit, race));
  co_await async::with_deadline(race.hedge.second_at(), wait_for(race.over));
  const bool late = !race.decided && race.hedge.second_at() <= now();
  if (late && race.hedge.try_second(*budget_, now())) {
    instruments_->second_calls.add();
    scope.spawn(this->race(next, visit, race));
  }
  if (!race.decided) co_await race.over.wait();
  // Undecided when the caller's time is over or it was cancelled: so are the calls by themselves.
  if (race.decided) scope.cancel();
  co_await scope.join();
  if (race.in_doubt) race.best->doubt();
  co_return std::move(*race.best);
}

Task<void> PipelineEngine::race(std::size_t next, Visit& visit, Race& race) {
  Outcome outcome = co_await step(next, visit);
  if (race.decided) co_return;
  const bool answers = outcome.blame == Outcome::Blame::none;
  race.in_doubt = race.in_doubt || (outcome.failure && !outcome.refused &&
                                    outcome.failure->applied == Applied::unknown);
  if (!race.best || !outcome.refused) race.best = std::move(outcome);
  if (!race.hedge.ended(answers)) co_return;
  race.decided = true;
  race.over.notify_all();
}

Outcome PipelineEngine::refuse(Step by, Condition condition, const std::string& why,
                               Duration retry_after) {
  instruments_->refused_by(by);
  return Outcome::refusal(condition, fmt::format("{}: {}", name_, why), retry_after);
}

Task<Outcome> PipelineEngine::limited(std::size_t next, Visit& visit) {
  const auto decision = limiter_->try_acquire(now(), registry_.runtime().wall_now());
  if (decision.allowed) co_return co_await step(next, visit);
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(decision.retry_after);
  co_return refuse(Step::rate_limit, Condition::exhausted,
                   fmt::format("the calls of this {} are used up; again in {}", decision.limit,
                               config::format_duration(wait)),
                   decision.retry_after);
}

Task<Outcome> PipelineEngine::guarded(std::size_t next, Visit& visit) {
  auto permit = breaker_->try_enter(now());
  note_transition();
  if (!permit) {
    const bool forced = breaker_->snapshot(now()).forcing == Forcing::open;
    co_return refuse(Step::breaker, Condition::unavailable,
                     forced ? "left alone, as an operator wants it"
                            : "it failed too often and is left alone for some time");
  }
  Outcome outcome = co_await step(next, visit);
  switch (outcome.blame) {
    case Outcome::Blame::none: permit->succeed(now()); break;
    case Outcome::Blame::target: permit->fail(now()); break;
    case Outcome::Blame::nobody: permit->abandon(); break;
  }
  note_transition();
  co_return outcome;
}

void PipelineEngine::note_transition() {
  const auto breaker = breaker_->snapshot(now());
  if (breaker.generation == generation_) return;
  generation_ = breaker.generation;
  const auto level = breaker.state == CircuitState::open ? log::Level::warn : log::Level::info;
  log_.write(level, "the circuit breaker changed", {{"state", to_string(breaker.state)}});
}

}  // namespace sinew::resilience
