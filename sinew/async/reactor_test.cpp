#include "sinew/async/reactor.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "sinew/async/channel.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/watch.hpp"

namespace sinew::async {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class ReactorTest : public testing::Test {
 protected:
  OffloadPools pools;
  Reactor reactor{pools};
};

TEST_F(ReactorTest, RunGivesTheResultOrTheException) {
  auto give = []() -> Task<int> {
    co_await yield();
    co_return 3;
  };
  auto fail = []() -> Task<> {
    co_await yield();
    throw Error(Condition::not_found, "nothing");
  };

  EXPECT_EQ(reactor.run(give()), 3);
  EXPECT_THROW(reactor.run(fail()), Error);
}

TEST_F(ReactorTest, TimersFireInOrderAndNeverEarly) {
  std::vector<int> log;
  bool early = false;
  auto pause = [&](int milliseconds) -> Task<> {
    const Instant until = reactor.now() + std::chrono::milliseconds(milliseconds);
    co_await sleep_until(until);
    early |= reactor.now() < until;
    log.push_back(milliseconds);
  };
  auto body = [&]() -> Task<> {
    Scope scope(co_await this_context());
    for (const int milliseconds : {5, 1, 3})
      scope.spawn(pause(milliseconds));
    co_await scope.join();
  };

  reactor.run(body());

  EXPECT_THAT(log, ElementsAre(1, 3, 5));
  EXPECT_FALSE(early);
}

TEST_F(ReactorTest, ReadyTasksDoNotStarveCompletionsAndTimers) {
  bool timer_fired = false;
  bool job_done = false;
  auto spin = [&]() -> Task<> {
    while (!timer_fired || !job_done)
      co_await yield();
  };
  auto body = [&]() -> Task<> {
    Scope scope(co_await this_context());
    scope.spawn(spin());
    co_await sleep_for(1ms);
    timer_fired = true;
    co_await offload([] {});
    job_done = true;
    co_await scope.join();
  };

  reactor.run(body());
}

TEST_F(ReactorTest, StopFromAnotherThreadCancelsTheTask) {
  std::atomic<bool> running = false;
  auto body = [&]() -> Task<> {
    running.store(true);
    running.notify_all();
    co_await sleep_for(24h);
  };
  std::jthread stopper([&] {
    running.wait(false);
    reactor.stop();
  });

  try {
    reactor.run(body());
    FAIL() << "not cancelled";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::cancelled);
  }
}

class Hook final : public TurnEnd {
 public:
  Hook(Reactor& reactor, std::vector<int>& log, int again)
      : reactor_(reactor), log_(log), again_(again) {}
  void turn_ended() noexcept override {
    log_.push_back(0);
    event.set();
    if (again_-- > 0) reactor_.at_turn_end(*this);
  }
  Event event;

 private:
  Reactor& reactor_;
  std::vector<int>& log_;
  int again_;
};

TEST_F(ReactorTest, ATurnEndsAfterItsTasksAndMayMakeOthersReady) {
  std::vector<int> log;
  Hook hook(reactor, log, 0);
  auto task = [&](int number) -> Task<> {
    reactor.at_turn_end(hook);
    log.push_back(number);
    co_await hook.event.wait();
    log.push_back(number);
  };
  auto body = [&]() -> Task<> {
    Scope scope(co_await this_context());
    scope.spawn(task(1));
    scope.spawn(task(2));
    co_await scope.join();
  };

  reactor.run(body());

  EXPECT_THAT(log, ElementsAre(1, 2, 0, 1, 2));
}

TEST_F(ReactorTest, ATurnEndThatArmsItselfIsCalledInTheNextTurn) {
  std::vector<int> log;
  Hook hook(reactor, log, 2);
  reactor.at_turn_end(hook);

  reactor.run_until([&] { return log.size() == 3; });
}

class Count final : public Completion {
 public:
  explicit Count(int& count) noexcept : count_(count) {}
  void run() noexcept override { ++count_; }

 private:
  int& count_;
};

TEST_F(ReactorTest, RefusesRequestsBeyondTheMailboxButNeverCompletions) {
  int ran = 0;
  std::deque<Count> requests;
  for (std::size_t i = 0; i < Runtime::mailbox_capacity; ++i) {
    ASSERT_TRUE(reactor.submit(requests.emplace_back(ran)));
  }
  Count refused(ran), completion(ran), later(ran);

  EXPECT_FALSE(reactor.submit(refused));
  reactor.complete(completion);
  reactor.run_until([&] { return ran > static_cast<int>(Runtime::mailbox_capacity); });
  EXPECT_TRUE(reactor.submit(later));
  reactor.run_until([&] { return ran > static_cast<int>(Runtime::mailbox_capacity) + 1; });
}

TEST_F(ReactorTest, ASleepingReactorHearsEveryCompletion) {
  int ran = 0;
  std::atomic<int> seen = 0;
  std::deque<Count> counts;
  for (int i = 0; i < 2000; ++i)
    counts.emplace_back(ran);
  std::jthread producer([&] {
    for (int i = 0; i < 2000; ++i) {
      reactor.complete(counts[i]);
      if (i % 2 == 0) {  // half of them one by one, so that it sleeps in between
        for (int now = seen.load(); now <= i; now = seen.load())
          seen.wait(now);
      }
    }
  });

  reactor.run_until([&] {
    if (seen.exchange(ran) != ran) seen.notify_all();
    return ran == 2000;
  });
}

// The turns of a loop that waits for `other` as well; gives how often that was readable.
class PumpedTest : public ReactorTest {
 protected:
  int loop_until_empty(const Scope& scope, int other) {
    int heard = 0;
    while (scope.size() > 0) {
      pollfd watched[] = {{.fd = reactor.descriptor(), .events = POLLIN, .revents = 0},
                          {.fd = other, .events = POLLIN, .revents = 0}};
      EXPECT_GE(::poll(watched, 2, reactor.poll_timeout_ms()), 0);
      ++turns;
      char byte = 0;
      if (watched[1].revents != 0) heard += static_cast<int>(::read(other, &byte, 1));
      reactor.pump();
    }
    return heard;
  }
  int turns = 0;
};

TEST_F(PumpedTest, TakesTurnsOfALoopThatHasOtherThingsToWaitFor) {
  constexpr int signals = 200;
  int pipe_ends[2];
  ASSERT_EQ(::pipe2(pipe_ends, O_CLOEXEC), 0);
  const Descriptor far(pipe_ends[0]);
  const Descriptor near(pipe_ends[1]);
  auto body = [&]() -> Task<> {
    for (int i = 0; i < signals; ++i) {
      co_await offload([&] { EXPECT_EQ(::write(near.get(), "x", 1), 1); });
      if (i % 50 == 0) co_await sleep_for(1ms);
    }
    co_await sleep_for(1ms);
  };
  Scope scope(reactor);
  scope.spawn(body());

  EXPECT_EQ(loop_until_empty(scope, far.get()), signals);
}

TEST_F(PumpedTest, LetsTheLoopSleepUntilItsNextTimer) {
  Scope scope(reactor);
  scope.spawn([]() -> Task<> { co_await sleep_for(20ms); }());
  loop_until_empty(scope, -1);

  EXPECT_LT(turns, 10);
  EXPECT_EQ(reactor.poll_timeout_ms(), -1) << "nothing is left to wait for";
}

TEST_F(ReactorTest, RandomNumbersAndIdsDiffer) {
  std::set<std::uint64_t> numbers;
  for (int i = 0; i < 2000; ++i)
    numbers.insert(reactor.random());
  EXPECT_EQ(numbers.size(), 2000u);

  Uuid last = reactor.new_id();
  for (int i = 0; i < 2000; ++i) {
    const Uuid next = reactor.new_id();
    ASSERT_LT(last, next);
    last = next;
  }
}

class WatchTest : public ReactorTest {
 protected:
  WatchTest() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    near = Descriptor(ends[0]);
    far = Descriptor(ends[1]);
  }
  void send() { ASSERT_EQ(::write(far.get(), "x", 1), 1); }
  void fill() {
    std::vector<char> bytes(64 * 1024);
    while (::write(near.get(), bytes.data(), bytes.size()) > 0) {
    }
  }
  void drain() {
    std::vector<char> bytes(64 * 1024);
    while (::read(far.get(), bytes.data(), bytes.size()) > 0) {
    }
  }
  Task<> wait_for(Interest interest, int& count) {
    co_await ready(near.get(), interest);
    ++count;
  }

  Descriptor near, far;
  int reads = 0;
  int writes = 0;
};

TEST_F(WatchTest, WaitsForBothDirectionsAtOnce) {
  fill();
  auto body = [&]() -> Task<> {
    Scope scope(co_await this_context());
    scope.spawn(wait_for(Interest::readable, reads));
    scope.spawn(wait_for(Interest::writable, writes));
    co_await sleep_for(1ms);
    EXPECT_EQ(reads + writes, 0);
    send();
    while (reads == 0)
      co_await yield();
    EXPECT_EQ(writes, 0);
    drain();
    co_await scope.join();
  };

  reactor.run(body());

  EXPECT_EQ(reads, 1);
  EXPECT_EQ(writes, 1);
}

TEST_F(WatchTest, IsLevelTriggeredAndTakesSeveralWaiters) {
  send();
  auto body = [&]() -> Task<> {
    Scope scope(co_await this_context());
    for (int i = 0; i < 3; ++i)
      co_await wait_for(Interest::readable, reads);
    for (int i = 0; i < 3; ++i)
      scope.spawn(wait_for(Interest::readable, reads));
    co_await scope.join();
  };

  reactor.run(body());

  EXPECT_EQ(reads, 6);
}

TEST_F(WatchTest, EndsByDeadlineAndLeavesNothingBehind) {
  auto body = [&]() -> Task<> {
    try {
      co_await with_deadline(reactor.now() + 1ms, wait_for(Interest::readable, reads));
    } catch (const Error& error) {
      EXPECT_EQ(error.condition(), Condition::timeout);
    }
    send();
    co_await wait_for(Interest::readable, reads);
  };

  reactor.run(body());

  EXPECT_EQ(reads, 1);
}

TEST_F(WatchTest, FollowsANumberThatIsClosedAndOpenedAgain) {
  auto body = [&]() -> Task<> {
    co_await wait_for(Interest::writable, writes);
    const int number = near.get();
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    EXPECT_EQ(::dup2(ends[0], number), number);  // what a vendor does when it reconnects
    ::close(ends[0]);
    far = Descriptor(ends[1]);
    co_await wait_for(Interest::writable, writes);
    send();
    co_await wait_for(Interest::readable, reads);
    reactor.unwatch(number);
  };

  reactor.run(body());

  EXPECT_EQ(writes, 2);
  EXPECT_EQ(reads, 1);
}

TEST_F(WatchTest, AHangUpIsReadyForAll) {
  fill();
  far.reset();
  auto body = [&]() -> Task<> {
    co_await wait_for(Interest::readable, reads);
    co_await wait_for(Interest::writable, writes);
  };

  reactor.run(body());
}

TEST_F(WatchTest, ARegularFileIsAlwaysReadyAndAClosedNumberRefused) {
  auto body = [&](int descriptor) -> Task<> { co_await ready(descriptor, Interest::readable); };
  const Descriptor file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));

  reactor.run(body(file.get()));
  try {
    reactor.run(body(1 << 20));
    FAIL() << "watched";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::invalid_input);
  }
}

}  // namespace
}  // namespace sinew::async
