#include "sinew/store/migration.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "sinew/store/schema.hpp"

namespace sinew::store {
namespace {

constexpr ColumnTypes types{.bigint = "int8", .text = "text", .bytes = "bytea", .identity = "ID"};

TEST(Migration, ChecksumDependsOnTheTextAlone) {
  const Migration first{1, "one", "CREATE TABLE a (x BIGINT);"};
  const Migration renamed{2, "two", "CREATE TABLE a (x BIGINT);"};
  const Migration changed{1, "one", "CREATE TABLE a (x TEXT);"};

  EXPECT_EQ(checksum(first), checksum(renamed));
  EXPECT_NE(checksum(first), checksum(changed));
  EXPECT_EQ(checksum(first).size(), 64u);
}

TEST(Migration, SpellsTheTypesOfAnEngine) {
  EXPECT_EQ(spell("(p IDENTITY, a BIGINT, b TEXT, c BYTES)", types),
            "(p ID, a int8, b text, c bytea)");
}

TEST(Migration, SpellsWholeWordsOutsideQuotesOnly) {
  EXPECT_EQ(spell("TEXTS my_TEXT 'TEXT' \"BYTES\" TEXT", types),
            "TEXTS my_TEXT 'TEXT' \"BYTES\" text");
  EXPECT_EQ(spell("'TEXT", types), "'TEXT");
  EXPECT_EQ(spell("", types), "");
}

TEST(Migration, SinewsOwnAscendByOne) {
  const MigrationSet set = store_migrations();

  ASSERT_FALSE(set.migrations.empty());
  for (std::size_t i = 0; i < set.migrations.size(); ++i) {
    EXPECT_EQ(set.migrations[i].version, static_cast<int>(i) + 1);
  }
}

// Released texts never change: a database that has them would refuse to start.
TEST(Migration, SinewsOwnKeepTheirChecksums) {
  const MigrationSet set = store_migrations();

  EXPECT_EQ(checksum(set.migrations[0]).substr(0, 16), "8530c90526a42003");
}

}  // namespace
}  // namespace sinew::store
