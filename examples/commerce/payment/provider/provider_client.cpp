#include "examples/commerce/payment/provider/provider_client.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "sinew/base/config.hpp"
#include "sinew/messaging/consumer.hpp"

namespace commerce::payment {

using sinew::Applied;
using sinew::Condition;
using sinew::Duration;
using sinew::Task;
using sinew::http::ClientRequest;
using sinew::http::Response;
using sinew::resilience::Failure;
using sinew::resilience::Judgement;
using sinew::resilience::Pipeline;
using sinew::resilience::PipelineRegistry;
using sinew::resilience::PipelineSettings;
using sinew::resilience::Repeatable;
using sinew::resilience::Step;

namespace {

ProviderPolicy valid(ProviderPolicy policy) {
  sinew::config::require_valid(policy, "the policy for the payment provider");
  return policy;
}

// The provider cannot do its work at the moment: it counts for the breaker.
bool is_trouble(const Response& response) {
  return response.status >= 500 || response.status == 429;
}

// Why the request should be sent again; nothing when it got its answer. 409: another request with
// the same key is under way, such as an attempt of ours that was given up.
std::optional<Judgement> judge(const Response& response) {
  if (!is_trouble(response) && response.status != 409) return std::nullopt;
  return Judgement{.failure = {.condition = Condition::unavailable,
                               .applied = Applied::unknown,
                               .retry_after = retry_after(response)},
                   .blames_target = is_trouble(response)};
}

}  // namespace

void ProviderPolicy::describe(sinew::config::Section<ProviderPolicy>& section) {
  section.option("timeout", &ProviderPolicy::timeout, "of a request");
  section.option("retry", &ProviderPolicy::retry, "of a request that failed");
  section.option("budget", &ProviderPolicy::budget, "for the retries of all requests");
  section.option("breaker", &ProviderPolicy::breaker, "when the provider is left alone");
  section.option("bulkhead", &ProviderPolicy::bulkhead, "requests at the same time");
}

PipelineSettings ProviderPolicy::pipeline() const {
  return {.steps = {Step::total_timeout, Step::retry, Step::breaker, Step::bulkhead,
                    Step::attempt_timeout},
          .timeout = timeout,
          .retry = retry,
          .budget = budget,
          .breaker = breaker,
          .bulkhead = bulkhead};
}

std::vector<std::string> ProviderPolicy::violations() const {
  std::vector<std::string> out = pipeline().violations();
  const Duration handling = sinew::messaging::ConsumerSettings{}.timeout;
  if (timeout.total >= handling) {
    out.push_back(fmt::format(
        "timeout.total ({}) is not below the {} that a message may be handled",
        sinew::config::format_duration(timeout.total), sinew::config::format_duration(handling)));
  }
  return out;
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

ProviderClient::ProviderClient(PipelineRegistry& pipelines, sinew::http::Client& client,
                               const ProviderPolicy& policy)
    : client_(client),
      pipeline_(pipelines, "payment-provider", valid(policy).pipeline(), {.judge = judge}) {}

Task<Response> ProviderClient::send(ClientRequest request) {
  request.idempotent = true;
  auto served = co_await pipeline_.run({.repeatable = Repeatable::yes},
                                       [this, &request] { return client_.send(request); });
  co_return std::move(served.value);
}

}  // namespace commerce::payment
