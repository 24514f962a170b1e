#include "sinew/async/task.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "sinew/async/scope.hpp"
#include "sinew/async/test_runtime.hpp"

namespace sinew::async {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

Task<int> number(int value) { co_return value; }
Task<std::unique_ptr<int>> move_only() { co_return std::make_unique<int>(7); }
Task<int> failing() {
  throw Error(Condition::conflict, "as told");
  co_return 0;
}

TEST(Task, GivesItsValueToTheAwaiter) {
  TestRuntime runtime;
  auto sum = []() -> Task<int> { co_return co_await number(40) + *co_await move_only(); };

  EXPECT_EQ(runtime.run(sum()), 47);
}

TEST(Task, ThrowsItsExceptionOutOfTheAwait) {
  TestRuntime runtime;
  auto caught = []() -> Task<Condition> {
    try {
      co_await failing();
    } catch (const Error& error) {
      co_return error.condition();
    }
    co_return Condition::corrupt;
  };

  EXPECT_EQ(runtime.run(caught()), Condition::conflict);
  EXPECT_THROW(runtime.run(failing()), Error);
}

TEST(Task, IsLazyAndMayBeDroppedUnstarted) {
  bool started = false;
  auto body = [&]() -> Task<> {
    started = true;
    co_return;
  };

  {
    Task<> dropped = body();
  }

  EXPECT_FALSE(started);
}

TEST(Task, MovesWithItsFrame) {
  TestRuntime runtime;
  Task<int> first = number(1);
  Task<int> second = number(2);
  first = std::move(second);
  Task<int> third = std::move(first);

  EXPECT_EQ(runtime.run(std::move(third)), 2);
}

Task<std::size_t> chain(std::size_t depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await chain(depth - 1);
}

TEST(Task, AChainOfAMillionUsesNoStack) {
  TestRuntime runtime;

  EXPECT_EQ(runtime.run(chain(1'000'000)), 1'000'000u);
}

TEST(Task, AMillionAwaitsInALoopUseNoStack) {
  TestRuntime runtime;
  auto loop = []() -> Task<int> {
    int sum = 0;
    for (int i = 0; i < 1'000'000; ++i)
      sum += co_await number(1);
    co_return sum;
  };

  EXPECT_EQ(runtime.run(loop()), 1'000'000);
}

TEST(Task, DroppedWhileSuspendedDestroysAllThatItHolds) {
  TestRuntime runtime;
  auto held = std::make_shared<int>();
  auto inner = [](std::shared_ptr<int> copy) -> Task<> {
    co_await sleep_for(1h);
    *copy = 1;
  };
  auto outer = [&](std::shared_ptr<int> copy) -> Task<> { co_await inner(copy); };
  {
    Scope scope(runtime);
    scope.spawn(outer(held));
    runtime.settle();
    ASSERT_GT(held.use_count(), 2);
  }

  EXPECT_EQ(held.use_count(), 1);
  runtime.advance(2h);  // the timer is gone with the frame
  EXPECT_EQ(*held, 0);
}

TEST(Task, InheritsTheContextOfItsAwaiter) {
  TestRuntime runtime;
  auto runtime_of = []() -> Task<Runtime*> { co_return (co_await this_context()).runtime; };
  auto outer = [&]() -> Task<Runtime*> { co_return co_await runtime_of(); };

  EXPECT_EQ(runtime.run(outer()), &runtime);
}

TEST(WithDeadline, TheEarlierDeadlineHolds) {
  struct Row {
    const char* name;
    Duration outer, inner, expected;
  };
  const Row rows[] = {{"inner is earlier", 2s, 1s, 1s}, {"outer is earlier", 1s, 2s, 1s}};
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    TestRuntime runtime;
    auto deadline = []() -> Task<Instant> { co_return (co_await this_context()).deadline; };
    const Instant start = runtime.now();

    const Instant seen =
        runtime.run(with_deadline(start + row.outer, with_deadline(start + row.inner, deadline())));

    EXPECT_EQ(seen, start + row.expected);
  }
}

TEST(WithDeadline, EndsWhatWaitsUnderIt) {
  TestRuntime runtime;
  auto pause = []() -> Task<> { co_await sleep_for(1h); };

  try {
    runtime.run(with_deadline(runtime.now() + 3s, pause()));
    FAIL() << "no timeout";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::timeout);
    EXPECT_THAT(error.detail(), HasSubstr("a pause"));
  }
  EXPECT_EQ(runtime.now(), TestRuntime::start + 3s);
}

struct OwnAwaitable {
  using transaction_safe = void;
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  int await_resume() const noexcept { return 5; }
};

// Runs `body` as a transaction runs its own.
template <class T>
Task<T> in_transaction(Task<T> body) {
  TaskContext context = co_await this_context();
  context.in_transaction = true;
  co_return co_await body.under(context);
}

TEST(TransactionGuard, LetsTasksAndTheTransactionsOwnAwaitablesThrough) {
  TestRuntime runtime;
  auto body = []() -> Task<int> { co_return co_await number(1) + co_await OwnAwaitable{}; };

  EXPECT_EQ(runtime.run(in_transaction(body())), 6);
}

TEST(TransactionGuard, RefusesAForeignAwaitAtAnyDepth) {
  TestRuntime runtime;
  auto deep = []() -> Task<> { co_await sleep_for(1s); };
  auto body = [&]() -> Task<> { co_await deep(); };

  try {
    runtime.run(in_transaction(body()));
    FAIL() << "the await was let through";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::invalid_input);
    EXPECT_THAT(error.detail(), HasSubstr("other than its transaction"));
  }
  EXPECT_EQ(runtime.now(), TestRuntime::start);
}

}  // namespace
}  // namespace sinew::async
