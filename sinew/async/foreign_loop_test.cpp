#include "sinew/async/foreign_loop.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <stdexcept>
#include <thread>
#include <vector>

#include "sinew/async/background_workers.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/test_runtime.hpp"

namespace sinew::async {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

bool readable(const ForeignLoop& loop) {
  pollfd watched{.fd = loop.descriptor(), .events = POLLIN, .revents = 0};
  return ::poll(&watched, 1, 0) == 1;
}

TEST(ForeignLoop, RunsWhatWasPostedInOrderAndIsReadableUntilThen) {
  ForeignLoop loop;
  std::vector<int> ran;
  EXPECT_FALSE(readable(loop));

  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(loop.post([&ran, i] { ran.push_back(i); }));
  EXPECT_TRUE(readable(loop));

  EXPECT_EQ(loop.run_posted(), 3U);
  EXPECT_THAT(ran, ElementsAre(0, 1, 2));
  EXPECT_FALSE(readable(loop));
}

TEST(ForeignLoop, LeavesForTheNextRoundWhatIsPostedMeanwhile) {
  ForeignLoop loop;
  int ran = 0;
  loop.post([&] { loop.post([&] { ++ran; }); });

  EXPECT_EQ(loop.run_posted(), 1U);
  EXPECT_EQ(ran, 0);
  EXPECT_TRUE(readable(loop));
  EXPECT_EQ(loop.run_posted(), 1U);
  EXPECT_EQ(ran, 1);
}

TEST(ForeignLoop, RefusesAboveItsCapacityButNoAnswers) {
  ForeignLoop loop(2);
  EXPECT_TRUE(loop.post([] {}));
  EXPECT_TRUE(loop.post([] {}));

  EXPECT_FALSE(loop.post([] {}));
  loop.deliver([] {});

  EXPECT_EQ(loop.run_posted(), 3U);
}

TEST(ForeignLoop, KeepsWhatIsBehindOneThatThrows) {
  ForeignLoop loop;
  int ran = 0;
  loop.post([] { throw std::runtime_error("a bug"); });
  loop.post([&] { ++ran; });

  EXPECT_THROW(loop.run_posted(), std::runtime_error);
  EXPECT_TRUE(readable(loop));
  loop.run_posted();
  EXPECT_EQ(ran, 1);
}

TEST(ForeignLoop, WaitsForACallbackOfAnotherThread) {
  ForeignLoop loop;
  EXPECT_FALSE(loop.wait(1ms));

  const std::jthread other([&] { loop.post([] {}); });

  EXPECT_TRUE(loop.wait(1h));
}

class CallIn : public testing::Test {
 protected:
  Task<void> call(int value) {
    try {
      result = co_await call_in(loop, [this, value] {
        ++ran;
        if (value < 0) throw std::runtime_error("negative");
        return value;
      });
    } catch (const Error& error) {
      failure = error.condition();
      applied = error.applied();
    } catch (const std::runtime_error&) {
      threw = true;
    }
  }
  // Is cancelled while the loop runs it.
  Task<void> call_and_be_cancelled() {
    result = co_await call_in(loop, [this] {
      scope.cancel();
      runtime.settle();
      EXPECT_EQ(scope.size(), 1U);
      return 7;
    });
  }
  TestRuntime runtime;
  ForeignLoop loop{1};
  Scope scope{runtime};
  int ran = 0;
  int result = 0;
  bool threw = false;
  Condition failure{};
  Applied applied = Applied::unknown;
};

TEST_F(CallIn, GivesTheResultOrTheException) {
  scope.spawn(call(7));
  runtime.settle();
  EXPECT_EQ(result, 0);
  loop.run_posted();
  runtime.settle();
  EXPECT_EQ(result, 7);

  scope.spawn(call(-1));
  runtime.settle();
  loop.run_posted();
  runtime.settle();
  EXPECT_TRUE(threw);
  EXPECT_EQ(scope.size(), 0U);
}

TEST_F(CallIn, IsTakenBackWhenCancelledBeforeItBegan) {
  scope.spawn(call(7));
  runtime.settle();

  scope.cancel();
  runtime.settle();
  loop.run_posted();

  EXPECT_EQ(failure, Condition::cancelled);
  EXPECT_EQ(applied, Applied::no);
  EXPECT_EQ(ran, 0);
}

TEST_F(CallIn, IsTakenBackAtItsDeadline) {
  scope.spawn(with_deadline(runtime.now() + 1s, call(7)));
  runtime.advance(2s);
  loop.run_posted();

  EXPECT_EQ(failure, Condition::timeout);
  EXPECT_EQ(ran, 0);
}

TEST_F(CallIn, IsWaitedForOnceItHasBegun) {
  scope.spawn(call_and_be_cancelled());
  runtime.settle();

  loop.run_posted();
  runtime.settle();

  EXPECT_EQ(result, 7);
}

TEST_F(CallIn, SaysThatTheLoopIsFull) {
  loop.post([] {});
  scope.spawn(call(7));
  runtime.settle();

  EXPECT_EQ(failure, Condition::exhausted);
}

TEST_F(CallIn, IsForgottenWithAFrameThatIsDropped) {
  {
    Scope dropped(runtime);
    dropped.spawn(call(7));
    runtime.settle();
  }
  loop.run_posted();

  EXPECT_EQ(ran, 0);
}

TEST(CallInOfWorkers, CarriesValuesBetweenWorkersAndALoop) {
  constexpr int calls = 500;
  ForeignLoop loop;
  BackgroundWorkers workers({.workers = 2});
  int sum = 0;  // no lock: only this thread's callbacks touch it
  bool over = false;
  workers.start([&](Reactor&, std::size_t) -> Task<void> {
    for (int i = 0; i < calls; ++i)
      EXPECT_GT(co_await call_in(loop, [&] { return ++sum; }), 0);
    loop.deliver([&] { over = true; });
  });

  while (!over || sum < 2 * calls) {
    loop.wait(1s);
    loop.run_posted();
  }
  workers.join();

  EXPECT_EQ(sum, 2 * calls);
}

TEST(BackgroundWorkers, BringsBackWhatFailed) {
  BackgroundWorkers workers;
  workers.start([](Reactor&, std::size_t) -> Task<void> {
    throw Error(Condition::conflict, "taken");
    co_return;
  });

  EXPECT_THROW(workers.join(), Error);
  EXPECT_THROW(workers.start([](Reactor&, std::size_t) -> Task<void> { co_return; }), Error);
}

TEST(BackgroundWorkers, StopsWithItsOwner) {
  bool cancelled = false;
  {
    BackgroundWorkers workers;
    workers.start([&](Reactor&, std::size_t) -> Task<void> {
      try {
        co_await sleep_for(1h);
      } catch (const Error& error) {
        cancelled = error.condition() == Condition::cancelled;
        throw;
      }
    });
  }
  EXPECT_TRUE(cancelled);
}

}  // namespace
}  // namespace sinew::async
