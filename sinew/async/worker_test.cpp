#include "sinew/async/worker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "sinew/async/scope.hpp"

namespace sinew::async {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(WorkerGroup, RunsEveryWorkerOnAThreadOfItsOwn) {
  WorkerGroup group({.workers = 3});
  std::vector<std::thread::id> threads(3);
  auto main = [&](Reactor& reactor, std::size_t index) -> Task<> {
    EXPECT_EQ(&reactor, &group.reactor(index));
    threads[index] = std::this_thread::get_id();
    co_return;
  };

  group.run(main);

  EXPECT_EQ(threads[0], std::this_thread::get_id());
  EXPECT_EQ(std::set(threads.begin(), threads.end()).size(), 3u);
}

TEST(WorkerGroup, RefusesNoneAndTooMany) {
  EXPECT_THROW(WorkerGroup({.workers = 0}), Error);
  EXPECT_THROW(WorkerGroup({.workers = WorkerGroup::max_workers + 1}), Error);
}

TEST(WorkerGroup, WorkersCallEachOtherAlsoWhenTheirOwnTaskHasEnded) {
  constexpr int calls = 500;
  WorkerGroup group({.workers = 2});
  std::vector<int> counts(2);
  auto call = [&](std::size_t target) -> Task<> {
    auto there = [&counts, target]() -> Task<int> {
      co_await yield();
      co_return ++counts[target];  // no lock: only its own worker touches it
    };
    for (int i = 1; i <= calls; ++i) {
      EXPECT_LE(i, co_await call_on(group.reactor(target), there));
    }
  };
  auto main = [&](Reactor&, std::size_t index) -> Task<> {
    if (index == 1) co_return;
    Scope scope(co_await this_context());
    auto back = [&]() -> Task<> { co_await call(0); };
    auto there_and_back = [&]() -> Task<> { co_await call_on(group.reactor(1), back); };
    scope.spawn(call(1));
    scope.spawn(there_and_back());
    co_await scope.join();
  };

  group.run(main);

  EXPECT_EQ(counts, (std::vector<int>{calls, calls}));
}

TEST(WorkerGroup, AFullMailboxRefusesTheCaller) {
  constexpr int more = static_cast<int>(Runtime::mailbox_capacity) + 100;
  WorkerGroup group({.workers = 2});
  std::atomic<bool> held = false, go_on = false;
  int answered = 0, refused = 0;
  auto there = []() -> Task<> { co_return; };
  auto call = [&]() -> Task<> {
    try {
      co_await call_on(group.reactor(1), there);
      ++answered;
    } catch (const Error& error) {
      EXPECT_EQ(error.condition(), Condition::exhausted);
      ++refused;
    }
  };
  auto main = [&](Reactor&, std::size_t index) -> Task<> {
    if (index == 1) {
      held.store(true);
      held.notify_all();
      go_on.wait(false);
      co_return;
    }
    held.wait(false);
    Scope scope(co_await this_context());
    for (int i = 0; i < more; ++i)
      scope.spawn(call());
    while (refused == 0)
      co_await yield();
    go_on.store(true);
    go_on.notify_all();
    co_await scope.join();
  };

  group.run(main);

  EXPECT_EQ(answered, static_cast<int>(Runtime::mailbox_capacity));
  EXPECT_EQ(refused, 100);
}

TEST(WorkerGroup, AFailedWorkerStopsTheGroupAndIsNamed) {
  WorkerGroup group({.workers = 2});
  bool cancelled = false;
  auto main = [&](Reactor&, std::size_t index) -> Task<> {
    if (index == 1) {
      co_await yield();
      throw Error(Condition::corrupt, "the folder is damaged", Applied::unknown);
    }
    try {
      co_await sleep_for(24h);
    } catch (const Error&) {
      cancelled = true;
      throw;
    }
  };

  try {
    group.run(main);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::corrupt);
    EXPECT_EQ(error.applied(), Applied::unknown);
    EXPECT_THAT(error.detail(), HasSubstr("worker 1 failed: the folder is damaged"));
  }
  EXPECT_TRUE(cancelled);
}

TEST(WorkerGroup, StopFromAnotherThreadIsANormalEnd) {
  WorkerGroup group({.workers = 2});
  std::atomic<int> waiting = 0;
  auto main = [&](Reactor&, std::size_t) -> Task<> {
    waiting.fetch_add(1);
    waiting.notify_all();
    co_await sleep_for(24h);
  };
  std::jthread stopper([&] {
    for (int now = waiting.load(); now < 2; now = waiting.load())
      waiting.wait(now);
    group.stop();
    group.stop();
  });

  group.run(main);
}

TEST(WorkerGroup, StoppedBeforeItRunsEndsAtTheFirstAwait) {
  WorkerGroup group({.workers = 2});
  group.stop();

  group.run([](Reactor&, std::size_t) -> Task<> { co_await sleep_for(24h); });
}

TEST(WorkerGroup, AStalledWorkerIsReportedWithTheNameOfItsHandler) {
  std::atomic<bool> reported = false;
  std::string handler;
  std::size_t worker = 0;
  Duration duration{};
  WorkerGroup group({.workers = 2, .stall_threshold = 5ms, .on_stall = [&](const Stall& stall) {
                       if (reported.load()) return;
                       handler = stall.handler;
                       worker = stall.worker;
                       duration = stall.duration;
                       reported.store(true);
                       reported.notify_all();
                     }});
  auto stall = [&]() -> Task<> {
    reported.wait(false);
    co_return;
  };
  auto main = [&](Reactor&, std::size_t index) -> Task<> {
    if (index == 0) co_return;
    Scope scope(co_await this_context());
    scope.spawn(stall(), "OrderPlaced handler");
    co_await scope.join();
  };

  group.run(main);

  EXPECT_EQ(handler, "OrderPlaced handler");
  EXPECT_EQ(worker, 1u);
  EXPECT_GE(duration, 5ms);
}

TEST(WorkerGroup, AHandlerIsBlamedForAStepThatBeganAsAnothers) {
  std::atomic<const char*> handler = nullptr;
  WorkerGroup group({.stall_threshold = 5ms, .on_stall = [&](const Stall& stall) {
                       handler.store(stall.handler);
                       handler.notify_all();
                     }});
  auto stall = [&]() -> Task<> {
    handler.wait(nullptr);
    co_return;
  };

  group.run([&](Reactor&, std::size_t) { return with_name(lasting_name("GET /slow"), stall()); });

  EXPECT_STREQ(handler.load(), "GET /slow");
  EXPECT_EQ(lasting_name("GET /slow"), handler.load());
}

}  // namespace
}  // namespace sinew::async
