#include "sinew/async/wait.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <vector>

#include "sinew/async/scope.hpp"
#include "sinew/async/test_runtime.hpp"

namespace sinew::async {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

// A task that waits in a queue under a deadline of one second, in a scope that can be cancelled.
class Waiter {
 public:
  Waiter() { scope_.spawn(with_deadline(runtime.now() + 1s, wait())); }

  TestRuntime runtime;
  WaitQueue queue;
  std::vector<WaitOutcome> outcomes;
  void cancel() { scope_.cancel(); }

 private:
  Task<> wait() { outcomes.push_back(co_await queue.wait()); }
  Scope scope_{runtime};
};

TEST(Wait, TheFirstOfCompletionDeadlineAndCancellationWins) {
  struct Row {
    const char* name;
    std::function<void(Waiter&)> happens;
    WaitOutcome expected;
  };
  const auto notify = [](Waiter& waiter) { waiter.queue.notify_one(); };
  const auto expire = [](Waiter& waiter) { waiter.runtime.advance(1s); };
  const auto cancel = [](Waiter& waiter) { waiter.cancel(); };
  const Row rows[] = {
      {"completion, then the rest",
       [&](Waiter& waiter) { notify(waiter), cancel(waiter), expire(waiter); }, WaitOutcome::done},
      {"deadline, then the rest",
       [&](Waiter& waiter) { expire(waiter), notify(waiter), cancel(waiter); },
       WaitOutcome::timed_out},
      {"cancellation, then the rest",
       [&](Waiter& waiter) { cancel(waiter), notify(waiter), expire(waiter); },
       WaitOutcome::cancelled},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    Waiter waiter;
    waiter.runtime.settle();
    ASSERT_FALSE(waiter.queue.empty());
    ASSERT_THAT(waiter.outcomes, IsEmpty());

    row.happens(waiter);
    waiter.runtime.advance(1h);

    EXPECT_THAT(waiter.outcomes, ElementsAre(row.expected));
    EXPECT_TRUE(waiter.queue.empty());
  }
}

TEST(Wait, WhatIsOverAlreadyEndsTheWaitAtOnce) {
  TestRuntime runtime;
  WaitQueue queue;
  std::vector<WaitOutcome> outcomes;
  auto wait = [&]() -> Task<> { outcomes.push_back(co_await queue.wait()); };

  Scope cancelled(runtime);
  cancelled.spawn(wait());
  cancelled.cancel();
  Scope late(runtime);
  late.spawn(with_deadline(runtime.now(), wait()));
  runtime.settle();

  EXPECT_THAT(outcomes, ElementsAre(WaitOutcome::cancelled, WaitOutcome::timed_out));
}

class ShieldedWait final : public Wait {
 public:
  explicit ShieldedWait(Wait** self) : Wait(Shield::yes), self_(self) {}
  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) noexcept {
    suspend(handle);
    *self_ = this;
  }
  WaitOutcome await_resume() const noexcept { return outcome(); }

 private:
  Wait** self_;
};

TEST(Wait, AShieldedOneIsResumedByItsCompletionOnly) {
  TestRuntime runtime;
  Wait* wait = nullptr;
  std::optional<WaitOutcome> outcome;
  auto body = [&]() -> Task<> { outcome = co_await ShieldedWait(&wait); };
  Scope scope(runtime);
  scope.spawn(with_deadline(runtime.now() + 1s, body()));
  runtime.settle();

  scope.cancel();
  runtime.advance(1h);
  ASSERT_EQ(outcome, std::nullopt);
  wait->complete();
  runtime.settle();

  EXPECT_EQ(outcome, WaitOutcome::done);
}

TEST(CancelSource, ReachesInnerSourcesWhetherMadeBeforeOrAfter) {
  CancelSource outer;
  CancelSource before(&outer);
  outer.cancel();
  CancelSource after(&outer);

  EXPECT_TRUE(before.cancelled());
  EXPECT_TRUE(after.cancelled());
}

TEST(CancelSource, AnInnerOneLeavesTheOuterAlone) {
  CancelSource outer;
  {
    CancelSource inner(&outer);
    inner.cancel();
  }
  EXPECT_FALSE(outer.cancelled());
  outer.cancel();  // the inner one has left the list
}

TEST(WaitQueue, ServesInOrderAndForgetsTheDestroyed) {
  TestRuntime runtime;
  WaitQueue queue;
  std::vector<int> log;
  auto wait = [&](int number) -> Task<> {
    co_await queue.wait();
    log.push_back(number);
  };
  Scope scope(runtime);
  scope.spawn(wait(1));
  {
    Scope dropped(runtime);
    runtime.settle();
    dropped.spawn(wait(2));
    runtime.settle();
  }
  scope.spawn(wait(3));
  scope.spawn(wait(4));
  runtime.settle();

  queue.notify_one();
  runtime.settle();
  EXPECT_THAT(log, ElementsAre(1));
  queue.notify_all();
  runtime.settle();

  EXPECT_THAT(log, ElementsAre(1, 3, 4));
}

TEST(Sleep, ReturnsAtItsInstant) {
  TestRuntime runtime;
  auto pauses = [&]() -> Task<std::vector<Duration>> {
    std::vector<Duration> at;
    const auto note = [&] { at.push_back(runtime.now() - TestRuntime::start); };
    co_await sleep_for(5s);
    note();
    co_await sleep_until(TestRuntime::start + 7s);
    note();
    co_await sleep_until(TestRuntime::start);  // past
    note();
    co_await sleep_for(-1s);
    note();
    co_await sleep_for(0s);
    note();
    co_return at;
  };

  EXPECT_THAT(runtime.run(pauses()), ElementsAre(5s, 7s, 7s, 7s, 7s));
}

TEST(Sleep, TheLongestPauseIsEndedByTheDeadline) {
  TestRuntime runtime;
  auto pause = []() -> Task<> { co_await sleep_for(Duration::max()); };

  EXPECT_THROW(runtime.run(with_deadline(runtime.now() + 1s, pause())), Error);
  EXPECT_EQ(runtime.now(), TestRuntime::start + 1s);
}

TEST(Yield, LetsTheOthersRunOnce) {
  TestRuntime runtime;
  std::vector<int> log;
  auto body = [&](int number) -> Task<> {
    log.push_back(number);
    co_await yield();
    log.push_back(number);
  };
  Scope scope(runtime);
  scope.spawn(body(1));
  scope.spawn(body(2));
  runtime.settle();

  EXPECT_THAT(log, ElementsAre(1, 2, 1, 2));
}

}  // namespace
}  // namespace sinew::async
