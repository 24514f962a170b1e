#include "sinew/proxy/cluster/retry_decision.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "sinew/base/error.hpp"

namespace sinew::proxy {
namespace {

using namespace std::chrono_literals;
using enum AttemptEnd;
using enum AttemptProgress;

const RetryPolicy kNothingAsked = {};
const RetryPolicy kAllAsked = {.on_broken = true, .on_timeout = true, .on_statuses = {502, 503}};

std::string in_words(const RetryDecision& decision) {
  const char* places[] = {"none: ", "here: ", "elsewhere: "};
  return places[static_cast<unsigned>(decision.place)] + std::string(to_string(decision.reason));
}

struct Row {
  const char* name;
  Attempt attempt;
  const RetryPolicy* policy;
  const char* decision;
};
const Row kRules[] = {
    {"a POST that met no connection",
     {connect_failed, nothing_sent, 0, false, false, true},
     &kNothingAsked,
     "elsewhere: never_sent"},
    {"a POST of which nothing was sent",
     {broken, nothing_sent, 0, false, false, true},
     &kNothingAsked,
     "elsewhere: never_sent"},
    {"a POST on a connection that had closed before",
     {broken, nothing_sent, 0, true, false, true},
     &kNothingAsked,
     "here: stale_connection"},
    {"a POST that was refused",
     {refused, sent, 0, true, false, true},
     &kNothingAsked,
     "elsewhere: refused_unprocessed"},
    {"a refused one whose body is gone",
     {refused, sent, 0, false, true, false},
     &kAllAsked,
     "none: not_replayable"},
    {"a POST on a stale connection",
     {broken, sent, 0, true, false, true},
     &kAllAsked,
     "none: not_idempotent"},
    {"a GET on a stale connection",
     {broken, sent, 0, true, true, true},
     &kNothingAsked,
     "here: stale_connection"},
    {"a PUT on it whose body is gone",
     {broken, sent, 0, true, true, false},
     &kNothingAsked,
     "none: not_replayable"},
    {"a GET on a fresh connection",
     {broken, sent, 0, false, true, true},
     &kNothingAsked,
     "none: not_allowed"},
    {"where the route asks",
     {broken, sent, 0, false, true, true},
     &kAllAsked,
     "elsewhere: broken_as_allowed"},
    {"a GET cut off in its answer",
     {broken, answer_begun, 0, true, true, true},
     &kNothingAsked,
     "none: not_allowed"},
    {"where the route asks",
     {broken, answer_begun, 0, true, true, true},
     &kAllAsked,
     "elsewhere: broken_as_allowed"},
    {"once the client has some of it",
     {broken, answer_passed_on, 0, true, true, true},
     &kAllAsked,
     "none: answer_passed_on"},
    {"a GET that takes too long",
     {timed_out, sent, 0, true, true, true},
     &kNothingAsked,
     "none: not_allowed"},
    {"where the route asks",
     {timed_out, sent, 0, true, true, true},
     &kAllAsked,
     "elsewhere: timeout_as_allowed"},
    {"a POST that takes too long",
     {timed_out, sent, 0, true, false, true},
     &kAllAsked,
     "none: not_idempotent"},
    {"an answer of 503",
     {answered, answer_begun, 503, false, true, true},
     &kAllAsked,
     "elsewhere: status_as_allowed"},
    {"an answer of 500",
     {answered, answer_begun, 500, false, true, true},
     &kAllAsked,
     "none: not_allowed"},
    {"a POST answered 503",
     {answered, answer_begun, 503, false, false, true},
     &kAllAsked,
     "none: not_idempotent"},
};

TEST(RetryDecision, FollowsTheRules) {
  for (const auto& [name, attempt, policy, decision] : kRules)
    EXPECT_EQ(in_words(RetryRules(*policy).decide(attempt, 0, false, false)), decision) << name;
}

TEST(RetryDecision, AStaleConnectionIsRetriedOnceOnly) {
  const Attempt stale = {broken, sent, 0, true, true, true};
  const RetryRules rules(kNothingAsked);

  EXPECT_EQ(in_words(rules.decide(stale, 0, false, false)), "here: stale_connection");
  EXPECT_EQ(in_words(rules.decide(stale, 1, true, false)), "none: not_allowed");
  EXPECT_EQ(in_words(RetryRules(kAllAsked).decide(stale, 1, true, false)),
            "elsewhere: broken_as_allowed");
}

TEST(RetryDecision, KongsRetriesBoundTheCountWhateverTheReason) {
  for (const auto& attempt : {Attempt{connect_failed, nothing_sent, 0, false, true, true},
                              Attempt{broken, sent, 0, true, true, true}}) {
    auto policy = kAllAsked;
    policy.retries = 2;
    EXPECT_NE(RetryRules(policy).decide(attempt, 1, false, false).place, RetryPlace::none);
    EXPECT_EQ(in_words(RetryRules(policy).decide(attempt, 2, false, false)),
              "none: retries_used_up");
    policy.retries = 0;
    EXPECT_EQ(in_words(RetryRules(policy).decide(attempt, 0, false, false)),
              "none: retries_used_up");
  }
}

TEST(RetryDecision, TheRequestsDeadlineEndsAll) {
  const Attempt attempt = {connect_failed, nothing_sent, 0, false, true, true};
  EXPECT_EQ(in_words(RetryRules(kAllAsked).decide(attempt, 0, false, true)), "none: out_of_time");
}

TEST(RetryDecision, EveryRetryIsPaidFromTheBudgetAndNothingElseIs) {
  resilience::RetryBudget budget({.ratio = 0, .min_per_second = 1});  // ten in ten seconds
  const RetryRules rules(kNothingAsked);
  const Attempt stale = {broken, sent, 0, true, true, true};
  const Attempt unsafe = {broken, sent, 0, true, false, true};
  const Instant now(1s);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(rules.decide(unsafe, 0, false, false, budget, now).place, RetryPlace::none);

  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(rules.decide(stale, 0, false, false, budget, now).place, RetryPlace::here);

  EXPECT_EQ(in_words(rules.decide(stale, 0, false, false, budget, now)), "none: no_budget");
  EXPECT_EQ(budget.snapshot(now).refused, 1U);
}

// Every combination of facts, against what must hold whatever the rules look like.
TEST(RetryDecision, NeverRepeatsWhatMayHaveBeenProcessedAndIsNotIdempotent) {
  int retried = 0;
  for (unsigned bits = 0; bits < (1U << 5U); ++bits) {
    const auto bit = [bits](unsigned at) { return (bits >> at & 1U) != 0; };
    const RetryRules rules(bit(0) ? kAllAsked : kNothingAsked);
    for (const auto end : {connect_failed, refused, broken, timed_out, answered}) {
      for (const auto progress : {nothing_sent, sent, answer_begun, answer_passed_on}) {
        if (end == connect_failed && progress != nothing_sent) continue;
        if (end == answered && progress < answer_begun) continue;
        const Attempt attempt = {end, progress, 503, bit(1), bit(2), bit(3)};
        const auto decision = rules.decide(attempt, 0, bit(4), false);
        if (decision.place == RetryPlace::none) continue;
        ++retried;
        EXPECT_NE(progress, answer_passed_on);
        EXPECT_TRUE(attempt.replayable);
        const bool unprocessed = progress == nothing_sent || end == refused;
        const bool stale = end == broken && bit(1) && progress == sent && !bit(4);
        EXPECT_TRUE(unprocessed || (attempt.idempotent && (bit(0) || stale)));
        EXPECT_EQ(decision.place == RetryPlace::here,
                  decision.reason == RetryReason::stale_connection);
      }
    }
  }
  EXPECT_GT(retried, 50);
}

TEST(RetryDecision, KnowsTheIdempotentMethods) {
  for (const auto* method : {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
    EXPECT_TRUE(is_idempotent(method)) << method;
  for (const auto* method : {"POST", "PATCH", "CONNECT", "get", "", "GETX", "LOCK"})
    EXPECT_FALSE(is_idempotent(method)) << method;
}

TEST(RetryDecision, RefusesPoliciesThatCannotBeMeant) {
  EXPECT_THROW(RetryRules({.retries = -1}), Error);
  EXPECT_THROW(RetryRules({.retries = 32'768}), Error);
  EXPECT_THROW(RetryRules({.on_statuses = {200}}), Error) << "a success";
}

}  // namespace
}  // namespace sinew::proxy
