#include "sinew/async/channel.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "sinew/async/scope.hpp"
#include "sinew/async/test_runtime.hpp"

namespace sinew::async {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

TEST(Event, LetsAllThroughOnceSetAndAgainAfterReset) {
  TestRuntime runtime;
  Event event;
  int passed = 0;
  auto wait = [&]() -> Task<> {
    co_await event.wait();
    ++passed;
  };
  Scope scope(runtime);
  scope.spawn(wait());
  scope.spawn(wait());
  runtime.settle();
  ASSERT_EQ(passed, 0);

  event.set();
  runtime.settle();
  EXPECT_EQ(passed, 2);
  scope.spawn(wait());
  runtime.settle();
  EXPECT_EQ(passed, 3);

  event.reset();
  scope.spawn(wait());
  runtime.settle();
  EXPECT_EQ(passed, 3);
}

TEST(Event, WaitEndsByTheDeadline) {
  TestRuntime runtime;
  Event event;
  try {
    runtime.run(with_deadline(runtime.now() + 1s, event.wait()));
    FAIL() << "no timeout";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::timeout);
  }
}

TEST(Channel, ASenderWaitsForRoom) {
  TestRuntime runtime;
  Channel<int> channel(2);
  std::vector<int> received;
  std::size_t most = 0;
  auto send = [&]() -> Task<> {
    for (int i = 0; i < 10; ++i) {
      co_await channel.send(i);
      most = std::max(most, channel.size());
    }
    channel.close();
  };
  auto receive = [&]() -> Task<> {
    while (auto value = co_await channel.receive()) {
      received.push_back(*value);
      co_await sleep_for(1s);
    }
  };
  Scope scope(runtime);
  scope.spawn(send());
  scope.spawn(receive());
  runtime.advance(1h);

  EXPECT_THAT(received, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_EQ(most, 2u);
  EXPECT_EQ(scope.size(), 0u);
}

TEST(Channel, CompetingReceiversGetEachElementOnce) {
  TestRuntime runtime;
  Channel<int> channel(1);
  std::vector<int> received;
  auto receive = [&]() -> Task<> {
    while (auto value = co_await channel.receive())
      received.push_back(*value);
  };
  auto send = [&](int from) -> Task<> {
    for (int i = from; i < from + 50; ++i)
      co_await channel.send(i);
  };
  Scope scope(runtime);
  for (int i = 0; i < 3; ++i)
    scope.spawn(receive());
  for (int i = 0; i < 4; ++i)
    scope.spawn(send(i * 50));
  runtime.settle();

  std::ranges::sort(received);
  ASSERT_EQ(received.size(), 200u);
  for (int i = 0; i < 200; ++i)
    EXPECT_EQ(received[i], i);
  channel.close();
  runtime.settle();
  EXPECT_EQ(scope.size(), 0u);
}

TEST(Channel, CloseFailsSendersAndLetsWhatIsInsideOut) {
  TestRuntime runtime;
  Channel<std::unique_ptr<int>> channel(1);
  ASSERT_TRUE(channel.try_send(std::make_unique<int>(1)));
  ASSERT_FALSE(channel.try_send(std::make_unique<int>(2)));
  Condition seen{};
  auto send = [&]() -> Task<> {
    try {
      co_await channel.send(std::make_unique<int>(3));
    } catch (const Error& error) {
      seen = error.condition();
    }
  };
  Scope scope(runtime);
  scope.spawn(send());
  runtime.settle();

  channel.close();
  runtime.settle();

  EXPECT_EQ(seen, Condition::cancelled);
  EXPECT_EQ(**runtime.run(channel.receive()), 1);
  EXPECT_EQ(runtime.run(channel.receive()), std::nullopt);
  EXPECT_EQ(channel.try_receive(), std::nullopt);
}

TEST(Channel, AReceiverThatIsDestroyedAfterItWasWokenPassesTheTurnOn) {
  TestRuntime runtime;
  Channel<int> channel(2);
  std::vector<int> received;
  auto receive = [&]() -> Task<> {
    auto value = co_await channel.receive();
    if (value) received.push_back(*value);
  };
  Scope survivor(runtime);
  {
    Scope dropped(runtime);
    dropped.spawn(receive());
    runtime.settle();
    survivor.spawn(receive());
    runtime.settle();
    channel.try_send(1);  // wakes the one that is dropped before it runs
  }
  runtime.settle();

  EXPECT_THAT(received, ElementsAre(1));
}

}  // namespace
}  // namespace sinew::async
