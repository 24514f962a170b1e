#include <gmock/gmock.h>

#include <string>

#include "sinew/async/wait.hpp"
#include "tests/conformance/broker_topic_suite.hpp"

// Where groups begin, how far behind they are, and how an operator moves them.
namespace sinew::conformance {
namespace {

using messaging::StartFrom;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::SizeIs;

}  // namespace

TEST_P(BrokerTopicConformance, ANewGroupBeginsAtATime) {
  Timestamp second{};
  run([&]() -> Task<void> {
    co_await declare(1);
    co_await publish({record("a", "1")});
    co_await async::sleep_for(minutes(1));
    second = runtime().wall_now();
    co_await publish({record("a", "2")});
    co_await async::sleep_for(minutes(1));
    co_await publish({record("a", "3")});
  });
  bench().shift_wall(-hours(1));
  run([&]() -> Task<void> {
    co_await publish({record("a", "4")});
    const auto from = [&](Timestamp time) -> Task<std::vector<std::string>> {
      messaging::SubscribeOptions options;
      options.source = topic(name_);
      options.group = fresh("group");
      options.start = StartFrom::time;
      options.start_time = time;
      auto subscription = co_await subscribe(options);
      auto given = subjects(co_await receive(*subscription, 4));
      co_await subscription->close();
      co_return given;
    };

    EXPECT_THAT(co_await from(second), ElementsAre("2", "3", "4"));
    EXPECT_THAT(co_await from(second + seconds(1)), ElementsAre("3", "4"))
        << "while the clock is behind, a record has the time of the one before";
    EXPECT_THAT(co_await from(second - hours(1)), SizeIs(4));
  });
}

TEST_P(BrokerTopicConformance, RefusesToBeginInTheFuture) {
  run([this] { return declare(); });
  messaging::SubscribeOptions options;
  options.source = topic(name_);
  options.group = "sales";
  options.start = StartFrom::time;
  options.start_time = runtime().wall_now() + minutes(1);

  EXPECT_EQ(condition_of([&]() -> Task<void> { co_await broker().subscribe(options); }),
            Condition::invalid_input);
}

TEST_P(BrokerTopicConformance, SaysHowFarAGroupIsBehind) {
  run([this]() -> Task<void> {
    co_await declare(1);
    co_await publish_keys({"a"}, 3);
    auto subscription = co_await member("sales", StartFrom::beginning, hours(1));
    const Deliveries held = co_await receive(*subscription, 3);
    co_await async::sleep_for(minutes(5));
    co_await accept(*subscription, {held.at(0)});

    const messaging::GroupStatus behind = co_await broker().lag(name_, "sales");
    EXPECT_EQ(behind.members, 1);
    EXPECT_THAT(behind.lag, SizeIs(1));
    EXPECT_EQ(behind.lag.at(0).records, 2);
    EXPECT_EQ(behind.lag.at(0).position, held.at(0).position);
    EXPECT_GE(behind.lag.at(0).time, minutes(5));
    EXPECT_LT(behind.lag.at(0).time, minutes(6));

    co_await accept(*subscription, {held.at(1), held.at(2)});
    const messaging::GroupStatus done = co_await broker().lag(name_, "sales");
    EXPECT_EQ(done.lag.at(0).records, 0);
    EXPECT_EQ(done.lag.at(0).time, Duration::zero());
    co_await subscription->close();
  });
}

TEST_P(BrokerTopicConformance, ShowsItsTopicsWithTheirGroups) {
  run([this]() -> Task<void> {
    co_await declare(2, messaging::Retention{.age = hours(1)});
    auto subscription = co_await member("sales");

    for (const messaging::TopicStatus& status : co_await broker().topics()) {
      if (status.spec.name != name_) continue;
      EXPECT_THAT(status.partitions, SizeIs(2));
      EXPECT_THAT(status.groups, SizeIs(1));
      EXPECT_EQ(status.groups.at(0).group, "sales");
      EXPECT_EQ(status.spec.retention, (messaging::Retention{.age = hours(1)}));
      co_await subscription->close();
      co_return;
    }
    ADD_FAILURE() << "the topic is missing";
  });
}

TEST_P(BrokerTopicConformance, KnowsOnlyGroupsThatWereThere) {
  run([this] { return declare(); });

  EXPECT_EQ(condition_of([this]() -> Task<void> { co_await broker().lag(name_, "nobody"); }),
            Condition::not_found);
  EXPECT_EQ(condition_of([this]() -> Task<void> { co_await broker().lag("nowhere", "sales"); }),
            Condition::not_found);
  EXPECT_EQ(condition_of([this]() -> Task<void> {
              co_await broker().reset({.topic = name_, .group = "nobody"});
            }),
            Condition::not_found);
}

TEST_P(BrokerTopicConformance, MovesAGroupWithoutMembers) {
  Deliveries records;
  run([&]() -> Task<void> {
    co_await declare(1);
    co_await publish_keys({"a"}, 4);
    auto subscription = co_await member("sales");
    records = co_await receive(*subscription, 4);
    co_await accept(*subscription, records);
    co_await subscription->close();
    subscription.reset();
    co_await broker().reset({.topic = name_, .group = "sales", .dry_run = true});
    EXPECT_EQ((co_await broker().lag(name_, "sales")).lag.at(0).records, 0);

    const auto moved = co_await broker().reset(
        {.topic = name_, .group = "sales", .start_after = {{0, records.at(1).position}}});

    EXPECT_THAT(moved, SizeIs(1));
    EXPECT_EQ(moved.at(0).from, records.at(3).position);
    EXPECT_EQ(moved.at(0).to, records.at(1).position);
  });

  if (features().durable) bench().crash();

  run([this]() -> Task<void> {
    auto subscription = co_await member("sales");
    const Deliveries again = co_await receive(*subscription, 4);
    EXPECT_THAT(subjects(again), ElementsAre("3", "4"));
    co_await subscription->close();
    subscription.reset();
    co_await broker().reset({.topic = name_, .group = "sales", .start = StartFrom::end});
    EXPECT_EQ((co_await broker().lag(name_, "sales")).lag.at(0).records, 0);
    co_await broker().reset({.topic = name_, .group = "sales"});
    subscription = co_await member("sales");
    EXPECT_THAT(co_await receive(*subscription, 4), SizeIs(4));
    co_await subscription->close();
  });
}

TEST_P(BrokerTopicConformance, MovesNoGroupThatWorksAndNoneBeyondTheEnd) {
  store::Checkpoint beyond;
  run([&]() -> Task<void> {
    co_await declare(1);
    co_await publish_keys({"a"}, 2);
    const Deliveries all = co_await all_records();
    beyond = store::Checkpoint::from_position(all.back().position.position() + 1);
    auto subscription = co_await member("sales");
    Condition condition{};
    try {
      co_await broker().reset({.topic = name_, .group = "sales"});
    } catch (const Error& error) {
      condition = error.condition();
    }
    EXPECT_EQ(condition, Condition::conflict);
    co_await subscription->close();
  });

  EXPECT_EQ(
      condition_of([&]() -> Task<void> {
        co_await broker().reset({.topic = name_, .group = "sales", .start_after = {{0, beyond}}});
      }),
      Condition::invalid_input);
}

}  // namespace sinew::conformance
