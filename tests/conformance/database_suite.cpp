#include "tests/conformance/database_suite.hpp"

#include <limits>

#include "sinew/store/commit_signal.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::conformance {

using store::Blob;
using store::Migration;
using store::Parameter;
using store::Row;
using store::Rows;
using store::Transaction;
using store::Value;

Task<void> DatabaseConformance::open_account(std::string name, std::int64_t balance) {
  co_await insist([&](Transaction& tx) -> Task<void> {
    co_await tx.execute(
        "INSERT INTO accounts (name, balance) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET balance = excluded.balance",
        {name, balance});
  });
}

Task<std::int64_t> DatabaseConformance::balance(std::string name) {
  co_return co_await db().read([&](Transaction& tx) -> Task<std::int64_t> {
    const Rows rows = co_await tx.execute("SELECT balance FROM accounts WHERE name = ?", {name});
    co_return rows.empty() ? -1 : rows[0].integer(0);
  });
}

Task<std::int64_t> DatabaseConformance::total() {
  co_return co_await db().read([](Transaction& tx) -> Task<std::int64_t> {
    const Rows rows =
        co_await tx.execute("SELECT CAST(COALESCE(SUM(balance), 0) AS BIGINT) FROM accounts");
    co_return rows[0].integer(0);
  });
}

TEST_P(DatabaseConformance, GivesTheResultOfACommittedBody) {
  run([this]() -> Task<void> {
    const std::int64_t changed =
        co_await db().transaction([](Transaction& tx) -> Task<std::int64_t> {
          co_return (co_await tx.execute("INSERT INTO accounts (name, balance) VALUES ('a', 5)"))
              .changed();
        });

    EXPECT_EQ(changed, 1);
    EXPECT_EQ(co_await balance("a"), 5);
  });
}

TEST_P(DatabaseConformance, UndoesAllOfABodyThatThrows) {
  const Condition condition = condition_of([this]() -> Task<void> {
    co_await db().transaction([](Transaction& tx) -> Task<void> {
      co_await tx.execute("INSERT INTO accounts (name, balance) VALUES ('a', 5)");
      throw Error(Condition::unauthorized, "no");
    });
  });

  EXPECT_EQ(condition, Condition::unauthorized);
  run([this]() -> Task<void> { EXPECT_EQ(co_await balance("a"), -1); });
}

TEST_P(DatabaseConformance, UndoesNothingOfTheNeighboursOfABodyThatThrows) {
  const auto insert = [this](std::string name, bool fails) -> Task<void> {
    try {
      co_await db().transaction([&](Transaction& tx) -> Task<void> {
        co_await tx.execute("INSERT INTO accounts (name, balance) VALUES (?, 1)", {name});
        if (fails) throw Error(Condition::not_found, "no");
      });
      EXPECT_FALSE(fails) << name;
    } catch (const Error& error) {
      EXPECT_TRUE(fails) << name << ": " << error.detail();
    }
  };
  std::vector<Task<void>> tasks;
  for (int i = 0; i < 10; ++i)
    tasks.push_back(insert("account " + std::to_string(i), i % 3 == 1));

  run_together(std::move(tasks));

  run([this]() -> Task<void> { EXPECT_EQ(co_await total(), 7); });
}

TEST_P(DatabaseConformance, ReadsItsOwnWrites) {
  run([this]() -> Task<void> {
    co_await insist([](Transaction& tx) -> Task<void> {
      co_await tx.execute(
          "INSERT INTO accounts (name, balance) VALUES ('a', 5) "
          "ON CONFLICT (name) DO UPDATE SET balance = 5");
      const Rows rows = co_await tx.execute("SELECT balance FROM accounts WHERE name = 'a'");
      EXPECT_EQ(rows[0].integer(0), 5);
    });
  });
}

// Serialisable isolation: the read of one transaction and its write are not separated by another's.
TEST_P(DatabaseConformance, LosesNoUpdate) {
  tests::for_seeds(seeds, [this](std::uint64_t seed) {
    use_seed(seed);
    run([this] { return open_account("a", 0); });
    std::int64_t known = 0;
    std::int64_t unknown = 0;
    const auto deposit = [&]() -> Task<void> {
      try {
        co_await db().transaction([](Transaction& tx) -> Task<void> {
          const Rows rows = co_await tx.execute("SELECT balance FROM accounts WHERE name = 'a'");
          co_await tx.execute("UPDATE accounts SET balance = ? WHERE name = 'a'",
                              {rows[0].integer(0) + 1});
        });
        ++known;
      } catch (const Error& error) {
        if (error.applied() != Applied::unknown) throw;
        ++unknown;
      }
    };
    std::vector<Task<void>> tasks;
    for (int i = 0; i < 8; ++i)
      tasks.push_back(deposit());

    run_together(std::move(tasks));

    run([&]() -> Task<void> {
      const std::int64_t found = co_await balance("a");
      EXPECT_GE(found, known);
      EXPECT_LE(found, known + unknown);
    });
  });
}

TEST_P(DatabaseConformance, ReadsNeverSeeHalfATransaction) {
  tests::for_seeds(seeds, [this](std::uint64_t seed) {
    use_seed(seed);
    run([this]() -> Task<void> {
      co_await open_account("a", 100);
      co_await open_account("b", 100);
    });
    const auto move = [this]() -> Task<void> {
      co_await insist([](Transaction& tx) -> Task<void> {
        co_await tx.execute("UPDATE accounts SET balance = balance - 1 WHERE name = 'a'");
        co_await tx.execute("UPDATE accounts SET balance = balance + 1 WHERE name = 'b'");
      });
    };
    const auto look = [this]() -> Task<void> {
      for (int i = 0; i < 10; ++i) {
        co_await async::yield();
        EXPECT_EQ(co_await total(), 200);
      }
    };
    std::vector<Task<void>> tasks;
    for (int i = 0; i < 5; ++i)
      tasks.push_back(move());
    tasks.push_back(look());
    tasks.push_back(look());

    run_together(std::move(tasks));
  });
}

TEST_P(DatabaseConformance, AReadIsOneSnapshot) {
  run([this] { return open_account("a", 0); });
  const auto write = [this]() -> Task<void> {
    for (int i = 1; i <= 10; ++i)
      co_await open_account("a", i);
  };
  const auto look = [this]() -> Task<void> {
    for (int i = 0; i < 10; ++i) {
      co_await db().read([](Transaction& tx) -> Task<void> {
        const Rows first = co_await tx.execute("SELECT balance FROM accounts");
        const Rows second = co_await tx.execute("SELECT balance FROM accounts");
        EXPECT_EQ(first, second);
      });
      co_await async::yield();
    }
  };
  std::vector<Task<void>> tasks;
  tasks.push_back(write());
  tasks.push_back(look());

  run_together(std::move(tasks));
}

TEST_P(DatabaseConformance, RefusesToWriteInARead) {
  condition_of([this]() -> Task<void> {
    co_await db().read([](Transaction& tx) -> Task<void> {
      co_await tx.execute("INSERT INTO accounts (name, balance) VALUES ('a', 1)");
    });
  });

  run([this]() -> Task<void> { EXPECT_EQ(co_await balance("a"), -1); });
}

TEST_P(DatabaseConformance, NamesABrokenConstraintConflict) {
  run([this] { return open_account("a", 1); });

  const Condition condition = condition_of([this]() -> Task<void> {
    co_await db().transaction([](Transaction& tx) -> Task<void> {
      co_await tx.execute("INSERT INTO accounts (name, balance) VALUES ('b', 1)");
      co_await tx.execute("INSERT INTO accounts (name, balance) VALUES ('a', 2)");
    });
  });

  EXPECT_EQ(condition, Condition::conflict);
  run([this]() -> Task<void> { EXPECT_EQ(co_await balance("b"), -1); });
}

TEST_P(DatabaseConformance, RefusesStatementsThatEndTheTransaction) {
  for (const char* text : {"COMMIT", "ROLLBACK", "BEGIN"}) {
    condition_of([this, text]() -> Task<void> {
      co_await db().transaction([&](Transaction& tx) -> Task<void> {
        co_await tx.execute("INSERT INTO accounts (name, balance) VALUES ('a', 1)");
        co_await tx.execute(store::Statement::dynamic(text));
      });
    });
  }

  run([this]() -> Task<void> { EXPECT_EQ(co_await balance("a"), -1); });
}

TEST_P(DatabaseConformance, RefusesABodyThatAwaitsTheWorld) {
  const Condition condition = condition_of([this]() -> Task<void> {
    co_await db().transaction([](Transaction& tx) -> Task<void> {
      co_await tx.execute("INSERT INTO accounts (name, balance) VALUES ('a', 1)");
      co_await async::yield();
    });
  });

  EXPECT_EQ(condition, Condition::invalid_input);
  run([this]() -> Task<void> { EXPECT_EQ(co_await balance("a"), -1); });
}

TEST_P(DatabaseConformance, TellsAListenerOnceAndOnlyAfterTheCommit) {
  store::CommitSignal committed;
  store::CommitSignal undone;

  run([&]() -> Task<void> {
    co_await insist([&](Transaction& tx) -> Task<void> {
      tx.after_commit(committed);
      tx.after_commit(committed);
      EXPECT_EQ(committed.count(), 0u);
      co_await tx.execute("DELETE FROM accounts");
    });
    co_await committed.beyond(0);
  });
  condition_of([&]() -> Task<void> {
    co_await db().transaction([&](Transaction& tx) -> Task<void> {
      tx.after_commit(undone);
      co_await tx.execute("DELETE FROM accounts");
      throw Error(Condition::not_found, "no");
    });
  });

  EXPECT_EQ(committed.count(), 1u);
  EXPECT_EQ(undone.count(), 0u);
}

TEST_P(DatabaseConformance, KeepsEveryValueAsItWas) {
  const std::string unicode = "\xc3\xa4 \xf0\x9f\x98\x80 ' \" ; --";
  const std::string zeros("\0a\0", 3);
  const std::vector<std::vector<Value>> samples = {
      {std::int64_t{0}, std::string(), Blob{}},
      {std::numeric_limits<std::int64_t>::min(), unicode, Blob{zeros}},
      {std::numeric_limits<std::int64_t>::max(), std::string(100'000, 'x'),
       Blob{std::string(100'000, '\xff')}},
      {std::monostate(), std::monostate(), std::monostate()},
  };

  run([&]() -> Task<void> {
    co_await insist([&](Transaction& tx) -> Task<void> {
      co_await tx.execute("DELETE FROM samples");
      for (std::size_t i = 0; i < samples.size(); ++i) {
        co_await tx.execute("INSERT INTO samples (id, number, words, raw) VALUES (?, ?, ?, ?)",
                            {i, samples[i][0], samples[i][1], samples[i][2]});
      }
    });
    const Rows rows = co_await db().read([](Transaction& tx) -> Task<Rows> {
      co_return co_await tx.execute("SELECT number, words, raw FROM samples ORDER BY id");
    });

    EXPECT_EQ(rows.size(), samples.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (std::size_t column = 0; column < 3; ++column)
        EXPECT_EQ(rows[i].value(column), samples[i][column]) << i << ", column " << column;
    }
  });
}

TEST_P(DatabaseConformance, CountsUpIdentitiesAndNeverUsesOneTwice) {
  run([this]() -> Task<void> {
    std::vector<std::int64_t> positions;
    for (int i = 0; i < 3; ++i) {
      co_await insist([&](Transaction& tx) -> Task<void> {
        co_await tx.execute("INSERT INTO counted (word) VALUES ('x')");
      });
      positions.push_back(co_await db().read([](Transaction& tx) -> Task<std::int64_t> {
        const Rows rows = co_await tx.execute("SELECT MAX(position) FROM counted");
        co_return rows[0].integer(0);
      }));
      co_await insist(
          [](Transaction& tx) -> Task<void> { co_await tx.execute("DELETE FROM counted"); });
    }

    EXPECT_LT(0, positions[0]);
    EXPECT_LT(positions[0], positions[1]);
    EXPECT_LT(positions[1], positions[2]);
  });
}

TEST_P(DatabaseConformance, KeepsWhatWasCommittedWhenItIsOpenedAgain) {
  run([this] { return open_account("a", 7); });

  bench().reopen();

  run([this]() -> Task<void> { EXPECT_EQ(co_await balance("a"), 7); });
}

TEST_P(DatabaseConformance, IsUnavailableOnceItIsClosed) {
  run([this] { return db().close(); });

  EXPECT_EQ(condition_of([this]() -> Task<void> {
              co_await db().transaction([](Transaction& tx) -> Task<void> {
                co_await tx.execute("DELETE FROM accounts");
              });
            }),
            Condition::unavailable);
  EXPECT_EQ(condition_of([this]() -> Task<void> { co_await balance("a"); }),
            Condition::unavailable);
  bench().reopen();
}

TEST_P(DatabaseConformance, TakesADeadlineBeforeTheTransactionBegins) {
  const Condition condition = condition_of([this]() -> Task<void> {
    const async::TaskContext& context = co_await async::this_context();
    co_await async::with_deadline(context.runtime->now() - std::chrono::seconds(1),
                                  open_account("a", 1));
  });

  EXPECT_EQ(condition, Condition::timeout);
  run([this]() -> Task<void> { EXPECT_EQ(co_await balance("a"), -1); });
}

constexpr Migration first{1, "one", "CREATE TABLE one (a BIGINT NOT NULL);"};
constexpr Migration second{2, "two", "CREATE TABLE two (a BIGINT NOT NULL);"};

TEST_P(DatabaseConformance, AppliesEachMigrationOnce) {
  const Migration one[] = {first};
  const Migration both[] = {first, second};

  run([&]() -> Task<void> {
    co_await db().migrate({"shop", one});
    co_await db().migrate({"shop", one});
    co_await db().migrate({"shop", both});
  });
  bench().reopen();

  run([&]() -> Task<void> {
    co_await db().migrate({"shop", both});
    co_await db().transaction([](Transaction& tx) -> Task<void> {
      co_await tx.execute("SELECT one.a, two.a FROM one CROSS JOIN two");
    });
  });
}

TEST_P(DatabaseConformance, RefusesAHistoryThatIsNotItsOwn) {
  const Migration both[] = {first, second};
  const Migration changed[] = {{1, "one", "CREATE TABLE one (a TEXT NOT NULL);"}, second};
  const Migration renamed[] = {{1, "uno", first.sql}, second};
  const Migration older[] = {first};
  run([&] { return db().migrate({"shop", both}); });

  EXPECT_EQ(condition_of([&] { return db().migrate({"shop", changed}); }), Condition::conflict);
  EXPECT_EQ(condition_of([&] { return db().migrate({"shop", renamed}); }), Condition::conflict);
  EXPECT_EQ(condition_of([&] { return db().migrate({"shop", older}); }), Condition::unsupported);
  const Migration other[] = {{1, "one", "CREATE TABLE other_one (a BIGINT NOT NULL);"}};
  run([&] { return db().migrate({"other", other}); });  // a component's history is its own
}

TEST_P(DatabaseConformance, UndoesAMigrationThatFails) {
  const Migration broken[] = {first, {2, "two", "CREATE TABLE two (a BIGINT); CREATE NONSENSE;"}};
  const Migration mended[] = {first, second};

  condition_of([&] { return db().migrate({"shop", broken}); });

  run([&] { return db().migrate({"shop", mended}); });
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DatabaseConformance);

}  // namespace sinew::conformance
