#include "tests/conformance/event_log_snapshot_suite.hpp"

#include <algorithm>

#include "tests/support/for_seeds.hpp"

namespace sinew::conformance {

using store::Aggregate;
using store::ExpectedVersion;
using store::Snapshot;
using store::SnapshotPolicy;
using store::Transaction;

TEST_P(SnapshotConformance, KeepsOneEachTimeAStreamPassesTheCount) {
  run([this]() -> Task<void> {
    const auto by_three = counters(3);
    for (int events = 1; events <= 7; ++events) {
      co_await count(by_three, "1");
      const auto snapshot = co_await kept("counter-1");
      EXPECT_EQ(snapshot.has_value(), events >= 3) << events;
      if (snapshot) EXPECT_EQ(snapshot->stream_version, events / 3 * 3 - 1) << events;
    }
    EXPECT_EQ((co_await kept("counter-1"))->state.view(), R"({"sum":6})");
    EXPECT_FALSE((co_await kept("counter-2")).has_value());
  });
}

TEST_P(SnapshotConformance, LoadsTheSameWithAndWithoutThem) {
  run([this]() -> Task<void> {
    const auto by_four = counters(4);
    co_await count(by_four, "1", 10);
    const auto with = co_await load(by_four, "1");
    const auto plain = co_await load(counters(0), "1");
    std::int64_t deleted = 0;
    co_await insist([&](Transaction& tx) -> Task<void> {
      deleted = co_await db().event_log().delete_snapshots(tx);
    });
    const auto used = by_four.snapshots().used;
    const auto without = co_await load(by_four, "1");

    EXPECT_GT(used, 0u);
    EXPECT_GE(deleted, 0);
    EXPECT_FALSE((co_await kept("counter-1")).has_value());
    EXPECT_EQ(by_four.snapshots().used, used);
    for (const auto& counter : {with, plain, without}) {
      EXPECT_EQ(counter.state().sum, 10);
      EXPECT_EQ(counter.version(), 9);
    }
  });
}

TEST_P(SnapshotConformance, GivesAnAggregateAsItWasBeforeItsSnapshot) {
  run([this]() -> Task<void> {
    const auto by_four = counters(4);
    co_await count(by_four, "1", 10);
    for (const std::int64_t version : {0, 2, 3, 6, 7, 8, 9, 20}) {
      const auto counter =
          co_await db().read([&](Transaction& tx) { return by_four.load_as_of(tx, "1", version); });
      EXPECT_EQ(counter.state().sum, std::min<std::int64_t>(version, 9) + 1) << version;
    }
  });
}

// What stands there is wrong on purpose: whoever used it would count differently.
TEST_P(SnapshotConformance, IgnoresWhatItCannotTrust) {
  run([this]() -> Task<void> {
    const auto never_again = counters(1000);
    co_await count(never_again, "1", 4);
    const Snapshot rows[] = {{3, 1, "{\"sum\":77}"},
                             {3, 3, "{\"sum\":77}"},
                             {3, 2, "{\"sum\":"},
                             {3, 2, "{\"sum\":\"many\"}"},
                             {3, 2, ""}};
    std::uint64_t ignored = 0;
    for (const Snapshot& snapshot : rows) {
      co_await save("counter-1", snapshot);
      EXPECT_EQ((co_await load(never_again, "1")).state().sum, 4) << snapshot.state.view();
      EXPECT_GT(never_again.snapshots().ignored, ignored);
      ignored = never_again.snapshots().ignored;
    }
    co_await save("counter-1", {3, 2, "{\"sum\":77}"});
    EXPECT_EQ((co_await load(never_again, "1")).state().sum, 77) << "a snapshot is used";
  });
}

TEST_P(SnapshotConformance, NeverGoesBackToAnOlderOne) {
  run([this]() -> Task<void> {
    co_await append("counter-1", ExpectedVersion::any(), events(5));
    co_await save("counter-1", {3, 2, "newer"});
    co_await save("counter-1", {2, 2, "older"});
    EXPECT_EQ((co_await kept("counter-1"))->state.view(), "newer");
    co_await save("counter-1", {4, 2, "newest"});
    EXPECT_EQ((co_await kept("counter-1"))->stream_version, 4);
  });
}

TEST_P(SnapshotConformance, RefusesWhatIsOutOfBounds) {
  run([this]() -> Task<void> { co_await append("counter-1", ExpectedVersion::any(), events(5)); });
  const std::string large(event::Envelope::max_data_bytes + 1, 'x');
  struct {
    std::string stream;
    Snapshot snapshot;
  } const rows[] = {{"counter-1", {5, 1, "{}"}},
                    {"counter-1", {-1, 1, "{}"}},
                    {"counter-2", {0, 1, "{}"}},
                    {"", {0, 1, "{}"}},
                    {"counter-1", {4, 1, large}}};
  for (const auto& row : rows) {
    EXPECT_EQ(condition_of([&]() -> Task<void> { co_await save(row.stream, row.snapshot); }),
              Condition::invalid_input)
        << row.stream << row.snapshot.stream_version;
  }
  for (const std::int64_t every : {std::int64_t{-1}, SnapshotPolicy::most + 1})
    EXPECT_THROW(counters(every), Error);
}

// A snapshot of events that were not committed would be the end of the truth.
TEST_P(SnapshotConformance, IsUndoneWithItsEvents) {
  run([this]() -> Task<void> {
    const auto each = counters(1);
    co_await count(each, "1", 2);
    try {
      co_await db().transaction([&](Transaction& tx) -> Task<void> {
        Aggregate<Counter> counter = co_await each.load(tx, "1");
        counter.raise(Counted{100});
        co_await each.append(tx, counter);
        throw Error(Condition::invalid_input, "no");
      });
    } catch (const Error&) {
    }
    EXPECT_EQ((co_await kept("counter-1"))->stream_version, 1);
    EXPECT_EQ((co_await load(each, "1")).state().sum, 2);
  });
}

// Commits that fail, bodies that run again and statements that interleave: the sum stays right.
TEST_P(SnapshotConformance, CountsRightWhileCommitsFail) {
  tests::for_seeds(seeds, [this](std::uint64_t seed) {
    use_seed(seed);
    const auto by_two = counters(2);
    const auto work = [&](std::string id) -> Task<void> {
      for (int i = 0; i < 5; ++i) {
        try {
          co_await count(by_two, id);
        } catch (const Error& error) {
          if (error.condition() != Condition::conflict) throw;
          --i;
        }
      }
    };
    std::vector<Task<void>> tasks;
    tasks.push_back(work("1"));
    tasks.push_back(work("1"));
    tasks.push_back(work("2"));

    run_together(std::move(tasks));

    run([&]() -> Task<void> {
      for (const char* id : {"1", "2"}) {
        const auto with = co_await load(by_two, id);
        const auto without = co_await load(counters(0), id);
        EXPECT_GE(with.state().sum, *id == '1' ? 10 : 5);
        EXPECT_EQ(with.state().sum, without.state().sum);
        EXPECT_EQ(with.version(), without.version());
      }
    });
  });
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SnapshotConformance);

}  // namespace sinew::conformance
