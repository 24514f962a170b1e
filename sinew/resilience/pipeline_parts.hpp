#pragma once

#include <optional>
#include <string>

#include "sinew/async/wait.hpp"
#include "sinew/base/metrics.hpp"
#include "sinew/resilience/pipeline_engine.hpp"

// What the files of PipelineEngine share; nobody else includes it.
namespace sinew::resilience {

// One call on its way, in the frame of run().
struct PipelineEngine::Visit {
  Call call;
  Operation operation;
  bool counted = false;  // as a request of the budget
};

// A call that waits for a place. It stays in the queue until it was handed one or has seen that its
// time is over, so that the queue is exactly what the bulkhead counts as waiting.
class PipelineEngine::Waiter : public async::ListHook<PlaceTag> {
 public:
  async::Wait wait;
  bool handed = false;
};

// Every label is one of a fixed few, or a name given in the program.
struct PipelineEngine::Instruments {
  Instruments(metrics::Registry& metrics, const std::string& context, const std::string& pipeline);

  void answered(const Outcome& outcome, Duration took) noexcept;
  void attempted(const Outcome& outcome) noexcept;
  void refused_by(Step step) noexcept;

  metrics::Counter& from_target;
  metrics::Counter& kept;
  metrics::Counter& stale;
  metrics::Counter& substitute;
  metrics::Counter& failed;
  metrics::Counter& refused;
  metrics::Counter& good_attempts;
  metrics::Counter& bad_attempts;
  metrics::Counter& other_attempts;
  metrics::Counter& refused_by_cache;
  metrics::Counter& refused_by_rate_limit;
  metrics::Counter& refused_by_breaker;
  metrics::Counter& refused_by_bulkhead;
  metrics::Counter& retries;
  metrics::Counter& second_calls;
  metrics::Histogram& seconds;
  metrics::Gauge& breaker_open;
  metrics::Gauge& running;
  metrics::Gauge& waiting;
  metrics::Gauge& cache_entries;
  metrics::Gauge& cache_bytes;
};

}  // namespace sinew::resilience
