// What tasks, channels, scopes and calls promise, in every order that the seeds reach.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
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

constexpr int producers = 6;
constexpr int consumers = 3;
constexpr int elements_each = 30;

// Producers and consumers of one channel, both of which give up at random deadlines.
struct Market {
  explicit Market(std::uint64_t seed)
      : world(seed), node(world.add_node("market")), channel(1 + seed % 4) {}

  Duration moment() { return world.random().within({0ns, 2ms}); }
  Instant soon() { return world.now() + moment(); }

  Task<void> produce(int producer) {
    for (int i = 0; i < elements_each; ++i) {
      const int element = producer * elements_each + i;
      try {
        co_await with_deadline(soon(), channel.send(element));
        sent.push_back(element);
      } catch (const Error& error) {
        EXPECT_EQ(error.condition(), Condition::timeout) << error.what();
      }
      most = std::max(most, channel.size());
      if (world.random().chance(0.3)) co_await sleep_for(moment());
    }
  }

  Task<void> consume() {
    while (true) {
      try {
        const auto element = co_await with_deadline(soon(), channel.receive());
        if (!element) co_return;
        received.push_back(*element);
      } catch (const Error& error) {
        EXPECT_EQ(error.condition(), Condition::timeout) << error.what();
      }
      if (world.random().chance(0.3)) co_await sleep_for(moment());
    }
  }

  World world;
  Node& node;
  Channel<int> channel;
  std::vector<int> sent;
  std::vector<int> received;
  std::size_t most = 0;
};

TEST(Semantics, ChannelLosesAndDoublesNothingWhenWaitersGiveUp) {
  for_seeds(100, [](std::uint64_t seed) {
    Market market(seed);
    Scope producing(market.node, "producer");
    Scope consuming(market.node, "consumer");
    for (int i = 0; i < producers; ++i)
      producing.spawn(market.produce(i));
    for (int i = 0; i < consumers; ++i)
      consuming.spawn(market.consume());

    market.world.run_until([&] { return producing.size() == 0; });
    market.channel.close();
    market.world.run_until([&] { return consuming.size() == 0; });

    EXPECT_LE(market.most, 1 + seed % 4);
    EXPECT_FALSE(market.sent.empty());
    std::ranges::sort(market.sent);
    std::ranges::sort(market.received);
    EXPECT_EQ(market.sent, market.received);
  });
}

Task<void> receive_into(Channel<int>& channel, std::vector<int>& into) {
  while (const auto element = co_await channel.receive())
    into.push_back(*element);
}

Task<void> send_up_to(Channel<int>& channel, int count) {
  for (int i = 0; i < count; ++i)
    co_await channel.send(i);
}

// A receiver's frame may go at any step, woken or not: the others still get the rest.
TEST(Semantics, ReceiversDroppedAtAnyStepLeaveNobodyWaitingForEver) {
  for_seeds(200, [](std::uint64_t seed) {
    World world(seed);
    Node& node = world.add_node("a");
    Channel<int> channel(2);
    std::vector<int> lost;
    std::vector<int> kept;
    Scope staying(node, "staying");
    auto leaving = std::make_unique<Scope>(node, "leaving");
    for (int i = 0; i < 3; ++i)
      leaving->spawn(receive_into(channel, lost));
    staying.spawn(receive_into(channel, kept));
    staying.spawn(send_up_to(channel, 50));

    for (std::uint64_t i = 0; i < seed; ++i)
      world.step();
    leaving.reset();
    world.run_until([&] { return staying.size() == 1; });
    channel.close();
    world.run_until([&] { return staying.size() == 0; });

    EXPECT_EQ(lost.size() + kept.size(), 50);
  });
}

Task<int> slow_double(int value) {
  Runtime& here = *(co_await this_context()).runtime;
  co_await sleep_for(Duration(here.random() % 1'000'000));
  co_return co_await offload([value] { return 2 * value; });
}

Task<void> call_and_add(Runtime& target, int value, int& sum) {
  sum += co_await call_on(target, [value] { return slow_double(value); });
}

TEST(Semantics, CallsBothWaysAtOnceAllComeBack) {
  for_seeds(50, [](std::uint64_t seed) {
    World world(seed);
    Node& one = world.add_node("one");
    Node& other = world.add_node("other");
    Scope at_one(one);
    Scope at_other(other);
    int sums[2] = {};
    for (int i = 0; i < 20; ++i) {
      at_one.spawn(call_and_add(other, i, sums[0]));
      at_other.spawn(call_and_add(one, i, sums[1]));
    }

    world.run_until([&] { return at_one.size() + at_other.size() == 0; });

    EXPECT_EQ(sums[0], 380);
    EXPECT_EQ(sums[1], 380);
  });
}

TEST(Semantics, AProcessOfTwoWorkersMayCrashAtAnyStepOfItsCalls) {
  for_seeds(100, [](std::uint64_t seed) {
    World world(seed);
    Node& one = world.add_node("one");
    Node& other = world.add_node("other");
    int sums[2] = {};
    {
      Scope at_one(one);
      Scope at_other(other);
      for (int i = 0; i < 10; ++i) {
        at_one.spawn(call_and_add(other, i, sums[0]));
        at_other.spawn(call_and_add(one, i, sums[1]));
      }
      for (std::uint64_t i = 0; i < seed; ++i)
        world.step();
      one.crash();
      other.crash();
    }

    EXPECT_FALSE(world.step());
    EXPECT_LE(std::max(sums[0], sums[1]), 90);
  });
}

// A miniature of group commit: writers queue their work, the turn's end sends it to the committer,
// the commit's return lets them go on.
class Journal final : private TurnEnd {
 public:
  explicit Journal(Node& node) : node_(node), scope_(node, "commit") {}

  Task<void> append(int entry) {
    open_.push_back(entry);
    if (!linked()) node_.at_turn_end(*this);
    const std::size_t mine = ++appended_;
    while (durable_ < mine)
      co_await committed_.wait();
  }

  std::vector<int> disk;
  std::size_t commits = 0;

 private:
  void turn_ended() noexcept override {
    if (!committing_) scope_.spawn(commit());
  }

  Task<void> commit() {
    committing_ = true;
    while (!open_.empty()) {
      const std::vector<int> batch = std::exchange(open_, {});
      co_await offload([&] { disk.insert(disk.end(), batch.begin(), batch.end()); }, Lane::commit);
      ++commits;
      durable_ += batch.size();
      committed_.notify_all();
    }
    committing_ = false;
  }

  Node& node_;
  std::vector<int> open_;
  std::size_t appended_ = 0;
  std::size_t durable_ = 0;
  bool committing_ = false;
  WaitQueue committed_;
  Scope scope_;
};

Task<void> write_entries(Journal& journal, int writer, std::vector<int>& acknowledged) {
  for (int i = 0; i < 5; ++i) {
    const int entry = writer * 5 + i;
    co_await journal.append(entry);
    acknowledged.push_back(entry);
  }
}

TEST(Semantics, WhatWasAcknowledgedBeforeACrashIsOnTheDisk) {
  bool some_batches = false;
  for_seeds(100, [&](std::uint64_t seed) {
    World world(seed);
    Node& node = world.add_node("a");
    std::vector<int> acknowledged;
    Journal journal(node);
    Scope scope(node, "writer");
    for (int i = 0; i < 8; ++i)
      scope.spawn(write_entries(journal, i, acknowledged));

    world.run_for(world.random().within({0ns, 60ms}));
    node.crash();

    std::vector<int> disk = journal.disk;
    std::ranges::sort(disk);
    std::ranges::sort(acknowledged);
    EXPECT_TRUE(std::ranges::includes(disk, acknowledged));
    if (journal.commits > 0 && journal.commits < acknowledged.size()) some_batches = true;
  });
  EXPECT_TRUE(some_batches);
}

TEST(Semantics, DeadlineAndCompletionOfOneInstantResumeOnce) {
  for_seeds(50, [](std::uint64_t seed) {
    World world(seed);
    Node& node = world.add_node("a");
    WaitQueue queue;
    int resumed = 0;
    const auto wait = [&]() -> Task<void> {
      co_await queue.wait();
      ++resumed;
    };
    Scope scope(node);
    scope.spawn(with_deadline(world.now() + 1ms, wait()));
    world.run_for(100us);
    world.at(Instant(1ms), [&] {
      queue.notify_all();
      scope.cancel();
    });

    world.run_until_idle();

    EXPECT_EQ(resumed, 1);
    EXPECT_EQ(scope.size(), 0);
  });
}

}  // namespace
}  // namespace sinew::async::sim
