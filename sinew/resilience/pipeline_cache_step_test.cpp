#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "sinew/resilience/test_pipeline.hpp"

namespace sinew::resilience {
namespace {

using namespace std::chrono_literals;
using async::sleep_for;
using test::Bench;
using test::Caller;
using test::unavailable;

PipelineSettings caching(int max_waiting = 10) {
  return {
      .steps = {Step::cache},
      .cache = CacheSettings{.fresh = 1min, .max_age_on_error = 1h, .max_waiting = max_waiting}};
}
Task<std::string> a_second(int call) {
  co_await sleep_for(1s);
  co_return std::to_string(call);
}

TEST(PipelineCache, CallersOfOneKeyShareOneCall) {
  Bench bench(caching(), a_second);
  Caller first(bench, "chai");
  Caller second(bench, "chai");
  Caller other(bench, "tofu");
  Caller third(bench, "chai");
  Caller without(bench);

  bench.runtime.advance(1s);

  EXPECT_EQ(first.text(), "1 (target)");
  EXPECT_EQ(second.text(), "1 (target)");
  EXPECT_EQ(third.text(), "1 (target)");
  EXPECT_EQ(other.text(), "2 (target)");
  EXPECT_EQ(without.text(), "3 (target)") << "without a key each calls for itself";
  EXPECT_EQ(bench.target.calls, 3);
}

TEST(PipelineCache, WhatTheTargetFailedWithIsForAll) {
  Bench bench(caching(), [](int) -> Task<std::string> {
    co_await sleep_for(1s);
    throw unavailable();
  });
  Caller first(bench, "chai");
  Caller second(bench, "chai");

  bench.runtime.advance(1s);

  EXPECT_EQ(first.text(), "unavailable");
  EXPECT_EQ(second.text(), "unavailable");
  EXPECT_EQ(bench.target.calls, 1) << "no herd on a target that fails";
}

TEST(PipelineCache, WhoeverFollowedOneThatIsCancelledIsStillAnswered) {
  Bench bench(caching(), a_second);
  Caller leader(bench, "chai");
  Caller second(bench, "chai");
  Caller third(bench, "chai");
  bench.runtime.advance(500ms);

  leader.cancel();
  bench.runtime.advance(1s);

  EXPECT_EQ(leader.text(), "cancelled");
  EXPECT_EQ(second.text(), "2 (target)");
  EXPECT_EQ(third.text(), "2 (target)") << "one of them called for both";
  EXPECT_EQ(bench.target.calls, 2);
}

TEST(PipelineCache, WhoeverFollowedOneWithLessTimeIsStillAnswered) {
  Bench bench(caching(), a_second);
  Caller hasty(bench, "chai", bench.runtime.now() + 200ms);
  Caller patient(bench, "chai");

  bench.runtime.advance(200ms);
  EXPECT_EQ(hasty.text(), "timeout");
  bench.runtime.advance(1s);

  EXPECT_EQ(patient.text(), "2 (target)");
}

TEST(PipelineCache, WhoeverFollowedOneThatIsDroppedIsStillAnswered) {
  Bench bench(caching(), a_second);
  Caller leader(bench, "chai");
  Caller second(bench, "chai");
  bench.runtime.settle();

  leader.drop();
  bench.runtime.advance(1s);

  EXPECT_EQ(second.text(), "2 (target)");
}

TEST(PipelineCache, AFollowerHasItsOwnDeadlineAndCancellation) {
  Bench bench(caching(), a_second);
  Caller leader(bench, "chai");
  Caller hasty(bench, "chai", bench.runtime.now() + 200ms);
  Caller cancelled(bench, "chai");
  bench.runtime.advance(200ms);
  cancelled.cancel();
  bench.runtime.settle();

  EXPECT_EQ(hasty.text(), "timeout");
  EXPECT_EQ(cancelled.text(), "cancelled");
  bench.runtime.advance(1s);
  EXPECT_EQ(leader.text(), "1 (target)");
}

TEST(PipelineCache, WhoeverIsInAHurryIsGivenTheOldAnswer) {
  Bench bench(caching(), a_second);
  bench.text("chai");
  bench.runtime.advance(2min);
  Caller leader(bench, "chai", bench.runtime.now() + 300ms);
  Caller follower(bench, "chai", bench.runtime.now() + 200ms);

  bench.runtime.advance(300ms);

  EXPECT_EQ(leader.text(), "1 (stale)");
  EXPECT_EQ(follower.text(), "1 (stale)");
}

TEST(PipelineCache, SoManyWaitForCallsOfOthers) {
  Bench bench(caching(1), a_second);
  Caller leader(bench, "chai");
  Caller second(bench, "chai");
  Caller third(bench, "chai");

  bench.runtime.settle();
  EXPECT_EQ(third.text(), "exhausted");
  bench.runtime.advance(1s);
  EXPECT_EQ(second.text(), "1 (target)");
}

TEST(PipelineCache, ACallFromBeforeItWasClearedIsNotKept) {
  Bench bench(caching(), a_second);
  Caller caller(bench, "chai");
  bench.runtime.settle();

  bench.pipeline->engine().clear_cache();
  bench.runtime.advance(1s);

  EXPECT_EQ(caller.text(), "1 (target)");
  EXPECT_EQ(bench.text("chai"), "2 (target)");
}

TEST(PipelineCache, WhatIsNoMoreIsForgotten) {
  Bench bench(caching(), [](int call) -> Task<std::string> {
    if (call == 2) throw Error(Condition::not_found, "it is no more");
    if (call == 3) throw unavailable();
    co_return "fine";
  });
  bench.text("chai");
  bench.runtime.advance(2min);

  EXPECT_EQ(bench.text("chai"), "not_found");
  EXPECT_EQ(bench.text("chai"), "unavailable") << "the old answer does not come back";
}

TEST(PipelineCache, ABadValueIsNotKept) {
  Bench bench(caching(), [](int call) -> Task<std::string> { co_return std::to_string(call); },
              {.judge = [](const std::string& text) -> std::optional<Judgement> {
                if (text == "1") return Judgement{{Condition::unavailable}};
                return std::nullopt;
              }});

  EXPECT_EQ(bench.text("chai"), "1 (target)");
  EXPECT_EQ(bench.text("chai"), "2 (target)");
  EXPECT_EQ(bench.text("chai"), "2 (kept)");
}

}  // namespace
}  // namespace sinew::resilience
