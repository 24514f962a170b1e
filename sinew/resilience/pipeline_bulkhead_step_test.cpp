#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>

#include "sinew/resilience/test_pipeline.hpp"

namespace sinew::resilience {
namespace {

using namespace std::chrono_literals;
using async::sleep_for;
using test::Bench;
using test::Caller;

// One place for what takes a second, and two that wait at most 1.5 s.
PipelineSettings narrow() {
  return {.steps = {Step::breaker, Step::bulkhead},
          .breaker = CircuitBreakerSettings{.consecutive_failures = 1},
          .bulkhead = BulkheadSettings{.max_concurrent = 1, .max_waiting = 2, .max_wait = 1500ms}};
}
Task<std::string> a_second(int call) {
  co_await sleep_for(1s);
  co_return std::to_string(call);
}

void expect_empty(Bench& bench) {
  const Json state = bench.state();
  EXPECT_EQ(state.at("bulkhead").at("running").as_integer(), 0);
  EXPECT_EQ(state.at("bulkhead").at("waiting").as_integer(), 0);
}

TEST(PipelineBulkhead, LetsCallsWaitInOrderAndRefusesTheRest) {
  Bench bench(narrow(), a_second);
  Caller first(bench);
  Caller second(bench);
  Caller third(bench);
  Caller fourth(bench);

  bench.runtime.settle();
  EXPECT_EQ(fourth.text(), "exhausted");
  bench.runtime.advance(1s);
  EXPECT_EQ(first.text(), "1 (target)");
  bench.runtime.advance(500ms);
  EXPECT_EQ(third.text(), "exhausted") << "it has waited for 1.5 s";
  bench.runtime.advance(500ms);
  EXPECT_EQ(second.text(), "2 (target)");
  EXPECT_EQ(bench.target.most_running, 1);
  EXPECT_EQ(bench.text(), "3 (target)") << "its own refusals did not open the breaker";
  expect_empty(bench);
}

TEST(PipelineBulkhead, OneThatIsCancelledWhileItWaitsLeavesTheQueue) {
  Bench bench(narrow(), a_second);
  Caller first(bench);
  Caller second(bench);
  Caller third(bench);
  bench.runtime.settle();

  second.cancel();
  bench.runtime.advance(1s);
  bench.runtime.advance(1s);

  EXPECT_EQ(second.text(), "cancelled");
  EXPECT_EQ(third.text(), "2 (target)");
  expect_empty(bench);
}

// The place is handed over in the same moment in which the wait ends.
TEST(PipelineBulkhead, NoPlaceIsLostBetweenAHandoverAndATimeout) {
  PipelineSettings settings = narrow();
  settings.bulkhead->max_wait = 1s;
  Bench bench(settings, a_second);
  Caller first(bench);
  Caller second(bench);
  Caller third(bench);

  bench.runtime.advance(10s);

  EXPECT_TRUE(second.ended());
  EXPECT_TRUE(third.ended());
  expect_empty(bench);
  EXPECT_THAT(bench.text(), testing::HasSubstr("(target)"));
}

TEST(PipelineBulkhead, NoPlaceIsLostWithADroppedCaller) {
  Bench bench(narrow(), a_second);
  Caller running(bench);
  Caller waiting(bench);
  bench.runtime.settle();

  waiting.drop();
  running.drop();

  expect_empty(bench);
  EXPECT_EQ(bench.text(), "2 (target)");
}

}  // namespace
}  // namespace sinew::resilience
