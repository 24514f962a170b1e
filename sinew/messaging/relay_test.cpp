#include "sinew/messaging/relay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sinew/async/scope.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"
#include "sinew/event/timing.hpp"
#include "sinew/store/schema.hpp"
#include "tests/support/faulty_broker.hpp"
#include "tests/support/faulty_database.hpp"
#include "tests/support/for_seeds.hpp"
#include "tests/support/simulated_process.hpp"

namespace sinew::messaging {
namespace {

using namespace std::chrono_literals;
using store::Transaction;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;

const Destination work{DestinationKind::queue, "work"};

// An outbox, the embedded broker with the queue `work`, and as many relays between as a test wants;
// each has an Outbox of its own, as in processes of their own.
class Bench {
 public:
  // A relay with the outbox that wakes it and its own ways to fail.
  struct One {
    explicit One(Bench& bench, std::int64_t capacity)
        : outbox(capacity),
          database(bench.process.database()),
          broker(bench.process.port()),
          relay(bench.process.node(), database, outbox, broker, bench.settings),
          scope(bench.process.node(), "relay") {}
    void run() { scope.spawn(relay.run()); }

    store::Outbox outbox;
    tests::FaultyDatabase database;
    tests::FaultyBroker broker;
    Relay relay;
    async::Scope scope;
  };

  explicit Bench(std::uint64_t seed = 1) : process(seed) {
    process.node().run(process.database().migrate(store::store_migrations()));
    declare("work");
  }

  One& add_relay(std::int64_t capacity = store::Outbox::default_capacity) {
    relays.push_back(std::make_unique<One>(*this, capacity));
    return *relays.back();
  }
  void stop(One& one) {
    one.scope.cancel();
    process.node().run(one.scope.join());
  }
  ~Bench() {
    for (auto& one : relays)
      stop(*one);
    relays.clear();
  }

  void declare(std::string queue) {
    process.node().run(
        process.port().declare({.queues = {{.name = std::move(queue)}}, .topics = {}}));
  }
  void run_for(Duration duration) { process.world().run_for(duration); }

  event::Envelope message(std::string subject, std::string key) {
    return {.id = process.node().new_id(),
            .source = "/test",
            .type = "test.happened",
            .subject = std::move(subject),
            .ordering_key = std::move(key)};
  }
  void write(One& one, std::string subject, std::string key, Destination to = work) {
    write(one, message(std::move(subject), std::move(key)), std::move(to));
  }
  void write(One& one, const event::Envelope& envelope, const Destination& to) {
    process.node().run(process.database().transaction(
        [&](Transaction& tx) -> Task<void> { co_await one.outbox.insert(tx, to, envelope); }));
  }
  // Other keys of the same partition of the outbox.
  static std::vector<std::string> keys_beside(const std::string& key, std::size_t count) {
    const auto partition = [](std::string of) {
      event::Envelope envelope;
      envelope.ordering_key = std::move(of);
      return store::Outbox::partition_of(envelope);
    };
    std::vector<std::string> keys;
    for (int i = 0; keys.size() < count; ++i) {
      const std::string other = "o" + std::to_string(i);
      if (partition(other) == partition(key)) keys.push_back(other);
    }
    return keys;
  }
  std::int64_t in_outbox() {
    store::Outbox outbox;
    return process.node().run(
        process.database().read([&](Transaction& tx) { return outbox.size(tx); }));
  }

  // Takes what is in the queue, by subject in the order of arrival.
  std::vector<std::string> take(std::string queue = "work") {
    auto& node = process.node();
    auto subscription = node.run(process.port().subscribe(
        {.source = {DestinationKind::queue, std::move(queue)}, .group = {}, .prefetch = 1000}));
    std::vector<std::string> subjects;
    for (;;) {
      std::vector<Signal> signals;
      try {
        signals = node.run(async::with_deadline(node.now() + 100ms, subscription->receive(1000)));
      } catch (const Error&) {
        break;
      }
      std::vector<Settle> settlements;
      for (const auto& signal : signals) {
        const auto& delivery = std::get<Delivery>(signal);
        subjects.push_back(delivery.message.envelope.subject);
        settlements.push_back({delivery.tag, Settlement::accepted});
      }
      node.run(subscription->settle(std::move(settlements)));
    }
    node.run(subscription->close());
    return subjects;
  }

  tests::SimulatedProcess process;
  RelaySettings settings;
  std::vector<std::unique_ptr<One>> relays;
};

TEST(Relay, MovesWhatIsCommittedWithoutWaitingForItsPoll) {
  Bench bench;
  bench.settings.poll = 24h;
  bench.settings.lease = 48h;
  auto& one = bench.add_relay();
  one.run();
  bench.run_for(1s);
  EXPECT_TRUE(one.relay.idle());

  bench.write(one, "a", "k");
  bench.write(one, "b", "k");
  bench.run_for(200ms);

  EXPECT_THAT(bench.take(), ElementsAre("a", "b"));
  EXPECT_EQ(bench.in_outbox(), 0);
  EXPECT_EQ(one.relay.status().published, 2U);
  EXPECT_TRUE(one.relay.idle());
}

TEST(Relay, PublishesNothingOfATransactionThatFailed) {
  Bench bench;
  auto& one = bench.add_relay();
  one.run();
  const auto envelope = bench.message("a", "k");
  EXPECT_THROW(bench.process.node().run(
                   bench.process.database().transaction([&](Transaction& tx) -> Task<void> {
                     co_await one.outbox.insert(tx, work, envelope);
                     throw Error(Condition::conflict, "no");
                   })),
               Error);
  bench.run_for(5s);

  EXPECT_THAT(bench.take(), IsEmpty());
}

TEST(Relay, PollsForWhatAnotherProcessWrote) {
  Bench bench;
  auto& one = bench.add_relay();
  one.run();
  bench.run_for(1s);
  store::Outbox elsewhere;
  const auto envelope = bench.message("a", "k");
  bench.process.node().run(bench.process.database().transaction(
      [&](Transaction& tx) -> Task<void> { co_await elsewhere.insert(tx, work, envelope); }));
  bench.run_for(2s);

  EXPECT_THAT(bench.take(), ElementsAre("a"));
}

TEST(Relay, LetsAnUnroutableKeyBlockOnlyItself) {
  Bench bench;
  auto& one = bench.add_relay();
  one.run();
  int tries = 0;
  one.broker.before_publish = [&](const auto& messages) -> Task<void> {
    for (const auto& message : messages)
      tries += message.envelope.subject == "a" ? 1 : 0;
    co_return;
  };
  const Destination later{DestinationKind::queue, "later"};
  bench.write(one, "a", "blocked", later);
  bench.write(one, "b", "blocked", later);
  bench.write(one, "c", "blocked", work);
  bench.write(one, "x", "free");
  bench.run_for(1min);

  EXPECT_THAT(bench.take(), ElementsAre("x")) << "c is of the blocked key";
  EXPECT_EQ(one.relay.status().blocked_keys, 1U);
  EXPECT_EQ(one.relay.status().last_error, "") << "the relay itself works";
  EXPECT_THAT(tries, testing::AllOf(Ge(11), Le(14))) << "after 100 ms, 200 ms, ... 10 s";

  bench.declare("later");
  bench.run_for(11s);
  EXPECT_THAT(bench.take("later"), ElementsAre("a", "b"));
  EXPECT_THAT(bench.take(), ElementsAre("c"));
  EXPECT_EQ(one.relay.status().blocked_keys, 0U);
}

TEST(Relay, DropsWhatHasExpiredWhenItsQueueIsGone) {
  Bench bench;
  auto& one = bench.add_relay();
  event::Envelope answer = bench.message("answer", "k");
  event::expire_after(answer, bench.process.node().wall_now(), 5s);
  bench.write(one, answer, {DestinationKind::queue, "gone"});
  bench.write(one, "later", "k");

  one.run();
  bench.run_for(3s);
  const auto before = bench.in_outbox();
  bench.run_for(20s);

  EXPECT_EQ(before, 2) << "the queue may come back";
  EXPECT_EQ(bench.in_outbox(), 0);
  EXPECT_EQ(one.relay.status().expired, 1U);
  EXPECT_THAT(bench.take(), ElementsAre("later"));
}

// The pages of a pass are read while the one before is published, and a slow publish outlasts the
// pause of a refused key.
TEST(Relay, LetsNoMessageOvertakeARefusedOneOfItsKeyInALaterPage) {
  Bench bench;
  bench.settings.batch = 2;
  auto& one = bench.add_relay();
  one.broker.before_publish = [](const auto&) -> Task<void> { co_await async::sleep_for(250ms); };
  bench.write(one, "refused", "k", {DestinationKind::queue, "late"});
  const auto keys = bench.keys_beside("k", 16);
  for (int i = 0; i < 8; ++i) {
    for (int other = 0; other < 2; ++other)
      bench.write(one, "other", keys[static_cast<std::size_t>(2 * i + other)]);
    bench.write(one, "behind" + std::to_string(i), "k");
  }

  one.run();
  bench.run_for(20s);
  const auto before = bench.take();
  bench.declare("late");
  bench.run_for(40s);

  EXPECT_THAT(before, SizeIs(16U));
  EXPECT_THAT(before, Each("other"));
  EXPECT_THAT(bench.take("late"), ElementsAre("refused"));
  EXPECT_THAT(bench.take(), ElementsAre("behind0", "behind1", "behind2", "behind3", "behind4",
                                        "behind5", "behind6", "behind7"));
  EXPECT_EQ(bench.in_outbox(), 0);
}

TEST(Relay, BacksOffWhileTheBrokerIsAwayHoweverMuchIsWritten) {
  Bench bench;
  auto& one = bench.add_relay();
  one.run();
  bool away = true;
  int tries = 0;
  one.broker.before_publish = [&](const auto&) -> Task<void> {
    ++tries;
    if (away) throw Error(Condition::unavailable, "no broker");
    co_return;
  };
  for (int i = 0; i < 300; ++i) {
    bench.write(one, std::to_string(i), "k");
    bench.run_for(100ms);
  }

  EXPECT_EQ(one.relay.status().last_error, "no broker");
  EXPECT_THAT(tries, Le(12)) << "after 100 ms, 200 ms, ... 10 s";
  EXPECT_FALSE(one.relay.idle());

  away = false;
  bench.run_for(11s);
  EXPECT_THAT(bench.take(), SizeIs(300U));
  EXPECT_EQ(one.relay.status().last_error, "");
}

TEST(Relay, BacksOffWhileTheBrokerIsAwayThoughAKeyIsBlocked) {
  Bench bench;
  auto& one = bench.add_relay();
  one.run();
  bool away = false;
  int tries = 0;
  one.broker.before_publish = [&](const auto&) -> Task<void> {
    ++tries;
    if (away) throw Error(Condition::unavailable, "no broker");
    co_return;
  };
  bench.write(one, "a", "blocked", {DestinationKind::queue, "nowhere"});
  bench.run_for(1s);
  away = true;
  tries = 0;
  bench.write(one, "x", "free");
  bench.run_for(1min);

  EXPECT_THAT(tries, Le(15));
}

TEST(Relay, RestsWhenTheRowsOfABlockedKeyAreGone) {
  Bench bench;
  auto& one = bench.add_relay();
  one.run();
  bench.write(one, "a", "blocked", {DestinationKind::queue, "nowhere"});
  bench.run_for(1s);
  bench.process.node().run(bench.process.database().transaction(
      [](Transaction& tx) -> Task<void> { co_await tx.execute("DELETE FROM outbox"); }));
  bench.run_for(10s);
  one.database.reads = 0;
  bench.run_for(1min);

  EXPECT_THAT(one.database.reads, Le(70)) << "one a poll";
  EXPECT_EQ(one.relay.status().blocked_keys, 0U);
  EXPECT_TRUE(one.relay.idle());
}

TEST(Relay, PublishesAgainWhatTheBrokerMayHave) {
  Bench bench;
  auto& one = bench.add_relay();
  int losses = 1;
  one.broker.after_publish = [&](auto&) -> Task<void> {
    if (losses-- > 0) throw Error(Condition::unavailable, "no confirm", Applied::unknown);
    co_return;
  };
  bench.write(one, "a", "k");
  bench.write(one, "b", "k");
  one.run();
  bench.run_for(5s);

  EXPECT_THAT(bench.take(), ElementsAre("a", "b", "a", "b")) << "the inbox takes each once";
  EXPECT_EQ(bench.in_outbox(), 0);
}

TEST(Relay, PublishesAgainASingleMessageWhoseConfirmIsUnknown) {
  Bench bench;
  auto& one = bench.add_relay();
  int losses = 1;
  one.broker.after_publish = [&](auto& confirms) -> Task<void> {
    if (losses-- > 0) confirms.at(0) = Confirm::unknown;
    co_return;
  };
  bench.write(one, "a", "k");
  one.run();
  bench.run_for(5s);

  EXPECT_THAT(bench.take(), ElementsAre("a", "a"));
  EXPECT_EQ(bench.in_outbox(), 0);
}

TEST(Relay, DoesNotTrustABrokerThatConfirmsAnotherNumber) {
  Bench bench;
  auto& one = bench.add_relay();
  int lies = 1;
  one.broker.after_publish = [&](auto& confirms) -> Task<void> {
    if (lies-- > 0) confirms.pop_back();
    co_return;
  };
  bench.write(one, "a", "k");
  bench.write(one, "b", "k");
  one.run();
  bench.run_for(5s);

  EXPECT_EQ(bench.in_outbox(), 0);
  EXPECT_THAT(bench.take(), ElementsAre("a", "b", "a", "b"));
}

TEST(Relay, PublishesAgainWhenTheMarkMayNotBeThere) {
  for (const bool applied : {true, false}) {
    Bench bench;
    auto& one = bench.add_relay();
    int first = 1;
    one.broker.after_publish = [&](auto&) -> Task<void> {
      if (first-- > 0) (applied ? one.database.losing_answers : one.database.failing) = 1;
      co_return;
    };
    bench.write(one, "a", "k");
    one.run();
    bench.run_for(5s);

    EXPECT_THAT(bench.take(), SizeIs(applied ? 1U : 2U));
    EXPECT_EQ(bench.in_outbox(), 0);
  }
}

// The first arrivals of each key ascend, and all arrive.
void expect_order(const std::vector<std::string>& arrived, int keys, int each) {
  std::map<char, std::string> firsts;
  for (const auto& subject : arrived) {
    auto& first = firsts[subject[0]];
    if (first.find(subject[1]) == std::string::npos) first += subject[1];
  }
  std::string all;
  for (int i = 0; i < each; ++i)
    all += static_cast<char>('a' + i);
  EXPECT_THAT(firsts, SizeIs(static_cast<std::size_t>(keys)));
  for (const auto& [key, order] : firsts)
    EXPECT_EQ(order, all) << "key " << key;
}

// Each publish may take longer than the lease, and the database may fail: then the other relay
// takes over in the middle.
TEST(Relay, KeepsTheOrderOfAKeyWhileTwoRelaysTakeOverFromEachOther) {
  tests::for_seeds(30, [](std::uint64_t seed) {
    Bench bench(seed);
    bench.settings.lease = 1s;
    bench.settings.batch = 1 + seed % 5;
    for (int i = 0; i < 2; ++i) {
      auto& one = bench.add_relay();
      one.broker.before_publish = [&bench](const auto&) -> Task<void> {
        if (bench.process.world().random().chance(0.2)) co_await async::sleep_for(1500ms);
      };
      one.broker.after_publish = [&bench, &one](auto&) -> Task<void> {
        if (bench.process.world().random().chance(0.1)) one.database.failing = 1;
        if (bench.process.world().random().chance(0.1)) co_await async::sleep_for(1500ms);
      };
      one.run();
    }
    for (int i = 0; i < 12; ++i) {
      for (int key = 0; key < 4; ++key) {
        const std::string name(1, static_cast<char>('A' + key));
        bench.write(*bench.relays[static_cast<std::size_t>(i % 2)],
                    name + static_cast<char>('a' + i), name);
      }
      bench.run_for(std::chrono::milliseconds(bench.process.world().random().below(300)));
    }
    bench.run_for(2min);

    EXPECT_EQ(bench.in_outbox(), 0);
    expect_order(bench.take(), 4, 12);
  });
}

// As in a host that runs several for one context: each takes its share, whoever writes wakes all.
TEST(Relay, SharesTheKeysWithOthersAndKeepsTheirOrder) {
  tests::for_seeds(20, [](std::uint64_t seed) {
    Bench bench(seed);
    constexpr int count = 3;
    bench.settings.partitions = share_of(count);
    bench.settings.batch = 1 + seed % 4;
    for (int i = 0; i < count; ++i) {
      auto& one = bench.add_relay();
      one.broker.after_publish = [&bench, &one](auto&) -> Task<void> {
        if (bench.process.world().random().chance(0.1)) one.database.failing = 1;
        co_await async::sleep_for(
            std::chrono::milliseconds(bench.process.world().random().below(20)));
      };
      one.run();
    }
    constexpr int keys = 16;
    for (int i = 0; i < 8; ++i) {
      for (int key = 0; key < keys; ++key) {
        const std::string name(1, static_cast<char>('A' + key));
        bench.write(*bench.relays[static_cast<std::size_t>(i % count)],
                    name + static_cast<char>('a' + i), name);
      }
    }
    bench.run_for(1min);

    EXPECT_EQ(bench.in_outbox(), 0);
    for (const auto& one : bench.relays)
      EXPECT_GT(one->relay.status().published, 0U) << "one had nothing to do";
    expect_order(bench.take(), keys, 8);
  });
}

TEST(Relay, MarksNothingUnderALeaseThatItLost) {
  Bench bench;
  bench.settings.lease = 10s;
  auto& slow = bench.add_relay();
  auto& other = bench.add_relay();
  bool first = true;
  slow.broker.after_publish = [&](auto&) -> Task<void> {
    if (!std::exchange(first, false)) co_return;
    co_await async::sleep_for(14s);
  };
  // So that the other one has the lease, but has published nothing when the slow one marks.
  other.broker.before_publish = [&](const auto&) -> Task<void> { co_await async::sleep_for(9s); };
  bench.write(slow, "a", "k");
  slow.run();
  bench.run_for(500ms);
  other.run();
  bench.run_for(16s);

  EXPECT_EQ(bench.in_outbox(), 1) << "the row is the other one's to delete";
  bench.run_for(30s);
  EXPECT_EQ(bench.in_outbox(), 0);
}

// The clock of another host runs fast, say: it took the lease before this one knows.
TEST(Relay, AsksForItsLeasesWhenOneIsLost) {
  Bench bench;
  bench.settings.lease = 1min;
  auto& one = bench.add_relay();
  int publishes = 0;
  one.broker.after_publish = [&](auto&) -> Task<void> {
    if (++publishes > 1) co_return;
    const Uuid other = bench.process.node().new_id();
    const Timestamp until = bench.process.node().wall_now() + 10min;
    co_await bench.process.database().transaction([&](Transaction& tx) -> Task<void> {
      co_await tx.execute("UPDATE outbox_keys SET owner = ?, epoch = epoch + 1, lease_until = ?",
                          {other, until});
    });
  };
  bench.write(one, "a", "k");
  one.run();
  bench.run_for(10s);

  EXPECT_EQ(publishes, 1);
  EXPECT_EQ(bench.in_outbox(), 1);
}

TEST(Relay, GivesItsLeasesBackWhenItEnds) {
  Bench bench;
  bench.settings.lease = 5min;
  auto& first = bench.add_relay();
  auto& second = bench.add_relay();
  first.run();
  bench.run_for(1s);
  second.run();
  bench.run_for(1s);
  bench.stop(first);
  bench.write(second, "a", "k");
  bench.run_for(101s);

  EXPECT_THAT(bench.take(), ElementsAre("a")) << "after a third of the lease at the latest";
}

TEST(Relay, TakesBackWhatItsNameHeldBeforeItWasKilled) {
  Bench bench;
  bench.settings.lease = 5min;
  bench.settings.name = "sales at main";
  auto& killed = bench.add_relay();
  killed.broker.after_publish = [](auto&) -> Task<void> { co_await async::sleep_for(10s); };
  bench.write(killed, "a", "k");
  killed.run();
  bench.run_for(1s);
  auto& again = bench.add_relay();
  again.run();
  bench.run_for(1s);

  EXPECT_EQ(bench.in_outbox(), 0) << "the leases were waited for";
  EXPECT_THAT(bench.take(), ElementsAre("a", "a")) << "the confirm of the first had not arrived";
}

TEST(Relay, MakesRoomForWritersThatAFullOutboxRefused) {
  Bench bench;
  auto& one = bench.add_relay(10);
  for (int i = 0; i < 10; ++i)
    bench.write(one, std::to_string(i), "k");
  try {
    bench.write(one, "too many", "k");
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::exhausted);
  }

  one.run();
  bench.run_for(1s);

  bench.write(one, "fits", "k");
  bench.run_for(1s);
  EXPECT_THAT(bench.take(), SizeIs(11U));
}

}  // namespace
}  // namespace sinew::messaging
