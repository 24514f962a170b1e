#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sinew/async/intrusive_list.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/json.hpp"
#include "sinew/resilience/pipeline_outcome.hpp"
#include "sinew/resilience/pipeline_registry.hpp"
#include "sinew/resilience/pipeline_settings.hpp"

namespace sinew::resilience {

struct PlaceTag;

// What all pipelines are inside, whatever they carry: it passes a call through the steps, each of
// them a pure machine. Values are typed by Pipeline<T>.
class PipelineEngine {
 public:
  using Value = std::shared_ptr<const void>;
  using Operation = std::function<Task<Value>()>;
  struct Functions {
    std::function<std::optional<Judgement>(const void*)> judge;
    std::function<std::uint64_t(const void*)> bytes;
    std::function<Task<Value>(const Call&, const Error&)> fallback;
  };

  // Throws Error invalid_input with everything that is wrong; conflict when the name is taken.
  PipelineEngine(PipelineRegistry& registry, std::string name, PipelineSettings settings,
                 Functions functions);
  PipelineEngine(const PipelineEngine&) = delete;
  PipelineEngine& operator=(const PipelineEngine&) = delete;
  ~PipelineEngine();

  Task<Outcome> run(Call call, Operation operation);

  const std::string& name() const noexcept { return name_; }
  const PipelineSettings& settings() const noexcept { return settings_; }
  bool has(Step step) const noexcept { return settings_.has(step); }

  // What an operator sees.
  Json state() const;
  // What an operator does; until this process ends. Errors: invalid_input (there is no such step).
  void force_breaker(Forcing forcing);
  std::size_t clear_cache();

  void measure() const;  // brings the gauges up to date

 private:
  struct Visit;
  struct Race;
  struct Instruments;
  class Flight;
  class Landing;
  class Waiter;
  class Place;

  Task<Outcome> step(std::size_t index, Visit& visit);
  Task<Outcome> with_fallback(std::size_t next, Visit& visit);
  Task<Outcome> cached(std::size_t next, Visit& visit);
  Task<Outcome> lead(std::size_t next, Visit& visit);
  Task<std::optional<Outcome>> follow(std::shared_ptr<Flight> flight);
  Outcome kept_or(Outcome outcome, const std::string& key);
  void keep(const Outcome& outcome, const std::string& key, std::uint64_t epoch);
  Task<Outcome> within(Duration timeout, std::size_t next, Visit& visit);
  Task<Outcome> retried(std::size_t next, Visit& visit);
  Task<std::optional<Outcome>> pause(Duration delay);
  Task<Outcome> hedged(std::size_t next, Visit& visit);
  Task<void> race(std::size_t next, Visit& visit, Race& race);
  Task<Outcome> limited(std::size_t next, Visit& visit);
  Task<Outcome> guarded(std::size_t next, Visit& visit);
  Task<Outcome> confined(std::size_t next, Visit& visit);
  Task<Outcome> attempt(Visit& visit);

  Instant now() const noexcept { return registry_.runtime().now(); }
  Outcome refuse(Step by, Condition condition, const std::string& why,
                 Duration retry_after = Duration::zero());
  void count_request(Visit& visit);
  void note_transition();
  void release_place() noexcept;

  PipelineRegistry& registry_;
  std::string name_;
  PipelineSettings settings_;
  Functions functions_;
  log::Logger log_;
  std::unique_ptr<Instruments> instruments_;

  std::optional<Cache> cache_;
  std::optional<RetryBudget> budget_;
  std::optional<RateLimiter> limiter_;
  std::optional<CircuitBreaker> breaker_;
  std::optional<Bulkhead> bulkhead_;

  std::map<std::string, std::shared_ptr<Flight>, std::less<>> flights_;  // calls under way, by key
  int following_ = 0;             // callers that wait for the call of another
  std::uint64_t epoch_ = 0;       // of the cache: a call from before it was cleared is not kept
  std::uint64_t generation_ = 0;  // of the breaker, as last logged
  async::IntrusiveList<Waiter, PlaceTag> waiters_;  // for a place in the bulkhead
};

}  // namespace sinew::resilience
