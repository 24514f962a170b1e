#include "sinew/async/sim/node.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "sinew/async/channel.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::async::sim {
namespace {

using namespace std::chrono_literals;
using sinew::tests::for_seeds;

class CountTurn final : public TurnEnd {
 public:
  void turn_ended() noexcept override { ++count; }
  int count = 0;
};

class Request final : public Completion {
 public:
  void run() noexcept override { ++ran; }
  int ran = 0;
};

// Sleeps, offloads, waits for a turn and for something that never comes: one of each kind of thing
// that a crash must drop. The destructor of `guard` runs when the frame goes.
Task<void> wait_for_everything(Event& never, std::vector<int>& alive) {
  struct Guard {
    explicit Guard(std::vector<int>& list) : frames(list) { frames.push_back(1); }
    ~Guard() { frames.pop_back(); }
    std::vector<int>& frames;
  } const guard(alive);
  TaskContext& context = co_await this_context();
  const std::uint64_t choice = context.runtime->random() % 5;
  if (choice == 0) co_await sleep_for(1h);
  if (choice == 1) co_await offload([] {});
  if (choice == 2) co_await yield();
  if (choice == 3) co_await with_deadline(context.runtime->now() + 1h, never.wait());
  co_await never.wait();
}

TEST(Node, CrashDropsAllThatIsPendingBeforeItsFramesGo) {
  for_seeds(50, [](std::uint64_t seed) {
    World world(seed);
    Node& node = world.add_node("a");
    Event never;
    std::vector<int> frames;
    {
      Scope scope(node);
      for (int i = 0; i < 20; ++i)
        scope.spawn(wait_for_everything(never, frames));
      for (std::uint64_t i = 0; i < seed * 2; ++i)
        world.step();

      node.crash();
    }

    EXPECT_TRUE(frames.empty());
    never.set();
    world.run_until_idle();
    EXPECT_FALSE(node.alive());
  });
}

TEST(Node, CrashMayFollowTheEndOfItsFrames) {
  for_seeds(50, [](std::uint64_t seed) {
    World world(seed);
    Node& node = world.add_node("a");
    Event never;
    std::vector<int> frames;
    {
      Scope scope(node);
      for (int i = 0; i < 20; ++i)
        scope.spawn(wait_for_everything(never, frames));
      for (std::uint64_t i = 0; i < seed * 2; ++i)
        world.step();
    }
    node.crash();

    EXPECT_TRUE(frames.empty());
    world.run_until_idle();
  });
}

TEST(Node, CrashHereStopsTheTaskAtThatVeryPlace) {
  World world(1);
  Node& node = world.add_node("a");
  bool went_on = false;
  Scope scope(node);
  scope.spawn([](Node& self, bool& after) -> Task<void> {
    co_await self.crash_here();
    after = true;
  }(node, went_on));

  world.run_until([&] { return !node.alive(); });
  world.run_until_idle();

  EXPECT_FALSE(went_on);
}

TEST(Node, TellsThatItCrashedWhileItRanATask) {
  World world(1);
  Node& node = world.add_node("a");
  world.at(Instant(5ms), [&] { node.crash(); });

  EXPECT_THROW(node.run([]() -> Task<void> { co_await sleep_for(1s); }()), Stuck);
}

TEST(Node, CallsToACrashedOneHaveNoEffect) {
  World world(1);
  Node& node = world.add_node("a");
  node.crash();
  Request request;
  CountTurn hook;
  Scope scope(node);

  EXPECT_FALSE(node.submit(request));
  node.complete(request);
  node.at_turn_end(hook);
  scope.spawn([]() -> Task<void> { co_return; }());
  world.run_until_idle();

  EXPECT_EQ(request.ran, 0);
  EXPECT_EQ(hook.count, 0);
  EXPECT_EQ(scope.size(), 1);
}

TEST(Node, RestartsAsANewOne) {
  World world(1);
  Node& before = world.add_node("a");
  before.crash();
  Node& after = world.add_node("a");

  EXPECT_EQ(after.run([]() -> Task<int> { co_return 7; }()), 7);
  EXPECT_EQ(before.name(), after.name());
}

TEST(Node, JobsTakeTimeAndEffectInAnyOrder) {
  std::set<std::string> orders;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    World world(seed);
    Node& node = world.add_node("a");
    Scope scope(node);
    std::string log;
    for (const char letter : {'a', 'b', 'c'}) {
      scope.spawn([](std::string& list, char own) -> Task<void> {
        co_await offload([&list, own] { list += own; }, Lane::commit);
      }(log, letter));
    }
    world.run_until_idle();
    EXPECT_GE(world.now() - Instant(), world.options().commit.least);
    orders.insert(log);
  }

  EXPECT_EQ(orders.size(), 6);
}

TEST(Node, OffloadGivesValuesAndExceptions) {
  World world(1);
  Node& node = world.add_node("a");
  const auto failing = []() -> Task<int> {
    co_return co_await offload([]() -> int { throw Error(Condition::corrupt, "torn page"); });
  };

  EXPECT_EQ(node.run([]() -> Task<int> { co_return co_await offload([] { return 3; }); }()), 3);
  EXPECT_THROW(node.run(failing()), Error);
}

TEST(Node, OffloadIsNotLeftByCancellation) {
  World world(1);
  Node& node = world.add_node("a");
  Scope scope(node);
  bool effect = false;
  scope.spawn([](bool& done) -> Task<void> { co_await offload([&] { done = true; }); }(effect));
  world.run_for(1us);

  scope.cancel();
  node.run([](Scope& joined) -> Task<void> { co_await joined.join(); }(scope));

  EXPECT_TRUE(effect);
}

TEST(Node, TurnEndsWhenNothingIsReadyAndAtRandomBefore) {
  std::set<int> seen;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    World world(seed);
    Node& node = world.add_node("a");
    Scope scope(node);
    CountTurn hook;
    int ran = 0;
    for (int i = 0; i < 10; ++i) {
      scope.spawn([](Node& self, CountTurn& turn, int& count) -> Task<void> {
        ++count;
        if (!turn.linked()) self.at_turn_end(turn);
        co_return;
      }(node, hook, ran));
    }
    world.run_until_idle();
    EXPECT_EQ(ran, 10);
    seen.insert(hook.count);
  }

  EXPECT_TRUE(seen.contains(1));
  EXPECT_GT(seen.size(), 2);
}

TEST(Node, MailboxRefusesRequestsAtItsBoundNeverCompletions) {
  World world(1);
  Node& node = world.add_node("a");
  std::vector<Request> requests(Runtime::mailbox_capacity);
  Request late;
  for (Request& request : requests)
    ASSERT_TRUE(node.submit(request));

  EXPECT_FALSE(node.submit(late));
  node.complete(late);
  world.run_until_idle();

  EXPECT_EQ(late.ran, 1);
  EXPECT_TRUE(node.submit(late));
  world.run_until_idle();
  EXPECT_EQ(late.ran, 2);
}

TEST(Node, CallOnRunsOnTheOtherWorkerAndGivesItsResult) {
  for_seeds(20, [](std::uint64_t seed) {
    World world(seed);
    Node& caller = world.add_node("caller");
    Node& target = world.add_node("target");
    const auto where = []() -> Task<Runtime*> {
      co_await sleep_for(1ms);
      co_return (co_await this_context()).runtime;
    };
    const auto call = [&]() -> Task<Runtime*> { co_return co_await call_on(target, where); };

    EXPECT_EQ(caller.run(call()), &target);
  });
}

TEST(Node, WallClockMayJumpWithoutMovingTimers) {
  World world(1);
  Node& node = world.add_node("a");
  const Timestamp before = node.wall_now();

  node.shift_wall(-1h);
  node.run([]() -> Task<void> { co_await sleep_for(1min); }());

  EXPECT_EQ(node.wall_now() - before, 1min - 1h);
  EXPECT_EQ(node.now(), Instant(1min));
}

TEST(Node, IdsAscendAndDifferBySeed) {
  World world(1);
  World other(2);
  Node& node = world.add_node("a");
  const Uuid first = node.new_id();

  EXPECT_LT(first, node.new_id());
  EXPECT_NE(first, other.add_node("a").new_id());
}

}  // namespace
}  // namespace sinew::async::sim
