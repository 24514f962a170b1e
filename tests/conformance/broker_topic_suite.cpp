#include "tests/conformance/broker_topic_suite.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <variant>

#include "sinew/async/wait.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::conformance {
namespace {

using messaging::Delivery;
using messaging::Settlement;
using messaging::StartFrom;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// By key.
std::map<std::string, std::vector<std::string>> by_key(const std::vector<Delivery>& deliveries) {
  std::map<std::string, std::vector<std::string>> all;
  for (const Delivery& delivery : deliveries)
    all[delivery.message.envelope.ordering_key].push_back(delivery.message.envelope.subject);
  return all;
}

}  // namespace

void BrokerTopicConformance::SetUp() {
  BrokerConformance::SetUp();
  if (!features().topics) GTEST_SKIP() << "no topics";
  name_ = fresh("news");
}

Task<void> BrokerTopicConformance::declare(std::int32_t partitions,
                                           std::optional<messaging::Retention> retention) {
  co_await broker().declare({.queues = {}, .topics = {{name_, partitions, retention}}});
}

Task<BrokerConformance::Subscription> BrokerTopicConformance::member(std::string group,
                                                                     StartFrom start,
                                                                     Duration lease) {
  messaging::SubscribeOptions options;
  options.source = topic(name_);
  options.group = std::move(group);
  options.start = start;
  options.lease = lease;
  co_return co_await subscribe(std::move(options));
}

Task<void> BrokerTopicConformance::publish_keys(std::vector<std::string> keys, int count) {
  std::vector<messaging::Message> records;
  for (int i = 1; i <= count; ++i) {
    for (const std::string& key : keys)
      records.push_back(record(key, std::to_string(i)));
  }
  co_await publish(std::move(records));
}

Task<BrokerConformance::Deliveries> BrokerTopicConformance::all_records() {
  auto reader = co_await member(fresh("reader"));
  Deliveries all;
  for (;;) {
    Deliveries some = co_await receive(*reader, 50);
    if (some.empty()) break;
    co_await accept(*reader, some);
    std::ranges::move(some, std::back_inserter(all));
  }
  co_await reader->close();
  co_return all;
}

Task<std::vector<std::string>> BrokerTopicConformance::left() {
  co_return subjects(co_await all_records());
}

TEST_P(BrokerTopicConformance, GivesEveryRecordToEveryGroupInOrderOfItsKey) {
  run([this]() -> Task<void> {
    co_await declare();
    co_await publish_keys({"a", "b", "c", "d", "e"}, 3);

    for (const char* group : {"sales", "billing"}) {
      auto subscription = co_await member(group);
      const Deliveries deliveries = co_await receive(*subscription, 15);
      const auto records = by_key(deliveries);
      EXPECT_THAT(records, SizeIs(5));
      for (const auto& [key, numbers] : records)
        EXPECT_THAT(numbers, ElementsAre("1", "2", "3")) << key;
      co_await accept(*subscription, deliveries);
      co_await subscription->close();
    }
  });
}

TEST_P(BrokerTopicConformance, KeepsAKeyInOnePartitionWithAscendingPositions) {
  run([this]() -> Task<void> {
    co_await declare(8);
    co_await publish_keys({"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}, 5);
    auto subscription = co_await member("sales");

    const Deliveries deliveries = co_await receive(*subscription, 50);

    std::map<std::string, std::int32_t> partitions;
    std::map<std::int32_t, store::Checkpoint> positions;
    for (const Delivery& delivery : deliveries) {
      const auto& key = delivery.message.envelope.ordering_key;
      EXPECT_EQ(partitions.emplace(key, delivery.partition).first->second, delivery.partition);
      EXPECT_GE(delivery.partition, 0);
      EXPECT_LT(delivery.partition, 8);
      EXPECT_LT(positions[delivery.partition], delivery.position);
      positions[delivery.partition] = delivery.position;
    }
    EXPECT_THAT(deliveries, SizeIs(50));
    EXPECT_GT(positions.size(), 2U);
    co_await subscription->close();
  });
}

TEST_P(BrokerTopicConformance, RefusesARecordWithoutKey) {
  run([this] { return declare(); });

  EXPECT_EQ(condition_of([this]() -> Task<void> {
              std::vector<messaging::Message> records;
              records.push_back(record("a", "1"));
              records.push_back(record("", "2"));
              co_await broker().publish(std::move(records));
            }),
            Condition::invalid_input);
}

TEST_P(BrokerTopicConformance, RefusesWhatItDoesNotKnow) {
  run([this] { return declare(); });
  messaging::SubscribeOptions unknown;
  unknown.source = topic(fresh("nowhere"));
  unknown.group = "sales";
  messaging::SubscribeOptions without_group;
  without_group.source = topic(name_);

  EXPECT_EQ(condition_of([&]() -> Task<void> { co_await broker().subscribe(unknown); }),
            Condition::not_found);
  EXPECT_EQ(condition_of([&]() -> Task<void> { co_await broker().subscribe(without_group); }),
            Condition::invalid_input);
  EXPECT_EQ(condition_of([this]() -> Task<void> { co_await declare(5); }), Condition::conflict);
  EXPECT_EQ(condition_of([this]() -> Task<void> {
              co_await broker().declare({.queues = {}, .topics = {{fresh("many"), 257}}});
            }),
            Condition::invalid_input);
}

TEST_P(BrokerTopicConformance, ANewGroupBeginsWhereItWants) {
  run([this]() -> Task<void> {
    co_await declare();
    co_await publish_keys({"a"}, 2);
    auto early = co_await member("early", StartFrom::beginning);
    auto late = co_await member("late", StartFrom::end);
    co_await publish({record("a", "3")});

    EXPECT_THAT(subjects(co_await receive(*early, 3)), ElementsAre("1", "2", "3"));
    EXPECT_THAT(subjects(co_await receive(*late, 3)), ElementsAre("3"));
    co_await early->close();
    co_await late->close();
  });
}

TEST_P(BrokerTopicConformance, ANewGroupBeginsBehindTheGivenPositions) {
  messaging::SubscribeOptions options;
  options.source = topic(name_);
  options.group = "late";
  options.start = StartFrom::end;
  run([&]() -> Task<void> {
    co_await declare(8);
    co_await publish_keys({"a", "b"}, 3);
    auto reader = co_await member("reader");
    for (const Delivery& delivery : co_await receive(*reader, 6)) {
      const auto& envelope = delivery.message.envelope;
      if (envelope.ordering_key != "a" || envelope.subject != "1") continue;
      options.start_after[delivery.partition] = delivery.position;
    }
    co_await reader->close();

    auto late = co_await subscribe(options);
    co_await publish({record("b", "4")});
    const auto records = by_key(co_await receive(*late, 3));
    EXPECT_THAT(records.at("a"), ElementsAre("2", "3"));
    EXPECT_THAT(records.at("b"), ElementsAre("4")) << "another partition, from the end";
    co_await late->close();
  });

  const store::Checkpoint position = options.start_after.begin()->second;
  options.start_after = {{8, position}};
  EXPECT_EQ(condition_of([&]() -> Task<void> { co_await broker().subscribe(options); }),
            Condition::invalid_input);
}

TEST_P(BrokerTopicConformance, AGroupGoesOnBehindWhatItAcceptedWithoutAGap) {
  run([this]() -> Task<void> {
    co_await declare(1);
    co_await publish_keys({"a"}, 5);
    auto subscription = co_await member("sales");
    const Deliveries held = co_await receive(*subscription, 5);
    co_await accept(*subscription, {held.at(0), held.at(1), held.at(3)});
    co_await subscription->close();
    subscription.reset();
  });

  if (features().durable) bench().crash();

  run([this]() -> Task<void> {
    auto subscription = co_await member("sales", StartFrom::end);
    const Deliveries rest = co_await receive(*subscription, 5);
    const std::vector<std::string> numbers = subjects(rest);
    EXPECT_THAT(numbers, testing::Contains("3"));
    EXPECT_THAT(numbers, testing::Contains("5"));
    EXPECT_THAT(numbers, testing::Not(testing::Contains("2")));
    co_await accept(*subscription, rest);
    co_await subscription->close();
  });
}

TEST_P(BrokerTopicConformance, MembersShareThePartitions) {
  run([this]() -> Task<void> {
    co_await declare(4);
    auto one = co_await member("sales");
    EXPECT_THAT(co_await receive(*one, 1, std::chrono::milliseconds(200)), IsEmpty());
    auto two = co_await member("sales");
    // Each takes note of what it was given and has to give up.
    EXPECT_THAT(co_await receive(*one, 1, std::chrono::milliseconds(200)), IsEmpty());
    EXPECT_THAT(co_await receive(*two, 1, std::chrono::milliseconds(200)), IsEmpty());
    std::vector<std::string> keys;
    for (int i = 0; i < 40; ++i)
      keys.push_back("key-" + std::to_string(i));
    co_await publish_keys(keys, 1);

    const Deliveries first = co_await receive(*one, 40);
    const Deliveries second = co_await receive(*two, 40);

    EXPECT_EQ(first.size() + second.size(), 40U);
    EXPECT_FALSE(first.empty());
    EXPECT_FALSE(second.empty());
    std::set<std::int32_t> of_first;
    for (const Delivery& delivery : first)
      of_first.insert(delivery.partition);
    for (const Delivery& delivery : second)
      EXPECT_FALSE(of_first.contains(delivery.partition));
    co_await accept(*two, second);
    one.reset();
    EXPECT_THAT(co_await receive(*two, 40), SizeIs(first.size()));
    co_await two->close();
  });
}

TEST_P(BrokerTopicConformance, TellsItsMembersWhatTheyHave) {
  run([this]() -> Task<void> {
    co_await declare(3);
    auto one = co_await member("sales");
    const auto first = co_await one->receive(10);
    EXPECT_THAT(first, SizeIs(1));
    EXPECT_THAT(std::get<messaging::Assigned>(first.at(0)).partitions, SizeIs(3));

    auto two = co_await member("sales");
    const auto told = co_await one->receive(10);
    const auto given = co_await two->receive(10);

    EXPECT_THAT(std::get<messaging::Revoked>(told.at(0)).partitions, SizeIs(1));
    EXPECT_EQ(std::get<messaging::Assigned>(given.at(0)).partitions,
              std::get<messaging::Revoked>(told.at(0)).partitions);
    co_await one->close();
    co_await two->close();
  });
}

TEST_P(BrokerTopicConformance, AReturnedRecordComesAgain) {
  run([this]() -> Task<void> {
    co_await declare(1);
    co_await publish_keys({"a"}, 2);
    auto subscription = co_await member("sales");
    const Deliveries held = co_await receive(*subscription, 2);

    co_await subscription->settle({{held.at(1).tag, Settlement::returned}});

    EXPECT_THAT(subjects(co_await receive(*subscription, 1)), ElementsAre("2"));
    co_await subscription->close();
  });
}

TEST_P(BrokerTopicConformance, AnExpiredLeaseFences) {
  if (!features().leases) GTEST_SKIP() << "no leases";
  run([this]() -> Task<void> {
    co_await declare(1);
    co_await publish_keys({"a"}, 2);
    auto slow = co_await member("sales", StartFrom::beginning, std::chrono::seconds(1));
    const Deliveries held = co_await receive(*slow, 2);
    auto other = co_await member("sales", StartFrom::beginning, std::chrono::seconds(60));

    const Deliveries again = co_await receive(*other, 2, std::chrono::seconds(3));

    EXPECT_THAT(subjects(again), ElementsAre("1", "2"));
    co_await expect_fenced(*slow, held);
    co_await accept(*other, again);
    co_await slow->close();
    co_await other->close();
  });
}

TEST_P(BrokerTopicConformance, AnExpiredLeaseFencesWhoHoldsTheRecordAgain) {
  if (!features().leases) GTEST_SKIP() << "no leases";
  run([this]() -> Task<void> {
    co_await declare(1);
    co_await publish_keys({"a"}, 1);
    auto slow = co_await member("sales", StartFrom::beginning, std::chrono::seconds(1));
    const Deliveries held = co_await receive(*slow, 1);

    const Deliveries again = co_await receive(*slow, 1, std::chrono::seconds(3));

    EXPECT_THAT(subjects(again), ElementsAre("1"));
    co_await expect_fenced(*slow, held);
    co_await accept(*slow, again);
    co_await slow->close();
  });
}

// Consumers that hold, return, leave and are dropped, and a crash of everything now and then.
TEST_P(BrokerTopicConformance, LosesNothingAndKeepsTheOrderOfKeysInRandomTraffic) {
  std::uint64_t redelivered = 0;
  tests::for_seeds(60, [&](std::uint64_t seed) {
    use_seed(seed);
    name_ = fresh("news");
    run([this] { return declare(5); });
    Traffic traffic({.destination = topic(name_), .group = "sales"});
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
    bench().run_for(std::chrono::seconds(120));

    EXPECT_TRUE(traffic.published_all());
    EXPECT_TRUE(traffic.done());
    EXPECT_THAT(traffic.violations(), IsEmpty());
    redelivered += traffic.redelivered();
  });
  EXPECT_GT(redelivered, 0U);
}

}  // namespace sinew::conformance
