#include "sinew/async/offload.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "sinew/async/offload_pool.hpp"
#include "sinew/async/reactor.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/test_runtime.hpp"

namespace sinew::async {
namespace {

using namespace std::chrono_literals;

TEST(Offload, RunsOnAThreadOfThePoolAndComesBack) {
  OffloadPools pools;
  Reactor reactor(pools);
  auto body = []() -> Task<bool> {
    const auto home = std::this_thread::get_id();
    for (const Lane lane : {Lane::general, Lane::commit}) {
      auto there = co_await offload([] { return std::this_thread::get_id(); }, lane);
      if (there == home || std::this_thread::get_id() != home) co_return false;
    }
    co_return true;
  };

  EXPECT_TRUE(reactor.run(body()));
}

TEST(Offload, GivesMoveOnlyResultsVoidAndExceptions) {
  TestRuntime runtime;
  auto body = []() -> Task<int> {
    bool ran = false;
    co_await offload([&] { ran = true; });
    auto result = co_await offload([] { return std::make_unique<int>(3); });
    try {
      co_await offload([] { throw Error(Condition::corrupt, "there"); });
    } catch (const Error&) {
      co_return ran ? *result : 0;
    }
    co_return 0;
  };

  EXPECT_EQ(runtime.run(body()), 3);
}

TEST(Offload, ManyTasksOfManyLanesAllComeBack) {
  constexpr int count = 2000;
  OffloadPools pools;
  Reactor reactor(pools);
  std::atomic<int> executed = 0;
  int back = 0;
  auto one = [&](Lane lane) -> Task<> {
    co_await offload([&] { executed.fetch_add(1); }, lane);
    ++back;
  };
  auto body = [&]() -> Task<> {
    Scope scope(co_await this_context());
    for (int i = 0; i < count; ++i)
      scope.spawn(one(i % 2 == 0 ? Lane::general : Lane::commit));
    co_await scope.join();
  };

  reactor.run(body());

  EXPECT_EQ(executed.load(), count);
  EXPECT_EQ(back, count);
}

TEST(OffloadPool, DrainWaitsForTheJobsOfARuntime) {
  class Slow final : public Job {
   public:
    void execute() noexcept override {
      entered.store(true);
      entered.notify_all();
      proceed.wait(false);
      executed.store(true);
    }
    void run() noexcept override {}
    std::atomic<bool> entered = false, proceed = false, executed = false;
  };
  Slow job;
  TestRuntime runtime;
  OffloadPool pool("test", 1);
  pool.submit(job, runtime);
  job.entered.wait(false);
  bool seen = false;

  std::jthread drainer([&] {
    pool.drain(runtime);
    seen = job.executed.load();
  });
  job.proceed.store(true);
  job.proceed.notify_all();
  drainer.join();

  EXPECT_TRUE(seen);
}

TEST(CallOn, RunsDirectlyOnTheSameRuntime) {
  TestRuntime runtime;
  runtime.refuse_requests = true;
  auto there = []() -> Task<int> { co_return 4; };
  auto body = [&]() -> Task<int> { co_return co_await call_on(runtime, there); };

  EXPECT_EQ(runtime.run(body()), 4);
}

TEST(CallOn, AFullMailboxIsExhaustedAndNothingWasApplied) {
  TestRuntime here, target;
  target.refuse_requests = true;
  bool ran = false;
  auto there = [&]() -> Task<> {
    ran = true;
    co_return;
  };
  auto body = [&]() -> Task<> { co_await call_on(target, there); };

  try {
    here.run(body());
    FAIL() << "the request was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::exhausted);
    EXPECT_EQ(error.applied(), Applied::no);
  }
  target.settle();
  EXPECT_FALSE(ran);
}

// Two runtimes in one thread: each step of the exchange is visible.
TEST(CallOn, CrossesToTheOtherRuntimeAndBack) {
  TestRuntime here, target;
  Runtime* seen = nullptr;
  Instant deadline_there{};
  auto there = [&]() -> Task<int> {
    const TaskContext& context = co_await this_context();
    seen = context.runtime;
    deadline_there = context.deadline;
    co_await sleep_for(1s);
    co_return 6;
  };
  int result = 0;
  auto body = [&]() -> Task<> { result = co_await call_on(target, there); };
  Scope scope(here);
  scope.spawn(with_deadline(TestRuntime::start + 2s, body()));

  here.settle();
  EXPECT_EQ(seen, nullptr);
  target.settle();
  EXPECT_EQ(seen, &target);
  EXPECT_EQ(deadline_there, TestRuntime::start + 2s);
  here.settle();
  EXPECT_EQ(result, 0);
  target.advance(1s);
  here.settle();

  EXPECT_EQ(result, 6);
}

TEST(CallOn, NeitherDeadlineNorCancellationAbandonsTheCall) {
  TestRuntime here, target;
  bool ended = false;
  auto there = [&]() -> Task<> { co_await sleep_for(1h); };
  auto body = [&]() -> Task<> {
    try {
      co_await call_on(target, there);
    } catch (const Error& error) {
      ended = error.condition() == Condition::timeout;
    }
  };
  Scope scope(here);
  scope.spawn(with_deadline(TestRuntime::start + 2s, body()));
  here.settle();
  target.settle();

  scope.cancel();
  here.advance(3s);
  ASSERT_FALSE(ended);
  target.advance(2s);  // the deadline went along
  here.settle();

  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace sinew::async
