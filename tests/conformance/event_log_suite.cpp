#include "tests/conformance/event_log_suite.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "sinew/store/event_subscription.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::conformance {

using store::Appended;
using store::Checkpoint;
using store::EventLog;
using store::ExpectedVersion;
using store::NewEvent;
using store::RecordedEvent;
using store::StreamAppend;
using store::Transaction;

NewEvent EventLogConformance::event(std::string data) {
  NewEvent event;
  event.id = new_id();
  event.type = "tested";
  event.data = SharedBytes(std::move(data));
  return event;
}

EventLogConformance::Events EventLogConformance::events(std::size_t count) {
  Events events;
  for (std::size_t i = 0; i < count; ++i)
    events.push_back(event(std::to_string(i)));
  return events;
}

// Repeats it when the outcome is unknown: the port promises that this is safe.
Task<Appended> EventLogConformance::append(std::string stream, ExpectedVersion expected,
                                           Events events) {
  Appended appended;
  co_await insist([&](Transaction& tx) -> Task<void> {
    appended = co_await db().event_log().append(tx, stream, expected, events);
  });
  co_return appended;
}

Task<std::vector<Appended>> EventLogConformance::append_all(std::vector<StreamAppend> parts) {
  std::vector<Appended> appended;
  co_await insist([&](Transaction& tx) -> Task<void> {
    appended = co_await db().event_log().append_all(tx, parts);
  });
  co_return appended;
}

Task<EventLogConformance::Recorded> EventLogConformance::stream(std::string id, std::int64_t from,
                                                                std::size_t limit) {
  co_return co_await db().read(
      [&](Transaction& tx) { return db().event_log().read_stream(tx, id, from, limit); });
}

Task<EventLogConformance::Recorded> EventLogConformance::all(Checkpoint after, std::size_t limit) {
  co_return co_await db().read(
      [&](Transaction& tx) { return db().event_log().read_all(tx, after, limit); });
}

TEST_P(EventLogConformance, NumbersAStreamFromZeroAndPositionsUpwards) {
  run([this]() -> Task<void> {
    const Appended first = co_await append("order-1", ExpectedVersion::no_stream(), events(2));
    const Appended second = co_await append("order-1", ExpectedVersion::exactly(1), events(1));
    const Recorded found = co_await stream("order-1");

    EXPECT_EQ(first.stream_version, 1);
    EXPECT_EQ(second.stream_version, 2);
    EXPECT_LT(first.position, second.position);
    EXPECT_EQ(found.size(), 3u);
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].stream_version, static_cast<std::int64_t>(i));
      EXPECT_EQ(found[i].stream, "order-1");
    }
    EXPECT_EQ(found[1].position, first.position);
    EXPECT_EQ(found[2].position, second.position);
  });
}

TEST_P(EventLogConformance, GivesBackAllOfAnEvent) {
  NewEvent written = event(std::string("{\"a\":\0}", 7));
  written.type = "order.placed";
  written.version = 3;
  written.lineage = {new_id(), new_id(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                     5};

  run([&]() -> Task<void> {
    const Timestamp before = runtime().wall_now();
    co_await append("order-1", ExpectedVersion::any(), {written});
    const Recorded found = co_await stream("order-1");
    const Recorded everything = co_await all();

    EXPECT_EQ(found.at(0).id, written.id);
    EXPECT_EQ(found.at(0).type, written.type);
    EXPECT_EQ(found.at(0).version, written.version);
    EXPECT_EQ(found.at(0).lineage, written.lineage);
    EXPECT_EQ(found.at(0).data, written.data);
    EXPECT_GE(found.at(0).recorded_at, before);
    EXPECT_LE(found.at(0).recorded_at, runtime().wall_now());
    EXPECT_EQ(everything.at(0).id, written.id);
    EXPECT_EQ(everything.at(0).stream, "order-1");
    EXPECT_EQ(everything.at(0).lineage, written.lineage);
  });
}

struct ExpectationRow {
  const char* name;
  std::size_t present;  // events that stand in the stream
  ExpectedVersion expected;
  bool accepted;
};

TEST_P(EventLogConformance, AppendsOnlyAtTheExpectedVersion) {
  const ExpectationRow rows[] = {
      {"new stream, any", 0, ExpectedVersion::any(), true},
      {"new stream, none", 0, ExpectedVersion::no_stream(), true},
      {"new stream, version", 0, ExpectedVersion::exactly(0), false},
      {"stream of two, any", 2, ExpectedVersion::any(), true},
      {"stream of two, none", 2, ExpectedVersion::no_stream(), false},
      {"stream of two, behind", 2, ExpectedVersion::exactly(0), false},
      {"stream of two, equal", 2, ExpectedVersion::exactly(1), true},
      {"stream of two, ahead", 2, ExpectedVersion::exactly(2), false},
  };
  for (const ExpectationRow& row : rows) {
    const std::string id = std::string("case-") + row.name;
    if (row.present > 0) {
      run([&]() -> Task<void> {
        co_await append(id, ExpectedVersion::no_stream(), events(row.present));
      });
    }
    const auto attempt = [&]() -> Task<void> { co_await append(id, row.expected, events(1)); };
    if (row.accepted) {
      run(attempt);
    } else {
      EXPECT_EQ(condition_of(attempt), Condition::conflict) << row.name;
    }
    run([&]() -> Task<void> {
      EXPECT_EQ((co_await stream(id)).size(), row.present + (row.accepted ? 1 : 0)) << row.name;
    });
  }
}

TEST_P(EventLogConformance, SaysBothVersionsInAConflict) {
  run([this]() -> Task<void> {
    co_await append("order-1", ExpectedVersion::any(), events(12));
    try {
      co_await append("order-1", ExpectedVersion::exactly(7), events(1));
      ADD_FAILURE() << "it was appended";
    } catch (const Error& error) {
      EXPECT_NE(error.detail().find("11"), std::string::npos) << error.detail();
      EXPECT_NE(error.detail().find("7"), std::string::npos) << error.detail();
    }
  });
}

TEST_P(EventLogConformance, RepeatsAnAppendWithoutEffect) {
  const Events written = events(3);
  run([&]() -> Task<void> {
    co_await append("order-1", ExpectedVersion::no_stream(), events(1));
    const Appended first = co_await append("order-1", ExpectedVersion::exactly(0), written);
    const Appended again = co_await append("order-1", ExpectedVersion::exactly(0), written);
    co_await append("order-1", ExpectedVersion::exactly(3), events(200));
    const Appended late = co_await append("order-1", ExpectedVersion::exactly(0), written);

    for (const Appended& repeated : {again, late}) {
      EXPECT_TRUE(repeated.repeated);
      EXPECT_EQ(repeated.stream_version, first.stream_version);
      EXPECT_EQ(repeated.position, first.position);
    }
    EXPECT_EQ((co_await stream("order-1")).size(), 204u);
  });
}

TEST_P(EventLogConformance, RefusesARepetitionWithOtherEvents) {
  const Events written = events(2);
  Events some = written;
  some[1] = event();
  Events more = written;
  more.push_back(event());
  run([&]() -> Task<void> { co_await append("order-1", ExpectedVersion::no_stream(), written); });

  for (const Events& other : {some, more, events(2)}) {
    EXPECT_EQ(condition_of([&]() -> Task<void> {
                co_await append("order-1", ExpectedVersion::no_stream(), other);
              }),
              Condition::conflict);
  }
  run([&]() -> Task<void> { EXPECT_EQ((co_await stream("order-1")).size(), 2u); });
}

TEST_P(EventLogConformance, RefusesWhatIsOutOfBounds) {
  const std::string longest(200, 's');
  NewEvent large = event(std::string(event::Envelope::max_data_bytes + 1, 'x'));
  struct {
    const char* name;
    std::string stream;
    Events events;
  } const rows[] = {
      {"no stream", "", events(1)},       {"a stream of 201 bytes", longest + "s", events(1)},
      {"no event", "order-1", {}},        {"1001 events", "order-1", events(1001)},
      {"large data", "order-1", {large}},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(condition_of([&]() -> Task<void> {
                co_await append(row.stream, ExpectedVersion::any(), row.events);
              }),
              Condition::invalid_input)
        << row.name;
  }
  for (const std::size_t limit : {std::size_t{0}, EventLog::max_read + 1}) {
    EXPECT_EQ(condition_of([&]() -> Task<void> { co_await all({}, limit); }),
              Condition::invalid_input);
    EXPECT_EQ(condition_of([&]() -> Task<void> { co_await stream("order-1", 0, limit); }),
              Condition::invalid_input);
  }
  run([&]() -> Task<void> {
    co_await append(longest, ExpectedVersion::any(), events(1000));
    EXPECT_EQ((co_await all()).size(), 1000u);
  });
}

TEST_P(EventLogConformance, AppendsToSeveralStreamsAsOne) {
  run([this]() -> Task<void> {
    co_await append("left", ExpectedVersion::no_stream(), events(1));

    const auto appended = co_await append_all({{"left", ExpectedVersion::exactly(0), events(2)},
                                               {"right", ExpectedVersion::no_stream(), events(3)},
                                               {"other", ExpectedVersion::any(), events(1)}});
    const Recorded found = co_await all();

    EXPECT_EQ(appended.size(), 3u);
    EXPECT_EQ(appended.at(0).stream_version, 2);
    EXPECT_EQ(appended.at(1).stream_version, 2);
    EXPECT_EQ(appended.at(2).stream_version, 0);
    EXPECT_EQ(found.size(), 7u);
    EXPECT_EQ(found.at(2).position, appended.at(0).position);
    EXPECT_EQ(found.at(3).stream, "right");
    EXPECT_EQ(found.at(5).position, appended.at(1).position);
    EXPECT_EQ(found.at(6).stream, "other");
    EXPECT_EQ(found.at(6).position, appended.at(2).position);
  });
}

TEST_P(EventLogConformance, LeavesAllStreamsAsTheyWereWhenOneConflicts) {
  const std::vector<StreamAppend> parts = {{"left", ExpectedVersion::no_stream(), events(2)},
                                           {"right", ExpectedVersion::exactly(9), events(3)}};
  std::string detail;
  run([&]() -> Task<void> {
    co_await insist([&](Transaction& tx) -> Task<void> {
      try {
        co_await db().event_log().append_all(tx, parts);
      } catch (const Error& error) {
        if (error.condition() != Condition::conflict) throw;
        detail = error.detail();
      }
    });

    EXPECT_TRUE((co_await all()).empty());
    EXPECT_NE(detail.find("right"), std::string::npos) << detail;
    EXPECT_EQ(detail.find("left"), std::string::npos) << detail;
  });
}

TEST_P(EventLogConformance, RepeatsAnAppendToSeveralStreamsWithoutEffect) {
  const std::vector<StreamAppend> parts = {{"left", ExpectedVersion::no_stream(), events(2)},
                                           {"right", ExpectedVersion::no_stream(), events(3)}};
  run([&]() -> Task<void> {
    const auto first = co_await append_all(parts);
    const auto again = co_await append_all(parts);
    co_await append("right", ExpectedVersion::exactly(2), events(200));
    const auto late = co_await append_all(parts);

    for (const auto& repeated : {again, late}) {
      EXPECT_EQ(repeated.size(), first.size());
      for (std::size_t i = 0; i < first.size(); ++i) {
        EXPECT_TRUE(repeated.at(i).repeated);
        EXPECT_EQ(repeated.at(i).stream_version, first[i].stream_version);
        EXPECT_EQ(repeated.at(i).position, first[i].position);
      }
    }
    EXPECT_EQ((co_await stream("left")).size(), 2u);
    EXPECT_EQ((co_await stream("right")).size(), 203u);
  });
}

TEST_P(EventLogConformance, RefusesARepetitionThatOnlySomeStreamsKnow) {
  const StreamAppend left = {"left", ExpectedVersion::no_stream(), events(2)};
  const StreamAppend right = {"right", ExpectedVersion::any(), events(3)};
  run([&]() -> Task<void> { co_await append_all({left}); });

  for (const auto& parts : {std::vector{left, right}, std::vector{right, left}}) {
    EXPECT_EQ(condition_of([&]() -> Task<void> { co_await append_all(parts); }),
              Condition::conflict);
  }
  run([&]() -> Task<void> { EXPECT_EQ((co_await all()).size(), 2u); });
}

TEST_P(EventLogConformance, RefusesAppendsOfSeveralStreamsOutOfBounds) {
  const auto part = [this](std::string stream, std::size_t count) {
    return StreamAppend{std::move(stream), ExpectedVersion::any(), events(count)};
  };
  struct {
    const char* name;
    std::vector<StreamAppend> parts;
  } const rows[] = {
      {"no stream", {}},
      {"a stream without events", {part("left", 1), part("right", 0)}},
      {"a stream without a name", {part("left", 1), part("", 1)}},
      {"one stream twice", {part("left", 1), part("right", 1), part("left", 1)}},
      {"1001 events together", {part("left", 500), part("right", 501)}},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(condition_of([&]() -> Task<void> { co_await append_all(row.parts); }),
              Condition::invalid_input)
        << row.name;
  }
  run([&]() -> Task<void> {
    EXPECT_TRUE((co_await all()).empty());
    co_await append_all({part("left", 500), part("right", 500)});
    EXPECT_EQ((co_await all()).size(), 1000u);
  });
}

// Transfers between accounts: however they interleave and whatever commit fails, both sides of one
// stand there or neither.
TEST_P(EventLogConformance, KeepsStreamsOfOneAppendTogether) {
  tests::for_seeds(seeds, [this](std::uint64_t seed) {
    use_seed(seed);
    constexpr int writers = 4;
    const auto transfer = [this](int writer) -> Task<void> {
      for (int i = 0; i < 4; ++i) {
        const NewEvent out = event("out");
        const NewEvent in = event("in");
        const std::string from = "account-" + std::to_string(writer);
        const std::string to = "account-" + std::to_string((writer + 1) % writers);
        try {
          co_await append_all(
              {{from, ExpectedVersion::any(), {out}}, {to, ExpectedVersion::any(), {in}}});
        } catch (const Error& error) {
          // It stood there already, and another writer had gone on with one of its streams.
          if (error.condition() != Condition::conflict) throw;
        }
      }
    };
    std::vector<Task<void>> tasks;
    for (int i = 0; i < writers; ++i)
      tasks.push_back(transfer(i));

    run_together(std::move(tasks));

    run([this]() -> Task<void> {
      const Recorded found = co_await all();
      EXPECT_GE(found.size(), writers * 4 * 2u);
      for (std::size_t i = 0; i + 1 < found.size(); i += 2) {
        EXPECT_EQ(found[i].data.view(), "out");
        EXPECT_EQ(found[i + 1].data.view(), "in");
      }
    });
  });
}

TEST_P(EventLogConformance, ReadsAStreamInParts) {
  run([this]() -> Task<void> {
    co_await append("noise", ExpectedVersion::any(), events(3));
    co_await append("order-1", ExpectedVersion::no_stream(), events(300));
    co_await append("noise", ExpectedVersion::any(), events(3));
    co_await append("order-1", ExpectedVersion::exactly(299), events(300));

    for (const std::int64_t from : {0, 1, 127, 128, 129, 299, 300, 598, 599, 600}) {
      const Recorded part = co_await stream("order-1", from, 100);
      const auto count = std::clamp<std::int64_t>(600 - from, 0, 100);
      EXPECT_EQ(part.size(), static_cast<std::size_t>(count)) << from;
      for (std::size_t i = 0; i < part.size(); ++i)
        EXPECT_EQ(part[i].stream_version, from + static_cast<std::int64_t>(i));
    }
    EXPECT_TRUE((co_await stream("order-2")).empty());
  });
}

TEST_P(EventLogConformance, ReadsAllInPartsAndKnowsItsHead) {
  run([this]() -> Task<void> {
    EXPECT_TRUE((co_await head()).at_start());
    for (int i = 0; i < 5; ++i)
      co_await append("order-" + std::to_string(i % 2), ExpectedVersion::any(), events(5));

    std::size_t seen = 0;
    Checkpoint position;
    for (;;) {
      const Recorded part = co_await all(position, 7);
      if (part.empty()) break;
      for (const RecordedEvent& recorded : part) {
        EXPECT_LT(position, recorded.position);
        position = recorded.position;
      }
      seen += part.size();
    }
    EXPECT_EQ(seen, 25u);
    EXPECT_EQ(position, co_await head());
  });
}

TEST_P(EventLogConformance, LetsOneOfManyWritersHaveEachVersion) {
  tests::for_seeds(seeds, [this](std::uint64_t seed) {
    use_seed(seed);
    int won = 0;
    const auto write = [&]() -> Task<void> {
      try {
        co_await append("order-1", ExpectedVersion::no_stream(), events(2));
        ++won;
      } catch (const Error& error) {
        if (error.condition() != Condition::conflict) throw;
      }
    };
    std::vector<Task<void>> tasks;
    for (int i = 0; i < 6; ++i)
      tasks.push_back(write());

    run_together(std::move(tasks));

    EXPECT_EQ(won, 1);
    run([this]() -> Task<void> { EXPECT_EQ((co_await stream("order-1")).size(), 2u); });
  });
}

// The trap of sequences: a position is taken before the commit, and a reader passes it by.
TEST_P(EventLogConformance, ShowsAFollowerEveryEventOnceInOrder) {
  tests::for_seeds(seeds, [this](std::uint64_t seed) {
    use_seed(seed);
    constexpr int writers = 5;
    constexpr int appends = 6;
    const auto write = [this](int writer) -> Task<void> {
      for (int i = 0; i < appends; ++i) {
        const Events two = events(2);
        co_await insist([&](Transaction& tx) -> Task<void> {
          co_await db().event_log().append(tx, "s-" + std::to_string(writer),
                                           ExpectedVersion::exactly(2 * i - 1), two);
        });
      }
    };
    const auto follow = [this]() -> Task<void> {
      store::EventSubscription subscription(db(), {}, 4);
      std::map<std::string, std::int64_t> versions;
      std::set<Uuid> ids;
      Checkpoint last;
      while (ids.size() < writers * appends * 2) {
        for (const RecordedEvent& recorded : co_await subscription.next()) {
          EXPECT_TRUE(ids.insert(recorded.id).second);
          EXPECT_LT(last, recorded.position);
          EXPECT_EQ(recorded.stream_version, versions[recorded.stream]++);
          last = recorded.position;
        }
      }
      EXPECT_EQ(subscription.position(), last);
    };
    std::vector<Task<void>> tasks;
    for (int i = 0; i < writers; ++i)
      tasks.push_back(write(i));
    tasks.push_back(follow());

    run_together(std::move(tasks));
  });
}

TEST_P(EventLogConformance, SubscribesAfterAPosition) {
  run([this]() -> Task<void> {
    const Appended first = co_await append("a", ExpectedVersion::any(), events(2));
    co_await append("b", ExpectedVersion::any(), events(3));
    store::EventSubscription subscription(db(), first.position);

    const Recorded found = co_await subscription.next();

    EXPECT_EQ(found.size(), 3u);
    EXPECT_EQ(found.at(0).stream, "b");
  });
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(EventLogConformance);

}  // namespace sinew::conformance
