#include "adapters/sqlite/event_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/sqlite/test_database.hpp"

namespace sinew::sqlite {
namespace {

using store::Appended;
using store::Checkpoint;
using store::ExpectedVersion;
using store::NewEvent;
using store::RecordedEvent;
using store::Transaction;
using testing::HasSubstr;

class SqliteEventLog : public testing::Test {
 protected:
  std::vector<NewEvent> events(std::size_t count, const std::string& data = "{}") {
    std::vector<NewEvent> made;
    for (std::size_t i = 0; i < count; ++i) {
      made.push_back({test.runtime.new_id(), "order.placed", 1, SharedBytes(data), {}});
    }
    return made;
  }
  store::EventLog& log() { return test.database->event_log(); }
  Appended append(const std::string& stream, ExpectedVersion expected,
                  const std::vector<NewEvent>& added) {
    return test.runtime.run(test.database->transaction([&](Transaction& transaction) {
      return log().append(transaction, stream, expected, added);
    }));
  }
  Error refusal(const std::string& stream, ExpectedVersion expected,
                const std::vector<NewEvent>& added) {
    try {
      append(stream, expected, added);
    } catch (const Error& error) {
      return error;
    }
    throw std::logic_error("it appended");
  }
  std::vector<RecordedEvent> read(const std::string& stream, std::int64_t from, std::size_t limit) {
    return test.runtime.run(test.database->read([&](Transaction& transaction) {
      return log().read_stream(transaction, stream, from, limit);
    }));
  }
  std::vector<RecordedEvent> read_all(Checkpoint after, std::size_t limit) {
    return test.runtime.run(test.database->read(
        [&](Transaction& transaction) { return log().read_all(transaction, after, limit); }));
  }
  Checkpoint head() {
    return test.runtime.run(
        test.database->read([&](Transaction& transaction) { return log().head(transaction); }));
  }

  TestDatabase test;
};

TEST_F(SqliteEventLog, GivesBackEveryFieldOfAnEvent) {
  NewEvent event{test.runtime.new_id(), "order.placed", 7, SharedBytes(std::string("a\0b", 3)), {}};
  event.lineage = {test.runtime.new_id(), test.runtime.new_id(), "00-abc-def-01", 5};
  append("order-1", ExpectedVersion::no_stream(), {event, events(1)[0]});

  const auto found = read("order-1", 0, 10);

  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].id, event.id);
  EXPECT_EQ(found[0].stream, "order-1");
  EXPECT_EQ(found[0].type, "order.placed");
  EXPECT_EQ(found[0].version, 7);
  EXPECT_EQ(found[0].data, event.data);
  EXPECT_EQ(found[0].lineage, event.lineage);
  EXPECT_EQ(found[0].recorded_at, test.runtime.wall_now());
  EXPECT_EQ(found[0].stream_version, 0);
  EXPECT_EQ(found[1].stream_version, 1);
  EXPECT_EQ(found[1].lineage, event::Lineage());
  EXPECT_EQ(found[1].position, head());
}

TEST_F(SqliteEventLog, ChecksTheExpectedVersion) {
  append("order-1", ExpectedVersion::no_stream(), events(2));

  EXPECT_EQ(append("order-1", ExpectedVersion::exactly(1), events(1)).stream_version, 2);
  EXPECT_EQ(append("order-1", ExpectedVersion::any(), events(1)).stream_version, 3);
  const struct {
    const char* stream;
    ExpectedVersion expected;
  } wrong[] = {{"order-1", ExpectedVersion::no_stream()},
               {"order-1", ExpectedVersion::exactly(2)},
               {"order-1", ExpectedVersion::exactly(9)},
               {"order-2", ExpectedVersion::exactly(0)}};
  for (const auto& [stream, expected] : wrong) {
    const Error error = refusal(stream, expected, events(1));
    EXPECT_EQ(error.condition(), Condition::conflict) << stream << expected.value();
    EXPECT_THAT(error.detail(), HasSubstr("not " + std::to_string(expected.value())));
  }
  EXPECT_EQ(head().position(), 4U);
}

TEST_F(SqliteEventLog, AnswersARepeatedAppendWithItsFirstResult) {
  const auto first = events(2);
  const auto second = events(3);
  append("order-1", ExpectedVersion::no_stream(), first);
  const Appended once = append("order-1", ExpectedVersion::exactly(1), second);
  append("order-1", ExpectedVersion::exactly(4), events(1));

  const Appended again = append("order-1", ExpectedVersion::exactly(1), second);

  EXPECT_TRUE(again.repeated);
  EXPECT_FALSE(once.repeated);
  EXPECT_EQ(again.position, once.position);
  EXPECT_EQ(again.stream_version, once.stream_version);
  EXPECT_TRUE(append("order-1", ExpectedVersion::no_stream(), first).repeated);
  EXPECT_EQ(read("order-1", 0, 100).size(), 6U);
}

TEST_F(SqliteEventLog, KnowsARepetitionAtTheEndOfItsStreamWithoutExpectedVersion) {
  const auto added = events(2);
  append("order-1", ExpectedVersion::any(), events(1));
  append("order-1", ExpectedVersion::any(), added);

  EXPECT_TRUE(append("order-1", ExpectedVersion::any(), added).repeated);
  EXPECT_EQ(read("order-1", 0, 100).size(), 3U);
}

TEST_F(SqliteEventLog, RefusesAppendsOfWhichPartStandsThere) {
  auto added = events(2);
  append("order-1", ExpectedVersion::no_stream(), added);
  auto longer = added;
  longer.push_back(events(1)[0]);
  auto other = added;
  other[1] = events(1)[0];

  for (const auto& wrong : {longer, other}) {
    const Error error = refusal("order-1", ExpectedVersion::no_stream(), wrong);
    EXPECT_EQ(error.condition(), Condition::conflict);
    EXPECT_THAT(error.detail(), HasSubstr("only some"));
  }
  EXPECT_THAT(refusal("order-1", ExpectedVersion::no_stream(), events(1)).detail(),
              testing::Not(HasSubstr("only some")));
}

TEST_F(SqliteEventLog, RefusesWhatIsOutOfBounds) {
  EXPECT_EQ(refusal("", ExpectedVersion::any(), events(1)).condition(), Condition::invalid_input);
  EXPECT_EQ(refusal(std::string(201, 'x'), ExpectedVersion::any(), events(1)).condition(),
            Condition::invalid_input);
  EXPECT_EQ(refusal("a", ExpectedVersion::any(), {}).condition(), Condition::invalid_input);
  EXPECT_EQ(refusal("a", ExpectedVersion::any(), events(1001)).condition(),
            Condition::invalid_input);
  EXPECT_EQ(refusal("a", ExpectedVersion::any(),
                    events(1, std::string(event::Envelope::max_data_bytes + 1, 'x')))
                .condition(),
            Condition::invalid_input);
  EXPECT_THROW(read("a", 0, 0), Error);
  EXPECT_THROW(read_all({}, 1001), Error);
}

// Two long streams, interleaved: the walk back begins at a mark or at the end.
TEST_F(SqliteEventLog, ReadsAnyPartOfALongStream) {
  for (int i = 0; i < 4; ++i) {
    append("long-1", ExpectedVersion::any(), events(130));
    append("long-2", ExpectedVersion::any(), events(50));
  }
  for (const std::int64_t from : {0, 1, 127, 128, 129, 255, 256, 300, 519}) {
    for (const std::int64_t limit : {1, 2, 100, 128, 300, 1000}) {
      const auto found = read("long-1", from, static_cast<std::size_t>(limit));
      ASSERT_EQ(std::ssize(found), std::min(limit, 520 - from)) << from << " " << limit;
      for (std::int64_t i = 0; i < std::ssize(found); ++i) {
        ASSERT_EQ(found[static_cast<std::size_t>(i)].stream_version, from + i);
      }
    }
  }
  EXPECT_TRUE(read("long-1", 520, 10).empty());
  EXPECT_TRUE(read("long-3", 0, 10).empty());
}

TEST_F(SqliteEventLog, ReadsAllInTheOrderOfPositions) {
  append("a", ExpectedVersion::any(), events(2));
  append("b", ExpectedVersion::any(), events(1));
  append("a", ExpectedVersion::any(), events(1));

  const auto first = read_all({}, 3);
  const auto rest = read_all(first.back().position, 3);

  ASSERT_EQ(first.size(), 3U);
  EXPECT_EQ(first[2].stream, "b");
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].stream, "a");
  EXPECT_EQ(rest[0].stream_version, 2);
  EXPECT_TRUE(read_all(rest[0].position, 3).empty());
  EXPECT_EQ(rest[0].position, head());
}

class SqliteTypeIndex : public testing::Test {
 protected:
  void append(const std::string& type, std::size_t count) {
    std::vector<NewEvent> events;
    for (std::size_t i = 0; i < count; ++i)
      events.push_back({test.runtime.new_id(), type, 1, SharedBytes("{}"), {}});
    test.alone([&](Transaction& transaction) -> Task<void> {
      co_await test.database->event_log().append(transaction, "order-1", ExpectedVersion::any(),
                                                 events);
    });
  }
  store::EventPage page(store::EventFilter filter, Checkpoint after = {}, std::size_t limit = 10) {
    return test.runtime.run(test.database->read([&](Transaction& transaction) {
      return test.database->event_log().read_matching(transaction, filter, after, limit);
    }));
  }
  std::size_t indexes() {
    return test.runtime.run(test.database->read([](Transaction& transaction) -> Task<std::size_t> {
      const auto rows =
          co_await transaction.execute("SELECT 1 FROM sqlite_schema WHERE name = 'events_by_type'");
      co_return rows.size();
    }));
  }

  TestDatabase test{[](Settings& settings) { settings.event_type_index = true; }};
};

TEST_F(SqliteTypeIndex, FindsARareTypeInOneRead) {
  for (int i = 0; i < 6; ++i)
    append("common", 1000);
  append("rare", 2);
  append("common", 10);

  const auto found = page({"order", "rare"});
  const auto first = page({"", "common"}, {}, 1000);
  const auto none = page({"parcel", "common"});

  EXPECT_EQ(found.events.size(), 2U);
  EXPECT_TRUE(found.at_end);
  EXPECT_EQ(found.position.position(), 6012U);
  EXPECT_EQ(first.events.size(), 1000U);
  EXPECT_EQ(first.position, first.events.back().position);
  EXPECT_TRUE(none.events.empty());
  EXPECT_EQ(none.position.position(), store::EventLog::max_scan);
  EXPECT_FALSE(none.at_end);
}

TEST_F(SqliteTypeIndex, GoesWhenItIsNoLongerAskedFor) {
  append("rare", 2);
  const auto with = indexes();
  test.settings.event_type_index = false;
  test.reopen();
  const auto without = indexes();

  EXPECT_EQ(page({"", "rare"}).events.size(), 2U);
  EXPECT_EQ(with, 1U);
  EXPECT_EQ(without, 0U);
}

TEST_F(SqliteEventLog, LeavesNoGapWhenAnAppendIsUndone) {
  append("a", ExpectedVersion::any(), events(1));
  const auto undone = [this](Transaction& transaction) -> Task<void> {
    co_await log().append(transaction, "a", ExpectedVersion::any(), events(3));
    throw Error(Condition::invalid_input, "no");
  };
  test.alone(undone);

  EXPECT_EQ(append("a", ExpectedVersion::any(), events(1)).position.position(), 2U);
  EXPECT_EQ(read("a", 0, 10).size(), 2U);
}

TEST_F(SqliteEventLog, TellsSubscribersAfterTheCommit) {
  const auto before = log().appended().count();

  append("a", ExpectedVersion::any(), events(1));

  EXPECT_EQ(log().appended().count(), before + 1);
}

}  // namespace
}  // namespace sinew::sqlite
