#include "adapters/sqlite/database.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/sqlite/test_database.hpp"
#include "sinew/async/wait.hpp"

namespace sinew::sqlite {
namespace {

using store::Row;
using store::Rows;
using store::Statement;
using store::Transaction;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Body = TestDatabase::Body;

Task<void> insert_then_throw(Transaction& transaction) {
  co_await TestDatabase::insert(transaction, "from one that throws");
  throw Error(Condition::invalid_input, "the domain says no");
}

Task<void> run(Transaction& transaction, std::string sql) {
  co_await transaction.execute(Statement::dynamic(sql));
}
Body running(std::string sql) {
  return [sql = std::move(sql)](Transaction& transaction) { return run(transaction, sql); };
}

TEST(SqliteDatabase, CommitsTheTransactionsOfATurnOnce) {
  TestDatabase test;
  const Statistics before = test.database->statistics();
  std::vector<Body> bodies;
  for (int i = 0; i < 64; ++i)
    bodies.push_back(TestDatabase::note(std::to_string(i)));

  const auto answers = test.together(bodies);

  for (const auto& answer : answers)
    EXPECT_TRUE(answer.committed());
  EXPECT_EQ(test.database->statistics().commits - before.commits, 1U);
  EXPECT_EQ(test.database->statistics().transactions - before.transactions, 64U);
  EXPECT_EQ(test.notes().size(), 64U);
}

TEST(SqliteDatabase, CutsABatchAtItsLimit) {
  TestDatabase test([](Settings& settings) { settings.batch_limit = 10; });
  const std::uint64_t before = test.database->statistics().commits;
  std::vector<Body> bodies;
  for (int i = 0; i < 25; ++i)
    bodies.push_back(TestDatabase::note(std::to_string(i)));

  test.together(bodies);

  EXPECT_EQ(test.database->statistics().commits - before, 3U);
  EXPECT_EQ(test.notes().size(), 25U);
}

TEST(SqliteDatabase, UndoesOnlyTheBodyThatThrows) {
  TestDatabase test;

  const auto answers =
      test.together({TestDatabase::note("a"), insert_then_throw, TestDatabase::note("b")});

  EXPECT_TRUE(answers[0].committed());
  EXPECT_EQ(answers[1].error().condition(), Condition::invalid_input);
  EXPECT_EQ(answers[1].error().detail(), "the domain says no");
  EXPECT_TRUE(answers[2].committed());
  EXPECT_THAT(test.notes(), ElementsAre("a", "b"));
}

TEST(SqliteDatabase, UndoesALoneBodyThatThrows) {
  TestDatabase test;

  const auto answer = test.alone(insert_then_throw);

  EXPECT_EQ(answer.error().condition(), Condition::invalid_input);
  EXPECT_THAT(test.notes(), IsEmpty());
}

TEST(SqliteDatabase, GoesOnAfterAFailedStatementThatTheBodyCatches) {
  TestDatabase test;
  const auto stubborn = [](Transaction& transaction) -> Task<void> {
    co_await TestDatabase::insert(transaction, "once");
    try {
      co_await TestDatabase::insert(transaction, "once");
    } catch (const Error& error) {
      EXPECT_EQ(error.condition(), Condition::conflict);
    }
    co_await TestDatabase::insert(transaction, "twice");
  };

  EXPECT_TRUE(test.alone(stubborn).committed());
  EXPECT_THAT(test.notes(), ElementsAre("once", "twice"));
}

TEST(SqliteDatabase, RefusesABodyThatAwaitsTheWorld) {
  TestDatabase test;
  const auto sleepy = [](Transaction& transaction) -> Task<void> {
    co_await TestDatabase::insert(transaction, "before");
    co_await async::sleep_for(std::chrono::seconds(1));
  };

  const auto answers = test.together({sleepy, TestDatabase::note("other")});

  EXPECT_EQ(answers[0].error().condition(), Condition::invalid_input);
  EXPECT_TRUE(answers[1].committed());
  EXPECT_THAT(test.notes(), ElementsAre("other"));
}

// Claims to belong to the transaction, and suspends.
struct Impostor : std::suspend_always {
  using transaction_safe = void;
};

TEST(SqliteDatabase, RefusesABodyThatSuspends) {
  TestDatabase test;
  const auto suspending = [](Transaction& transaction) -> Task<void> {
    co_await TestDatabase::insert(transaction, "before");
    co_await Impostor();
  };

  const auto answers = test.together({suspending, TestDatabase::note("other")});

  EXPECT_EQ(answers[0].error().condition(), Condition::invalid_input);
  EXPECT_THAT(test.notes(), ElementsAre("other"));
}

TEST(SqliteDatabase, RefusesATransactionInsideATransaction) {
  TestDatabase test;
  const auto nesting = [&test](Transaction&) -> Task<void> {
    co_await test.database->transaction(TestDatabase::note("inner"));
  };
  const auto reading = [&test](Transaction&) -> Task<void> {
    co_await test.database->read(TestDatabase::note("inner"));
  };

  EXPECT_EQ(test.alone(nesting).error().condition(), Condition::invalid_input);
  EXPECT_EQ(test.alone(reading).error().condition(), Condition::invalid_input);
  EXPECT_THAT(test.notes(), IsEmpty());
}

TEST(SqliteDatabase, RefusesStatementsThatLeaveTheTransaction) {
  TestDatabase test;
  for (const char* sql :
       {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT a", "RELEASE body", "ATTACH 'other.db' AS other",
        "DETACH main", "PRAGMA synchronous = OFF", "SELECT 1; SELECT 2", "", "nonsense"}) {
    const auto answers = test.together({running(sql), TestDatabase::note(std::string("x") + sql)});

    EXPECT_EQ(answers[0].error().condition(), Condition::invalid_input) << sql;
    EXPECT_TRUE(answers[1].committed()) << sql;
  }
}

TEST(SqliteDatabase, SurvivesAStatementThatEndsTheBatch) {
  TestDatabase test;
  const auto answers = test.together({TestDatabase::note("a"),
                                      running("INSERT OR ROLLBACK INTO notes VALUES (1, 'a')"),
                                      TestDatabase::note("b")});

  EXPECT_TRUE(answers[0].committed());
  EXPECT_EQ(answers[1].error().applied(), Applied::no);
  EXPECT_TRUE(answers[2].committed());
  EXPECT_THAT(test.notes(), ElementsAre("a", "b"));
}

TEST(SqliteDatabase, ReadsTheLastCommit) {
  TestDatabase test;
  test.alone(TestDatabase::note("a"));
  EXPECT_THAT(test.notes(), ElementsAre("a"));

  try {
    test.runtime.run(test.database->read(
        [](Transaction& transaction) { return TestDatabase::insert(transaction, "no"); }));
    FAIL() << "a read wrote";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::unauthorized);
  }
  EXPECT_THAT(test.notes(), ElementsAre("a"));
}

TEST(SqliteDatabase, GivesBackTheValuesThatWereStored) {
  TestDatabase test;
  const store::Migration table{1, "values",
                               "CREATE TABLE vals (n BIGINT, i BIGINT, t TEXT, b BYTES);"};
  test.runtime.run(test.database->migrate({"values", {&table, 1}}));
  const std::string zeros("a\0b", 3);
  const auto store_row = [&zeros](Transaction& transaction) -> Task<void> {
    const Rows rows =
        co_await transaction.execute("INSERT INTO vals VALUES (?, ?, ?, ?)",
                                     {nullptr, INT64_MIN, zeros, store::Parameter::bytes(zeros)});
    EXPECT_EQ(rows.changed(), 1);
    co_await transaction.execute("INSERT INTO vals VALUES (?, ?, ?, ?)",
                                 {0, INT64_MAX, "", store::Parameter::bytes("")});
  };
  ASSERT_TRUE(test.alone(store_row).committed());

  const auto check = [&zeros](Transaction& transaction) -> Task<void> {
    const Rows rows = co_await transaction.execute("SELECT n, i, t, b FROM vals ORDER BY rowid");
    EXPECT_EQ(rows.size(), 2U);
    EXPECT_TRUE(rows[0].is_null(0));
    EXPECT_EQ(rows[0].integer(1), INT64_MIN);
    EXPECT_EQ(rows[0].text(2), zeros);
    EXPECT_EQ(rows[0].blob(3), zeros);
    EXPECT_EQ(rows[1].integer(1), INT64_MAX);
    EXPECT_EQ(rows[1].text(2), "");
    EXPECT_EQ(rows[1].blob(3), "");
    EXPECT_EQ(rows.changed(), 0);
  };
  test.runtime.run(test.database->read(check));
}

TEST(SqliteDatabase, NamesWhatIsWrongWithAStatement) {
  TestDatabase test;
  test.alone(TestDatabase::note("taken"));
  const struct {
    const char* sql;
    Condition condition;
  } cases[] = {
      {"INSERT INTO notes VALUES (2, 'taken')", Condition::conflict},
      {"INSERT INTO notes VALUES ('two', 'x')", Condition::invalid_input},
      {"INSERT INTO nowhere VALUES (1)", Condition::invalid_input},
      {"INSERT INTO notes VALUES (?, ?)", Condition::invalid_input},
      {"SELECT 1.5", Condition::unsupported},
      {"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 70000) "
       "SELECT i FROM n",
       Condition::invalid_input},
  };
  for (const auto& [sql, condition] : cases) {
    const Error error = test.alone(running(sql)).error();
    EXPECT_EQ(error.condition(), condition) << sql << ": " << error.detail();
    EXPECT_EQ(error.applied(), Applied::no) << sql;
  }
}

TEST(SqliteDatabase, KeepsItsPreparedStatementsAcrossChangesOfTheSchema) {
  TestDatabase test;
  test.alone(TestDatabase::note("a"));
  EXPECT_THAT(test.notes(), ElementsAre("a"));

  test.alone(running("ALTER TABLE notes ADD COLUMN more INTEGER"));

  EXPECT_TRUE(test.alone(TestDatabase::note("b")).committed());
  EXPECT_THAT(test.notes(), ElementsAre("a", "b"));
}

TEST(SqliteDatabase, TellsListenersOnceAfterTheCommit) {
  struct Counter final : store::CommitListener {
    void committed() noexcept override { ++count; }
    int count = 0;
  };
  TestDatabase test;
  Counter told;
  Counter untold;
  const auto naming = [&told](Transaction& transaction) -> Task<void> {
    transaction.after_commit(told);
    transaction.after_commit(told);
    co_await TestDatabase::insert(transaction, "a");
    EXPECT_EQ(told.count, 0);
  };
  const auto throwing = [&untold](Transaction& transaction) -> Task<void> {
    transaction.after_commit(untold);
    co_await insert_then_throw(transaction);
  };

  test.together({naming, throwing});

  EXPECT_EQ(told.count, 1);
  EXPECT_EQ(untold.count, 0);
}

TEST(SqliteDatabase, WaitsForALockOfAnotherProgram) {
  TestDatabase test;
  Stranger stranger(test.folder.database());
  stranger.run("BEGIN IMMEDIATE");
  TestDatabase::Answer answer;
  async::Scope scope(test.runtime);
  scope.spawn(test.one(TestDatabase::note("a"), answer));
  test.runtime.advance(std::chrono::seconds(2));
  EXPECT_FALSE(answer.answered);

  stranger.run("COMMIT");
  test.runtime.advance(std::chrono::seconds(1));

  EXPECT_TRUE(answer.committed());
}

TEST(SqliteDatabase, GivesUpOnALockThatStays) {
  TestDatabase test;
  Stranger stranger(test.folder.database());
  stranger.run("BEGIN IMMEDIATE");

  const auto answers = test.together({TestDatabase::note("a"), TestDatabase::note("b")});

  for (const auto& answer : answers) {
    EXPECT_EQ(answer.error().condition(), Condition::unavailable);
    EXPECT_EQ(answer.error().applied(), Applied::no);
    EXPECT_THAT(answer.error().detail(), HasSubstr("another program holds the write lock"));
  }
  stranger.run("COMMIT");
  EXPECT_TRUE(test.alone(TestDatabase::note("c")).committed());
}

TEST(SqliteDatabase, LeavesOutWhatTimesOutInTheQueue) {
  TestDatabase test;
  Stranger stranger(test.folder.database());
  stranger.run("BEGIN IMMEDIATE");
  TestDatabase::Answer late;
  TestDatabase::Answer patient;
  async::Scope scope(test.runtime);
  scope.spawn(async::with_deadline(test.runtime.now() + std::chrono::milliseconds(100),
                                   test.one(TestDatabase::note("late"), late)));
  scope.spawn(test.one(TestDatabase::note("patient"), patient));

  test.runtime.advance(std::chrono::seconds(1));
  stranger.run("COMMIT");
  test.runtime.advance(std::chrono::seconds(1));

  EXPECT_EQ(late.error().condition(), Condition::timeout);
  EXPECT_EQ(late.error().applied(), Applied::no);
  EXPECT_TRUE(patient.committed());
  EXPECT_THAT(test.notes(), ElementsAre("patient"));
}

TEST(SqliteDatabase, ForgetsACallerWhoseFrameIsDropped) {
  TestDatabase test;
  Stranger stranger(test.folder.database());
  stranger.run("BEGIN IMMEDIATE");
  TestDatabase::Answer dropped;
  {
    async::Scope scope(test.runtime);
    scope.spawn(test.one(TestDatabase::note("dropped"), dropped));
    test.runtime.advance(std::chrono::milliseconds(10));
  }
  stranger.run("COMMIT");

  test.alone(TestDatabase::note("kept"));

  EXPECT_FALSE(dropped.answered);
  EXPECT_THAT(test.notes(), ElementsAre("kept"));
}

TEST(SqliteDatabase, MayBeDroppedBeforeThoseWhoWaitForIt) {
  TestDatabase test;
  Stranger stranger(test.folder.database());
  stranger.run("BEGIN IMMEDIATE");
  TestDatabase::Answer dropped;
  async::Scope scope(test.runtime);
  scope.spawn(test.one(TestDatabase::note("dropped"), dropped));
  test.runtime.advance(std::chrono::milliseconds(10));

  test.database.reset();

  EXPECT_FALSE(dropped.answered);
  EXPECT_EQ(scope.size(), 1U);
}

TEST(SqliteDatabase, RefusesMoreThanItsQueueHolds) {
  TestDatabase test([](Settings& settings) { settings.queue_limit = 2; });

  const auto answers =
      test.together({TestDatabase::note("a"), TestDatabase::note("b"), TestDatabase::note("c")});

  EXPECT_TRUE(answers[0].committed());
  EXPECT_TRUE(answers[1].committed());
  EXPECT_EQ(answers[2].error().condition(), Condition::exhausted);
}

TEST(SqliteDatabase, CountsTheTransactionsThatWait) {
  TestDatabase test;
  TestDatabase::Answer answer;
  async::Scope scope(test.runtime);
  std::size_t seen = 0;
  const auto look = [&](Transaction&) -> Task<void> {
    seen = test.database->status().queued;
    co_return;
  };
  scope.spawn(test.one(look, answer));
  scope.spawn(test.one(TestDatabase::note("a"), answer));
  scope.spawn(test.one(TestDatabase::note("b"), answer));
  test.runtime.run(scope.join());

  EXPECT_EQ(seen, 2U);
  EXPECT_EQ(test.database->status().queued, 0U);
}

TEST(SqliteDatabase, ClosesAfterWhatIsUnderWay) {
  TestDatabase test;
  TestDatabase::Answer before;
  TestDatabase::Answer after;
  async::Scope scope(test.runtime);
  scope.spawn(test.one(TestDatabase::note("a"), before));
  scope.spawn(test.database->close());
  scope.spawn(test.one(TestDatabase::note("b"), after));

  test.runtime.run(scope.join());

  EXPECT_TRUE(before.committed());
  EXPECT_EQ(after.error().condition(), Condition::unavailable);
  EXPECT_THROW(test.notes(), Error);
  EXPECT_EQ(test.database->health().state, Health::State::closed);
  test.open();
  EXPECT_THAT(test.notes(), ElementsAre("a"));
}

TEST(SqliteDatabase, ClosesAfterABatchThatWroteNothing) {
  TestDatabase test;
  TestDatabase::Answer answer;
  async::Scope scope(test.runtime);
  scope.spawn(test.one(insert_then_throw, answer));
  scope.spawn(test.database->close());

  test.runtime.run(scope.join());

  EXPECT_EQ(answer.error().condition(), Condition::invalid_input);
  EXPECT_EQ(test.database->health().state, Health::State::closed);
}

TEST(SqliteDatabase, NamesEverySettingThatIsWrong) {
  TestDatabase test;
  Settings wrong;
  wrong.batch_limit = 0;
  wrong.queue_limit = 0;
  wrong.busy_limit = std::chrono::seconds(-1);
  wrong.wal_soft_bytes = wrong.wal_hard_bytes;
  try {
    test.runtime.run(Database::open(test.runtime, wrong));
    FAIL() << "it opened";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::invalid_input);
    for (const char* name :
         {"path", "batch_limit", "queue_limit", "busy_limit", "wal_soft_bytes"}) {
      EXPECT_THAT(error.detail(), HasSubstr(name));
    }
  }
}

}  // namespace
}  // namespace sinew::sqlite
