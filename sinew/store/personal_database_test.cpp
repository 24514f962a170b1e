#include "sinew/store/personal_database.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "sinew/base/base64.hpp"
#include "sinew/base/error.hpp"
#include "sinew/store/aggregate.hpp"
#include "tests/support/simulated_sqlite.hpp"

namespace clinic {

struct Address {
  std::string street;
  std::string city;
};
BOOST_DESCRIBE_STRUCT(Address, (), (street, city))

struct Admitted {
  static constexpr sinew::event::EventType type{"patient.admitted", 1};
  static constexpr auto personal =
      sinew::event::personal("patient", "name", "address.street", "age", "nickname");
  std::string patient;
  std::string name;
  std::int64_t age = 0;
  Address address;
  std::optional<std::string> nickname;
  std::int64_t fee = 0;
};
BOOST_DESCRIBE_STRUCT(Admitted, (), (patient, name, age, address, nickname, fee))

struct Stay {
  static constexpr std::string_view category = "stay";
  static constexpr std::int32_t state_version = 1;
  using Events = sinew::store::EventTypes<Admitted>;
  void apply(const Admitted& event) { admitted = event; }
  std::string personal_subject() const { return admitted.patient; }
  Admitted admitted;
};
BOOST_DESCRIBE_STRUCT(Stay, (), (admitted))

struct Misdeclared {
  static constexpr sinew::event::EventType type{"misdeclared", 1};
  static constexpr auto personal = sinew::event::personal("who", "name", "adress.street", "age");
  std::int64_t who = 0;
  std::string name;
  std::int64_t age = 0;
};
BOOST_DESCRIBE_STRUCT(Misdeclared, (), (who, name, age))
constexpr auto constraints(const Misdeclared*) {
  return sinew::constraints(sinew::field(&Misdeclared::age, sinew::at_least(1)));
}

}  // namespace clinic

namespace sinew::store {
namespace {

using clinic::Admitted;
using clinic::Stay;
using testing::HasSubstr;

Admitted ann() { return {"p-1", "Ann Lee", 41, {"12 Elm Street", "Reims"}, "Annie", 250}; }
Admitted bob() { return {"p-2", "Bob Ray", 52, {"9 Oak Lane", "Lyon"}, std::nullopt, 300}; }

Secret master(char byte) { return Secret(to_base64(std::string(32, byte))); }

// Closed by whoever owns it.
class Borrowed final : public DatabaseDecorator {
 public:
  using DatabaseDecorator::DatabaseDecorator;
  Task<void> purge_deleted() override {
    if (refuses_to_purge) throw Error(Condition::unavailable, "a reader holds the log");
    co_await DatabaseDecorator::purge_deleted();
  }
  static inline bool refuses_to_purge = false;
};

class Personal : public testing::Test {
 protected:
  void SetUp() override {
    Borrowed::refuses_to_purge = false;
    open(MasterKeys::parse(master('a'), {}));
  }

  void open(const MasterKeys& masters) {
    PersonalEvents events;
    events.add<Admitted>();
    database = sqlite.node().run(PersonalDatabase::open(
        std::make_unique<Borrowed>(sqlite.database()), sqlite.node(), events, masters));
  }
  void write(const std::string& stream, const Admitted& event) {
    sqlite.run(database->transaction([&](Transaction& tx) -> Task<void> {
      co_await database->event_log().append(
          tx, stream, ExpectedVersion::any(),
          {{sqlite.node().new_id(), "patient.admitted", 1, event::write_data(event), {}}});
    }));
  }
  std::vector<RecordedEvent> read(Database& from) {
    return sqlite.node().run(
        from.read([&](Transaction& tx) { return from.event_log().read_all(tx, {}, 1000); }));
  }
  std::vector<RecordedEvent> read() { return read(*database); }
  static Admitted admitted(const RecordedEvent& event) {
    return event::read_data<Admitted>(event.type, event.version, event.data);
  }
  Forgotten forget(const std::string& subject) {
    return sqlite.node().run(forget_person(*database, subject,
                                           {"the clerk", "asked for", sqlite.node().wall_now()},
                                           [](Transaction&) -> Task<void> { co_return; }));
  }
  std::string ask(Statement statement) {
    return sqlite.node().run(database->read([&](Transaction& tx) -> Task<std::string> {
      const Rows rows = co_await tx.execute(statement);
      co_return rows.empty() ? "" : rows[0].blob(0);
    }));
  }
  std::int64_t number(Statement statement) {
    return sqlite.node().run(database->read([&](Transaction& tx) -> Task<std::int64_t> {
      const Rows rows = co_await tx.execute(statement);
      co_return rows[0].integer(0);
    }));
  }
  void change(Statement statement) {
    sqlite.run(database->transaction(
        [&](Transaction& tx) -> Task<void> { co_await tx.execute(statement); }));
  }
  // Whether a file of the database holds these bytes.
  bool in_files(std::string_view bytes) {
    for (const char* suffix : {"", "-wal"}) {
      std::ifstream file(sqlite.path() + suffix, std::ios::binary);
      const std::string content{std::istreambuf_iterator<char>(file), {}};
      if (content.contains(bytes)) return true;
    }
    return false;
  }

  tests::SimulatedSqlite sqlite{1};
  std::unique_ptr<PersonalDatabase> database;
};

TEST_F(Personal, GivesBackWhatWasWritten) {
  write("stay-1", ann());
  write("stay-2", bob());

  const auto events = read();

  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(to_json(admitted(events[0])), to_json(ann()));
  EXPECT_EQ(to_json(admitted(events[1])), to_json(bob()));
  EXPECT_FALSE(events[0].erased);
}

TEST_F(Personal, KeepsNoPlainTextInItsFiles) {
  write("stay-1", ann());

  for (const char* secret : {"Ann Lee", "12 Elm Street", "Annie"})
    EXPECT_FALSE(in_files(secret)) << secret;
  EXPECT_TRUE(in_files("Reims")) << "the search finds what is not personal";
}

TEST_F(Personal, ForgetsOnePersonAndKeepsTheEvent) {
  write("stay-1", ann());
  write("stay-2", bob());
  const auto before = read();

  const Forgotten forgotten = forget("p-1");
  const auto after = read();

  EXPECT_TRUE(forgotten.known);
  EXPECT_TRUE(forgotten.purged);
  EXPECT_TRUE(after[0].erased);
  const Admitted erased{"p-1", "", 0, {"", "Reims"}, std::nullopt, 250};
  EXPECT_EQ(to_json(admitted(after[0])), to_json(erased));
  EXPECT_EQ(to_json(admitted(after[1])), to_json(bob()));
  EXPECT_EQ(after[0].stored(), before[0].stored()) << "what stands in the log never changes";
  EXPECT_EQ(after[0].id, before[0].id);
  EXPECT_FALSE(forget("p-1").known);
}

// Without any key at all: what an audit of a copy sees.
TEST_F(Personal, IsReadInItsErasedFormWithoutKeys) {
  write("stay-1", ann());

  const auto raw = read(sqlite.database());

  EXPECT_EQ(admitted(raw[0]).name, "");
  EXPECT_EQ(admitted(raw[0]).fee, 250);
  EXPECT_EQ(raw[0].stored(), read()[0].stored());
}

// Among so many others, some of which go first, that pages split and merge around it.
TEST_F(Personal, LeavesNoKeyInItsFiles) {
  constexpr int others = 300;
  write("stay-1", ann());
  for (int i = 0; i < others; ++i) {
    Admitted other = bob();
    other.patient = "other-" + std::to_string(i);
    write("stay-1", other);
  }
  sqlite.run(database->transaction([&](Transaction& tx) -> Task<void> {
    for (int i = 0; i < others; i += i % 5 == 3 ? 2 : 1)
      co_await erase_key(tx, "other-" + std::to_string(i), {"the clerk", "", Timestamp()});
  }));
  const std::string wrapped = ask("SELECT wrapped FROM personal_keys WHERE subject = 'p-1'");
  const bool before = in_files(wrapped);

  forget("p-1");

  EXPECT_EQ(wrapped.size(), 60U);
  EXPECT_TRUE(before);
  EXPECT_FALSE(in_files(wrapped));
}

TEST_F(Personal, PurgesAtTheNextStartWhatItCouldNotBefore) {
  write("stay-1", ann());
  Borrowed::refuses_to_purge = true;
  const Forgotten forgotten = forget("p-1");
  const auto pending = number("SELECT COUNT(*) FROM personal_erasures WHERE purged_at IS NULL");
  Borrowed::refuses_to_purge = false;
  open(MasterKeys::parse(master('a'), {}));

  EXPECT_TRUE(forgotten.known);
  EXPECT_FALSE(forgotten.purged);
  EXPECT_EQ(pending, 1);
  EXPECT_EQ(number("SELECT COUNT(*) FROM personal_erasures WHERE purged_at IS NULL"), 0);
  EXPECT_EQ(number("SELECT COUNT(*) FROM personal_erasures WHERE actor = 'the clerk'"), 1);
}

TEST_F(Personal, SealsSnapshotsAndDoesWithoutThemOnceThePersonIsForgotten) {
  const Repository<Stay> stays(database->event_log(), {}, SnapshotPolicy{1});
  sqlite.run(database->transaction([&](Transaction& tx) -> Task<void> {
    Aggregate<Stay> stay("1");
    stay.raise(ann());
    co_await stays.append(tx, stay);
  }));
  const auto load = [&] {
    return sqlite.node().run(database->read([&](Transaction& tx) { return stays.load(tx, "1"); }));
  };
  const auto before = load();
  const auto used = stays.snapshots().used;
  const bool plain = in_files("Ann Lee");
  forget("p-1");
  const auto after = load();

  EXPECT_EQ(used, 1U);
  EXPECT_FALSE(plain);
  EXPECT_EQ(before.state().admitted.name, "Ann Lee");
  EXPECT_EQ(stays.snapshots().used, used);
  EXPECT_EQ(after.state().admitted.name, "");
  EXPECT_EQ(after.state().admitted.fee, 250);
}

TEST_F(Personal, NeverUsesANonceTwice) {
  std::set<std::string> nonces;
  const NewEvent same{sqlite.node().new_id(), "patient.admitted", 1, event::write_data(ann()), {}};
  for (int i = 0; i < 300; ++i) {
    // The very same event, tried again and again: each time it is rolled back.
    try {
      sqlite.run(database->transaction([&](Transaction& tx) -> Task<void> {
        co_await database->event_log().append(tx, "stay-1", ExpectedVersion::any(), {same});
        const Rows rows = co_await tx.execute("SELECT data FROM events");
        const Json json = parse_json(rows[0].blob(0));
        nonces.insert(json.at("$personal").at("sealed").as_string().substr(0, 16));
        throw Error(Condition::invalid_input, "undone");
      }));
    } catch (const Error&) {
    }
  }
  EXPECT_EQ(nonces.size(), 300U);
}

TEST_F(Personal, NoticesMembersThatWereChangedOrPutElsewhere) {
  write("stay-1", ann());
  write("stay-2", ann());
  change(
      "UPDATE events SET data = (SELECT data FROM events WHERE position = 1) WHERE position = 2");

  try {
    read();
    ADD_FAILURE() << "it was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::corrupt);
  }
}

TEST_F(Personal, WrapsItsKeysAnewUnderAnotherMasterKey) {
  write("stay-1", ann());
  write("stay-2", bob());
  const std::string wrapped = ask("SELECT wrapped FROM personal_keys WHERE subject = 'p-1'");

  open(MasterKeys::parse(master('b'), master('a')));
  const auto rotated = ask("SELECT wrapped FROM personal_keys WHERE subject = 'p-1'");
  open(MasterKeys::parse(master('b'), {}));

  EXPECT_NE(rotated, wrapped);
  EXPECT_EQ(to_json(admitted(read()[0])), to_json(ann()));
  try {
    open(MasterKeys::parse(master('c'), {}));
    ADD_FAILURE() << "it opened";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::unauthorized);
    EXPECT_THAT(error.detail(), HasSubstr("previous"));
  }
}

TEST_F(Personal, RepeatsAnAppendWithoutEffect) {
  const NewEvent event{sqlite.node().new_id(), "patient.admitted", 1, event::write_data(ann()), {}};
  const auto append = [&] {
    return sqlite.node().run(database->transaction([&](Transaction& tx) {
      return database->event_log().append(tx, "stay-1", ExpectedVersion::no_stream(), {event});
    }));
  };
  append();
  const bool again = append().repeated;
  forget("p-1");
  const bool after = append().repeated;

  EXPECT_TRUE(again);
  EXPECT_TRUE(after);
  EXPECT_TRUE(read()[0].erased);
}

TEST_F(Personal, RefusesEventsThatNameNobodyOrUseItsMember) {
  Admitted nobody = ann();
  nobody.patient = "";
  const NewEvent reserved{sqlite.node().new_id(), "other", 1, R"({"$personal":{}})", {}};

  EXPECT_THROW(write("stay-1", nobody), Error);
  EXPECT_THROW(sqlite.run(database->transaction([&](Transaction& tx) -> Task<void> {
    co_await database->event_log().append(tx, "stay-1", ExpectedVersion::any(), {reserved});
  })),
               Error);
  EXPECT_TRUE(read().empty());
}

TEST(PersonalEvents, RefusesDeclarationsThatCannotWorkAllAtOnce) {
  PersonalEvents events;
  try {
    events.add<clinic::Misdeclared>();
    FAIL() << "it was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.detail(), HasSubstr("who is no text"));
    EXPECT_THAT(error.detail(), HasSubstr("adress.street is no member"));
    EXPECT_THAT(error.detail(), HasSubstr("age could not be read once erased"));
    EXPECT_THAT(error.detail(), testing::Not(HasSubstr("name is")));
  }
}

TEST(PersonalEvents, KeepALogThatSealsNothingFromTakingThem) {
  tests::SimulatedSqlite sqlite(1);

  EXPECT_THROW(Repository<Stay>(sqlite.database().event_log()), Error);
}

TEST(MasterKeys, AreThirtyTwoBytesInBase64) {
  for (const char* wrong : {"", "short", "AAAA", "not base64 at all !!!!!!!!!!!!!!!!!!!!!!!!!!"}) {
    try {
      MasterKeys::parse(Secret(wrong), {});
      ADD_FAILURE() << "it was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.condition(), Condition::invalid_input);
      EXPECT_THAT(error.detail(), HasSubstr("openssl rand -base64 32"));
    }
  }
}

}  // namespace
}  // namespace sinew::store
