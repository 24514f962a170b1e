#include "adapters/sqlite/migrations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/sqlite/test_database.hpp"

namespace sinew::sqlite {
namespace {

using store::Migration;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Migration first{1, "one", "CREATE TABLE one (a BIGINT);"};
constexpr Migration second{2, "two", "CREATE TABLE two (a TEXT); INSERT INTO two VALUES ('x');"};

Error refusal(TestDatabase& test, std::vector<Migration> migrations) {
  try {
    test.runtime.run(test.database->migrate({"sales", migrations}));
  } catch (const Error& error) {
    return error;
  }
  throw std::logic_error("it migrated");
}

void migrate(TestDatabase& test, std::vector<Migration> migrations) {
  test.runtime.run(test.database->migrate({"sales", migrations}));
}

Task<std::int64_t> count_of(store::Transaction& transaction, std::string sql) {
  co_return (co_await transaction.execute(store::Statement::dynamic(sql)))[0].integer(0);
}
std::int64_t count(TestDatabase& test, std::string sql) {
  return test.runtime.run(test.database->read(
      [&sql](store::Transaction& transaction) { return count_of(transaction, sql); }));
}

TEST(SqliteMigrations, AppliesWhatIsMissingOnce) {
  TestDatabase test;

  migrate(test, {first});
  migrate(test, {first, second});
  test.reopen();
  migrate(test, {first, second});

  EXPECT_EQ(count(test, "SELECT count(*) FROM two"), 1);
  EXPECT_EQ(count(test, "SELECT count(*) FROM schema_migrations WHERE component = 'sales'"), 2);
}

TEST(SqliteMigrations, RefusesAChangedOne) {
  TestDatabase test;
  migrate(test, {first, second});
  Migration edited = first;
  edited.sql = "CREATE TABLE one (a BIGINT, b BIGINT);";
  Migration renamed = first;
  renamed.name = "uno";

  EXPECT_EQ(refusal(test, {edited, second}).condition(), Condition::conflict);
  EXPECT_THAT(refusal(test, {edited, second}).detail(), HasSubstr("migration 1 \"one\" of sales"));
  EXPECT_EQ(refusal(test, {renamed, second}).condition(), Condition::conflict);
}

TEST(SqliteMigrations, RefusesADatabaseOfANewerProgram) {
  TestDatabase test;
  migrate(test, {first, second});

  EXPECT_EQ(refusal(test, {first}).condition(), Condition::unsupported);
}

TEST(SqliteMigrations, LeavesNothingOfOneThatFails) {
  TestDatabase test;
  const Migration broken{2, "two", "CREATE TABLE two (a TEXT); INSERT INTO nowhere VALUES (1);"};

  EXPECT_EQ(refusal(test, {first, broken}).condition(), Condition::invalid_input);

  migrate(test, {first, second});
  EXPECT_EQ(count(test, "SELECT count(*) FROM two"), 1);
}

TEST(SqliteMigrations, RefusesGapsAndUnfinishedStatements) {
  TestDatabase test;

  EXPECT_EQ(refusal(test, {second}).condition(), Condition::invalid_input);
  EXPECT_EQ(refusal(test, {{1, "x", "CREATE TABLE x (a BIGINT)"}}).condition(),
            Condition::invalid_input);
}

TEST(SqliteMigrations, TellsWhichComponentsThereAre) {
  TestDatabase test;
  migrate(test, {first});
  const auto has = [&test](std::string component) {
    return test.runtime.run(test.database->read([&component](store::Transaction& transaction) {
      return has_component(transaction, component);
    }));
  };

  EXPECT_TRUE(has("sales"));
  EXPECT_FALSE(has("payment"));
}

TEST(SqliteMigrations, SplitsStatementsAndSpellsTypes) {
  const auto split = [](std::string_view sql) { return statements_of({1, "x", sql}); };

  EXPECT_THAT(split(""), IsEmpty());
  EXPECT_THAT(split("\nCREATE TABLE t (p IDENTITY, b BYTES, n BIGINT NOT NULL PRIMARY KEY);\n"),
              ElementsAre("CREATE TABLE t (p INTEGER PRIMARY KEY AUTOINCREMENT, b BLOB, "
                          "n INTEGER NOT NULL PRIMARY KEY) STRICT"));
  EXPECT_THAT(split("INSERT INTO t VALUES ('a;b'); DELETE FROM t;"),
              ElementsAre("INSERT INTO t VALUES ('a;b')", "DELETE FROM t"));
  EXPECT_THAT(split("CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; DELETE FROM u; END;"),
              ElementsAre(testing::EndsWith("DELETE FROM u; END")));
}

}  // namespace
}  // namespace sinew::sqlite
