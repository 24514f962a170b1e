#include "adapters/sqlite/sim/vfs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <array>
#include <string>
#include <vector>

#include "adapters/sqlite/database.hpp"
#include "sinew/async/sim/node.hpp"
#include "sinew/base/error.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::sqlite::sim {
namespace {

using async::sim::Disk;
using async::sim::DiskOptions;
using async::sim::World;
using tests::for_seeds;

// A connection of plain SQLite, with its journal and syncing as the test says.
class Plain {
 public:
  Plain(const Vfs& vfs, const char* synchronous) {
    sqlite3_open_v2("d/plain.db", &database_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                    vfs.name().c_str());
    run("PRAGMA journal_mode = WAL");
    run((std::string("PRAGMA synchronous = ") + synchronous).c_str());
    run("CREATE TABLE IF NOT EXISTS notes (text TEXT)");
  }
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;
  ~Plain() { sqlite3_close(database_); }

  void run(const char* sql) {
    const int code = sqlite3_exec(database_, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) throw std::runtime_error(sqlite3_errmsg(database_));
  }
  int count() {
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(database_, "SELECT COUNT(*) FROM notes", -1, &statement, nullptr);
    sqlite3_step(statement);
    const int rows = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return rows;
  }

 private:
  sqlite3* database_ = nullptr;
};

// In how many of 100 seeds a committed row is missing after a power cut.
int seeds_that_lose(const char* synchronous) {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    World world(seed);
    Disk disk(world);
    const Vfs vfs(world, disk);
    {
      Plain plain(vfs, "FULL");
    }
    {
      Plain plain(vfs, synchronous);
      plain.run("INSERT INTO notes VALUES ('kept?')");
      disk.cut_power();
    }
    lost += Plain(vfs, "FULL").count() == 0;
  }
  return lost;
}

TEST(SqliteSimVfs, LosesACommitThatWasNotSynced) {
  EXPECT_GT(seeds_that_lose("NORMAL"), 10);
  EXPECT_GT(seeds_that_lose("OFF"), 10);
  EXPECT_EQ(seeds_that_lose("FULL"), 0);
}

TEST(SqliteSimVfs, SharesTheFileBetweenConnections) {
  World world(1);
  Disk disk(world);
  const Vfs vfs(world, disk);
  Plain one(vfs, "FULL");
  Plain other(vfs, "FULL");

  one.run("BEGIN IMMEDIATE");
  one.run("INSERT INTO notes VALUES ('one')");

  EXPECT_EQ(other.count(), 0);
  EXPECT_THROW(other.run("BEGIN IMMEDIATE"), std::runtime_error) << "the write lock is held";
  one.run("COMMIT");
  EXPECT_EQ(other.count(), 1);
}

// A host's database on such a machine, started again after each end.
class Machine {
 public:
  Machine(std::uint64_t seed, const DiskOptions& faults)
      : world(seed), disk(world, faults), vfs(world, disk) {}
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine() { end(); }

  void end() {
    if (node != nullptr) node->crash();
    disk.end_process();
    database.reset();
  }

  // Once, after end().
  void open() {
    node = &world.add_node("host");
    Settings settings;
    settings.path = "d/context.db";
    settings.vfs = vfs.name();
    settings.files = files_on(disk);
    settings.simulate(world.seed());
    settings.wal_passive_bytes = 32 * 1024;
    settings.wal_soft_bytes = 64 * 1024;
    database = node->run(Database::open(*node, settings));
    static constexpr store::Migration notes{1, "notes", "CREATE TABLE notes (id BIGINT);"};
    node->run(database->migrate({"test", {&notes, 1}}));
  }

  // Tries until the faults let it.
  void start() {
    for (int attempt = 1;; ++attempt) {
      end();
      try {
        return open();
      } catch (const Error& error) {
        if (attempt == most_tries) throw;
      }
    }
  }

  // Tries until the faults let it.
  std::vector<std::int64_t> ids() {
    for (int attempt = 1;; ++attempt) {
      try {
        return node->run(read_ids());
      } catch (const Error& error) {
        if (attempt == most_tries) throw;
        if (error.condition() == Condition::unavailable) start();
      }
    }
  }

  World world;
  Disk disk;
  Vfs vfs;
  async::sim::Node* node = nullptr;
  std::unique_ptr<Database> database;

 private:
  static constexpr int most_tries = 100;

  Task<std::vector<std::int64_t>> read_ids() {
    std::vector<std::int64_t> found;
    co_await database->read([&found](store::Transaction& tx) -> Task<void> {
      const store::Rows rows = co_await tx.execute("SELECT id FROM notes ORDER BY id");
      for (const store::Row row : rows)
        found.push_back(row.integer(0));
    });
    co_return found;
  }
};

// What was asked of the database, and what it said.
struct Asked {
  std::int64_t next = 0;
  std::vector<std::int64_t> answered;
  std::vector<std::int64_t> refused;  // for certain
};

Task<void> write_notes(Machine& machine, Asked& asked) {
  for (;;) {
    const std::int64_t id = ++asked.next;
    try {
      co_await machine.database->transaction([id](store::Transaction& tx) -> Task<void> {
        for (int row = 0; row < 3; ++row)
          co_await tx.execute("INSERT INTO notes (id) VALUES (?)", {id});
      });
      asked.answered.push_back(id);
    } catch (const Error& error) {
      if (error.applied() == Applied::no) asked.refused.push_back(id);
    }
    co_await async::sleep_for(std::chrono::milliseconds(1));
  }
}

void check(Machine& machine, const Asked& asked) {
  const std::vector<std::int64_t> ids = machine.ids();
  for (const std::int64_t id : asked.answered)
    EXPECT_EQ(std::ranges::count(ids, id), 3) << id << " was answered, and is lost";
  for (const std::int64_t id : asked.refused)
    EXPECT_EQ(std::ranges::count(ids, id), 0) << id << " was refused, and is there";
  for (const std::int64_t id : ids)
    EXPECT_EQ(std::ranges::count(ids, id), 3) << id << " is there in part";
}

TEST(SqliteSimVfs, KeepsEveryAnswerThroughPowerCutsAndFailingDisks) {
  std::size_t answered = 0;
  for_seeds(100, [&](std::uint64_t seed) {
    Machine machine(seed,
                    {.full = 0.01, .read_error = 0.002, .write_error = 0.01, .sync_error = 0.02});
    Asked asked;
    for (int life = 0; life < 4; ++life) {
      machine.start();
      check(machine, asked);
      bool cut = false;
      {
        async::Scope scope(*machine.node);
        for (int writer = 0; writer < 4; ++writer)
          scope.spawn(write_notes(machine, asked));
        machine.disk.cut_power_after(1 + machine.world.random().below(400), [&] {
          cut = true;
          machine.node->crash();
        });
        machine.world.run_until([&, end = machine.world.now() + std::chrono::seconds(1)] {
          return cut || machine.world.now() > end;
        });
        machine.node->crash();
      }
      machine.end();
    }
    machine.world.heal();
    machine.start();
    check(machine, asked);
    answered += asked.answered.size();
  });
  EXPECT_GT(answered, 1000u);
}

// In SQLite's other journal mode a power cut may undo what was acknowledged.
TEST(SqliteSimVfs, OpensWithALogOrNotAtAll) {
  constexpr std::size_t write_version = 18;  // in the header: 2 with a log
  for_seeds(100, [](std::uint64_t seed) {
    Machine machine(seed, {.write_error = 0.02, .sync_error = 0.1});

    machine.start();

    std::array<char, write_version + 1> head{};
    std::size_t count = 0;
    machine.disk.open("d/context.db", false)->read(0, head, count);
    EXPECT_EQ(head[write_version], 2);
  });
}

Task<void> leave_free_pages(store::Transaction& tx) {
  const std::string page(4000, 'x');
  co_await tx.execute("CREATE TABLE pages (text TEXT)");
  for (int i = 0; i < 50; ++i)
    co_await tx.execute("INSERT INTO pages (text) VALUES (?)", {page});
  co_await tx.execute("DROP TABLE pages");
}

TEST(SqliteSimVfs, TakesNoReadErrorForDamage) {
  int failed = 0;
  for_seeds(60, [&](std::uint64_t seed) {
    Machine machine(seed, {.read_error = 0.01});
    machine.start();
    try {
      machine.node->run(machine.database->transaction(leave_free_pages));
    } catch (const Error&) {
      return;  // by one of those errors
    }
    for (int attempt = 0; attempt < 50; ++attempt) {
      machine.end();
      try {
        machine.open();
      } catch (const Error& error) {
        ++failed;
        EXPECT_EQ(error.condition(), Condition::unavailable) << error.detail();
      }
    }
  });
  EXPECT_GT(failed, 50);
}

// What a cut leaves of a file in the making may be torn; the journal beside it undoes that.
TEST(SqliteSimVfs, TakesUpACreationThatThePowerEnded) {
  int ended = 0;
  for_seeds(300, [&](std::uint64_t seed) {
    Machine machine(seed, {});
    for (int life = 0; life < 3; ++life) {
      machine.end();
      machine.disk.cut_power_after(1 + machine.world.random().below(60),
                                   [&machine] { machine.node->crash(); });
      try {
        machine.open();
      } catch (const async::sim::Stuck&) {
        ++ended;
      }
    }
    machine.start();

    Asked asked;
    {
      async::Scope scope(*machine.node);
      scope.spawn(write_notes(machine, asked));
      machine.world.run_for(std::chrono::milliseconds(100));
      machine.node->crash();
    }
    machine.start();
    check(machine, asked);
    EXPECT_FALSE(asked.answered.empty());
  });
  EXPECT_GT(ended, 100);
}

}  // namespace
}  // namespace sinew::sqlite::sim
