#include "sinew/proxy/cluster/retry_decision.hpp"

#include <algorithm>
#include <array>

#include "sinew/base/config.hpp"

namespace sinew::proxy {
namespace {

// Nothing that the endpoint could have acted on: it got nothing, or says so itself.
bool is_unprocessed(const Attempt& attempt) noexcept {
  return attempt.progress == AttemptProgress::nothing_sent || attempt.end == AttemptEnd::refused ||
         attempt.end == AttemptEnd::connect_failed;
}

bool is_stale(const Attempt& attempt) noexcept {
  return attempt.reused_connection && attempt.end == AttemptEnd::broken &&
         attempt.progress < AttemptProgress::answer_begun;
}

RetryReason allowed_reason(AttemptEnd end) noexcept {
  if (end == AttemptEnd::timed_out) return RetryReason::timeout_as_allowed;
  if (end == AttemptEnd::answered) return RetryReason::status_as_allowed;
  return RetryReason::broken_as_allowed;
}

constexpr RetryDecision none(RetryReason reason) noexcept { return {RetryPlace::none, reason}; }

}  // namespace

std::string_view to_string(RetryReason reason) noexcept {
  switch (reason) {
    case RetryReason::never_sent: return "never_sent";
    case RetryReason::refused_unprocessed: return "refused_unprocessed";
    case RetryReason::stale_connection: return "stale_connection";
    case RetryReason::broken_as_allowed: return "broken_as_allowed";
    case RetryReason::timeout_as_allowed: return "timeout_as_allowed";
    case RetryReason::status_as_allowed: return "status_as_allowed";
    case RetryReason::answer_passed_on: return "answer_passed_on";
    case RetryReason::not_replayable: return "not_replayable";
    case RetryReason::not_idempotent: return "not_idempotent";
    case RetryReason::not_allowed: return "not_allowed";
    case RetryReason::retries_used_up: return "retries_used_up";
    case RetryReason::out_of_time: return "out_of_time";
    case RetryReason::no_budget: return "no_budget";
    case RetryReason::overload: return "overload";
  }
  return "unknown";
}

void RetryPolicy::describe(config::Section<RetryPolicy>& section) {
  using S = RetryPolicy;
  section.option("retries", &S::retries, "at most, after the first attempt").range(0, 32'767);
  section.option("on_broken", &S::on_broken, "idempotent requests whose connection broke");
  section.option("on_timeout", &S::on_timeout,
                 "idempotent requests of which one try took too long");
  section.option("on_statuses", &S::on_statuses, "idempotent requests that got such an answer")
      .range(400, 599);
}

RetryRules::RetryRules(const RetryPolicy& policy)
    : retries_(policy.retries),
      on_broken_(policy.on_broken),
      on_timeout_(policy.on_timeout),
      on_statuses_(policy.on_statuses) {
  config::require_valid(policy, "the retry policy");
}

bool RetryRules::allows(const Attempt& attempt) const noexcept {
  switch (attempt.end) {
    case AttemptEnd::timed_out: return on_timeout_;
    case AttemptEnd::answered: return on_statuses_.contains(attempt.status);
    case AttemptEnd::broken: return on_broken_;
    case AttemptEnd::connect_failed:
    case AttemptEnd::refused: break;
  }
  return true;
}

RetryDecision RetryRules::wanted(const Attempt& attempt, bool stale_retried) const noexcept {
  if (attempt.progress == AttemptProgress::answer_passed_on) {
    return none(RetryReason::answer_passed_on);
  }
  const bool stale = is_stale(attempt) && !stale_retried;
  const bool unprocessed = is_unprocessed(attempt);
  if (!unprocessed && !stale && !allows(attempt)) return none(RetryReason::not_allowed);
  if (!unprocessed && !attempt.idempotent) return none(RetryReason::not_idempotent);
  if (!attempt.replayable) return none(RetryReason::not_replayable);
  // The connection's fault and not the endpoint's: the same one may be asked.
  if (stale) return {RetryPlace::here, RetryReason::stale_connection};
  if (!unprocessed) return {RetryPlace::elsewhere, allowed_reason(attempt.end)};
  return {RetryPlace::elsewhere, attempt.end == AttemptEnd::refused
                                     ? RetryReason::refused_unprocessed
                                     : RetryReason::never_sent};
}

RetryDecision RetryRules::decide(const Attempt& attempt, int retries, bool stale_retried,
                                 bool out_of_time) const noexcept {
  const auto decision = wanted(attempt, stale_retried);
  if (decision.place == RetryPlace::none) return decision;
  if (retries >= retries_) return none(RetryReason::retries_used_up);
  if (out_of_time) return none(RetryReason::out_of_time);
  return decision;
}

RetryDecision RetryRules::decide(const Attempt& attempt, int retries, bool stale_retried,
                                 bool out_of_time, resilience::RetryBudget& budget,
                                 Instant now) const noexcept {
  const auto decision = decide(attempt, retries, stale_retried, out_of_time);
  if (decision.place == RetryPlace::none || budget.try_retry(now)) return decision;
  return none(RetryReason::no_budget);
}

bool is_idempotent(std::string_view method) noexcept {
  constexpr std::array<std::string_view, 6> kIdempotent = {"GET",   "HEAD", "OPTIONS",
                                                           "TRACE", "PUT",  "DELETE"};
  return std::ranges::find(kIdempotent, method) != kIdempotent.end();
}

}  // namespace sinew::proxy
