#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "sinew/async/reactor.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/sim/node.hpp"
#include "sinew/async/sim/world.hpp"

namespace sinew::async {
namespace {

using namespace std::chrono_literals;

template <class F>
Condition condition_of(F call) {
  try {
    call();
  } catch (const Error& error) {
    return error.condition();
  }
  return Condition{};  // what no listener throws
}

Task<> accept_all(Listener& listener, std::size_t& count) {
  std::vector<std::unique_ptr<Stream>> inside;
  while (true) {
    inside.push_back(co_await listener.accept());
    ++count;
  }
}

class ListenOptionsTest : public testing::Test {
 protected:
  OffloadPools pools;
  Reactor reactor{pools};
};

// Which listener gets a connection is drawn by the system from its addresses: that one of two gets
// none of 100 happens once in 2^99.
TEST_F(ListenOptionsTest, ListenersThatShareAnAddressShareItsConnections) {
  constexpr std::size_t visitors = 100;
  const auto first = reactor.listen({}, {.shared = true});
  const auto second = reactor.listen(first->local(), {.shared = true});
  std::size_t at_first = 0;
  std::size_t at_second = 0;
  const auto body = [&]() -> Task<> {
    Scope scope(co_await this_context());
    scope.spawn(accept_all(*first, at_first));
    scope.spawn(accept_all(*second, at_second));
    std::vector<std::unique_ptr<Stream>> inside;
    for (std::size_t i = 0; i < visitors; ++i)
      inside.push_back(co_await reactor.connect(first->local()));
    while (at_first + at_second < visitors)
      co_await yield();
    scope.cancel();
    co_await scope.join();
  };

  reactor.run(body());

  EXPECT_GT(at_first, 0);
  EXPECT_GT(at_second, 0);
}

TEST_F(ListenOptionsTest, AnAddressIsSharedOnlyAmongThoseThatAsk) {
  const auto alone = reactor.listen({});
  const auto shared = reactor.listen({}, {.shared = true});

  EXPECT_EQ(condition_of([&] { reactor.listen(alone->local(), {.shared = true}); }),
            Condition::conflict);
  EXPECT_EQ(condition_of([&] { reactor.listen(shared->local()); }), Condition::conflict);
}

TEST_F(ListenOptionsTest, TheBacklogBoundsWhoWaits) {
  constexpr std::size_t backlog = 3;
  const auto listener = reactor.listen({}, {.backlog = backlog});
  std::size_t inside = 0;
  const auto fill = [&]() -> Task<> {
    std::vector<std::unique_ptr<Stream>> waiting;
    while (true) {
      waiting.push_back(co_await reactor.connect(listener->local()));
      ++inside;
    }
  };

  EXPECT_EQ(condition_of([&] { reactor.run(with_deadline(reactor.now() + 50ms, fill())); }),
            Condition::timeout);
  EXPECT_GE(inside, backlog);
  EXPECT_LE(inside, backlog + 1);  // Linux lets one more in
}

TEST_F(ListenOptionsTest, OnlyIpv6LeavesThePortOfIpv4Free) {
  std::unique_ptr<Listener> listener;
  try {
    listener = reactor.listen({"::", 0}, {.only_ipv6 = true});
  } catch (const Error&) {
    GTEST_SKIP() << "no IPv6 here";
  }

  EXPECT_NE(reactor.listen({"0.0.0.0", listener->local().port}), nullptr);
}

TEST(SimulatedListenOptions, ListenersThatShareAnAddressTakeTurns) {
  sim::World world(1);
  sim::Node& node = world.add_node("process");
  const auto first = node.listen({}, {.shared = true});
  auto second = node.listen(first->local(), {.shared = true});
  std::array<std::size_t, 2> taken{};
  Scope scope(node);
  const auto quietly = [](Listener& listener, std::size_t& count) -> Task<> {
    try {
      co_await accept_all(listener, count);
    } catch (const Error&) {
      co_return;  // closed
    }
  };
  scope.spawn(quietly(*first, taken[0]));
  scope.spawn(quietly(*second, taken[1]));
  std::vector<std::unique_ptr<Stream>> inside;

  for (int i = 0; i < 10; ++i)
    inside.push_back(node.run(node.connect(first->local())));
  world.run_until_idle();
  EXPECT_EQ(taken[0], 5);
  EXPECT_EQ(taken[1], 5);

  second.reset();
  for (int i = 0; i < 10; ++i)
    inside.push_back(node.run(node.connect(first->local())));
  world.run_until_idle();
  EXPECT_EQ(taken[0], 15);
}

TEST(SimulatedListenOptions, AnAddressIsSharedOnlyAmongThoseThatAsk) {
  sim::World world(1);
  sim::Node& node = world.add_node("process");
  const auto alone = node.listen({"127.0.0.1", 80});
  const auto shared = node.listen({"127.0.0.1", 81}, {.shared = true});

  EXPECT_EQ(condition_of([&] { node.listen(alone->local(), {.shared = true}); }),
            Condition::conflict);
  EXPECT_EQ(condition_of([&] { node.listen(shared->local()); }), Condition::conflict);
  EXPECT_NO_THROW(node.listen({"0.0.0.0", 81}, {.shared = true}));
}

TEST(SimulatedListenOptions, TheBacklogBoundsWhoWaits) {
  sim::World world(1);
  sim::Node& node = world.add_node("process");
  const auto listener = node.listen({}, {.backlog = 1});
  const auto first = node.run(node.connect(listener->local()));
  const auto second = [&]() -> Task<std::unique_ptr<Stream>> {
    co_return co_await with_deadline(world.now() + 500ms, node.connect(listener->local()));
  };

  EXPECT_EQ(condition_of([&] { node.run(second()); }), Condition::timeout);
}

}  // namespace
}  // namespace sinew::async
