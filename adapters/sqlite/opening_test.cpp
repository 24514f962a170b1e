#include "adapters/sqlite/opening.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <barrier>
#include <filesystem>
#include <thread>
#include <vector>

#include "adapters/sqlite/test_database.hpp"

namespace sinew::sqlite {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// What opening `settings` says.
Error refusal(const Settings& settings) {
  async::TestRuntime runtime;
  try {
    auto database = runtime.run(Database::open(runtime, settings));
    runtime.run(database->close());
  } catch (const Error& error) {
    return error;
  }
  throw std::logic_error("it opened");
}

Error refusal_of(const TestFolder& folder) {
  Settings settings;
  settings.path = folder.database();
  return refusal(settings);
}

// A database with some notes, closed, all of it in its main file.
void fill_and_close(TestDatabase& test) {
  for (int i = 0; i < 50; ++i) {
    test.alone(TestDatabase::note(std::to_string(i) + std::string(1000, 'x')));
  }
  test.close();
  Stranger(test.folder.database()).run("PRAGMA wal_checkpoint(TRUNCATE)");
}

TEST(SqliteOpening, FindsAgainWhatWasStored) {
  TestDatabase test;
  test.alone(TestDatabase::note("a"));

  test.reopen();

  EXPECT_THAT(test.notes(), ElementsAre("a"));
}

TEST(SqliteOpening, RefusesASecondOpenerAndNamesTheFirst) {
  TestDatabase test;

  const Error error = refusal_of(test.folder);

  EXPECT_EQ(error.condition(), Condition::conflict);
  EXPECT_THAT(error.detail(), HasSubstr("process " + std::to_string(::getpid())));
}

// The first reads the log anew and has the file for itself meanwhile.
TEST(SqliteOpening, LetsSeveralReadAtOnceAfterACrash) {
  TestDatabase test;
  for (int i = 0; i < 200; ++i)
    test.alone(TestDatabase::note(std::string(1000, 'x')));
  test.close();
  Settings settings;
  settings.path = test.folder.database();
  const auto files = Files::system();

  // Nobody is refused.
  for (int round = 0; round < 50; ++round) {
    std::filesystem::remove(test.folder.database() + "-shm");
    std::barrier together(4);
    std::vector<std::jthread> readers;
    for (int i = 0; i < 4; ++i) {
      readers.emplace_back([&] {
        together.arrive_and_wait();
        try {
          open_reader(settings, *files);
        } catch (const Error& error) {
          ADD_FAILURE() << error.detail();
        }
      });
    }
  }
}

TEST(SqliteOpening, RefusesAFileThatIsNoDatabase) {
  const TestFolder folder;
  write_file(folder.database(), std::string(5000, 'x'));

  const Error error = refusal_of(folder);

  EXPECT_EQ(error.condition(), Condition::corrupt);
  EXPECT_THAT(error.detail(), HasSubstr("is not an SQLite database"));
  EXPECT_EQ(std::filesystem::file_size(folder.database()), 5000U);
}

TEST(SqliteOpening, RefusesADatabaseOfAnotherProgram) {
  const TestFolder folder;
  Stranger(folder.database()).run("CREATE TABLE theirs (x)");

  const Error error = refusal_of(folder);

  EXPECT_EQ(error.condition(), Condition::conflict);
  EXPECT_THAT(error.detail(), HasSubstr("another program"));
  Stranger(folder.database()).run("INSERT INTO theirs VALUES (1)");
}

TEST(SqliteOpening, RefusesADatabaseOfANewerProgram) {
  TestDatabase test;
  test.close();
  Stranger(test.folder.database()).run("PRAGMA user_version = 99");

  EXPECT_EQ(refusal_of(test.folder).condition(), Condition::unsupported);
}

TEST(SqliteOpening, RefusesATruncatedFile) {
  for (const std::uintmax_t size : {50, 4096, 6000, 40000}) {
    TestDatabase test;
    fill_and_close(test);
    ASSERT_GT(std::filesystem::file_size(test.folder.database()), size);
    std::filesystem::resize_file(test.folder.database(), size);

    EXPECT_EQ(refusal_of(test.folder).condition(), Condition::corrupt) << size;
    EXPECT_EQ(std::filesystem::file_size(test.folder.database()), size);
  }
}

TEST(SqliteOpening, RefusesAnEmptiedFileBesideItsLog) {
  TestDatabase test;
  test.alone(TestDatabase::note("a"));
  test.close();
  const auto log = std::filesystem::file_size(test.folder.wal());
  std::filesystem::resize_file(test.folder.database(), 0);

  EXPECT_EQ(refusal_of(test.folder).condition(), Condition::corrupt);
  EXPECT_EQ(std::filesystem::file_size(test.folder.wal()), log);
}

TEST(SqliteOpening, RefusesADamagedPage) {
  TestDatabase test;
  fill_and_close(test);
  {
    std::fstream file(test.folder.database(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4 * 4096);
    file << std::string(4 * 4096, '\x5a');
  }

  EXPECT_EQ(refusal_of(test.folder).condition(), Condition::corrupt);
}

TEST(SqliteOpening, TakesUpAFileWhoseCreationWasInterrupted) {
  TestDatabase test;
  test.close();
  const struct {
    const char* name;
    const char* sql;
  } stages[] = {
      {"nothing written", ""},
      {"owner written", "PRAGMA application_id = 1397638487"},
      {"mode written", "PRAGMA application_id = 1397638487; PRAGMA journal_mode = WAL"},
  };
  for (const auto& [name, sql] : stages) {
    std::filesystem::remove(test.folder.database());
    std::filesystem::remove(test.folder.wal());
    Stranger(test.folder.database()).run(sql);

    test.open();
    EXPECT_EQ(test.database->health().state, Health::State::up) << name;
    test.close();
  }
}

TEST(SqliteOpening, SaysWhatIsMissing) {
  const TestFolder folder;
  Settings absent;
  absent.path = folder.database();
  absent.create = false;
  EXPECT_EQ(refusal(absent).condition(), Condition::not_found);

  Settings nowhere;
  nowhere.path = folder.file("no/such/folder/context.db");
  EXPECT_EQ(refusal(nowhere).condition(), Condition::not_found);
  EXPECT_THAT(refusal(nowhere).detail(), HasSubstr("no/such/folder"));
}

}  // namespace
}  // namespace sinew::sqlite
