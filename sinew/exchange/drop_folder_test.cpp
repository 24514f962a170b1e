#include "sinew/exchange/drop_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "sinew/async/scope.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/log_sink.hpp"
#include "sinew/store/schema.hpp"
#include "tests/support/simulated_sqlite.hpp"

namespace sinew::exchange {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace fs = std::filesystem;

// A drop folder whose handler keeps what it is given, and refuses what begins with "bad".
class DropFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    sqlite.run(sqlite.database().migrate(store::store_migrations()));
    folder.emplace(sqlite.database(), "test", path,
                   [this](DroppedFile& file) { return handle(file); });
    scope.emplace(sqlite.node(), "drop folder");
    scope->spawn(folder->run(), "drop folder");
  }
  void TearDown() override {
    scope->cancel();
    sqlite.run(scope->join());
  }

  Task<void> handle(DroppedFile& file) {
    if (file.content().starts_with("bad")) throw Error(Condition::invalid_input, "line 1 is bad");
    if (file.content().starts_with("bug")) throw std::logic_error("a bug");
    if (away) throw Error(Condition::unavailable, "the world is away");
    const bool first = co_await file.commit([](store::Transaction&) -> Task<void> { co_return; });
    if (first) taken.push_back(file.name());
  }

  void drop(const std::string& name, const std::string& content = "good") {
    std::ofstream(path / (name + ".part")) << content;
    fs::rename(path / (name + ".part"), path / name);
  }
  void look() { sqlite.world().run_for(3 * DropFolder::look_every); }
  std::string content(const fs::path& file) const {
    std::ostringstream text;
    text << std::ifstream(path / file).rdbuf();
    return text.str();
  }
  std::size_t logged(const std::string& word) const {
    std::size_t lines = 0;
    for (const auto& line : log.lines())
      lines += line.contains(word) ? 1 : 0;
    return lines;
  }

  log::Capture log;
  tests::TemporaryFolder place;
  fs::path path = fs::path(place.file("drop"));
  tests::SimulatedSqlite sqlite{1};
  std::optional<DropFolder> folder;
  std::optional<async::Scope> scope;
  std::vector<std::string> taken;
  bool away = false;
};

TEST_F(DropFolderTest, TakesFilesInTheOrderOfTheirNames) {
  drop("b.csv");
  drop("a.csv", "also good");
  std::ofstream(path / "c.part") << "not yet";
  look();

  EXPECT_THAT(taken, ElementsAre("a.csv", "b.csv"));
  EXPECT_EQ(content("done/b.csv"), "good");
  EXPECT_TRUE(fs::exists(path / "c.part"));
  EXPECT_EQ(folder->status().taken, 2U);
}

TEST_F(DropFolderTest, TakesTheSameContentOnce) {
  drop("a.csv");
  look();
  drop("a.csv");
  look();

  EXPECT_THAT(taken, ElementsAre("a.csv"));
  EXPECT_FALSE(fs::exists(path / "a.csv"));
}

TEST_F(DropFolderTest, RefusesWithTheReasonAndGoesOn) {
  drop("a.csv", "bad");
  drop("b.csv");
  look();

  EXPECT_THAT(taken, ElementsAre("b.csv"));
  EXPECT_EQ(content("refused/a.csv"), "bad");
  EXPECT_EQ(content("refused/a.csv.reason"), "line 1 is bad\n");
  EXPECT_EQ(folder->status().refused, 1U);
}

TEST_F(DropFolderTest, TriesAgainWhatMayPassAndSaysSoOnce) {
  away = true;
  drop("a.csv");
  drop("b.csv", "bug");
  look();
  look();

  EXPECT_THAT(taken, IsEmpty());
  EXPECT_EQ(folder->status().last_error, "the world is away");
  EXPECT_EQ(logged("the world is away"), 1U);
  EXPECT_EQ(logged("a bug"), 1U);

  away = false;
  look();
  EXPECT_THAT(taken, ElementsAre("a.csv"));
  EXPECT_EQ(folder->status().last_error, "a bug");
  fs::remove(path / "b.csv");
  look();
  EXPECT_EQ(folder->status().last_error, "");
}

// A disk that fails under one file: nothing of it ends the work on the others.
struct Broken {
  const char* name;
  const char* folder;  // that cannot be written
  const char* content;
  const char* where;  // the file is in the end
};
void PrintTo(const Broken& row, std::ostream* out) { *out << row.name; }

class DropFolderOnABadDisk : public DropFolderTest, public testing::WithParamInterface<Broken> {};

TEST_P(DropFolderOnABadDisk, TriesAgainUntilItWorks) {
  fs::remove_all(path / GetParam().folder);
  std::ofstream(path / GetParam().folder) << "a file in the way";
  drop("a.csv", GetParam().content);
  look();
  look();

  EXPECT_TRUE(fs::exists(path / "a.csv"));
  EXPECT_THAT(folder->status().last_error, HasSubstr(GetParam().folder));
  EXPECT_EQ(logged("a drop is tried again"), 1U);
  EXPECT_EQ(folder->status().refused + folder->status().taken, 0U) << "not before it is moved";

  fs::remove(path / GetParam().folder);
  fs::create_directory(path / GetParam().folder);
  drop("b.csv", "another");
  look();
  EXPECT_TRUE(fs::exists(path / GetParam().where));
  EXPECT_TRUE(fs::exists(path / "done" / "b.csv")) << "the loop goes on";
  EXPECT_EQ(folder->status().last_error, "");
}

INSTANTIATE_TEST_SUITE_P(All, DropFolderOnABadDisk,
                         testing::Values(Broken{"taken", "done", "good", "done/a.csv"},
                                         Broken{"refused", "refused", "bad", "refused/a.csv"}),
                         [](const auto& row) { return row.param.name; });

TEST_F(DropFolderTest, WaitsForAFolderThatIsGone) {
  const fs::path elsewhere = place.file("elsewhere");
  fs::rename(path, elsewhere);
  look();
  EXPECT_NE(folder->status().last_error, "");
  EXPECT_EQ(logged(path.string()), 1U);

  fs::rename(elsewhere, path);
  drop("a.csv");
  look();
  EXPECT_THAT(taken, ElementsAre("a.csv"));
  EXPECT_EQ(folder->status().last_error, "");
}

TEST_F(DropFolderTest, RefusesAFileThatIsTooLargeUnread) {
  drop("a.csv");
  fs::resize_file(path / "a.csv", DropFolder::max_file_bytes + 1);
  look();

  EXPECT_THAT(content("refused/a.csv.reason"), HasSubstr("larger than 64 MiB"));
  EXPECT_THAT(taken, IsEmpty());
}

}  // namespace
}  // namespace sinew::exchange
