#include "sinew/resilience/pipeline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "sinew/resilience/test_pipeline.hpp"

namespace sinew::resilience {
namespace {

using namespace std::chrono_literals;
using async::sleep_for;
using test::Bench;
using test::Caller;
using test::unavailable;
using testing::HasSubstr;

// The client of the source documents: an answer from the cache first; 3 s for an attempt, two
// retries 100 ms apart; a breaker; the last known price up to an hour old; then an error.
PipelineSettings last_known_price() {
  return {.steps = {Step::cache, Step::breaker, Step::retry, Step::attempt_timeout},
          .cache = CacheSettings{.fresh = 5min, .max_age_on_error = 1h},
          .timeout = TimeoutSettings{.attempt = 3s},
          .retry =
              RetrySettings{.max_attempts = 3, .first_delay = 100ms, .factor = 1, .jitter = false}};
}

TEST(Pipeline, IsTheResilientClientInOneDeclaration) {
  bool down = false;
  Bench bench(last_known_price(), [&](int call) -> Task<std::string> {
    if (down) co_await sleep_for(1min);
    co_return "price " + std::to_string(call);
  });
  const auto started = bench.runtime.now();

  EXPECT_EQ(bench.text("chai"), "price 1 (target)");
  bench.runtime.advance(4min);
  EXPECT_EQ(bench.text("chai"), "price 1 (kept)") << "cache first";
  EXPECT_EQ(bench.target.calls, 1);

  bench.runtime.advance(2min);
  down = true;
  const auto failing = bench.runtime.now();
  EXPECT_EQ(bench.text("chai"), "price 1 (stale)") << "the last known price";
  ASSERT_EQ(bench.target.calls, 4);
  EXPECT_EQ(bench.target.at[1] - failing, 0s);
  EXPECT_EQ(bench.target.at[2] - bench.target.at[1], 3100ms) << "3 s, then 100 ms";
  EXPECT_EQ(bench.target.at[3] - bench.target.at[2], 3100ms);
  EXPECT_EQ(bench.runtime.now() - failing, 9200ms);

  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(bench.text("chai"), "price 1 (stale)");
  EXPECT_EQ(bench.target.calls, 16);
  const auto at_once = bench.runtime.now();
  EXPECT_EQ(bench.text("chai"), "price 1 (stale)");
  EXPECT_EQ(bench.target.calls, 16) << "the breaker is open";
  EXPECT_EQ(bench.runtime.now(), at_once);
  EXPECT_EQ(bench.text("tofu"), "unavailable") << "of which no price was ever known";

  bench.runtime.advance(1h - 10s - (bench.runtime.now() - started));
  EXPECT_EQ(bench.text("chai"), "price 1 (stale)") << "a probe failed; almost an hour old";
  bench.runtime.advance(1s);
  EXPECT_EQ(bench.error("chai").condition(), Condition::unavailable) << "older than an hour";

  down = false;
  bench.runtime.advance(5s);
  EXPECT_EQ(bench.text("chai"), "price 20 (target)");
}

TEST(Pipeline, TriesAgainOnlyWhatMayBeRepeated) {
  struct Row {
    Applied applied;
    Repeatable repeatable;
    int calls;
    Applied told;
  };
  const Row rows[] = {{Applied::no, Repeatable::no, 3, Applied::no},
                      {Applied::unknown, Repeatable::no, 1, Applied::unknown},
                      {Applied::unknown, Repeatable::yes, 3, Applied::unknown}};
  for (const auto& row : rows) {
    Bench bench({.steps = {Step::retry}}, [&](int call) -> Task<std::string> {
      throw unavailable(call == 1 ? row.applied : Applied::no);
      co_return "";
    });
    const Error error = bench.error("", row.repeatable);
    EXPECT_EQ(bench.target.calls, row.calls);
    EXPECT_EQ(error.applied(), row.told) << "as soon as one attempt may have worked";
    EXPECT_EQ(error.detail(), "the target is down");
  }
}

TEST(Pipeline, ADefiniteNoIsNeitherTriedAgainNorHeldAgainstTheTarget) {
  Bench bench({.steps = {Step::breaker, Step::retry},
               .breaker = CircuitBreakerSettings{.consecutive_failures = 1}},
              [](int) -> Task<std::string> {
                throw Error(Condition::not_found, "no such product");
                co_return "";
              });

  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(bench.text(), "not_found");

  EXPECT_EQ(bench.target.calls, 5);
}

TEST(Pipeline, RetriesNoMoreThanTheBudgetOfAllCallers) {
  Bench bench({.steps = {Step::retry},
               .retry = RetrySettings{.max_attempts = 10},
               .budget = RetryBudgetSettings{.ratio = 0.2, .min_per_second = 0, .window = 10min}},
              [](int) -> Task<std::string> {
                throw unavailable();
                co_return "";
              });

  for (int i = 0; i < 50; ++i)
    bench.error();

  EXPECT_EQ(bench.target.calls, 50 + 10);
}

TEST(Pipeline, EndsWithItsTimeInAll) {
  Bench bench({.steps = {Step::total_timeout, Step::retry, Step::attempt_timeout},
               .timeout = TimeoutSettings{.attempt = 3s, .total = 7s},
               .retry = RetrySettings{.max_attempts = 100, .first_delay = 100ms}},
              [](int) -> Task<std::string> {
                co_await sleep_for(1h);
                co_return "";
              });
  const auto started = bench.runtime.now();

  EXPECT_EQ(bench.error().condition(), Condition::timeout);

  EXPECT_EQ(bench.runtime.now() - started, 7s);
  EXPECT_EQ(bench.target.calls, 3);
  EXPECT_EQ(bench.target.running, 0);
}

TEST(Pipeline, TheCallersDeadlineHolds) {
  Bench bench(last_known_price(), [](int) -> Task<std::string> {
    co_await sleep_for(1h);
    co_return "";
  });
  Caller caller(bench, "chai", bench.runtime.now() + 1s);

  bench.runtime.advance(1s);

  EXPECT_EQ(caller.text(), "timeout");
  Caller late(bench, "chai", bench.runtime.now());
  bench.runtime.settle();
  EXPECT_EQ(late.text(), "timeout");
  EXPECT_EQ(bench.target.calls, 1) << "nobody is called when the time is over already";
}

TEST(Pipeline, ACallerThatIsCancelledEndsAtOnceAndSaysNothingAboutTheTarget) {
  Bench bench(
      {.steps = {Step::fallback, Step::breaker, Step::retry},
       .breaker = CircuitBreakerSettings{.consecutive_failures = 1}},
      [](int call) -> Task<std::string> {
        if (call == 1) co_await sleep_for(1h);
        co_return "fine";
      },
      {.fallback = [](const Call&, const Error&) -> Task<std::string> { co_return "substitute"; }});
  Caller caller(bench);
  bench.runtime.settle();

  caller.cancel();
  bench.runtime.settle();

  EXPECT_EQ(caller.text(), "cancelled");
  EXPECT_EQ(bench.target.running, 0);
  EXPECT_EQ(bench.text(), "fine (target)");
}

TEST(Pipeline, AValueCanBeAFailure) {
  const auto judge = [](const std::string& text) -> std::optional<Judgement> {
    if (text == "busy") return Judgement{{Condition::unavailable}, false};
    if (text == "broken") return Judgement{{Condition::unavailable}};
    return std::nullopt;
  };
  Bench bench({.steps = {Step::retry, Step::breaker},
               .breaker = CircuitBreakerSettings{.consecutive_failures = 3}},
              [](int call) -> Task<std::string> { co_return call < 4 ? "busy" : "broken"; },
              {.judge = judge});

  EXPECT_EQ(bench.text(), "busy (target)") << "the last answer, after three";
  EXPECT_EQ(bench.text(), "broken (target)");
  EXPECT_EQ(bench.target.calls, 6);
  EXPECT_EQ(bench.text(), "unavailable") << "only broken ones opened the breaker";
}

TEST(Pipeline, GivesTheLastAnswerWhenTheBreakerOpensAmongTheRetries) {
  Bench bench({.steps = {Step::retry, Step::breaker},
               .breaker = CircuitBreakerSettings{.consecutive_failures = 2}},
              [](int) -> Task<std::string> {
                throw Error(Condition::timeout, "the target is slow", Applied::unknown);
                co_return "";
              });

  EXPECT_EQ(bench.error().condition(), Condition::timeout);
  EXPECT_EQ(bench.target.calls, 2);
  const Error refused = bench.error();
  EXPECT_EQ(refused.condition(), Condition::unavailable);
  EXPECT_EQ(refused.applied(), Applied::no);
  EXPECT_THAT(refused.detail(), HasSubstr("prices: it failed too often"));
}

TEST(Pipeline, RefusesBeyondItsRate) {
  Bench bench({.steps = {Step::breaker, Step::rate_limit},
               .rate_limit = RateLimitSettings{.minute = 2},
               .breaker = CircuitBreakerSettings{.consecutive_failures = 1}},
              [](int) -> Task<std::string> { co_return "fine"; });
  bench.text();
  bench.text();

  const Error refused = bench.error();

  EXPECT_EQ(refused.condition(), Condition::exhausted);
  EXPECT_EQ(refused.applied(), Applied::no);
  EXPECT_THAT(refused.detail(), HasSubstr("the calls of this minute are used up; again in 1m"));
  bench.runtime.advance(1min);
  EXPECT_EQ(bench.text(), "fine (target)") << "the refusal did not open the breaker";
}

TEST(Pipeline, ASubstituteStandsInForAnAnswerThatCannotBeHad) {
  Bench bench({.steps = {Step::fallback, Step::retry}},
              [](int call) -> Task<std::string> {
                throw Error(call > 3 ? Condition::not_found : Condition::unavailable, "no");
                co_return "";
              },
              {.fallback = [](const Call&, const Error& error) -> Task<std::string> {
                co_return "list price, since " + error.detail();
              }});

  EXPECT_EQ(bench.text(), "list price, since no (substitute)");
  EXPECT_EQ(bench.text(), "not_found") << "that is an answer";
}

TEST(Pipeline, AFallbackMayThrowInTheCallersOwnTerms) {
  Bench bench({.steps = {Step::fallback, Step::attempt_timeout}},
              [](int) -> Task<std::string> {
                throw unavailable();
                co_return "";
              },
              {.fallback = [](const Call&, const Error&) -> Task<std::string> {
                throw Error(Condition::unavailable, "no price of chai can be had");
                co_return "";
              }});

  EXPECT_EQ(bench.error().detail(), "no price of chai can be had");
}

TEST(Pipeline, AMistakeInTheProgramPassesAsItIs) {
  Bench bench(last_known_price(), [](int) -> Task<std::string> {
    throw std::logic_error("a mistake");
    co_return "";
  });

  EXPECT_THROW(bench.serve("chai"), std::logic_error);
  EXPECT_EQ(bench.target.calls, 1);
}

TEST(Pipeline, TellsItsOperatorWhatItDoes) {
  Bench bench(last_known_price(), [](int call) -> Task<std::string> {
    if (call > 1) throw unavailable();
    co_return "fine";
  });
  bench.text("chai");
  bench.text("chai");
  bench.text("tofu");
  bench.pipeline->engine().force_breaker(Forcing::open);
  bench.text("tofu");
  bench.pipeline->engine().force_breaker(Forcing::automatic);
  bench.pipeline->engine().measure();

  const std::string metrics = bench.metrics.expose();
  for (const char* line : {R"(calls_total{context="shop",pipeline="prices",answer="target"} 1)",
                           R"(calls_total{context="shop",pipeline="prices",answer="kept"} 1)",
                           R"(calls_total{context="shop",pipeline="prices",answer="failed"} 1)",
                           R"(attempts_total{context="shop",pipeline="prices",result="bad"} 3)",
                           R"(repeats_total{context="shop",pipeline="prices",step="retry"} 2)",
                           R"(refusals_total{context="shop",pipeline="prices",step="breaker"} 1)",
                           R"(state{context="shop",pipeline="prices",what="cache_entries"} 1)"}) {
    EXPECT_THAT(metrics, HasSubstr(std::string("sinew_pipeline_") + line));
  }
  const Json state = bench.state();
  EXPECT_EQ(state.at("name").as_string(), "prices");
  EXPECT_EQ(state.at("breaker").at("state").as_string(), "closed");
  EXPECT_EQ(state.at("cache").at("hits").as_integer(), 1);
}

TEST(Pipeline, IsForcedByItsOperator) {
  bool down = false;
  Bench bench(last_known_price(), [&](int) -> Task<std::string> {
    if (down) throw unavailable();
    co_return "fine";
  });
  bench.text("chai");

  EXPECT_EQ(bench.pipeline->engine().clear_cache(), 1U);
  bench.pipeline->engine().force_breaker(Forcing::open);
  EXPECT_THAT(bench.error("chai").detail(), HasSubstr("as an operator wants it"));
  EXPECT_EQ(bench.state().at("breaker").at("forced").as_string(), "open");

  bench.pipeline->engine().force_breaker(Forcing::closed);
  down = true;
  for (int i = 0; i < 10; ++i)
    bench.error("chai");
  EXPECT_EQ(bench.target.calls, 1 + 30) << "it never opens";

  bench.pipeline->engine().force_breaker(Forcing::automatic);
  down = false;
  EXPECT_EQ(bench.text("chai"), "fine (target)");
}

TEST(Pipeline, WhatItLacksCannotBeForced) {
  Bench bench({.steps = {Step::attempt_timeout}},
              [](int) -> Task<std::string> { co_return "fine"; });

  EXPECT_THROW(bench.pipeline->engine().force_breaker(Forcing::open), Error);
  EXPECT_THROW(bench.pipeline->engine().clear_cache(), Error);
}

TEST(PipelineRegistry, KnowsThePipelinesOfAContextByName) {
  Bench bench(last_known_price(), [](int) -> Task<std::string> { co_return "fine"; });

  EXPECT_EQ(bench.registry.find("prices").name(), "prices");
  try {
    bench.registry.find("price");
    FAIL() << "found";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::not_found);
    EXPECT_THAT(error.detail(), HasSubstr("did you mean `prices`"));
  }
  EXPECT_THROW(Pipeline<int>(bench.registry, "prices", last_known_price()), Error) << "taken";
  bench.pipeline.reset();
  EXPECT_TRUE(bench.registry.all().empty());
}

}  // namespace
}  // namespace sinew::resilience
