#include "tests/conformance/projection_suite.hpp"

#include <charconv>
#include <functional>

#include "sinew/store/checkpoint_table.hpp"
#include "sinew/store/projection_runner.hpp"
#include "sinew/store/projection_verbs.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::conformance {

using store::Advance;
using store::Checkpoint;
using store::CheckpointTable;
using store::ExpectedVersion;
using store::NewEvent;
using store::Projection;
using store::ProjectionRunner;
using store::ProjectionState;
using store::RecordedEvent;
using store::Transaction;

namespace {

// Sums the numbers that the events are, by stream; one that is no number cannot be applied.
class Sums final : public Projection {
 public:
  std::string_view name() const noexcept override { return "sums"; }

  Task<void> apply(Transaction& tx, const RecordedEvent& event) override {
    const std::string_view text = event.data.view();
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if ((error != std::errc() || end != text.data() + text.size()) && !tolerant) {
      throw Error(Condition::corrupt, "not a number");
    }
    co_await tx.execute(
        "INSERT INTO accounts (name, balance) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET balance = balance + excluded.balance",
        {event.stream, number});
  }

  bool tolerant = false;
};

}  // namespace

Task<void> ProjectionConformance::project(ProjectionRunner& runner, Task<void> work,
                                          std::function<bool()> done) {
  async::Scope scope(co_await async::this_context());
  scope.spawn(runner.run());
  co_await work;
  while (!done())
    co_await async::Sleep(std::chrono::milliseconds(10));
  scope.cancel();
  co_await scope.join();
}

Task<int> ProjectionConformance::compete(ProjectionRunner& first, ProjectionRunner& second,
                                         std::function<Task<void>(const int& stopped)> work) {
  int stopped = 0;
  const auto watch = [&stopped](ProjectionRunner& runner) -> Task<void> {
    try {
      co_await runner.run();
    } catch (const Error& error) {
      if (error.condition() != Condition::conflict) throw;
      ++stopped;
    }
  };
  async::Scope scope(co_await async::this_context());
  scope.spawn(watch(first));
  scope.spawn(watch(second));
  co_await work(stopped);
  scope.cancel();
  co_await scope.join();
  co_return stopped;
}

Task<void> ProjectionConformance::append(std::string stream, std::vector<std::string> data) {
  std::vector<NewEvent> events;
  for (std::string& text : data) {
    NewEvent event;
    event.id = new_id();
    event.type = "number";
    event.data = SharedBytes(std::move(text));
    events.push_back(std::move(event));
  }
  co_await insist([&](Transaction& tx) -> Task<void> {
    co_await db().event_log().append(tx, stream, ExpectedVersion::any(), events);
  });
}

Task<std::int64_t> ProjectionConformance::applied() {
  co_return co_await db().read([](Transaction& tx) -> Task<std::int64_t> {
    const store::Rows rows =
        co_await tx.execute("SELECT CAST(COALESCE(SUM(balance), 0) AS BIGINT) FROM accounts");
    co_return rows[0].integer(0);
  });
}

TEST_P(ProjectionConformance, MovesACheckpointByCompareAndSet) {
  const Checkpoint start;
  const Checkpoint five = Checkpoint::from_position(5);
  const Checkpoint nine = Checkpoint::from_position(9);
  const auto advance = [this](Checkpoint from, Checkpoint to) -> Task<Advance> {
    co_return co_await db().transaction(
        [&](Transaction& tx) { return CheckpointTable::advance(tx, "view", from, to); });
  };
  run([&]() -> Task<void> {
    EXPECT_EQ(co_await advance(five, nine), Advance::mismatch);
    EXPECT_EQ(co_await advance(start, five), Advance::stored);
    EXPECT_EQ(co_await advance(start, five), Advance::repeated);
    EXPECT_EQ(co_await advance(start, nine), Advance::mismatch);
    EXPECT_EQ(co_await advance(five, nine), Advance::stored);
    EXPECT_EQ(co_await advance(start, five), Advance::ahead);
    const Checkpoint found =
        co_await db().read([](Transaction& tx) { return CheckpointTable::load(tx, "view"); });
    const Checkpoint other =
        co_await db().read([](Transaction& tx) { return CheckpointTable::load(tx, "other"); });
    EXPECT_EQ(found, nine);
    EXPECT_TRUE(other.at_start());
  });
}

TEST_P(ProjectionConformance, CountsEachEventOnce) {
  tests::for_seeds(seeds, [this](std::uint64_t seed) {
    use_seed(seed);
    constexpr std::size_t total = 4 * 5 * 2;
    Sums sums;
    ProjectionRunner runner(db(), sums, {.batch = 7});
    const auto write = [this](std::string stream) -> Task<void> {
      for (int i = 0; i < 5; ++i)
        co_await append(stream, {"1", "1"});
    };
    const auto work = [&]() -> Task<void> {
      async::Scope scope(co_await async::this_context());
      for (int i = 0; i < 4; ++i)
        scope.spawn(write("s-" + std::to_string(i)));
      co_await scope.join();
    };
    run([&] {
      return project(runner, work(),
                     [&] { return runner.status().position == Checkpoint::from_position(total); });
    });

    run([&]() -> Task<void> { EXPECT_EQ(co_await applied(), total); });
    EXPECT_EQ(runner.status().state, ProjectionState::stopped);
  });
}

TEST_P(ProjectionConformance, GoesOnWhereItStopped) {
  Sums sums;
  for (int round = 1; round <= 3; ++round) {
    ProjectionRunner runner(db(), sums);
    run([&] {
      return project(runner, append("s", {"1", "2"}), [&] { return runner.status().applied == 2; });
    });
  }

  run([this]() -> Task<void> { EXPECT_EQ(co_await applied(), 9); });
}

TEST_P(ProjectionConformance, PausesBeforeAnEventThatItCannotApply) {
  Sums sums;
  ProjectionRunner runner(db(), sums);
  run([&] {
    return project(runner, append("s", {"1", "2", "four", "8"}),
                   [&] { return runner.status().state == ProjectionState::paused; });
  });

  run([this]() -> Task<void> { EXPECT_EQ(co_await applied(), 3); });
  EXPECT_EQ(runner.status().applied, 2u);
  EXPECT_NE(runner.status().error.find("stream s, version 2"), std::string::npos)
      << runner.status().error;
}

TEST_P(ProjectionConformance, ResumesAfterTheCauseIsMended) {
  Sums sums;
  ProjectionRunner runner(db(), sums);
  const auto mend = [&]() -> Task<void> {
    co_await append("s", {"1", "two", "4"});
    while (runner.status().state != ProjectionState::paused)
      co_await async::Sleep(std::chrono::milliseconds(10));
    sums.tolerant = true;
    co_await insist([](Transaction& tx) { return store::resume_projection(tx, "sums", {}); });
    runner.wake();
  };
  run([&] { return project(runner, mend(), [&] { return runner.status().applied == 3; }); });

  run([this]() -> Task<void> { EXPECT_EQ(co_await applied(), 5); });
  EXPECT_TRUE(runner.status().error.empty());
}

TEST_P(ProjectionConformance, StopsTheSecondRunnerOfOneName) {
  tests::for_seeds(seeds, [this](std::uint64_t seed) {
    use_seed(seed);
    Sums sums;
    ProjectionRunner first(db(), sums, {.batch = 2});
    ProjectionRunner second(db(), sums, {.batch = 2});
    run([&]() -> Task<void> {
      int written = 0;
      const auto work = [&](const int& stopped) -> Task<void> {
        // Until they have met: one that waits for the database in between loads where it stands.
        while (written < 20 || (stopped == 0 && written < 1000)) {
          co_await append("s", {"1", "1"});
          written += 2;
        }
        while (co_await applied() < written)
          co_await async::Sleep(std::chrono::milliseconds(10));
      };
      EXPECT_EQ(co_await compete(first, second, work), 1);
      EXPECT_EQ(co_await applied(), written);
    });
  });
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ProjectionConformance);

}  // namespace sinew::conformance
