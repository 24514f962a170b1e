#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "sinew/async/runtime.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/config_fwd.hpp"
#include "sinew/base/error.hpp"
#include "sinew/http/client.hpp"
#include "sinew/resilience/circuit_breaker.hpp"
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

  static void describe(sinew::config::Section<ProviderPolicy>& section);
  std::vector<std::string> violations() const;
};

// Requests to one provider, each with an idempotency key, so that repeating it is harmless. From
// the outside in: all attempts have a time in all; a failed one is tried again after a pause, as
// far as the budget for all requests allows; the circuit breaker leaves a provider alone that only
// fails; an attempt has a time of its own. Lives on the context's worker.
class ProviderClient {
 public:
  // Throws Error invalid_input with everything that is out of range in the policy.
  ProviderClient(sinew::async::Runtime& runtime, sinew::http::Client& client,
                 const ProviderPolicy& policy);

  // What the provider answers, errors included: the last answer when it stays with 409, 429 or 5xx.
  // Errors: those of http::Client::send; unavailable with applied no when the breaker is open.
  // `applied` is unknown as soon as one of the attempts may have reached the provider.
  sinew::Task<sinew::http::Response> send(sinew::http::ClientRequest request);

 private:
  using Outcome = std::expected<sinew::http::Response, sinew::Error>;

  sinew::Task<Outcome> attempt(sinew::resilience::CircuitBreaker::Permit& permit,
                               sinew::http::ClientRequest request, sinew::Instant deadline);
  std::optional<sinew::Duration> pause_after(const sinew::resilience::Failure& failure,
                                             sinew::resilience::Retry& retry);

  sinew::async::Runtime& runtime_;
  sinew::http::Client& client_;
  ProviderPolicy policy_;
  sinew::resilience::RetryBudget budget_;
  sinew::resilience::CircuitBreaker breaker_;
};

}  // namespace commerce::payment
