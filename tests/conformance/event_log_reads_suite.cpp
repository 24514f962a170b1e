#include <chrono>

#include "sinew/store/event_subscription.hpp"
#include "tests/conformance/event_log_suite.hpp"
#include "tests/support/for_seeds.hpp"

// What of the EventLog port picks from all events: by category, by type, since a time.
namespace sinew::conformance {

using store::Appended;
using store::Checkpoint;
using store::EventFilter;
using store::EventLog;
using store::EventPage;
using store::EventSubscription;
using store::ExpectedVersion;
using store::RecordedEvent;
using store::Transaction;

EventLogConformance::Events EventLogConformance::typed(std::string type, std::size_t count) {
  Events made = events(count);
  for (auto& event : made)
    event.type = type;
  return made;
}

Task<EventPage> EventLogConformance::page(EventFilter filter, Checkpoint after, std::size_t limit) {
  co_return co_await db().read(
      [&](Transaction& tx) { return db().event_log().read_matching(tx, filter, after, limit); });
}

// All pages, one after the other, and how many there were.
Task<EventLogConformance::Recorded> EventLogConformance::matching(EventFilter filter,
                                                                  Checkpoint after,
                                                                  std::size_t limit) {
  Recorded found;
  for (;;) {
    const EventPage next = co_await page(filter, after, limit);
    EXPECT_LE(next.events.size(), limit);
    EXPECT_LE(after, next.position);
    if (!next.at_end) {
      EXPECT_LT(after, next.position) << "a page must lead on";
    }
    for (const RecordedEvent& event : next.events) {
      EXPECT_LT(after, event.position);
      EXPECT_LE(event.position, next.position);
    }
    found.insert(found.end(), next.events.begin(), next.events.end());
    if (next.at_end) co_return found;
    after = next.position;
  }
}

Task<Checkpoint> EventLogConformance::head() {
  co_return co_await db().read([this](Transaction& tx) { return db().event_log().head(tx); });
}

Task<Checkpoint> EventLogConformance::before(Timestamp time) {
  co_return co_await db().read(
      [&](Transaction& tx) { return db().event_log().position_before(tx, time); });
}

TEST_P(EventLogConformance, ReadsByCategoryAndByType) {
  run([this]() -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      const std::string entity = std::to_string(i);
      co_await append("order-" + entity, ExpectedVersion::any(), typed("order.placed", 2));
      co_await append("orders-" + entity, ExpectedVersion::any(), typed("order.placed", 1));
      co_await append("order", ExpectedVersion::any(), typed("other", 1));
      co_await append("order-" + entity, ExpectedVersion::any(), typed("order.shipped", 1));
    }
    struct {
      const char* name;
      EventFilter filter;
      std::size_t count;
    } const rows[] = {
        {"everything", {}, 15},
        {"a category, and the stream that is called so", EventFilter{"order", ""}, 12},
        {"one that begins with another's name", EventFilter{"orders", ""}, 3},
        {"half a name", EventFilter{"ord", ""}, 0},
        {"a type", EventFilter{"", "order.placed"}, 9},
        {"another", EventFilter{"", "order.shipped"}, 3},
        {"the beginning of one", EventFilter{"", "order"}, 0},
        {"both", EventFilter{"order", "order.placed"}, 6},
        {"both, never together", EventFilter{"orders", "other"}, 0},
    };
    for (const auto& row : rows) {
      for (const std::size_t limit : {std::size_t{1}, std::size_t{2}, EventLog::max_read}) {
        const Recorded found = co_await matching(row.filter, {}, limit);
        EXPECT_EQ(found.size(), row.count) << row.name << " by " << limit;
      }
    }
  });
}

TEST_P(EventLogConformance, GivesWholeEventsInAFilteredRead) {
  run([this]() -> Task<void> {
    const auto written = typed("order.placed", 1);
    co_await append("noise", ExpectedVersion::any(), events(1));
    const Appended appended = co_await append("order-1", ExpectedVersion::any(), written);

    const EventPage found = co_await page(EventFilter{"order", ""}, {}, 10);

    EXPECT_TRUE(found.at_end);
    EXPECT_EQ(found.position, appended.position);
    EXPECT_EQ(found.events.at(0).id, written[0].id);
    EXPECT_EQ(found.events.at(0).stream, "order-1");
    EXPECT_EQ(found.events.at(0).stream_version, 0);
    EXPECT_EQ(found.events.at(0).type, "order.placed");
    EXPECT_EQ(found.events.at(0).data, written[0].data);
    EXPECT_EQ(found.events.at(0).position, appended.position);
  });
}

// The work of a call is bounded: where nothing fits for long it comes back with nothing, further
// on.
TEST_P(EventLogConformance, ComesBackWithEmptyPagesThatLeadOn) {
  run([this]() -> Task<void> {
    constexpr std::size_t noise = EventLog::max_scan / EventLog::max_events_per_append + 2;
    for (std::size_t i = 0; i < noise; ++i)
      co_await append("noise", ExpectedVersion::any(), typed("noise", 1000));
    co_await append("order-1", ExpectedVersion::any(), typed("order.placed", 1));

    const EventPage first = co_await page(EventFilter{"order", ""}, {}, 10);
    const Recorded found = co_await matching(EventFilter{"order", ""}, {}, 10);

    EXPECT_TRUE(first.events.empty());
    EXPECT_FALSE(first.at_end);
    EXPECT_EQ(found.size(), 1u);
    EXPECT_EQ((co_await matching(EventFilter{"", "order.placed"}, {}, 10)).size(), 1u);
    EXPECT_EQ((co_await matching(EventFilter{"", "absent"}, {}, 10)).size(), 0u);
  });
}

TEST_P(EventLogConformance, RefusesFiltersAndPositionsOutOfBounds) {
  run([this]() -> Task<void> { co_await append("order-1", ExpectedVersion::any(), events(3)); });
  const Checkpoint beyond = Checkpoint::from_bytes(std::string(8, '\x7f'));
  const auto refused = [this](auto read) {
    return condition_of([&]() -> Task<void> { co_await read(); });
  };

  EXPECT_EQ(refused([&] { return page({}, {}, 0); }), Condition::invalid_input);
  EXPECT_EQ(refused([&] { return page({}, {}, EventLog::max_read + 1); }),
            Condition::invalid_input);
  EXPECT_EQ(refused([&] { return page(EventFilter{"order-1", ""}, {}, 1); }),
            Condition::invalid_input);
  EXPECT_EQ(refused([&] { return page(EventFilter{std::string(201, 'c'), ""}, {}, 1); }),
            Condition::invalid_input);
  EXPECT_EQ(refused([&] { return page(EventFilter{"", std::string(1025, 't')}, {}, 1); }),
            Condition::invalid_input);
  EXPECT_EQ(refused([&] { return page(EventFilter{"order", ""}, beyond, 1); }),
            Condition::invalid_input);
  EXPECT_EQ(refused([&] { return all(beyond, 1); }), Condition::invalid_input);
  EXPECT_EQ(refused([&] { return stream("order-1", 4); }), Condition::invalid_input);
  EXPECT_EQ(refused([&] { return stream("order-1", -1); }), Condition::invalid_input);
  EXPECT_EQ(refused([&] { return stream("order-2", 1); }), Condition::invalid_input);
  run([&]() -> Task<void> {
    EXPECT_TRUE((co_await stream("order-1", 3)).empty());
    EXPECT_TRUE((co_await stream("order-2", 0)).empty());
    EXPECT_TRUE((co_await all(co_await head(), 1)).empty());
  });
}

TEST_P(EventLogConformance, FindsThePlaceInTheLogOfATime) {
  run([this]() -> Task<void> {
    const Timestamp began = runtime().wall_now();
    std::vector<Appended> turns;
    for (int i = 0; i < 5; ++i) {
      turns.push_back(co_await append("order-1", ExpectedVersion::any(), events(3)));
      co_await async::sleep_for(std::chrono::seconds(5));
    }
    const Recorded written = co_await all();

    EXPECT_TRUE((co_await before(began - std::chrono::hours(1))).at_start());
    for (std::size_t i = 0; i < turns.size(); ++i) {
      const Timestamp time = written.at(3 * i).recorded_at;
      const Checkpoint place = co_await before(time);
      EXPECT_EQ(place, i == 0 ? Checkpoint() : turns[i - 1].position) << i;
      EXPECT_EQ((co_await all(place)).size(), 15 - 3 * i) << i;
    }
    EXPECT_EQ(co_await before(runtime().wall_now() + std::chrono::hours(24)), co_await head());
  });
}

// However the times lie: nothing recorded at or after a time lies before its place, and no event
// behind it is older than a second, as long as the clock runs forward.
TEST_P(EventLogConformance, SkipsNoEventOfATime) {
  tests::for_seeds(seeds, [this](std::uint64_t seed) {
    use_seed(seed);
    run([this]() -> Task<void> {
      for (int i = 0; i < 30; ++i) {
        co_await append("order-1", ExpectedVersion::any(), events(1 + i % 3));
        co_await async::sleep_for(std::chrono::milliseconds(i % 7 == 0 ? 1700 : 90 * (i % 5)));
      }
      const Recorded written = co_await all();
      for (const RecordedEvent& wanted : written) {
        const Timestamp time = wanted.recorded_at;
        const Checkpoint place = co_await before(time);
        for (const RecordedEvent& event : written) {
          if (event.recorded_at >= time) EXPECT_LT(place, event.position);
          if (event.recorded_at <= time - EventLog::time_resolution) {
            EXPECT_GE(place, event.position);
          }
        }
      }
    });
  });
}

TEST_P(EventLogConformance, SkipsNoEventWhenTheClockIsSet) {
  using std::chrono::hours;
  for (const auto shift : {hours(2), hours(-2), hours(24 * 400)}) {
    use_seed(0);
    run([&]() -> Task<void> {
      for (const auto by : {hours(0), shift, -shift, hours(0)}) {
        bench().shift_wall(by);
        co_await append("order-1", ExpectedVersion::any(), events(2));
        co_await async::sleep_for(std::chrono::seconds(2));
      }
      const Recorded written = co_await all();
      for (const RecordedEvent& wanted : written) {
        for (const auto by : {hours(-3), hours(-1), hours(0), hours(1), hours(3)}) {
          const Timestamp time = wanted.recorded_at + by;
          const Checkpoint place = co_await before(time);
          for (const RecordedEvent& event : written) {
            if (event.recorded_at >= time) EXPECT_LT(place, event.position);
          }
        }
      }
    });
  }
}

TEST_P(EventLogConformance, FollowsWhatFitsAFilter) {
  tests::for_seeds(seeds, [this](std::uint64_t seed) {
    use_seed(seed);
    constexpr int appends = 8;
    const auto write = [this](std::string stream) -> Task<void> {
      for (int i = 0; i < appends; ++i) {
        const auto two = typed(i % 2 == 0 ? "even" : "odd", 2);
        co_await insist([&](Transaction& tx) -> Task<void> {
          co_await db().event_log().append(tx, stream, ExpectedVersion::exactly(2 * i - 1), two);
        });
      }
    };
    const auto follow = [this]() -> Task<void> {
      EventSubscription subscription(db(), {}, 3, EventFilter{"order", "odd"});
      std::int64_t version = 2;
      for (int i = 0; i < appends;) {
        for (const RecordedEvent& event : co_await subscription.next()) {
          EXPECT_EQ(event.stream, "order-1");
          EXPECT_EQ(event.type, "odd");
          EXPECT_EQ(event.stream_version, version);
          version += version % 4 == 2 ? 1 : 3;
          ++i;
        }
      }
    };
    std::vector<Task<void>> tasks;
    tasks.push_back(write("order-1"));
    tasks.push_back(write("parcel-1"));
    tasks.push_back(follow());

    run_together(std::move(tasks));
  });
}

}  // namespace sinew::conformance
