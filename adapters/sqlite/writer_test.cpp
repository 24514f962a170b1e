#include "adapters/sqlite/writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "adapters/sqlite/faulty_vfs.hpp"
#include "adapters/sqlite/test_database.hpp"
#include "sinew/base/crash_point.hpp"

namespace sinew::sqlite {
namespace {

using store::Transaction;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

using Body = TestDatabase::Body;
using Operation = FaultyVfs::Operation;

constexpr bool log_file = true;
constexpr bool database_file = false;

// A database on a disk that does as it is told.
struct OnFaultyDisk {
  explicit OnFaultyDisk(const std::function<void(Settings&)>& adjust = {})
      : test([this, &adjust](Settings& settings) {
          settings.vfs = vfs.name();
          if (adjust) adjust(settings);
        }) {}

  FaultyVfs vfs{"faulty"};
  TestDatabase test;
};

TEST(SqliteWriter, RunsABatchAgainOneByOneWhenItsCommitFindsTheDiskFull) {
  OnFaultyDisk disk;
  disk.vfs.fail(Operation::write, log_file, SQLITE_FULL);

  const auto answers = disk.test.together(
      {TestDatabase::note("a"), TestDatabase::note("b"), TestDatabase::note("c")});

  for (const auto& answer : answers)
    EXPECT_TRUE(answer.committed());
  EXPECT_EQ(disk.test.database->statistics().reruns, 3U);
  EXPECT_THAT(disk.test.notes(), ElementsAre("a", "b", "c"));
}

TEST(SqliteWriter, GivesUpWithExhaustedOnADiskThatStaysFull) {
  OnFaultyDisk disk;
  disk.vfs.fail(Operation::write, log_file, SQLITE_FULL, 1000);

  const auto answers = disk.test.together({TestDatabase::note("a"), TestDatabase::note("b")});

  for (const auto& answer : answers) {
    EXPECT_EQ(answer.error().condition(), Condition::exhausted);
    EXPECT_EQ(answer.error().applied(), Applied::no);
  }
  EXPECT_EQ(disk.test.database->health().state, Health::State::up);
  disk.vfs.judge({});
  EXPECT_TRUE(disk.test.alone(TestDatabase::note("c")).committed());
  EXPECT_THAT(disk.test.notes(), ElementsAre("c"));
}

// A body so large that it leaves the cache writes to the log before the commit.
TEST(SqliteWriter, RefusesTheBodyThatFillsTheDiskAndCommitsTheOthers) {
  OnFaultyDisk disk([](Settings& settings) { settings.cache_bytes = 64 * 1024; });
  disk.vfs.judge([](const FaultyVfs::Call& call) {
    const bool beyond = call.operation == Operation::write && call.offset > 512 * 1024;
    return beyond ? SQLITE_FULL : SQLITE_OK;
  });
  const auto large = [](Transaction& transaction) -> Task<void> {
    for (char c = 'a'; c < 'k'; ++c) {
      co_await TestDatabase::insert(transaction, std::string(100'000, c));
    }
  };

  const auto answers =
      disk.test.together({TestDatabase::note("a"), large, TestDatabase::note("b")});

  EXPECT_TRUE(answers[0].committed());
  EXPECT_EQ(answers[1].error().condition(), Condition::exhausted);
  EXPECT_EQ(answers[1].error().applied(), Applied::no);
  EXPECT_TRUE(answers[2].committed());
  EXPECT_THAT(disk.test.notes(), ElementsAre("a", "b"));
}

TEST(SqliteWriter, UndoesTheBatchThoughABodySwallowsItsFullDisk) {
  OnFaultyDisk disk([](Settings& settings) { settings.cache_bytes = 64 * 1024; });
  const auto swallowing = [](Transaction& transaction) -> Task<void> {
    for (char c = 'a'; c < 'k'; ++c) {
      try {
        co_await TestDatabase::insert(transaction, std::string(100'000, c));
      } catch (const Error&) {
        co_return;
      }
    }
  };
  disk.vfs.fail(Operation::write, log_file, SQLITE_FULL, 1000);

  const auto answer = disk.test.alone(swallowing);

  EXPECT_EQ(answer.error().condition(), Condition::exhausted);
  disk.vfs.judge({});
  EXPECT_THAT(disk.test.notes(), IsEmpty());
}

TEST(SqliteWriter, AnswersUnknownAfterAFailedSyncAndOpensAgain) {
  OnFaultyDisk disk;
  disk.test.alone(TestDatabase::note("before"));
  disk.vfs.fail(Operation::sync, log_file, SQLITE_IOERR_FSYNC);
  const auto throwing = [](Transaction&) -> Task<void> {
    throw Error(Condition::not_found, "seen in a batch that may not be");
    co_return;
  };

  const auto answers = disk.test.together({TestDatabase::note("a"), throwing});

  EXPECT_EQ(answers[0].error().condition(), Condition::unavailable);
  EXPECT_EQ(answers[0].error().applied(), Applied::unknown);
  EXPECT_EQ(answers[1].error().condition(), Condition::unavailable);
  EXPECT_EQ(answers[1].error().applied(), Applied::no);
  EXPECT_EQ(disk.test.database->statistics().recoveries, 1U);
  EXPECT_EQ(disk.test.database->health().state, Health::State::up);
  EXPECT_TRUE(disk.test.alone(TestDatabase::note("after")).committed());
  EXPECT_THAT(disk.test.notes(), ElementsAre("before", "a", "after"));
}

TEST(SqliteWriter, TakesAFailedWriteOfACommitForUnknownToo) {
  OnFaultyDisk disk;
  disk.vfs.fail(Operation::write, log_file, SQLITE_IOERR_WRITE);

  const auto answer = disk.test.alone(TestDatabase::note("a"));

  EXPECT_EQ(answer.error().applied(), Applied::unknown);
  EXPECT_EQ(disk.test.database->statistics().recoveries, 1U);
  EXPECT_TRUE(disk.test.alone(TestDatabase::note("b")).committed());
}

// Files that cannot be renamed.
class NoRename final : public Files {
 public:
  std::unique_ptr<FileLock> lock(const std::string& path) override { return real_->lock(path); }
  std::optional<std::uint64_t> size(const std::string& path) override { return real_->size(path); }
  std::string head(const std::string& path, std::size_t bytes) override {
    return real_->head(path, bytes);
  }
  void copy_durably(const std::string& from, const std::string& to) override {
    real_->copy_durably(from, to);
  }
  void rename_durably(const std::string&, const std::string&) override {
    throw Error(Condition::unavailable, "the folder does not sync");
  }

 private:
  std::shared_ptr<Files> real_ = Files::system();
};

TEST(SqliteWriter, StaysDownAndSaysSoWhenItCannotRecover) {
  OnFaultyDisk disk([](Settings& settings) { settings.files = std::make_shared<NoRename>(); });
  disk.test.alone(TestDatabase::note("before"));
  disk.vfs.fail(Operation::sync, log_file, SQLITE_IOERR_FSYNC);
  TestDatabase::Answer first;
  async::Scope scope(disk.test.runtime);
  scope.spawn(disk.test.one(TestDatabase::note("a"), first));

  disk.test.runtime.run(scope.join());
  const auto second = disk.test.alone(TestDatabase::note("b"));

  EXPECT_EQ(first.error().applied(), Applied::unknown);
  EXPECT_EQ(second.error().condition(), Condition::unavailable);
  EXPECT_EQ(second.error().applied(), Applied::no);
  EXPECT_THAT(second.error().detail(), HasSubstr("the folder does not sync"));
  EXPECT_THROW(disk.test.notes(), Error);
  EXPECT_EQ(disk.test.database->health().state, Health::State::down);
  EXPECT_THAT(disk.test.database->status().trouble, HasSubstr("the folder does not sync"));
  disk.test.close();

  disk.test.settings.files = nullptr;
  disk.test.open();
  EXPECT_THAT(disk.test.notes(), ElementsAre("before", "a"));
}

// One page of 4 KB a note, more or less.
constexpr std::size_t page = 4096;

void write_notes(TestDatabase& test, int count) {
  for (int i = 0; i < count; ++i) {
    ASSERT_TRUE(
        test.alone(TestDatabase::note(std::to_string(i) + std::string(page, 'x'))).committed());
  }
}

TEST(SqliteWriter, CopiesTheLogIntoTheDatabaseBetweenBatches) {
  TestDatabase test([](Settings& settings) { settings.wal_passive_bytes = 32 * page; });

  write_notes(test, 100);

  EXPECT_GT(test.database->statistics().checkpoints, 2U);
  EXPECT_LT(std::filesystem::file_size(test.folder.wal()), 80 * page);
  EXPECT_EQ(test.notes().size(), 100U);
}

TEST(SqliteWriter, RecoversFromAFailedSyncOfTheDatabaseWithoutLosingAnything) {
  OnFaultyDisk disk([](Settings& settings) { settings.wal_passive_bytes = 32 * page; });
  disk.vfs.fail(Operation::sync, database_file, SQLITE_IOERR_FSYNC);

  write_notes(disk.test, 100);

  EXPECT_EQ(disk.test.database->statistics().recoveries, 1U);
  EXPECT_EQ(disk.test.notes().size(), 100U);
}

TEST(SqliteWriter, PushesWritersBackWhenAReaderHoldsTheLog) {
  TestDatabase test([](Settings& settings) {
    settings.wal_passive_bytes = 16 * page;
    settings.wal_soft_bytes = 32 * page;
    settings.wal_hard_bytes = 64 * page;
  });
  Stranger reader(test.folder.database());
  reader.run("BEGIN; SELECT * FROM notes");
  TestDatabase::Answer answer;
  int written = 0;
  do {
    answer = test.alone(TestDatabase::note(std::to_string(written++) + std::string(page, 'x')));
  } while (answer.committed() && written < 200);

  EXPECT_EQ(answer.error().condition(), Condition::exhausted);
  EXPECT_THAT(answer.error().detail(), HasSubstr("write-ahead log"));
  reader.run("COMMIT");
  EXPECT_TRUE(test.alone(TestDatabase::note("again")).committed());
}

TEST(SqliteWriter, KeepsTheLogWhenItCloses) {
  TestDatabase test;
  test.alone(TestDatabase::note("a"));
  const auto size = std::filesystem::file_size(test.folder.wal());

  test.close();

  EXPECT_EQ(std::filesystem::file_size(test.folder.wal()), size);
  test.open();
  EXPECT_THAT(test.notes(), ElementsAre("a"));
}

// How many jobs the committer got while `work` was done.
int offloaded(TestDatabase& test, const std::function<void()>& work) {
  const int before = test.runtime.offloaded;
  work();
  return test.runtime.offloaded - before;
}

TEST(SqliteWriter, CommitsALoneTransactionOnTheIdleWorkerItself) {
  TestDatabase test([](Settings& settings) { settings.quick_commit = Duration::max(); });

  EXPECT_EQ(offloaded(test, [&] { EXPECT_TRUE(test.alone(TestDatabase::note("a")).committed()); }),
            0);
  EXPECT_EQ(
      offloaded(test, [&] { test.together({TestDatabase::note("b"), TestDatabase::note("c")}); }),
      1);

  EXPECT_THAT(test.notes(), ElementsAre("a", "b", "c"));
}

class Message final : public async::Completion {
 private:
  void run() noexcept override {}
};

TEST(SqliteWriter, LeavesTheCommitToTheCommitterWhileTheWorkerHasMoreToDo) {
  TestDatabase test([](Settings& settings) { settings.quick_commit = Duration::max(); });
  Message message;
  const auto while_a_message_waits = [&](Transaction& tx) {
    test.runtime.complete(message);
    return TestDatabase::insert(tx, "a");
  };

  EXPECT_EQ(offloaded(test, [&] { EXPECT_TRUE(test.alone(while_a_message_waits).committed()); }),
            1);
}

TEST(SqliteWriter, TrustsADiskAfterManyQuickCommitsInARow) {
  OnFaultyDisk disk([](Settings& settings) { settings.quick_commit = std::chrono::hours(1); });
  int notes = 0;
  const auto commits = [&](int count) {
    return offloaded(disk.test, [&] {
      for (int i = 0; i < count; ++i)
        disk.test.alone(TestDatabase::note(std::to_string(notes++)));
    });
  };

  EXPECT_GT(commits(1), 0);
  commits(31);
  EXPECT_EQ(commits(10), 0);

  disk.vfs.fail(Operation::write, log_file, SQLITE_FULL);
  EXPECT_EQ(commits(1), 0);
  EXPECT_EQ(commits(10), 10);
  EXPECT_EQ(disk.test.notes().size(), 52U);
}

TEST(SqliteWriter, NeverTrustsADiskThatIsSlowerThanAllowed) {
  TestDatabase test([](Settings& settings) { settings.quick_commit = Duration(1); });

  EXPECT_EQ(offloaded(test, [&] { write_notes(test, 50); }), 50);
}

TEST(SqliteWriter, AnswersUnknownAfterAFailedSyncOfTheWorkersOwn) {
  OnFaultyDisk disk([](Settings& settings) { settings.quick_commit = Duration::max(); });
  disk.test.alone(TestDatabase::note("before"));
  disk.vfs.fail(Operation::sync, log_file, SQLITE_IOERR_FSYNC);

  const auto answer = disk.test.alone(TestDatabase::note("a"));

  EXPECT_EQ(answer.error().applied(), Applied::unknown);
  EXPECT_EQ(disk.test.database->statistics().recoveries, 1U);
  EXPECT_TRUE(disk.test.alone(TestDatabase::note("after")).committed());
  EXPECT_THAT(disk.test.notes(), ElementsAre("before", "a", "after"));
}

TEST(SqliteWriter, CopiesTheLogBetweenCommitsOfTheWorkersOwn) {
  TestDatabase test([](Settings& settings) {
    settings.quick_commit = Duration::max();
    settings.wal_passive_bytes = 4 * page;
  });

  write_notes(test, 40);

  EXPECT_GT(test.database->statistics().checkpoints, 1U);
  test.reopen();
  EXPECT_EQ(test.notes().size(), 40U);
}

std::set<std::string>& passed() {
  static std::set<std::string> names;
  return names;
}

TEST(SqliteWriter, PassesItsCrashPoints) {
  passed().clear();
  set_crash_hook([](const char* name) { passed().insert(name); });
  {
    OnFaultyDisk disk([](Settings& settings) { settings.wal_passive_bytes = 4 * page; });
    write_notes(disk.test, 10);
    disk.vfs.fail(Operation::sync, log_file, SQLITE_IOERR_FSYNC);
    disk.test.alone(TestDatabase::note("a"));
  }
  set_crash_hook(nullptr);

  EXPECT_THAT(
      passed(),
      UnorderedElementsAre("sqlite.before_create", "sqlite.after_create", "sqlite.before_migration",
                           "sqlite.after_migration", "sqlite.before_commit", "sqlite.after_commit",
                           "sqlite.before_checkpoint", "sqlite.after_checkpoint",
                           "sqlite.before_wal_rename", "sqlite.after_wal_rename"));
}

}  // namespace
}  // namespace sinew::sqlite
