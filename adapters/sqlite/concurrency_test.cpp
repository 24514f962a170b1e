#include <gtest/gtest.h>

#include <string>

#include "adapters/sqlite/database.hpp"
#include "adapters/sqlite/test_folder.hpp"
#include "sinew/async/reactor.hpp"
#include "sinew/async/scope.hpp"

namespace sinew::sqlite {
namespace {

using store::Transaction;

constexpr int writers = 16;
constexpr int rounds = 50;

Task<void> add_one(Transaction& transaction, std::int64_t writer) {
  co_await transaction.execute("UPDATE counters SET n = n + 1 WHERE id = ?", {writer});
}

Task<std::int64_t> read_one(Transaction& transaction, std::int64_t writer) {
  const store::Rows rows =
      co_await transaction.execute("SELECT n FROM counters WHERE id = ?", {writer});
  co_return rows[0].integer(0);
}

// Counts up, and reads its own last commit while others write.
Task<void> count_up(Database& database, std::int64_t writer) {
  const auto add = [writer](Transaction& transaction) { return add_one(transaction, writer); };
  const auto read = [writer](Transaction& transaction) { return read_one(transaction, writer); };
  for (std::int64_t i = 1; i <= rounds; ++i) {
    co_await database.transaction(add);
    EXPECT_EQ(co_await database.read(read), i);
  }
}

Task<void> write_all(async::Runtime& runtime, std::string path) {
  Settings settings;
  settings.path = path;
  settings.wal_passive_bytes = 256 * 1024;
  const auto database = co_await Database::open(runtime, settings);
  std::string sql = "CREATE TABLE counters (id BIGINT PRIMARY KEY, n BIGINT);";
  for (int i = 0; i < writers; ++i) {
    sql += "INSERT INTO counters VALUES (" + std::to_string(i) + ", 0);";
  }
  const store::Migration migration{1, "counters", sql};
  co_await database->migrate({"test", {&migration, 1}});
  async::Scope scope(co_await async::this_context());
  for (int i = 0; i < writers; ++i)
    scope.spawn(count_up(*database, i));
  co_await scope.join();
  EXPECT_GE(database->statistics().transactions, std::uint64_t{writers * rounds});
  EXPECT_LT(database->statistics().commits, std::uint64_t{writers * rounds});
  co_await database->close();
}

// The worker and the committers are real threads here: what the thread sanitizer looks at.
TEST(SqliteConcurrency, WorkerAndCommitterShareTheConnectionInTurns) {
  const TestFolder folder;
  async::OffloadPools pools;
  async::Reactor reactor(pools);

  reactor.run(write_all(reactor, folder.database()));
}

}  // namespace
}  // namespace sinew::sqlite
