#include "sinew/async/signals.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <set>

#include "sinew/async/reactor.hpp"
#include "sinew/async/scope.hpp"

namespace sinew::async {
namespace {

using namespace std::chrono_literals;

TEST(SignalWatch, GivesTheSignalsThatTheProcessGets) {
  OffloadPools pools;
  Reactor reactor(pools);
  SignalWatch signals(reactor, {SIGUSR1, SIGUSR2});
  auto body = [&]() -> Task<std::set<int>> {
    ::kill(::getpid(), SIGUSR1);
    const int first = co_await signals.next();
    Scope scope(co_await this_context());
    auto send = []() -> Task<> {
      ::kill(::getpid(), SIGUSR2);
      co_return;
    };
    scope.spawn(send());
    const int second = co_await signals.next();
    co_await scope.join();
    co_return std::set{first, second};
  };

  EXPECT_EQ(reactor.run(body()), (std::set{SIGUSR1, SIGUSR2}));
}

TEST(SignalWatch, NextEndsByTheDeadline) {
  OffloadPools pools;
  Reactor reactor(pools);
  SignalWatch signals(reactor, {SIGUSR1});

  EXPECT_THROW(reactor.run(with_deadline(reactor.now() + 1ms, signals.next())), Error);
}

TEST(SignalWatch, GivesTheSignalsBackToTheProcess) {
  sigset_t before, after;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &before);
  {
    OffloadPools pools;
    Reactor reactor(pools);
    SignalWatch signals(reactor, {SIGUSR1});
    sigset_t during;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &during);
    EXPECT_EQ(sigismember(&during, SIGUSR1), 1);
  }
  ::pthread_sigmask(SIG_BLOCK, nullptr, &after);

  EXPECT_EQ(sigismember(&before, SIGUSR1), sigismember(&after, SIGUSR1));
}

}  // namespace
}  // namespace sinew::async
