#include "sinew/async/scope.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "sinew/async/channel.hpp"
#include "sinew/async/test_runtime.hpp"

namespace sinew::async {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

Task<> pause(Duration duration) { co_await sleep_for(duration); }

Task<> fail_after(Duration duration, std::string detail) {
  co_await sleep_for(duration);
  throw Error(Condition::conflict, detail);
}

TEST(Scope, JoinWaitsForEveryChild) {
  TestRuntime runtime;
  std::vector<int> log;
  auto child = [&](int number) -> Task<> {
    co_await sleep_for(std::chrono::seconds(number));
    log.push_back(number);
  };
  auto body = [&]() -> Task<> {
    Scope scope(co_await this_context());
    scope.spawn(child(2));
    scope.spawn(child(1));
    EXPECT_EQ(scope.size(), 2u);
    co_await scope.join();
    EXPECT_EQ(scope.size(), 0u);
    co_await scope.join();  // nothing to wait for
  };

  runtime.run(body());

  EXPECT_THAT(log, ElementsAre(1, 2));
}

TEST(Scope, JoinAlsoWaitsForWhatAChildSpawnedLast) {
  TestRuntime runtime;
  bool ended = false;
  auto last = [&]() -> Task<> {
    co_await sleep_for(1s);
    ended = true;
  };
  auto body = [&]() -> Task<> {
    Scope scope(co_await this_context());
    auto first = [&]() -> Task<> {
      scope.spawn(last());
      co_return;
    };
    scope.spawn(first());
    co_await scope.join();
  };

  runtime.run(body());

  EXPECT_TRUE(ended);
}

TEST(Scope, JoinThrowsTheFirstFailureOnce) {
  TestRuntime runtime;
  auto body = [&]() -> Task<std::string> {
    Scope scope(co_await this_context());
    scope.spawn(fail_after(2s, "second"));
    scope.spawn(fail_after(1s, "first"));
    std::string seen;
    try {
      co_await scope.join();
    } catch (const Error& error) {
      seen = error.detail();
    }
    co_await scope.join();
    co_return seen;
  };

  EXPECT_EQ(runtime.run(body()), "first");
}

TEST(Scope, CancelEndsTheChildrenAndIsNoFailure) {
  TestRuntime runtime;
  auto body = [&]() -> Task<> {
    Scope scope(co_await this_context());
    scope.spawn(pause(1h));
    co_await yield();
    scope.cancel();
    scope.spawn(pause(1h));  // cancelled from the start
    co_await scope.join();
  };

  runtime.run(body());

  EXPECT_EQ(runtime.now(), TestRuntime::start);
}

TEST(Scope, CancellationOfTheParentReachesTheChildrenThroughJoin) {
  TestRuntime runtime;
  bool cleaned_up = false;
  auto child = [&]() -> Task<> {
    try {
      co_await sleep_for(1h);
    } catch (const Error&) {
      cleaned_up = true;
      throw;
    }
  };
  auto body = [&]() -> Task<> {
    Scope scope(co_await this_context());
    scope.spawn(child());
    co_await scope.join();
  };
  Scope outer(runtime);
  outer.spawn(body());
  runtime.settle();

  outer.cancel();
  runtime.settle();

  EXPECT_TRUE(cleaned_up);
  EXPECT_EQ(outer.size(), 0u);
}

TEST(Scope, ChildrenInheritTheDeadline) {
  TestRuntime runtime;
  auto body = [&]() -> Task<> {
    Scope scope(co_await this_context());
    scope.spawn(pause(1h));
    co_await scope.join();
  };

  EXPECT_THROW(runtime.run(with_deadline(runtime.now() + 1s, body())), Error);
  EXPECT_EQ(runtime.now(), TestRuntime::start + 1s);
}

TEST(Scope, ChildrenCarryTheNameTheyAreGiven) {
  TestRuntime runtime;
  std::vector<std::string> names;
  auto child = [&]() -> Task<> { names.push_back((co_await this_context()).name); };
  Scope scope(runtime, "scope");
  scope.spawn(child());
  scope.spawn(child(), "relay");
  runtime.settle();

  EXPECT_THAT(names, ElementsAre("scope", "relay"));
}

TEST(Scope, DestroyedWithChildrenInEveryStateDestroysThem) {
  TestRuntime runtime;
  auto held = std::make_shared<int>();
  auto ready_event = std::make_unique<Event>();
  auto child = [](std::shared_ptr<int>, Event* event) -> Task<> { co_await event->wait(); };
  {
    Scope scope(runtime);
    Event never;
    scope.spawn(child(held, &never));             // will be suspended
    scope.spawn(child(held, ready_event.get()));  // will be ready
    runtime.settle();
    ready_event->set();
    scope.spawn(child(held, &never));  // not started
    ASSERT_EQ(held.use_count(), 4);
  }

  EXPECT_EQ(held.use_count(), 1);
  runtime.settle();  // nothing of it is scheduled any more
}

}  // namespace
}  // namespace sinew::async
