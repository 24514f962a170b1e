#include "tests/conformance/broker_retention_suite.hpp"

#include <gmock/gmock.h>

#include <map>
#include <string>
#include <variant>

#include "sinew/async/wait.hpp"
#include "tests/conformance/broker_traffic.hpp"
#include "tests/support/for_seeds.hpp"

// What of a topic's records stays: by age, by size, the last of each key.
namespace sinew::conformance {
namespace {

using messaging::Compaction;
using messaging::Retention;
using messaging::Skipped;
using messaging::StartFrom;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

}  // namespace

void BrokerRetentionConformance::SetUp() {
  BrokerTopicConformance::SetUp();
  if (!features().retention) GTEST_SKIP() << "no retention";
}

messaging::Message BrokerRetentionConformance::tombstone(std::string key) {
  messaging::Message message = record(std::move(key), "none");
  message.envelope.data = SharedBytes();
  return message;
}

Task<void> BrokerRetentionConformance::publish_many(int first, int last, std::size_t bytes) {
  std::vector<messaging::Message> records;
  for (int i = first; i <= last; ++i) {
    records.push_back(record("a", std::to_string(i)));
    records.back().envelope.data = SharedBytes(std::string(bytes, 'x'));
    if (records.size() < 100 && i < last) continue;
    co_await publish(std::exchange(records, {}));
  }
}

Task<std::vector<Skipped>> BrokerRetentionConformance::gaps(messaging::Subscription& subscription) {
  std::vector<Skipped> found;
  for (const auto& signal : co_await subscription.receive(10)) {
    if (const auto* skipped = std::get_if<Skipped>(&signal)) found.push_back(*skipped);
  }
  co_return found;
}

Task<void> BrokerRetentionConformance::accept_one(std::string group) {
  auto slow = co_await member(std::move(group));
  const Deliveries one = co_await receive(*slow, 1);
  co_await accept(*slow, one);
  co_await slow->close();
}

TEST_P(BrokerRetentionConformance, RemovesRecordsThatAreTooOld) {
  run([this]() -> Task<void> {
    co_await declare(1, Retention{.age = hours(1)});
    co_await publish_keys({"a"}, 3);
    co_await async::sleep_for(minutes(30));
    co_await publish({record("a", "4")});
    EXPECT_THAT(co_await left(), ElementsAre("1", "2", "3", "4"));

    co_await async::sleep_for(minutes(31));

    EXPECT_THAT(co_await left(), ElementsAre("4"));
  });
}

TEST_P(BrokerRetentionConformance, PositionsGoOnWhenAllRecordsAreGone) {
  store::Checkpoint last;
  run([&]() -> Task<void> {
    co_await declare(1, Retention{.age = hours(1)});
    co_await publish_keys({"a"}, 3);
    auto reader = co_await member("sales");
    const Deliveries all = co_await receive(*reader, 3);
    co_await accept(*reader, all);
    last = all.back().position;
    co_await reader->close();
    co_await async::sleep_for(hours(2));
    EXPECT_THAT(co_await left(), IsEmpty());
  });

  if (features().durable) bench().crash();

  run([&]() -> Task<void> {
    co_await publish({record("a", "4")});
    auto reader = co_await member("sales");
    const Deliveries next = co_await receive(*reader, 1);
    EXPECT_THAT(subjects(next), ElementsAre("4"));
    EXPECT_GT(next.at(0).position, last);
    co_await reader->close();
  });
}

TEST_P(BrokerRetentionConformance, KeepsWhatAGroupHasNotAccepted) {
  run([this]() -> Task<void> {
    co_await declare(1, Retention{.age = hours(1)});
    co_await publish_keys({"a"}, 3);
    co_await accept_one("slow");

    co_await async::sleep_for(hours(3));

    auto slow = co_await member("slow");
    const Deliveries rest = co_await receive(*slow, 3);
    EXPECT_THAT(subjects(rest), ElementsAre("2", "3"));
    EXPECT_THAT(co_await left(), ElementsAre("2", "3"));
    co_await accept(*slow, rest);
    co_await async::sleep_for(minutes(1));
    EXPECT_THAT(co_await left(), IsEmpty());
    EXPECT_EQ((co_await broker().lag(name_, "slow")).lag.at(0).skipped, 0);
    co_await slow->close();
  });
}

TEST_P(BrokerRetentionConformance, TellsAGroupThatFellBehindWhatItMissed) {
  run([this]() -> Task<void> {
    co_await declare(1, Retention{.age = hours(1), .drop_unread = true});
    co_await publish_keys({"a"}, 3);
    co_await accept_one("slow");
    co_await async::sleep_for(hours(2));
    co_await publish({record("a", "4")});
  });

  if (features().durable) bench().crash();

  run([this]() -> Task<void> {
    const messaging::Lag behind = (co_await broker().lag(name_, "slow")).lag.at(0);
    EXPECT_EQ(behind.skipped, 2);
    EXPECT_EQ(behind.records, 1);
    auto slow = co_await member("slow");
    const std::vector<Skipped> missed = co_await gaps(*slow);
    EXPECT_THAT(missed, SizeIs(1));
    EXPECT_EQ(missed.at(0).records, 2);
    EXPECT_THAT(subjects(co_await receive(*slow, 3)), ElementsAre("4"));
    co_await slow->close();
  });
}

TEST_P(BrokerRetentionConformance, TellsOfAGapUntilALaterRecordIsAccepted) {
  if (!features().durable) GTEST_SKIP() << "nothing outlives a crash";
  run([this]() -> Task<void> {
    co_await declare(1, Retention{.age = hours(1), .drop_unread = true});
    co_await publish_keys({"a"}, 3);
    co_await accept_one("slow");
    co_await async::sleep_for(hours(2));
    co_await publish({record("a", "4")});
  });
  // Heard and no more; heard, and gone on behind it; then it is known.
  const auto live = [this](std::size_t told, bool goes_on) {
    bench().crash();
    run([&]() -> Task<void> {
      auto slow = co_await member("slow");
      EXPECT_THAT(co_await gaps(*slow), SizeIs(told));
      if (goes_on) co_await accept(*slow, co_await receive(*slow, 1));
      co_await slow->close();
    });
  };
  live(1, false);
  live(1, true);
  live(0, false);
}

TEST_P(BrokerRetentionConformance, FencesWhatWasInWorkWhenItWasRemoved) {
  run([this]() -> Task<void> {
    co_await declare(1, Retention{.age = hours(1), .drop_unread = true});
    co_await publish_keys({"a"}, 3);
    auto slow = co_await member("slow", StartFrom::beginning, hours(10));
    const Deliveries held = co_await receive(*slow, 3);
    co_await accept(*slow, {held.at(2)});

    co_await async::sleep_for(hours(2));
    co_await publish({record("a", "4")});

    const std::vector<Skipped> missed = co_await gaps(*slow);
    EXPECT_THAT(missed, SizeIs(1));
    EXPECT_EQ(missed.at(0).records, 2);
    EXPECT_EQ(missed.at(0).upto, held.at(2).position);
    co_await expect_fenced(*slow, {held.at(0), held.at(1)});
    EXPECT_THAT(subjects(co_await receive(*slow, 1)), ElementsAre("4"));
    co_await slow->close();
  });
}

TEST_P(BrokerRetentionConformance, ANewGroupBehindARemovedPositionIsToldToo) {
  run([this]() -> Task<void> {
    co_await declare(1, Retention{.age = hours(1)});
    co_await publish_keys({"a"}, 3);
    const Deliveries all = co_await all_records();
    co_await async::sleep_for(hours(2));
    co_await publish({record("a", "4")});
    messaging::SubscribeOptions options;
    options.source = topic(name_);
    options.group = "late";
    options.start_after[all.at(0).partition] = all.at(0).position;

    auto late = co_await subscribe(options);

    const std::vector<Skipped> missed = co_await gaps(*late);
    EXPECT_THAT(missed, SizeIs(1));
    EXPECT_EQ(missed.at(0).records, 2);
    EXPECT_EQ((co_await broker().lag(name_, "late")).lag.at(0).skipped, 2);
    co_await late->close();
  });
}

TEST_P(BrokerRetentionConformance, KeepsTheNewestUpToASize) {
  run([this]() -> Task<void> {
    co_await declare(1, Retention{.bytes = 10'000});
    co_await publish_many(1, 900, 900);
    co_await async::sleep_for(minutes(1));

    const std::vector<std::string> some = co_await left();
    EXPECT_GE(some.size(), 7U);
    EXPECT_LE(some.size(), 11U);
    EXPECT_EQ(some.back(), "900");

    co_await publish_many(901, 901, 20'000);
    co_await async::sleep_for(minutes(1));
    EXPECT_THAT(co_await left(), ElementsAre("901")) << "the newest stays, however large";
  });
}

TEST_P(BrokerRetentionConformance, KeepsTheLastRecordOfEachKeyInItsPlace) {
  run([this]() -> Task<void> {
    co_await declare(1, Retention{.compaction = Compaction()});
    co_await publish_keys({"a", "b"}, 100);
    co_await publish({record("a", "101")});
    const Deliveries before = co_await all_records();

    co_await async::sleep_for(minutes(1));

    const Deliveries after = co_await all_records();
    EXPECT_THAT(subjects(after), ElementsAre("100", "101"));
    EXPECT_EQ(after.at(0).position, before.at(before.size() - 2).position);
    EXPECT_EQ(after.at(1).position, before.back().position);
    co_await publish({record("b", "101")});
    co_await async::sleep_for(minutes(1));
    EXPECT_THAT(co_await left(), ElementsAre("101", "101"));
  });
}

TEST_P(BrokerRetentionConformance, ATombstoneStaysItsTimeThenGoes) {
  run([this]() -> Task<void> {
    co_await declare(1, Retention{.compaction = Compaction{.tombstones = hours(1)}});
    co_await publish({record("a", "1"), record("b", "1"), tombstone("a")});
    co_await async::sleep_for(minutes(50));
    EXPECT_THAT(co_await left(), ElementsAre("1", "none"));

    co_await async::sleep_for(minutes(20));

    EXPECT_THAT(co_await left(), ElementsAre("1"));
    co_await publish({record("a", "2")});
    co_await async::sleep_for(hours(2));
    EXPECT_THAT(co_await left(), UnorderedElementsAre("1", "2"));
  });
}

TEST_P(BrokerRetentionConformance, ATombstoneStaysUntilEveryGroupHasAcceptedIt) {
  run([this]() -> Task<void> {
    co_await declare(1, Retention{.compaction = Compaction{.tombstones = seconds(0)}});
    co_await publish({record("a", "1")});
    co_await accept_one("slow");
    co_await publish({tombstone("a")});
    co_await async::sleep_for(hours(1));
    EXPECT_THAT(co_await left(), ElementsAre("none"));

    auto slow = co_await member("slow");
    co_await accept(*slow, co_await receive(*slow, 1));
    co_await slow->close();
    co_await async::sleep_for(minutes(1));

    EXPECT_THAT(co_await left(), IsEmpty());
  });
}

TEST_P(BrokerRetentionConformance, HoldsFromItsDeclarationOnForReadersThatSayNothing) {
  run([this]() -> Task<void> {
    co_await declare(1);
    co_await publish_keys({"a"}, 3);
    co_await async::sleep_for(hours(2));
    EXPECT_THAT(co_await left(), SizeIs(3));

    co_await declare(1, Retention{.age = hours(1)});
    co_await declare(1);
    co_await async::sleep_for(minutes(1));

    EXPECT_THAT(co_await left(), IsEmpty());
    co_await declare(1, Retention());
    co_await publish({record("a", "4")});
    co_await async::sleep_for(hours(2));
    EXPECT_THAT(co_await left(), ElementsAre("4"));
  });
}

TEST_P(BrokerRetentionConformance, RefusesWhatContradictsItselfAllAtOnce) {
  std::string sentence;
  run([&]() -> Task<void> {
    try {
      co_await declare(1, Retention{.age = seconds(0),
                                    .bytes = 0,
                                    .compaction = Compaction{.tombstones = seconds(-1)}});
      ADD_FAILURE() << "it was declared";
    } catch (const Error& error) {
      EXPECT_EQ(error.condition(), Condition::invalid_input);
      sentence = error.detail();
    }
  });

  EXPECT_THAT(sentence, testing::AllOf(testing::HasSubstr("age"), testing::HasSubstr("bytes"),
                                       testing::HasSubstr("tombstones"),
                                       testing::HasSubstr("compaction keeps")));
}

// Crashes in the middle of traffic and of compaction: of every key what is left is its last record,
// at a place that no other record had.
TEST_P(BrokerRetentionConformance, ACrashLosesNoLastRecord) {
  tests::for_seeds(40, [&](std::uint64_t seed) {
    use_seed(seed);
    name_ = fresh("stock");
    run([this] { return declare(2, Retention{.compaction = Compaction()}); });
    Traffic traffic({.destination = topic(name_), .group = "sales", .messages_per_key = 60});
    for (int life = 1; life <= 3; ++life) {
      for (int publisher = 0; publisher < 2; ++publisher)
        bench().spawn(traffic.publish(runtime(), broker(), publisher));
      bench().run_for(std::chrono::milliseconds(200 + runtime().random() % 12'000));
      if (features().durable) bench().crash();
    }
    for (int publisher = 0; publisher < 2; ++publisher)
      bench().spawn(traffic.publish(runtime(), broker(), publisher));
    bench().run_for(minutes(1));
    ASSERT_TRUE(traffic.published_all());

    run([&]() -> Task<void> {
      std::map<std::string, std::string> last;
      for (const auto& delivery : co_await all_records()) {
        const auto& envelope = delivery.message.envelope;
        EXPECT_TRUE(last.emplace(envelope.ordering_key, envelope.subject).second)
            << envelope.ordering_key;
      }
      EXPECT_THAT(last, SizeIs(10));
      for (const auto& [key, subject] : last)
        EXPECT_EQ(subject, "60") << key;
    });
  });
}

// The same for records that go by age while a group reads: it accepts each, and misses none.
TEST_P(BrokerRetentionConformance, ACrashTakesNothingUnreadAlong) {
  tests::for_seeds(40, [&](std::uint64_t seed) {
    use_seed(seed);
    name_ = fresh("news");
    run([this]() -> Task<void> {
      co_await declare(2, Retention{.age = seconds(1)});
      co_await (co_await member("sales"))->close();
    });
    Traffic traffic({.destination = topic(name_), .group = "sales"});
    for (int life = 1; life <= 3; ++life) {
      for (int publisher = 0; publisher < 2; ++publisher)
        bench().spawn(traffic.publish(runtime(), broker(), publisher));
      bench().spawn(traffic.consume(runtime(), broker()));
      bench().run_for(std::chrono::milliseconds(200 + runtime().random() % 12'000));
      if (life < 3 && features().durable) bench().crash();
    }
    traffic.calm = true;
    bench().run_for(minutes(2));

    EXPECT_TRUE(traffic.published_all());
    EXPECT_TRUE(traffic.done());
    EXPECT_THAT(traffic.violations(), IsEmpty());
    run([this]() -> Task<void> {
      auto rest = co_await member("sales");
      co_await accept(*rest, co_await receive(*rest, 200));
      co_await rest->close();
      co_await async::sleep_for(minutes(1));
      EXPECT_THAT(co_await left(), IsEmpty());
    });
  });
}

}  // namespace sinew::conformance
