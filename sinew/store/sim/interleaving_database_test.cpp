#include "sinew/store/sim/interleaving_database.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "sinew/async/scope.hpp"
#include "sinew/store/commit_signal.hpp"
#include "tests/support/for_seeds.hpp"
#include "tests/support/simulated_sqlite.hpp"

namespace sinew::store::sim {
namespace {

constexpr Migration migrations[] = {
    {1, "cell", "CREATE TABLE cell (value BIGINT NOT NULL); INSERT INTO cell VALUES (0);"}};

// A database with one number in it, behind the decorator.
class Cell {
 public:
  explicit Cell(std::uint64_t seed, const InterleavingOptions& options = {})
      : sqlite_(seed), options_(options) {
    wrap();
    sqlite_.run(database_->migrate({"cell", migrations}));
  }

  InterleavingDatabase& database() { return *database_; }
  void crash() {
    database_.reset();
    sqlite_.crash();
    wrap();
  }
  tests::SimulatedSqlite& sqlite() { return sqlite_; }

  // Adds one by reading and writing. True: known to have happened.
  Task<bool> add() {
    try {
      co_await database_->transaction([](Transaction& tx) -> Task<void> {
        const Rows rows = co_await tx.execute("SELECT value FROM cell");
        co_await tx.execute("UPDATE cell SET value = ?", {rows[0].integer(0) + 1});
      });
      co_return true;
    } catch (const Error& error) {
      if (error.applied() != Applied::unknown) throw;
      co_return false;
    }
  }

  // Lets `writers` of them add at the same time; gives how many are known to have succeeded.
  std::int64_t add_together(int writers) {
    std::int64_t known = 0;
    const auto count = [&]() -> Task<void> { known += co_await add() ? 1 : 0; };
    const auto all = [&]() -> Task<void> {
      async::Scope scope(co_await async::this_context());
      for (int i = 0; i < writers; ++i)
        scope.spawn(count());
      co_await scope.join();
    };
    sqlite_.run(all());
    return known;
  }

  std::int64_t value() {
    const auto read = [this]() -> Task<std::int64_t> {
      co_return co_await sqlite_.database().read([](Transaction& tx) -> Task<std::int64_t> {
        co_return (co_await tx.execute("SELECT value FROM cell"))[0].integer(0);
      });
    };
    return sqlite_.node().run(read());
  }

 private:
  void wrap() { database_.emplace(sqlite_.world(), sqlite_.database(), options_); }

  tests::SimulatedSqlite sqlite_;
  InterleavingOptions options_;
  std::optional<InterleavingDatabase> database_;
};

constexpr InterleavingOptions calm{.rerun = 0, .unknown_applied = 0, .unknown_dropped = 0};

TEST(InterleavingDatabase, RunsOvertakenBodiesAgainAndLosesNoUpdate) {
  Cell cell(1, calm);

  EXPECT_EQ(cell.add_together(8), 8);

  EXPECT_EQ(cell.value(), 8);
  EXPECT_EQ(cell.database().transactions(), 8u);
  EXPECT_GT(cell.database().runs(), 8u);
}

TEST(InterleavingDatabase, EndsUnderAnyContention) {
  InterleavingOptions options = calm;
  options.optimistic_runs = 1;
  Cell cell(1, options);

  EXPECT_EQ(cell.add_together(40), 40);

  EXPECT_EQ(cell.value(), 40);
}

TEST(InterleavingDatabase, RunsABodyOnceWhenNothingDisturbsIt) {
  Cell cell(1, calm);

  EXPECT_EQ(cell.add_together(1), 1);

  EXPECT_EQ(cell.database().runs(), 1u);
}

TEST(InterleavingDatabase, LosesAnswersOfCommitsThatTookPlaceAndThatDidNot) {
  bool applied = false;
  bool dropped = false;
  tests::for_seeds(30, [&](std::uint64_t seed) {
    Cell cell(seed, {.unknown_applied = 0.2, .unknown_dropped = 0.2});
    for (int i = 0; i < 20; ++i) {
      const std::int64_t before = cell.value();
      if (cell.add_together(1) == 1) {
        EXPECT_EQ(cell.value(), before + 1);
      } else {
        (cell.value() == before ? dropped : applied) = true;
      }
    }
  });

  EXPECT_TRUE(applied);
  EXPECT_TRUE(dropped);
}

TEST(InterleavingDatabase, DisturbsNothingOnceTheWorldIsHealed) {
  Cell cell(1, {.rerun = 1, .unknown_applied = 1, .unknown_dropped = 1});
  cell.sqlite().world().heal();

  EXPECT_EQ(cell.add_together(1), 1);

  EXPECT_EQ(cell.database().runs(), 1u);
}

TEST(InterleavingDatabase, TakesTheSameStepsForTheSameSeed) {
  const auto trace = [](std::uint64_t seed) {
    Cell cell(seed);
    cell.add_together(5);
    return cell.sqlite().world().trace_hash();
  };

  EXPECT_EQ(trace(3), trace(3));
  EXPECT_NE(trace(3), trace(4));
}

// A body that hides the conflict must not commit what it made of stale answers.
TEST(InterleavingDatabase, RunsAgainThoughTheBodyHidesThatItWasOvertaken) {
  Cell cell(1, calm);
  const auto add = [&]() -> Task<void> {
    co_await cell.database().transaction([](Transaction& tx) -> Task<void> {
      const Rows rows = co_await tx.execute("SELECT value FROM cell");
      try {
        co_await tx.execute("UPDATE cell SET value = ?", {rows[0].integer(0) + 1});
      } catch (const Error&) {
        // As if nothing had happened.
      }
    });
  };
  const auto all = [&]() -> Task<void> {
    async::Scope scope(co_await async::this_context());
    for (int i = 0; i < 6; ++i)
      scope.spawn(add());
    co_await scope.join();
  };

  cell.sqlite().run(all());

  EXPECT_EQ(cell.value(), 6);
}

TEST(InterleavingDatabase, WaitsForTheOutcomeOfATransactionThatHasBegun) {
  Cell cell(1, calm);
  std::optional<bool> added;
  const auto add = [&]() -> Task<void> { added = co_await cell.add(); };
  const auto cancelled = [&]() -> Task<void> {
    async::Scope scope(co_await async::this_context());
    scope.spawn(add());
    co_await async::Sleep(std::chrono::microseconds(1));
    scope.cancel();
    co_await scope.join();
  };

  cell.sqlite().run(cancelled());

  EXPECT_EQ(added, true);
  EXPECT_EQ(cell.value(), 1);
}

TEST(InterleavingDatabase, LeavesWhatWasAnsweredWhenItsProcessDies) {
  tests::for_seeds(20, [](std::uint64_t seed) {
    Cell cell(seed, calm);
    constexpr int writers = 6;
    std::int64_t answered = 0;
    const auto add = [&]() -> Task<void> { answered += co_await cell.add() ? 1 : 0; };
    {
      async::Scope scope(cell.sqlite().node());
      for (int i = 0; i < writers; ++i)
        scope.spawn(add());
      cell.sqlite().world().run_for(std::chrono::microseconds(500 * seed));
    }
    cell.crash();

    EXPECT_GE(cell.value(), answered);
    EXPECT_LE(cell.value(), writers);
    EXPECT_EQ(cell.add_together(2), 2);
  });
}

}  // namespace
}  // namespace sinew::store::sim
