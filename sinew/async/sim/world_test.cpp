#include "sinew/async/sim/world.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "sinew/async/channel.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/sim/node.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::async::sim {
namespace {

using namespace std::chrono_literals;
using sinew::tests::for_seeds;

Task<void> append(std::string& log, char letter) {
  log += letter;
  co_return;
}

std::string order_of_four(std::uint64_t seed, Order order) {
  Options options;
  options.order = order;
  World world(seed, options);
  Scope scope(world.add_node("a"));
  std::string log;
  for (const char letter : {'a', 'b', 'c', 'd'})
    scope.spawn(append(log, letter));
  world.run_until_idle();
  return log;
}

Task<void> nap(int times, Duration longest) {
  TaskContext& context = co_await this_context();
  for (int i = 0; i < times; ++i) {
    const auto span = static_cast<std::uint64_t>(longest.count());
    co_await sleep_for(Duration(context.runtime->random() % span));
    co_await yield();
  }
}

std::uint64_t trace_of_naps(std::uint64_t seed) {
  World world(seed);
  Scope first(world.add_node("a"), "first");
  Scope second(world.add_node("b"), "second");
  for (int i = 0; i < 5; ++i) {
    first.spawn(nap(10, 1ms));
    second.spawn(nap(10, 3ms));
  }
  world.run_until_idle();
  return world.trace_hash();
}

TEST(World, SleepsInNoTimeAndToTheNanosecond) {
  World world(1);
  Node& node = world.add_node("a");
  const Timestamp wall = node.wall_now();

  node.run([]() -> Task<void> { co_await sleep_for(24h + 1ns); }());

  EXPECT_EQ(world.now(), Instant(24h + 1ns));
  EXPECT_EQ(node.wall_now() - wall, 24h);
}

TEST(World, GivesTheValueOfTheTaskItRuns) {
  World world(1);
  Node& node = world.add_node("a");

  EXPECT_EQ(node.run([]() -> Task<std::string> { co_return "seven"; }()), "seven");
}

TEST(World, ThrowsWhatTheTaskThrows) {
  World world(1);
  Node& node = world.add_node("a");
  const auto failing = []() -> Task<int> {
    co_await yield();
    throw Error(Condition::not_found, "no such thing");
  };

  EXPECT_THROW(node.run(failing()), Error);
}

TEST(World, FifoKeepsTheOrderAndSeedsReachEveryOther) {
  std::set<std::string> orders;
  for (std::uint64_t seed = 1; seed <= 500; ++seed)
    orders.insert(order_of_four(seed, Order::seeded));

  EXPECT_EQ(orders.size(), 24);
  EXPECT_EQ(order_of_four(7, Order::fifo), "abcd");
}

TEST(World, RepeatsEveryStepOfASeed) {
  std::set<std::uint64_t> traces;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const std::uint64_t trace = trace_of_naps(seed);
    EXPECT_EQ(trace, trace_of_naps(seed)) << "seed=" << seed;
    traces.insert(trace);
  }

  EXPECT_EQ(traces.size(), 20);
}

TEST(World, NamesWhatIsStuckInADeadlock) {
  World world(42);
  Node& node = world.add_node("warehouse");
  Event never;
  Scope scope(node, "picker");
  scope.spawn(never.wait());
  const auto joined = [&]() -> Task<void> { co_await scope.join(); };

  try {
    node.run(joined());
    FAIL() << "a deadlock went unnoticed";
  } catch (const Stuck& stuck) {
    const std::string text = stuck.what();
    EXPECT_NE(text.find("deadlock"), std::string::npos) << text;
    EXPECT_NE(text.find("seed=42"), std::string::npos) << text;
    EXPECT_NE(text.find("'warehouse'"), std::string::npos) << text;
    EXPECT_NE(text.find("'picker' at"), std::string::npos) << text;
  }
}

TEST(World, EndsALivelockWithALimit) {
  Options options;
  options.most_steps_at_once = 1000;
  World world(1, options);
  Scope scope(world.add_node("a"), "spinner");
  scope.spawn([]() -> Task<void> {
    while (true)
      co_await yield();
  }());

  EXPECT_THROW(world.run_until_idle(), Stuck);
}

TEST(World, EndsAPeriodicTaskWithALimit) {
  Options options;
  options.most_steps = 1000;
  World world(1, options);
  Scope scope(world.add_node("a"), "ticker");
  scope.spawn([]() -> Task<void> {
    while (true)
      co_await sleep_for(1ms);
  }());

  EXPECT_THROW(world.run_until_idle(), Stuck);
}

TEST(World, RunsForATimeAndNotBeyond) {
  World world(1);
  Scope scope(world.add_node("a"));
  std::vector<int> ticks;
  scope.spawn([](std::vector<int>& log) -> Task<void> {
    for (int i = 1; i <= 10; ++i) {
      co_await sleep_for(10ms);
      log.push_back(i);
    }
  }(ticks));

  world.run_for(35ms);

  EXPECT_EQ(ticks, (std::vector{1, 2, 3}));
  EXPECT_EQ(world.now(), Instant(35ms));
}

TEST(World, AdvanceMovesTimePastTimersThatFireLate) {
  World world(1);
  Scope scope(world.add_node("a"));
  Instant woken;
  scope.spawn([](Instant& instant) -> Task<void> {
    co_await sleep_for(10ms);
    instant = (co_await this_context()).runtime->now();
  }(woken));
  world.run_for(1ms);

  world.advance(1h);
  world.run_until_idle();

  EXPECT_EQ(woken, Instant(1h + 1ms));
}

TEST(World, RefusesToRunInsideItsOwnStep) {
  World world(1);
  Node& node = world.add_node("a");
  const auto inner = [&]() -> Task<void> {
    world.run_until_idle();
    co_return;
  };

  EXPECT_THROW(node.run(inner()), std::logic_error);
}

TEST(World, ReportsATaskThatHoldsItsNode) {
  World world(1);
  Node& node = world.add_node("sales");
  Scope scope(node, "import");
  const auto busy = [](Node& self, Duration duration) -> Task<void> {
    self.spend(duration);
    co_return;
  };

  scope.spawn(busy(node, 50ms), "quick");
  scope.spawn(busy(node, 51ms), "slow");
  world.run_until_idle();

  ASSERT_EQ(world.stalls().size(), 1);
  EXPECT_EQ(world.stalls()[0].node, "sales");
  EXPECT_EQ(world.stalls()[0].task, "slow");
  EXPECT_EQ(world.stalls()[0].busy, 51ms);
  EXPECT_EQ(world.now(), Instant(101ms));
}

TEST(Faults, EnablesAShareOfTheSitesForEachSeed) {
  int enabled = 0;
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    World world(seed);
    if (world.maybe(1.0, "relay.confirm_lost")) ++enabled;
  }

  EXPECT_GT(enabled, 400);
  EXPECT_LT(enabled, 600);
}

TEST(Faults, CountsHowOftenASiteWasAskedAndFired) {
  Options options;
  options.enabled_sites = 1;
  World world(1, options);

  for (int i = 0; i < 1000; ++i)
    world.maybe(0.25, "disk.full");
  world.heal();
  EXPECT_FALSE(world.maybe(1.0, "disk.full"));

  const auto& site = world.faults().sites().at("disk.full");
  EXPECT_EQ(site.asked, 1001);
  EXPECT_GT(site.fired, 200);
  EXPECT_LT(site.fired, 300);
}

TEST(Faults, DependsOnSeedAndNameNotOnTheOrderOfAsking) {
  for_seeds(50, [](std::uint64_t seed) {
    World one(seed);
    World other(seed);
    one.maybe(0.5, "a");
    one.maybe(0.5, "b");
    other.maybe(0.5, "b");
    other.maybe(0.5, "a");
    for (const char* site : {"a", "b"})
      EXPECT_EQ(one.faults().sites().find(site)->second.enabled,
                other.faults().sites().find(site)->second.enabled);
  });
}

}  // namespace
}  // namespace sinew::async::sim
