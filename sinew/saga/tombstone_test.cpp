#include "sinew/saga/tombstone.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "sinew/base/error.hpp"
#include "sinew/saga/instances.hpp"
#include "tests/support/simulated_sqlite.hpp"

namespace sinew::saga {
namespace {

using store::Transaction;

constexpr Timestamp noon{std::chrono::hours(12)};

class TombstonesTest : public testing::Test {
 protected:
  void SetUp() override { sqlite.run(sqlite.database().migrate(saga_migrations())); }

  void leave(std::string action, std::string key, Timestamp when = noon) {
    sqlite.node().run(sqlite.database().transaction(
        [&](Transaction& tx) { return Tombstones::leave(tx, action, key, when); }));
  }
  bool exists(std::string action, std::string key) {
    return sqlite.node().run(sqlite.database().read(
        [&](Transaction& tx) { return Tombstones::exists(tx, action, key); }));
  }
  std::vector<Timestamp> left_at() {
    return sqlite.node().run(
        sqlite.database().read([](Transaction& tx) -> Task<std::vector<Timestamp>> {
          std::vector<Timestamp> times;
          for (const auto row : co_await tx.execute("SELECT left_at FROM saga_tombstones"))
            times.push_back(row.timestamp(0));
          co_return times;
        }));
  }

  tests::SimulatedSqlite sqlite{1};
};

TEST_F(TombstonesTest, StandForOneActionOnOneThing) {
  leave("reserve", "o-1");

  EXPECT_TRUE(exists("reserve", "o-1"));
  EXPECT_FALSE(exists("reserve", "o-2"));
  EXPECT_FALSE(exists("charge", "o-1"));
}

TEST_F(TombstonesTest, AreLeftOnceHoweverOftenTheCompensationComes) {
  leave("reserve", "o-1");
  leave("reserve", "o-1", noon + std::chrono::hours(1));

  EXPECT_EQ(left_at(), std::vector{noon});
}

TEST_F(TombstonesTest, AreGoneWithTheTransactionThatLeftThem) {
  EXPECT_THROW(sqlite.node().run(sqlite.database().transaction([](Transaction& tx) -> Task<void> {
    co_await Tombstones::leave(tx, "reserve", "o-1", noon);
    EXPECT_TRUE(co_await Tombstones::exists(tx, "reserve", "o-1"));
    throw Error(Condition::conflict, "the reply cannot be written");
  })),
               Error);

  EXPECT_FALSE(exists("reserve", "o-1"));
}

TEST_F(TombstonesTest, OutliveTheProcess) {
  leave("reserve", "o-1");
  sqlite.crash();

  EXPECT_TRUE(exists("reserve", "o-1"));
}

}  // namespace
}  // namespace sinew::saga
