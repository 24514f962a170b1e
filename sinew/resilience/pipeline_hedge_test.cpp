#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>

#include "sinew/resilience/test_pipeline.hpp"

namespace sinew::resilience {
namespace {

using namespace std::chrono_literals;
using async::sleep_for;
using test::Bench;
using test::Caller;
using test::unavailable;

PipelineSettings hedged() {
  return {.steps = {Step::hedge, Step::breaker},
          .hedge = HedgeSettings{.delay = 200ms},
          .breaker = CircuitBreakerSettings{.consecutive_failures = 1}};
}

TEST(PipelineHedge, TheFirstGoodAnswerWinsAndTheOtherCallIsCancelled) {
  Bench bench(hedged(), [](int call) -> Task<std::string> {
    co_await sleep_for(call == 1 ? 1h : 100ms);
    co_return std::to_string(call);
  });
  const auto started = bench.runtime.now();

  EXPECT_EQ(bench.text(), "2 (target)");

  EXPECT_EQ(bench.runtime.now() - started, 300ms);
  EXPECT_EQ(bench.target.running, 0);
  EXPECT_EQ(bench.state().at("breaker").at("recent_bad").as_integer(), 0)
      << "the cancelled call says nothing";
  EXPECT_EQ(bench.state().at("budget").at("repeats").as_integer(), 1);
}

TEST(PipelineHedge, OneThatAnswersInTimeIsCalledOnce) {
  Bench bench(hedged(), [](int) -> Task<std::string> {
    co_await sleep_for(199ms);
    co_return "fine";
  });

  EXPECT_EQ(bench.text(), "fine (target)");
  EXPECT_EQ(bench.target.calls, 1);
}

TEST(PipelineHedge, AFailureDoesNotWinAgainstACallThatStillRuns) {
  Bench bench(hedged(), [](int call) -> Task<std::string> {
    co_await sleep_for(call == 1 ? 1s : 100ms);
    if (call == 2) throw unavailable();
    co_return std::to_string(call);
  });

  EXPECT_EQ(bench.text(), "1 (target)");
}

TEST(PipelineHedge, TwoFailuresAreOne) {
  Bench bench(hedged(), [](int call) -> Task<std::string> {
    co_await sleep_for(call == 1 ? 1s : 100ms);
    throw unavailable(call == 2 ? Applied::unknown : Applied::no);
  });

  const Error error = bench.error();

  EXPECT_EQ(error.condition(), Condition::unavailable);
  EXPECT_EQ(error.applied(), Applied::unknown) << "one of them may have worked";
}

TEST(PipelineHedge, WhatMayNotBeRepeatedIsCalledOnce) {
  Bench bench(hedged(), [](int) -> Task<std::string> {
    co_await sleep_for(1s);
    co_return "fine";
  });

  EXPECT_EQ(bench.text("", Repeatable::no), "fine (target)");
  EXPECT_EQ(bench.target.calls, 1);
}

TEST(PipelineHedge, TheCallersDeadlineAndCancellationReachBothCalls) {
  Bench bench(hedged(), [](int) -> Task<std::string> {
    co_await sleep_for(1h);
    co_return "";
  });
  Caller hasty(bench, "", bench.runtime.now() + 500ms);
  Caller cancelled(bench);
  bench.runtime.advance(300ms);
  EXPECT_EQ(bench.target.running, 4);

  cancelled.cancel();
  bench.runtime.advance(200ms);

  EXPECT_EQ(cancelled.text(), "cancelled");
  EXPECT_EQ(hasty.text(), "timeout");
  EXPECT_EQ(bench.target.running, 0);
}

// Everything together, with callers that come, are in a hurry, and go: whatever happens, each is
// answered, nothing is left behind, and the target never has more calls than it may.
TEST(PipelineHedge, NothingIsLostUnderRandomTrouble) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::minstd_rand random(seed);
    const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
    const PipelineSettings everything{
        .steps = {Step::fallback, Step::cache, Step::total_timeout, Step::retry, Step::hedge,
                  Step::rate_limit, Step::breaker, Step::bulkhead, Step::attempt_timeout},
        .cache = CacheSettings{.max_entries = 3, .fresh = 100ms, .max_age_on_error = 1s},
        .timeout = TimeoutSettings{.attempt = 300ms, .total = 900ms},
        .retry = RetrySettings{.first_delay = 20ms},
        .hedge = HedgeSettings{.delay = 50ms},
        .rate_limit = RateLimitSettings{.bucket = TokenBucketSettings{.burst = 20}},
        .breaker = CircuitBreakerSettings{.consecutive_failures = 6, .open_for = 100ms},
        .bulkhead = BulkheadSettings{.max_concurrent = 3, .max_waiting = 3, .max_wait = 50ms}};
    Bench bench(everything,
                [&](int) -> Task<std::string> {
                  co_await sleep_for(random() % 400 * 1ms);
                  if (chance(30)) throw unavailable(chance(50) ? Applied::no : Applied::unknown);
                  if (chance(5)) throw Error(Condition::not_found, "none");
                  co_return "fine";
                },
                {.fallback = [&](const Call&, const Error& error) -> Task<std::string> {
                  if (chance(50)) throw error;
                  co_await sleep_for(10ms);
                  co_return "substitute";
                }});
    std::deque<Caller> callers;
    for (int i = 0; i < 300; ++i) {
      const auto deadline =
          chance(20) ? bench.runtime.now() + Duration(random() % 500 * 1ms) : Instant::max();
      callers.emplace_back(bench, std::string(1, static_cast<char>('a' + random() % 6)), deadline);
      if (chance(10)) callers[random() % callers.size()].cancel();
      if (chance(2)) bench.pipeline->engine().clear_cache();
      bench.runtime.advance(random() % 20 * 1ms);
    }
    bench.runtime.advance(10s);

    int answered = 0;
    for (auto& caller : callers) {
      ASSERT_TRUE(caller.ended()) << "seed " << seed;
      if (caller.text().starts_with("fine")) ++answered;
    }
    const Json state = bench.state();
    EXPECT_GT(answered, 30) << "seed " << seed;
    EXPECT_LE(bench.target.most_running, 3) << "seed " << seed;
    EXPECT_EQ(bench.target.running, 0) << "seed " << seed;
    EXPECT_EQ(state.at("bulkhead").at("running").as_integer(), 0) << "seed " << seed;
    EXPECT_EQ(state.at("bulkhead").at("waiting").as_integer(), 0) << "seed " << seed;
  }
}

}  // namespace
}  // namespace sinew::resilience
