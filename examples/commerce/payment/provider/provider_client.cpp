#include "examples/commerce/payment/provider/provider_client.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <string_view>
#include <utility>

#include "sinew/async/wait.hpp"
#include "sinew/base/config.hpp"
#include "sinew/messaging/consumer.hpp"

namespace commerce::payment {

using sinew::Applied;
using sinew::Condition;
using sinew::Duration;
using sinew::Error;
using sinew::Instant;
using sinew::Task;
using sinew::http::ClientRequest;
using sinew::http::Response;
using sinew::resilience::CircuitBreaker;
using sinew::resilience::Failure;
using sinew::resilience::Repeatable;
using sinew::resilience::Retry;

namespace {

ProviderPolicy valid(ProviderPolicy policy) {
  sinew::config::require_valid(policy, "the policy for the payment provider");
  return policy;
}

// The provider cannot do its work at the moment: it counts for the breaker.
bool is_trouble(const Response& response) {
  return response.status >= 500 || response.status == 429;
}

// RFC 9110, section 10.2.3, in seconds; its other form, a date, is read as nothing.
Duration retry_after(const Response& response) {
  constexpr std::int64_t most = 24 * 60 * 60;
  const std::string_view text = response.headers.get("Retry-After");
  std::int64_t seconds = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (read.ec != std::errc() || seconds < 0 || seconds > most) return Duration::zero();
  return std::chrono::seconds(seconds);
}

// Why the request should be sent again; nothing when it got its answer. 409: another request with
// the same key is under way, such as an attempt of ours that was given up.
std::optional<Failure> failure_of(const std::expected<Response, Error>& outcome) {
  if (!outcome) return Failure::of(outcome.error());
  if (!is_trouble(*outcome) && outcome->status != 409) return std::nullopt;
  return Failure{.condition = Condition::unavailable,
                 .applied = Applied::unknown,
                 .retry_after = retry_after(*outcome)};
}

}  // namespace

void ProviderPolicy::describe(sinew::config::Section<ProviderPolicy>& section) {
  section.option("timeout", &ProviderPolicy::timeout, "of a request");
  section.option("retry", &ProviderPolicy::retry, "of a request that failed");
  section.option("budget", &ProviderPolicy::budget, "for the retries of all requests");
  section.option("breaker", &ProviderPolicy::breaker, "when the provider is left alone");
}

std::vector<std::string> ProviderPolicy::violations() const {
  const Duration handling = sinew::messaging::ConsumerSettings{}.timeout;
  if (timeout.total < handling) return {};
  return {fmt::format("timeout.total ({}) is not below the {} that a message may be handled",
                      sinew::config::format_duration(timeout.total),
                      sinew::config::format_duration(handling))};
}

ProviderClient::ProviderClient(sinew::async::Runtime& runtime, sinew::http::Client& client,
                               const ProviderPolicy& policy)
    : runtime_(runtime),
      client_(client),
      policy_(valid(policy)),
      budget_(policy.budget),
      breaker_(policy.breaker) {}

Task<Response> ProviderClient::send(ClientRequest request) {
  request.idempotent = true;
  const Instant started = runtime_.now();
  const Instant deadline = sinew::resilience::deadline_in(policy_.timeout.total, started);
  Retry retry(policy_.retry, Repeatable::yes, started, deadline);
  budget_.request(started);
  Outcome outcome = std::unexpected(
      Error(Condition::unavailable,
            "the payment provider failed too often and is left alone for some seconds"));
  Applied applied = Applied::no;
  while (auto permit = breaker_.try_enter(runtime_.now())) {
    outcome = co_await attempt(*permit, request, deadline);
    const auto failure = failure_of(outcome);
    if (!failure) break;
    if (failure->applied == Applied::unknown) applied = Applied::unknown;
    const auto pause = pause_after(*failure, retry);
    if (!pause) break;
    co_await sinew::async::sleep_for(*pause);
  }
  if (outcome) co_return std::move(*outcome);
  throw Error(outcome.error().condition(), outcome.error().detail(), applied);
}

Task<ProviderClient::Outcome> ProviderClient::attempt(CircuitBreaker::Permit& permit,
                                                      ClientRequest request, Instant deadline) {
  const Instant until = policy_.timeout.attempt_deadline(runtime_.now(), deadline);
  try {
    Response response =
        co_await sinew::async::with_deadline(until, client_.send(std::move(request)));
    if (is_trouble(response)) {
      permit.fail(runtime_.now());
    } else {
      permit.succeed(runtime_.now());
    }
    co_return response;
  } catch (const Error& error) {
    permit.report(error.condition(), runtime_.now());
    co_return std::unexpected(error);
  }
}

std::optional<Duration> ProviderClient::pause_after(const Failure& failure, Retry& retry) {
  const auto pause = retry.failed(failure, runtime_.now(), runtime_.random());
  if (!pause || !budget_.try_retry(runtime_.now())) return std::nullopt;
  return *pause;
}

}  // namespace commerce::payment
