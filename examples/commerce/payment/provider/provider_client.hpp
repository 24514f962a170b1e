#pragma once

#include <string>
#include <vector>

#include "sinew/async/task.hpp"
#include "sinew/base/config_fwd.hpp"
#include "sinew/http/client.hpp"
#include "sinew/resilience/bulkhead.hpp"
#include "sinew/resilience/circuit_breaker.hpp"
#include "sinew/resilience/pipeline.hpp"
#include "sinew/resilience/retry.hpp"
#include "sinew/resilience/retry_budget.hpp"
#include "sinew/resilience/timeout.hpp"

namespace commerce::payment {

// How much patience a provider deserves. `timeout.total` stays below the time that a consumer gives
// a handler (20 s); what still fails then is the consumer's to try again, for a quarter of an hour.
struct ProviderPolicy {
  sinew::resilience::TimeoutSettings timeout;
  sinew::resilience::RetrySettings retry;
  sinew::resilience::RetryBudgetSettings budget;
  sinew::resilience::CircuitBreakerSettings breaker;
  // As many at once as the client has connections; of the messages that payment handles at the same
  // time so many more may wait.
  sinew::resilience::BulkheadSettings bulkhead = {
      .max_concurrent = 16, .max_waiting = 256, .max_wait = std::chrono::seconds(2)};

  sinew::resilience::PipelineSettings pipeline() const;

  static void describe(sinew::config::Section<ProviderPolicy>& section);
  std::vector<std::string> violations() const;
};

// What the answer's Retry-After asks for, up to 24 h; zero when it says nothing that can be read.
sinew::Duration retry_after(const sinew::http::Response& response);

// Requests to one provider, each with an idempotency key, so that repeating it is harmless. The
// pipeline `payment-provider`, from the outside in: all attempts have a time in all; a failed one
// is tried again after a pause, as far as the budget for all requests allows; the circuit breaker
// leaves a provider alone that only fails; so many are under way at the same time; an attempt has a
// time of its own. Lives on the context's worker.
class ProviderClient {
 public:
  // Throws Error invalid_input with everything that is out of range in the policy.
  ProviderClient(sinew::resilience::PipelineRegistry& pipelines, sinew::http::Client& client,
                 const ProviderPolicy& policy);

  // What the provider answers, errors included: the last answer when it stays with 409, 429 or 5xx.
  // Errors: those of http::Client::send; with applied no, unavailable when the breaker is open and
  // exhausted when too many are under way. `applied` is unknown as soon as one of the attempts may
  // have reached the provider.
  sinew::Task<sinew::http::Response> send(sinew::http::ClientRequest request);

 private:
  sinew::http::Client& client_;
  sinew::resilience::Pipeline<sinew::http::Response> pipeline_;
};

}  // namespace commerce::payment
