#include "tests/conformance/broker_queue_suite.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "sinew/async/wait.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::conformance {
namespace {

using messaging::Confirm;
using messaging::Settlement;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

constexpr Duration short_lease = std::chrono::seconds(1);

}  // namespace

void BrokerQueueConformance::SetUp() {
  BrokerConformance::SetUp();
  if (!features().queues) GTEST_SKIP() << "no queues";
  name_ = fresh("work");
}

Task<void> BrokerQueueConformance::declare(bool ordered, std::int64_t max_messages) {
  co_await broker().declare({.queues = {{name_, ordered, max_messages}}, .topics = {}});
}

Task<BrokerConformance::Subscription> BrokerQueueConformance::consumer(std::int32_t prefetch,
                                                                       Duration lease) {
  messaging::SubscribeOptions options;
  options.source = queue(name_);
  options.prefetch = prefetch;
  options.lease = lease;
  co_return co_await subscribe(std::move(options));
}

TEST_P(BrokerQueueConformance, DeliversWhatWasPublished) {
  run([this]() -> Task<void> {
    co_await declare();
    messaging::Message sent = message("order-1", "a");
    sent.envelope.version = 3;
    sent.envelope.reply_to = "answers";
    sent.envelope.lineage = {runtime().new_id(), runtime().new_id(), "00-11-22-01", 4};
    sent.envelope.extensions["tenant"] = "acme";
    sent.envelope.data = SharedBytes(std::string(100'000, '\x01'));
    co_await publish({sent});
    auto subscription = co_await consumer();

    const Deliveries deliveries = co_await receive(*subscription, 1);

    EXPECT_THAT(deliveries, SizeIs(1));
    EXPECT_EQ(deliveries.at(0).message.envelope, sent.envelope);
    EXPECT_EQ(deliveries.at(0).message.destination, sent.destination);
    EXPECT_EQ(deliveries.at(0).delivery_count, 1);
    co_await accept(*subscription, deliveries);
    co_await subscription->close();
  });
}

TEST_P(BrokerQueueConformance, ConfirmsEachMessageInOrder) {
  run([this]() -> Task<void> {
    co_await declare();
    messaging::Message large = message("large", "c");
    large.envelope.data = SharedBytes(std::string(event::Envelope::max_data_bytes + 1, 'x'));
    std::vector<messaging::Message> messages;
    messages.push_back(message("1", "a"));
    messages.push_back(to(queue(fresh("nowhere")), "2", "b"));
    messages.push_back(large);
    messages.push_back(message("3", "d"));

    const Confirms confirms = co_await broker().publish(messages);

    EXPECT_THAT(confirms, ElementsAre(Confirm::accepted, Confirm::unroutable, Confirm::rejected,
                                      Confirm::accepted));
    EXPECT_THAT(co_await broker().publish({}), IsEmpty());
  });
}

TEST_P(BrokerQueueConformance, AcceptsNothingOfAKeyBehindARefusedOne) {
  run([this]() -> Task<void> {
    co_await declare();
    std::vector<messaging::Message> messages;
    messages.push_back(message("1", "a"));
    messages.push_back(to(queue(fresh("nowhere")), "1", "b"));
    messages.push_back(message("1", "c"));
    messages.push_back(message("2", "d"));

    const Confirms confirms = co_await broker().publish(messages);

    EXPECT_EQ(confirms.at(0), Confirm::accepted);
    EXPECT_EQ(confirms.at(1), Confirm::unroutable);
    EXPECT_NE(confirms.at(2), Confirm::accepted);
    EXPECT_EQ(confirms.at(3), Confirm::accepted);
  });
}

TEST_P(BrokerQueueConformance, RefusesAnEnvelopeThatIsNone) {
  run([this] { return declare(); });
  messaging::Message broken = message("1", "a");
  broken.envelope.source.clear();

  EXPECT_EQ(condition_of([&]() -> Task<void> { co_await broker().publish({broken}); }),
            Condition::invalid_input);
}

TEST_P(BrokerQueueConformance, KeepsTheOrderOfAKeyAndBlocksNoOther) {
  if (!features().ordered_queues) GTEST_SKIP() << "no ordered queues";
  run([this]() -> Task<void> {
    co_await declare();
    co_await publish({message("x", "x1"), message("x", "x2"), message("y", "y1"),
                      message("y", "y2"), message("", "free1"), message("", "free2")});
    auto subscription = co_await consumer();

    const Deliveries first = co_await receive(*subscription, 10);
    EXPECT_THAT(subjects(first), ElementsAre("x1", "y1", "free1", "free2"));
    co_await accept(*subscription, {first.at(1)});
    EXPECT_THAT(subjects(co_await receive(*subscription, 10)), ElementsAre("y2"));
    co_await accept(*subscription, {first.at(0)});
    EXPECT_THAT(subjects(co_await receive(*subscription, 10)), ElementsAre("x2"));
    co_await subscription->close();
  });
}

TEST_P(BrokerQueueConformance, CompetesWithoutOrderWhereNoneIsAskedFor) {
  run([this]() -> Task<void> {
    co_await declare(false);
    co_await publish({message("x", "1"), message("x", "2"), message("x", "3")});
    auto subscription = co_await consumer();

    EXPECT_THAT(co_await receive(*subscription, 3), SizeIs(3));
    co_await subscription->close();
  });
}

TEST_P(BrokerQueueConformance, GivesAMessageToOneOfTheCompetingConsumers) {
  run([this]() -> Task<void> {
    co_await declare();
    auto one = co_await consumer();
    auto two = co_await consumer();
    std::vector<messaging::Message> messages;
    for (int i = 0; i < 20; ++i)
      messages.push_back(message("", std::to_string(i)));
    co_await publish(std::move(messages));

    const Deliveries first = co_await receive(*one, 10);
    const Deliveries second = co_await receive(*two, 10);

    std::vector<std::string> all = subjects(first);
    std::ranges::copy(subjects(second), std::back_inserter(all));
    std::ranges::sort(all);
    EXPECT_THAT(all, SizeIs(20));
    EXPECT_TRUE(std::ranges::adjacent_find(all) == all.end());
    co_await one->close();
    co_await two->close();
  });
}

TEST_P(BrokerQueueConformance, HandsOutNoMoreThanThePrefetch) {
  run([this]() -> Task<void> {
    co_await declare();
    std::vector<messaging::Message> messages;
    for (int i = 0; i < 5; ++i)
      messages.push_back(message("", std::to_string(i)));
    co_await publish(std::move(messages));
    auto subscription = co_await consumer(3);

    Deliveries held = co_await receive(*subscription, 5);
    EXPECT_THAT(held, SizeIs(3));
    held.resize(1);
    co_await accept(*subscription, held);
    EXPECT_THAT(co_await receive(*subscription, 5), SizeIs(1));
    co_await subscription->close();
  });
}

TEST_P(BrokerQueueConformance, GivesAReturnedMessageToSomeoneAgain) {
  run([this]() -> Task<void> {
    co_await declare();
    co_await publish({message("x", "1"), message("x", "2")});
    auto subscription = co_await consumer();
    const Deliveries first = co_await receive(*subscription, 1);

    co_await subscription->settle({{first.at(0).tag, Settlement::returned}});

    const Deliveries again = co_await receive(*subscription, 1);
    EXPECT_THAT(subjects(again), ElementsAre("1"));
    if (features().counts_deliveries) EXPECT_EQ(again.at(0).delivery_count, 1);
    co_await subscription->close();
  });
}

TEST_P(BrokerQueueConformance, AClosedSubscriptionReturnsWhatItHolds) {
  run([this]() -> Task<void> {
    co_await declare();
    co_await publish({message("x", "1")});
    auto one = co_await consumer();
    co_await receive(*one, 1);

    co_await one->close();

    auto two = co_await consumer();
    const Deliveries again = co_await receive(*two, 1);
    EXPECT_THAT(subjects(again), ElementsAre("1"));
    EXPECT_THAT(co_await one->receive(1), IsEmpty());
    co_await one->close();
    co_await two->close();
  });
}

TEST_P(BrokerQueueConformance, ADroppedSubscriptionReturnsWhatItHolds) {
  run([this]() -> Task<void> {
    co_await declare();
    co_await publish({message("x", "1")});
    auto one = co_await consumer();
    co_await receive(*one, 1);
    auto two = co_await consumer();

    one.reset();

    const Deliveries again = co_await receive(*two, 1);
    EXPECT_THAT(subjects(again), ElementsAre("1"));
    if (features().counts_deliveries) EXPECT_EQ(again.at(0).delivery_count, 2);
    co_await two->close();
  });
}

TEST_P(BrokerQueueConformance, AnExpiredLeaseRedeliversAndFences) {
  if (!features().leases) GTEST_SKIP() << "no leases";
  run([this]() -> Task<void> {
    co_await declare();
    co_await publish({message("x", "1"), message("", "2")});
    auto slow = co_await consumer(10, short_lease);
    const Deliveries held = co_await receive(*slow, 2);
    auto other = co_await consumer(1, std::chrono::seconds(60));

    const Deliveries again = co_await receive(*other, 1, 3 * short_lease);

    EXPECT_THAT(subjects(again), ElementsAre("1"));
    if (features().counts_deliveries) EXPECT_EQ(again.at(0).delivery_count, 2);
    co_await expect_fenced(*slow, held);
    co_await accept(*other, again);
    co_await slow->close();
    co_await other->close();
  });
}

TEST_P(BrokerQueueConformance, AnExpiredLeaseFencesWhoHoldsTheMessageAgain) {
  if (!features().leases) GTEST_SKIP() << "no leases";
  run([this]() -> Task<void> {
    co_await declare();
    co_await publish({message("x", "1"), message("x", "2")});
    auto slow = co_await consumer(10, short_lease);
    const Deliveries held = co_await receive(*slow, 1);

    const Deliveries again = co_await receive(*slow, 1, 3 * short_lease);

    EXPECT_THAT(subjects(again), ElementsAre("1"));
    co_await expect_fenced(*slow, held);
    EXPECT_THAT(co_await receive(*slow, 1, short_lease / 2), IsEmpty());
    co_await accept(*slow, again);
    EXPECT_THAT(subjects(co_await receive(*slow, 1)), ElementsAre("2"));
    co_await slow->close();
  });
}

TEST_P(BrokerQueueConformance, ARenewedLeaseHolds) {
  if (!features().leases) GTEST_SKIP() << "no leases";
  run([this]() -> Task<void> {
    co_await declare();
    co_await publish({message("x", "1")});
    auto slow = co_await consumer(10, short_lease);
    const Deliveries held = co_await receive(*slow, 1);
    auto other = co_await consumer();

    for (int i = 0; i < 6; ++i) {
      EXPECT_THAT(co_await receive(*other, 1, short_lease / 2), IsEmpty());
      co_await slow->renew();
    }

    co_await accept(*slow, held);
    co_await slow->close();
    co_await other->close();
  });
}

TEST_P(BrokerQueueConformance, ClosingEndsAPendingReceive) {
  run([this]() -> Task<void> {
    co_await declare();
    auto subscription = co_await consumer();
    async::Scope scope(co_await async::this_context());
    bool ended = false;
    const auto wait = [&]() -> Task<void> {
      const auto signals = co_await subscription->receive(10);
      EXPECT_THAT(signals, IsEmpty());
      ended = true;
    };
    scope.spawn(wait());
    co_await async::sleep_for(std::chrono::milliseconds(100));
    EXPECT_FALSE(ended);

    co_await subscription->close();

    co_await scope.join();
    EXPECT_TRUE(ended);
  });
}

TEST_P(BrokerQueueConformance, AReceiveThatGaveUpLosesNothing) {
  tests::for_seeds(50, [this](std::uint64_t seed) {
    use_seed(seed);
    name_ = fresh("work");
    run([this]() -> Task<void> {
      co_await declare();
      auto subscription = co_await consumer();
      async::Scope scope(co_await async::this_context());
      const auto publish_later = [this]() -> Task<void> {
        co_await async::sleep_for(std::chrono::microseconds(runtime().random() % 10'000));
        co_await publish({message("x", "1")});
      };
      scope.spawn(publish_later());
      Deliveries got;
      for (int i = 0; i < 40 && got.empty(); ++i)
        got = co_await receive(*subscription, 1, std::chrono::microseconds(1 + 100 * i));
      co_await scope.join();

      if (got.empty()) got = co_await receive(*subscription, 1);

      EXPECT_THAT(subjects(got), ElementsAre("1"));
      co_await accept(*subscription, got);
      co_await subscription->close();
    });
  });
}

TEST_P(BrokerQueueConformance, ACancelledReceiveLosesNothing) {
  run([this]() -> Task<void> {
    co_await declare();
    auto subscription = co_await consumer();
    async::Scope scope(co_await async::this_context());
    const auto wait = [&]() -> Task<void> { co_await subscription->receive(10); };
    scope.spawn(wait());
    co_await async::sleep_for(std::chrono::milliseconds(50));
    scope.cancel();
    co_await scope.join();

    co_await publish({message("x", "1")});

    EXPECT_THAT(subjects(co_await receive(*subscription, 1)), ElementsAre("1"));
    co_await subscription->close();
  });
}

TEST_P(BrokerQueueConformance, RefusesWhatItDoesNotKnowOrCannotDo) {
  run([this] { return declare(); });
  struct Row {
    const char* name;
    std::function<void(messaging::SubscribeOptions&)> adjust;
    Condition condition;
  };
  const Row rows[] = {
      {"unknown queue", [this](auto& options) { options.source.name = fresh("nowhere"); },
       Condition::not_found},
      {"no prefetch", [](auto& options) { options.prefetch = 0; }, Condition::invalid_input},
      {"prefetch", [](auto& options) { options.prefetch = 1001; }, Condition::invalid_input},
      {"short lease", [](auto& options) { options.lease = std::chrono::milliseconds(99); },
       Condition::invalid_input},
      {"long lease", [](auto& options) { options.lease = std::chrono::hours(13); },
       Condition::invalid_input},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    messaging::SubscribeOptions options;
    options.source = queue(name_);
    row.adjust(options);
    EXPECT_EQ(condition_of([&]() -> Task<void> { co_await broker().subscribe(options); }),
              row.condition);
  }
}

TEST_P(BrokerQueueConformance, DeclaringIsIdempotentAndReportsConflicts) {
  run([this] { return declare(); });
  run([this] { return declare(); });

  try {
    run([this] { return declare(false); });
    ADD_FAILURE() << "no conflict";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::conflict);
    EXPECT_THAT(error.detail(), testing::HasSubstr(name_));
  }
}

TEST_P(BrokerQueueConformance, RejectsWhatDoesNotFit) {
  if (!features().bounded_queues) GTEST_SKIP() << "no bounded queues";
  run([this]() -> Task<void> {
    co_await declare(true, 2);
    std::vector<messaging::Message> messages;
    for (const char* key : {"a", "b", "c", "a"})
      messages.push_back(message(key, key));

    EXPECT_THAT(
        co_await broker().publish(messages),
        ElementsAre(Confirm::accepted, Confirm::accepted, Confirm::rejected, Confirm::rejected));

    auto subscription = co_await consumer();
    co_await accept(*subscription, co_await receive(*subscription, 2));
    co_await publish({message("c", "c")});
    co_await subscription->close();
  });
}

TEST_P(BrokerQueueConformance, AcceptedMessagesSurviveACrash) {
  if (!features().durable) GTEST_SKIP() << "not durable";
  run([this]() -> Task<void> {
    co_await declare();
    co_await publish({message("x", "1"), message("x", "2"), message("", "3"), message("", "4")});
    auto subscription = co_await consumer();
    const Deliveries held = co_await receive(*subscription, 3);
    EXPECT_THAT(held, SizeIs(3));
    co_await accept(*subscription, {held.at(1)});
  });

  bench().crash();

  run([this]() -> Task<void> {
    co_await declare();
    auto subscription = co_await consumer();
    const Deliveries rest = co_await receive(*subscription, 2);
    EXPECT_THAT(subjects(rest), UnorderedElementsAre("1", "4"));
    co_await accept(*subscription, rest);
    EXPECT_THAT(subjects(co_await receive(*subscription, 2)), ElementsAre("2"));
    co_await subscription->close();
  });
}

// Consumers that hold, return, leave and are dropped, and a crash of everything now and then.
TEST_P(BrokerQueueConformance, LosesNothingAndKeepsTheOrderOfKeysInRandomTraffic) {
  std::uint64_t redelivered = 0;
  std::uint64_t fenced = 0;
  tests::for_seeds(60, [&](std::uint64_t seed) {
    use_seed(seed);
    name_ = fresh("work");
    run([this] { return declare(); });
    Traffic traffic({.destination = queue(name_), .group = ""});
    const int lives = features().durable ? 3 : 1;
    for (int life = 1; life <= lives; ++life) {
      for (int publisher = 0; publisher < 2; ++publisher)
        bench().spawn(traffic.publish(runtime(), broker(), publisher));
      for (int consumer = 0; consumer < 3; ++consumer)
        bench().spawn(traffic.consume(runtime(), broker()));
      bench().run_for(std::chrono::milliseconds(200 + runtime().random() % 800));
      if (life < lives) bench().crash();
    }
    traffic.calm = true;
    bench().run_for(std::chrono::seconds(30));

    EXPECT_TRUE(traffic.published_all());
    EXPECT_TRUE(traffic.done());
    EXPECT_THAT(traffic.violations(), IsEmpty());
    redelivered += traffic.redelivered();
    fenced += traffic.fenced();
  });
  EXPECT_GT(redelivered, 0U);
  if (features().leases) EXPECT_GT(fenced, 0U);
}

}  // namespace sinew::conformance
