#include "tests/conformance/broker_queue_time_suite.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "sinew/async/wait.hpp"
#include "sinew/messaging/dead_letter.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::conformance {
namespace {

using namespace std::chrono_literals;
using messaging::Confirm;
using messaging::QueueLife;
using messaging::QueueSpec;
using messaging::Settlement;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

}  // namespace

void BrokerQueueTimeConformance::SetUp() {
  BrokerConformance::SetUp();
  if (!features().queues || !features().timing) GTEST_SKIP() << "no time in queues";
  spec_ = {};
  spec_.name = fresh("timed");
  dead_ = fresh("dead");
}

messaging::Message BrokerQueueTimeConformance::delayed(std::string subject, Duration delay,
                                                       std::string key) {
  messaging::Message made = message(std::move(subject), std::move(key));
  event::delay_by(made.envelope, runtime().wall_now(), delay);
  return made;
}

messaging::Message BrokerQueueTimeConformance::expiring(std::string subject, Duration life,
                                                        std::string key) {
  messaging::Message made = message(std::move(subject), std::move(key));
  event::expire_after(made.envelope, runtime().wall_now(), life);
  return made;
}

Task<void> BrokerQueueTimeConformance::declare() {
  messaging::Topology topology;
  topology.queues.push_back(spec_);
  QueueSpec dead;
  dead.name = dead_;
  dead.ordered = false;
  if (!spec_.dead_letter.empty()) topology.queues.push_back(dead);
  co_await broker().declare(std::move(topology));
}

Task<BrokerConformance::Subscription> BrokerQueueTimeConformance::consumer(std::string name,
                                                                           std::int32_t prefetch) {
  messaging::SubscribeOptions options;
  options.source = queue(std::move(name));
  options.prefetch = prefetch;
  co_return co_await subscribe(std::move(options));
}

Task<BrokerConformance::Deliveries> BrokerQueueTimeConformance::drain(std::string name) {
  auto subscription = co_await consumer(std::move(name), 1000);
  const Deliveries all = co_await receive(*subscription, 1000, 500ms);
  co_await accept(*subscription, all);
  co_await subscription->close();
  co_return all;
}

TEST_P(BrokerQueueTimeConformance, ADelayedMessageIsNotDeliveredBeforeItIsDue) {
  run([this]() -> Task<void> {
    co_await declare();
    const Instant published = runtime().now();
    co_await publish({delayed("later", 10s), message("now")});
    auto subscription = co_await consumer(spec_.name);

    EXPECT_THAT(subjects(co_await receive(*subscription, 2, 9s)), ElementsAre("now"));
    const Deliveries due = co_await receive(*subscription, 1, 5s);

    EXPECT_THAT(subjects(due), ElementsAre("later"));
    EXPECT_GE(runtime().now() - published, 10s);
    EXPECT_LE(runtime().now() - published, 10100ms);
    co_await accept(*subscription, due);
    co_await subscription->close();
  });
}

TEST_P(BrokerQueueTimeConformance, ADelayedMessageTakesItsPlaceInItsKeyWhenItIsDue) {
  run([this]() -> Task<void> {
    co_await declare();
    co_await publish({delayed("reminder", 10s, "x"), message("1", "x"), message("2", "x")});
    auto subscription = co_await consumer(spec_.name);
    const Deliveries first = co_await receive(*subscription, 1, 1s);
    EXPECT_THAT(subjects(first), ElementsAre("1"));
    co_await async::sleep_for(15s);
    co_await publish({message("3", "x")});

    co_await accept(*subscription, first);

    std::vector<std::string> rest;
    for (int i = 0; i < 3; ++i) {
      const Deliveries next = co_await receive(*subscription, 1, 1s);
      co_await accept(*subscription, next);
      std::ranges::copy(subjects(next), std::back_inserter(rest));
    }
    EXPECT_THAT(rest, ElementsAre("2", "reminder", "3"));
    co_await subscription->close();
  });
}

TEST_P(BrokerQueueTimeConformance, DelayedMessagesCountForTheLengthOfTheQueue) {
  if (!features().bounded_queues) GTEST_SKIP() << "no bounded queues";
  spec_.max_messages = 2;
  run([this]() -> Task<void> {
    co_await declare();
    co_await publish({delayed("1", 10s), message("2")});

    EXPECT_THAT(co_await broker().publish({message("3")}), ElementsAre(Confirm::rejected));

    co_await async::sleep_for(11s);
    EXPECT_THAT(subjects(co_await drain(spec_.name)), UnorderedElementsAre("1", "2"));
    co_await publish({message("4"), delayed("5", 1s)});
  });
}

TEST_P(BrokerQueueTimeConformance, AnExpiredMessageIsDropped) {
  run([this]() -> Task<void> {
    co_await declare();
    co_await publish({expiring("stale", 1s, "x"), expiring("late", 1h, "x"), message("2", "x")});
    co_await async::sleep_for(2s);

    auto subscription = co_await consumer(spec_.name);
    const Deliveries first = co_await receive(*subscription, 1);
    EXPECT_THAT(subjects(first), ElementsAre("late"));
    co_await accept(*subscription, first);
    EXPECT_THAT(subjects(co_await receive(*subscription, 2, 1s)), ElementsAre("2"));
    co_await subscription->close();
  });
}

TEST_P(BrokerQueueTimeConformance, WhatNobodyTakesBecomesADeadLetter) {
  spec_.ttl = 5s;
  spec_.dead_letter = dead_;
  spec_.max_messages = 2;
  run([this]() -> Task<void> {
    co_await declare();
    messaging::Message own = expiring("own", 2s, "order-1");
    own.envelope.extensions["tenant"] = "acme";
    co_await publish({own, message("by queue", "order-2")});
    co_await async::sleep_for(6s);

    const Deliveries dead = co_await drain(dead_);

    EXPECT_THAT(subjects(dead), ElementsAre("own", "by queue"));
    const event::Envelope& letter = dead.at(0).message.envelope;
    EXPECT_EQ(letter.id, own.envelope.id);
    EXPECT_EQ(letter.ordering_key, "order-1");
    EXPECT_EQ(letter.data, own.envelope.data);
    const std::map<std::string, std::string> expected{
        {"tenant", "acme"},
        {messaging::dead_letter::reason, "expired"},
        {messaging::dead_letter::queue, spec_.name},
        {messaging::dead_letter::count, "1"},
        {messaging::dead_letter::expiry, own.envelope.extensions.at("expirytime")}};
    EXPECT_EQ(letter.extensions, expected);
    // There is room again.
    co_await publish({message("3"), message("4")});
  });
}

TEST_P(BrokerQueueTimeConformance, AMessageInWorkDoesNotExpire) {
  spec_.dead_letter = dead_;
  run([this]() -> Task<void> {
    co_await declare();
    co_await publish({expiring("kept", 1s), expiring("returned", 1s)});
    auto subscription = co_await consumer(spec_.name);
    const Deliveries held = co_await receive(*subscription, 2);
    EXPECT_THAT(held, SizeIs(2));
    co_await async::sleep_for(3s);
    EXPECT_THAT(co_await drain(dead_), IsEmpty());

    co_await accept(*subscription, {held.at(0)});
    co_await subscription->settle({{held.at(1).tag, Settlement::returned}});

    EXPECT_THAT(co_await receive(*subscription, 1, 3s), IsEmpty());
    EXPECT_THAT(subjects(co_await drain(dead_)), ElementsAre("returned"));
    co_await subscription->close();
  });
}

TEST_P(BrokerQueueTimeConformance, WaitsForRoomInTheDeadLetterQueue) {
  if (!features().bounded_queues) GTEST_SKIP() << "no bounded queues";
  spec_.dead_letter = dead_;
  run([this]() -> Task<void> {
    QueueSpec small;
    small.name = dead_;
    small.max_messages = 1;
    co_await broker().declare({.queues = {small, spec_}, .topics = {}});
    co_await publish({expiring("1", 1s), expiring("2", 1s), message("3")});
    co_await async::sleep_for(3s);

    EXPECT_THAT(subjects(co_await drain(spec_.name)), ElementsAre("3"));
    EXPECT_THAT(co_await drain(dead_), SizeIs(1));
    co_await async::sleep_for(3s);
    EXPECT_THAT(co_await drain(dead_), SizeIs(1));
  });
}

TEST_P(BrokerQueueTimeConformance, DelayAndExpirySurviveACrash) {
  if (!features().durable) GTEST_SKIP() << "not durable";
  spec_.dead_letter = dead_;
  run([this]() -> Task<void> {
    co_await declare();
    messaging::Message both = delayed("both", 20s);
    event::expire_after(both.envelope, runtime().wall_now(), 40s);
    co_await publish({delayed("later", 10s), expiring("stale", 10s), expiring("fresh", 1h), both});
  });

  bench().crash();

  run([this]() -> Task<void> {
    EXPECT_THAT(subjects(co_await drain(spec_.name)), UnorderedElementsAre("stale", "fresh"));
    co_await publish({expiring("stale", 5s)});
    co_await async::sleep_for(12s);
  });
  bench().crash();
  run([this]() -> Task<void> {
    EXPECT_THAT(subjects(co_await drain(spec_.name)), ElementsAre("later"));
    EXPECT_THAT(subjects(co_await drain(dead_)), ElementsAre("stale"));
    co_await async::sleep_for(30s);
    EXPECT_THAT(co_await drain(spec_.name), IsEmpty());
    EXPECT_THAT(subjects(co_await drain(dead_)), ElementsAre("both"));
  });
}

TEST_P(BrokerQueueTimeConformance, AJumpOfTheWallClockMovesNothing) {
  for (const auto jump : {-8760h, 8760h}) {
    SCOPED_TRACE(jump.count());
    use_seed(1);
    spec_.name = fresh("timed");
    run([this, jump]() -> Task<void> {
      co_await declare();
      co_await publish({delayed("later", 10s), expiring("short", 10s), expiring("long", 30s)});

      bench().shift_wall(jump);
      co_await publish({delayed("after", 10s), expiring("fresh", 30s)});
      co_await async::sleep_for(5s);
      auto subscription = co_await consumer(spec_.name, 1);
      const Deliveries held = co_await receive(*subscription, 1, 1s);
      EXPECT_THAT(subjects(held), ElementsAre("short"));
      co_await accept(*subscription, held);
      co_await subscription->close();

      co_await async::sleep_for(6s);
      EXPECT_THAT(subjects(co_await drain(spec_.name)),
                  UnorderedElementsAre("later", "long", "after", "fresh"));
    });
  }
}

TEST_P(BrokerQueueTimeConformance, AClockThatWentBackOverARestartHoldsForTheDelayOnceMore) {
  if (!features().durable) GTEST_SKIP() << "not durable";
  spec_.dead_letter = dead_;
  run([this]() -> Task<void> {
    co_await declare();
    co_await publish({delayed("later", 10s), expiring("stale", 20s)});
    co_await async::sleep_for(5s);
  });

  bench().shift_wall(-8760h);
  bench().crash();

  run([this]() -> Task<void> {
    co_await async::sleep_for(11s);
    auto subscription = co_await consumer(spec_.name);
    const Deliveries held = co_await receive(*subscription, 2, 1s);
    EXPECT_THAT(subjects(held), UnorderedElementsAre("later", "stale"));
    co_await subscription->close();
    co_await async::sleep_for(20s);
    EXPECT_THAT(subjects(co_await drain(spec_.name)), ElementsAre("later"));
    EXPECT_THAT(subjects(co_await drain(dead_)), ElementsAre("stale"));
  });
}

TEST_P(BrokerQueueTimeConformance, AClockThatWentForwardOverARestartLosesNothing) {
  if (!features().durable) GTEST_SKIP() << "not durable";
  spec_.dead_letter = dead_;
  run([this]() -> Task<void> {
    co_await declare();
    co_await publish({delayed("later", 1h), expiring("stale", 1h), message("plain")});
  });

  bench().shift_wall(8760h);
  bench().crash();

  run([this]() -> Task<void> {
    co_await async::sleep_for(1s);
    EXPECT_THAT(subjects(co_await drain(spec_.name)), UnorderedElementsAre("later", "plain"));
    EXPECT_THAT(subjects(co_await drain(dead_)), ElementsAre("stale"));
  });
}

TEST_P(BrokerQueueTimeConformance, RefusesMessagesWhoseTimesCannotBeKept) {
  run([this] { return declare(); });
  messaging::Message broken = message("broken");
  broken.envelope.extensions["expirytime"] = "soon";
  messaging::Message never = delayed("never", 10s);
  event::expire_after(never.envelope, runtime().wall_now(), 5s);
  messaging::Message urgent = message("urgent");
  urgent.envelope.extensions["priority"] = "9";

  for (const messaging::Message& bad : {broken, never, urgent}) {
    SCOPED_TRACE(bad.envelope.subject);
    EXPECT_EQ(condition_of([&]() -> Task<void> { co_await broker().publish({bad}); }),
              Condition::invalid_input);
  }
}

TEST_P(BrokerQueueTimeConformance, RefusesQueuesThatContradictThemselves) {
  QueueSpec passing;
  passing.name = fresh("passing");
  passing.life = QueueLife::auto_delete;
  run([&]() -> Task<void> { co_await broker().declare({.queues = {passing}, .topics = {}}); });
  const auto spec = [this](std::optional<Duration> ttl, std::string dead_letter) {
    QueueSpec made;
    made.name = spec_.name;
    made.ttl = ttl;
    made.dead_letter = std::move(dead_letter);
    return made;
  };
  QueueSpec back;
  back.name = dead_;
  back.dead_letter = spec_.name;
  struct Row {
    const char* name;
    std::vector<QueueSpec> queues;
  };
  const Row rows[] = {
      {"no life", {spec(0s, "")}},
      {"negative life", {spec(-1s, "")}},
      {"endless life", {spec(Duration::max(), "")}},
      {"unknown dead-letter queue", {spec({}, fresh("nowhere"))}},
      {"its own", {spec({}, spec_.name)}},
      {"in a circle", {spec({}, dead_), back}},
      {"a passing one", {spec({}, passing.name)}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(condition_of([&]() -> Task<void> {
                co_await broker().declare({.queues = row.queues, .topics = {}});
              }),
              Condition::invalid_input);
  }
  // Nothing of it was declared.
  EXPECT_EQ(condition_of([this]() -> Task<void> { co_await consumer(spec_.name); }),
            Condition::not_found);
}

TEST_P(BrokerQueueTimeConformance, SaysAllThatIsWrongAtOnce) {
  spec_.ttl = -1s;
  spec_.max_messages = 0;
  spec_.dead_letter = fresh("nowhere");
  try {
    run([this]() -> Task<void> { co_await broker().declare({.queues = {spec_}, .topics = {}}); });
    ADD_FAILURE() << "declared";
  } catch (const Error& error) {
    EXPECT_THAT(error.detail(), testing::AllOf(testing::HasSubstr("ttl of -1000 ms"),
                                               testing::HasSubstr("max_messages=0"),
                                               testing::HasSubstr("is missing")));
  }
}

TEST_P(BrokerQueueTimeConformance, SettingsOfTimeBelongToTheQueue) {
  spec_.ttl = 5s;
  run([this] { return declare(); });
  run([this] { return declare(); });

  spec_.ttl = 6s;

  EXPECT_EQ(condition_of([this] { return declare(); }), Condition::conflict);
}

TEST_P(BrokerQueueTimeConformance, AnExclusiveQueueGoesWithItsSubscription) {
  if (!features().passing_queues) GTEST_SKIP() << "no passing queues";
  spec_.life = QueueLife::exclusive;
  for (const bool closed : {true, false}) {
    run([this, closed]() -> Task<void> {
      co_await declare();
      auto subscription = co_await consumer(spec_.name);
      co_await publish({message("1"), message("2"), delayed("3", 1s)});
      EXPECT_THAT(subjects(co_await receive(*subscription, 1)), ElementsAre("1"));

      if (closed) co_await subscription->close();
      subscription.reset();
      co_await async::sleep_for(2s);

      EXPECT_THAT(co_await broker().publish({message("4")}), ElementsAre(Confirm::unroutable));
      // Its messages went with it.
      co_await declare();
      EXPECT_THAT(co_await drain(spec_.name), IsEmpty());
    });
  }
}

TEST_P(BrokerQueueTimeConformance, AQueueThatHasGoneMayBeDeclaredAtOnce) {
  if (!features().passing_queues) GTEST_SKIP() << "no passing queues";
  spec_.life = QueueLife::exclusive;
  run([this]() -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      co_await declare();
      auto subscription = co_await consumer(spec_.name);
      co_await publish({message("1"), message("2")});
      EXPECT_THAT(subjects(co_await receive(*subscription, 1)), ElementsAre("1"));
      co_await subscription->close();
    }
    co_await declare();
    auto subscription = co_await consumer(spec_.name);
    co_await async::sleep_for(1s);
    co_await publish({message("3")});
    EXPECT_THAT(subjects(co_await receive(*subscription, 3, 1s)), ElementsAre("3"));
    co_await subscription->close();
  });
}

TEST_P(BrokerQueueTimeConformance, AnExclusiveQueueHasOneSubscription) {
  if (!features().passing_queues) GTEST_SKIP() << "no passing queues";
  spec_.life = QueueLife::exclusive;
  Subscription mine;
  run([&]() -> Task<void> {
    co_await declare();
    mine = co_await consumer(spec_.name);
  });

  EXPECT_EQ(condition_of([this]() -> Task<void> { co_await consumer(spec_.name); }),
            Condition::conflict);

  run([&]() -> Task<void> { co_await mine->close(); });
}

TEST_P(BrokerQueueTimeConformance, AnExclusiveQueueThatNobodyUsesGoes) {
  if (!features().passing_queues) GTEST_SKIP() << "no passing queues";
  spec_.life = QueueLife::exclusive;
  run([this]() -> Task<void> {
    co_await declare();
    co_await async::sleep_for(50s);
    co_await publish({message("1")});
    co_await async::sleep_for(11s);
    EXPECT_THAT(co_await broker().publish({message("2")}), ElementsAre(Confirm::unroutable));
  });
}

TEST_P(BrokerQueueTimeConformance, AnAutoDeleteQueueGoesWithItsLastSubscription) {
  if (!features().passing_queues) GTEST_SKIP() << "no passing queues";
  spec_.life = QueueLife::auto_delete;
  run([this]() -> Task<void> {
    co_await declare();
    co_await async::sleep_for(120s);
    auto one = co_await consumer(spec_.name);
    auto two = co_await consumer(spec_.name);
    co_await one->close();
    co_await publish({message("1")});
    EXPECT_THAT(subjects(co_await receive(*two, 1)), ElementsAre("1"));

    co_await two->close();

    EXPECT_THAT(co_await broker().publish({message("2")}), ElementsAre(Confirm::unroutable));
  });
}

TEST_P(BrokerQueueTimeConformance, PassingQueuesDoNotSurviveTheBroker) {
  if (!features().passing_queues) GTEST_SKIP() << "no passing queues";
  spec_.life = QueueLife::auto_delete;
  run([this]() -> Task<void> {
    co_await declare();
    std::vector<messaging::Message> messages;
    for (int i = 0; i < 900; ++i)
      messages.push_back(message("old"));
    co_await publish(messages);
    co_await publish(messages);
  });

  bench().crash();

  run([this]() -> Task<void> {
    EXPECT_THAT(co_await broker().publish({message("1")}), ElementsAre(Confirm::unroutable));
    co_await declare();
    co_await publish({message("new")});
    EXPECT_THAT(subjects(co_await drain(spec_.name)), ElementsAre("new"));
  });
}

// Messages with delays and lives at random, and crashes: each is delivered in its time or becomes a
// dead letter, none is lost.
TEST_P(BrokerQueueTimeConformance, LosesNothingAndKeepsTimesInRandomTraffic) {
  std::size_t delivered = 0;
  std::size_t died = 0;
  tests::for_seeds(40, [&](std::uint64_t seed) {
    use_seed(seed);
    spec_.name = fresh("timed");
    spec_.dead_letter = dead_ = fresh("dead");
    std::map<std::string, std::pair<Timestamp, Timestamp>> published;  // due, expires
    std::set<std::string> handled;
    const int lives = features().durable ? 3 : 1;
    for (int life = 0; life < lives; ++life) {
      run([&]() -> Task<void> {
        co_await declare();
        for (int i = 0; i < 10; ++i) {
          std::vector<messaging::Message> batch;
          for (int j = 0; j < 10; ++j) {
            const std::string name = std::to_string(published.size());
            const Timestamp now = runtime().wall_now();
            const Duration delay = std::chrono::milliseconds(runtime().random() % 4000);
            const Duration rest = std::chrono::milliseconds(1 + runtime().random() % 4000);
            messaging::Message made = delayed(name, delay, std::to_string(runtime().random() % 5));
            event::expire_after(made.envelope, now, delay + rest);
            published[name] = {now + std::chrono::floor<Timestamp::duration>(delay),
                               now + std::chrono::ceil<Timestamp::duration>(delay + rest)};
            batch.push_back(std::move(made));
          }
          co_await publish(std::move(batch));
          auto subscription = co_await consumer(spec_.name, 5);
          const Deliveries some = co_await receive(*subscription, 5, 100ms);
          for (const auto& delivery : some) {
            const auto& [due, expires] = published.at(delivery.message.envelope.subject);
            EXPECT_GE(runtime().wall_now(), due);
            EXPECT_LE(runtime().wall_now(), expires + 500ms);  // when the last of them came
            handled.insert(delivery.message.envelope.subject);
          }
          co_await accept(*subscription, some);
          co_await subscription->close();
        }
      });
      if (life + 1 < lives) bench().crash();
    }
    std::set<std::string> dead;
    run([&]() -> Task<void> {
      co_await async::sleep_for(20s);
      EXPECT_THAT(co_await drain(spec_.name), IsEmpty());
      for (const std::string& subject : subjects(co_await drain(dead_))) {
        EXPECT_TRUE(dead.insert(subject).second) << subject << " is a dead letter twice";
        EXPECT_FALSE(handled.contains(subject)) << subject << " was handled and died";
      }
    });
    EXPECT_EQ(handled.size() + dead.size(), published.size());
    delivered += handled.size();
    died += dead.size();
  });
  EXPECT_GT(delivered, 0U);
  EXPECT_GT(died, 0U);
}

}  // namespace sinew::conformance
