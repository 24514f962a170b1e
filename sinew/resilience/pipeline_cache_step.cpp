#include <fmt/format.h>

#include <utility>

#include "sinew/async/runtime.hpp"
#include "sinew/resilience/pipeline_parts.hpp"

namespace sinew::resilience {

// A call for one key that is under way: its leader makes it, the others of that key wait for what
// comes of it. Shared by them.
class PipelineEngine::Flight {
 public:
  std::optional<Outcome> outcome;  // nothing at its end: the leader itself gave up
  async::WaitQueue landed;
};

// The leader's hold on a flight. However the leader ends, also by being dropped, those who wait are
// woken.
class PipelineEngine::Landing {
 public:
  Landing(PipelineEngine& engine, const std::string& key)
      : engine_(engine), flight_(std::make_shared<Flight>()) {
    place_ = engine_.flights_.emplace(key, flight_).first;
  }
  Landing(const Landing&) = delete;
  Landing& operator=(const Landing&) = delete;
  ~Landing() {
    engine_.flights_.erase(place_);
    flight_->landed.notify_all();
  }
  void with(const Outcome& outcome) { flight_->outcome = outcome; }

 private:
  PipelineEngine& engine_;
  std::shared_ptr<Flight> flight_;
  decltype(engine_.flights_)::iterator place_;
};

namespace {

// A caller that waits for another's call, counted.
class Following {
 public:
  explicit Following(int& count) : count_(count) { ++count_; }
  Following(const Following&) = delete;
  Following& operator=(const Following&) = delete;
  ~Following() { --count_; }

 private:
  int& count_;
};

Outcome kept(Cache::Found found, Source source) {
  Outcome outcome;
  outcome.value = std::move(found.value);
  outcome.source = source;
  outcome.age = found.age;
  return outcome;
}

bool is_cancelled(const Outcome& outcome) {
  return outcome.failure && outcome.failure->condition == Condition::cancelled;
}

}  // namespace

Task<Outcome> PipelineEngine::cached(std::size_t next, Visit& visit) {
  const std::string& key = visit.call.key;
  if (key.empty()) co_return co_await step(next, visit);
  for (;;) {
    auto found = cache_->find(key, now());
    if (found.freshness == Cache::Freshness::fresh) {
      co_return kept(std::move(found), Source::kept);
    }
    const auto flight = flights_.find(key);
    if (flight == flights_.end()) co_return kept_or(co_await lead(next, visit), key);
    if (following_ >= settings_.cache->max_waiting) {
      co_return kept_or(refuse(Step::cache, Condition::exhausted,
                               fmt::format("{} callers wait for calls of others", following_)),
                        key);
    }
    if (auto outcome = co_await follow(flight->second)) co_return kept_or(*outcome, key);
  }
}

// A leader that gives up for a reason of its own (it was cancelled, or its time is over while
// theirs is not) has no outcome for the others: the first of them leads next.
Task<Outcome> PipelineEngine::lead(std::size_t next, Visit& visit) {
  const auto& context = co_await async::this_context();
  const std::uint64_t epoch = epoch_;
  Landing landing(*this, visit.call.key);
  Outcome outcome = co_await step(next, visit);
  const bool out_of_time = outcome.replaceable() && context.deadline <= now();
  if (!is_cancelled(outcome) && !out_of_time) landing.with(outcome);
  keep(outcome, visit.call.key, epoch);
  co_return outcome;
}

// Nothing: the leader gave up.
Task<std::optional<Outcome>> PipelineEngine::follow(std::shared_ptr<Flight> flight) {
  const Following counted(following_);
  switch (co_await flight->landed.wait()) {
    case async::WaitOutcome::timed_out:
      co_return Outcome::refusal(
          Condition::timeout, fmt::format("{}: the time was over before the answer came", name_));
    case async::WaitOutcome::cancelled:
      co_return Outcome::refusal(Condition::cancelled, fmt::format("{}: cancelled", name_));
    default: co_return flight->outcome;
  }
}

void PipelineEngine::keep(const Outcome& outcome, const std::string& key, std::uint64_t epoch) {
  if (epoch != epoch_) return;
  if (outcome.good()) {
    cache_->put(key, outcome.value, functions_.bytes(outcome.value.get()), now());
  } else if (outcome.failure && outcome.failure->condition == Condition::not_found) {
    cache_->erase(key);  // the target says that it is no more
  }
}

Outcome PipelineEngine::kept_or(Outcome outcome, const std::string& key) {
  if (!outcome.replaceable()) return outcome;
  auto found = cache_->find_on_error(key, now());
  if (found.freshness == Cache::Freshness::missing) return outcome;
  return kept(std::move(found), Source::stale);
}

std::size_t PipelineEngine::clear_cache() {
  if (!cache_) {
    throw Error(Condition::invalid_input, fmt::format("{} has no cache to clear", name_));
  }
  ++epoch_;
  return cache_->clear();
}

}  // namespace sinew::resilience
