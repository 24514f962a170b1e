#include <gtest/gtest.h>
#include <sqlite3.h>

#include <map>
#include <optional>
#include <string>

#include "adapters/sqlite/database.hpp"
#include "adapters/sqlite/faulty_vfs.hpp"
#include "adapters/sqlite/test_database.hpp"
#include "adapters/sqlite/test_folder.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/sim/node.hpp"
#include "sinew/async/sim/world.hpp"

namespace sinew::sqlite {
namespace {

using Operation = FaultyVfs::Operation;

constexpr std::uint64_t seeds = 60;
constexpr int lives = 4;
constexpr int writers = 12;
constexpr int notes_a_writer = 8;

// What became of a note as far as its writer knows; nothing: it never heard.
enum class Heard : std::uint8_t { committed, refused, unknown };

Task<void> insert(store::Transaction& transaction, std::string text, bool change_of_mind) {
  co_await TestDatabase::insert(transaction, text);
  if (change_of_mind) throw Error(Condition::invalid_input, "never mind");
}

// One database through several processes, on a disk that fails now and then. What was answered is
// compared with what is there in the end.
class Story {
 public:
  explicit Story(std::uint64_t seed) : world_(seed) {
    settings_.path = folder_.database();
    settings_.vfs = vfs_.name();
    settings_.simulate(seed);
    settings_.batch_limit = 8;
    settings_.wal_passive_bytes = 64 * 1024;
    settings_.cache_bytes = 64 * 1024;
  }

  void run() {
    for (int life = 0; life < lives; ++life)
      live(life + 1 == lives);
    check();
  }

 private:
  async::sim::Random& random() { return world_.random(); }

  void live(bool last) {
    async::sim::Node& node = world_.add_node("host");
    vfs_.judge({});
    const auto database = open(node);
    vfs_.judge([this](const FaultyVfs::Call& call) { return fault(call); });
    async::Scope scope(node);
    for (int i = 0; i < writers; ++i)
      scope.spawn(write(*database));
    world_.run_for(std::chrono::milliseconds(random().below(200)));
    if (random().chance(0.2)) scope.cancel();
    if (!last && random().chance(0.7)) return node.crash();
    world_.run_until([&scope] { return scope.size() == 0; });
    node.run(database->close());
  }

  std::unique_ptr<Database> open(async::sim::Node& node) {
    auto database = node.run(Database::open(node, settings_));
    const store::Migration notes{1, "notes", "CREATE TABLE notes (id BIGINT, text TEXT UNIQUE);"};
    node.run(database->migrate({"test", {&notes, 1}}));
    return database;
  }

  int fault(const FaultyVfs::Call& call) {
    if (call.operation == Operation::sync) {
      return random().chance(0.05) ? SQLITE_IOERR_FSYNC : SQLITE_OK;
    }
    if (call.operation != Operation::write) return SQLITE_OK;
    if (random().chance(0.01)) return SQLITE_FULL;
    return random().chance(0.003) ? SQLITE_IOERR_WRITE : SQLITE_OK;
  }

  // Some give up while they wait in the queue, run, or are being committed.
  Instant patience() {
    if (random().chance(0.7)) return Instant::max();
    return world_.now() + std::chrono::microseconds(random().below(10'000));
  }

  Task<void> write(Database& database) {
    for (int i = 0; i < notes_a_writer; ++i) {
      const std::string text = std::to_string(heard_.size()) + std::string(500, 'x');
      const bool change_of_mind = random().chance(0.1);
      heard_[text] = std::nullopt;
      try {
        auto writing =
            database.transaction([&text, change_of_mind](store::Transaction& transaction) {
              return insert(transaction, text, change_of_mind);
            });
        co_await async::with_deadline(patience(), std::move(writing));
        heard_[text] = Heard::committed;
      } catch (const Error& error) {
        heard_[text] = error.applied() == Applied::no ? Heard::refused : Heard::unknown;
      }
    }
  }

  void check() {
    vfs_.judge({});
    async::sim::Node& node = world_.add_node("reader");
    const auto database = open(node);
    std::map<std::string, int> found;
    for (const std::string& text : node.run(database->read(TestDatabase::read_notes))) {
      ++found[text];
    }
    for (const auto& [text, heard] : heard_) {
      const int times = found[text];
      if (heard == Heard::committed) EXPECT_EQ(times, 1) << text << " was lost";
      if (heard == Heard::refused) EXPECT_EQ(times, 0) << text << " was refused";
      EXPECT_LE(times, 1);
    }
    EXPECT_EQ(found.size(), heard_.size());
    node.run(database->close());
  }

  TestFolder folder_;
  FaultyVfs vfs_{"chaos"};
  async::sim::World world_;
  Settings settings_;
  std::map<std::string, std::optional<Heard>> heard_;
};

TEST(SqliteChaos, KeepsEveryAnswerThroughCrashesAndFailingDisks) {
  for (std::uint64_t seed = 1; seed <= seeds && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Story(seed).run();
  }
}

}  // namespace
}  // namespace sinew::sqlite
