#include "tests/conformance/inbox_suite.hpp"

#include "sinew/store/inbox.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::conformance {

using store::Transaction;

Task<bool> InboxConformance::mark(std::string consumer, std::string source, Uuid id) {
  co_return co_await db().transaction(
      [&](Transaction& tx) { return store::Inbox::mark(tx, consumer, source, id); });
}

Task<std::int64_t> InboxConformance::forget(Timestamp before, std::size_t limit) {
  co_return co_await db().transaction(
      [&](Transaction& tx) { return store::Inbox::forget(tx, before, limit); });
}

Task<Timestamp> InboxConformance::clock() {
  co_return co_await db().read([](Transaction& tx) { return store::Inbox::clock(tx); });
}

Task<bool> InboxConformance::advance(Timestamp seen, Duration by) {
  co_return co_await db().transaction(
      [&](Transaction& tx) { return store::Inbox::advance(tx, seen, by); });
}

TEST_P(InboxConformance, KnowsADuplicateByConsumerSourceAndId) {
  const Uuid id = new_id();
  run([&]() -> Task<void> {
    EXPECT_TRUE(co_await mark("billing", "/sales", id));
    EXPECT_FALSE(co_await mark("billing", "/sales", id));
    EXPECT_TRUE(co_await mark("reporting", "/sales", id));
    EXPECT_TRUE(co_await mark("billing", "/returns", id));
    EXPECT_TRUE(co_await mark("billing", "/sales", new_id()));
  });
}

TEST_P(InboxConformance, ForgetsTheMarkOfAHandlerThatFailed) {
  const Uuid id = new_id();
  condition_of([&]() -> Task<void> {
    co_await db().transaction([&](Transaction& tx) -> Task<void> {
      EXPECT_TRUE(co_await store::Inbox::mark(tx, "billing", "/sales", id));
      throw Error(Condition::unavailable, "no");
    });
  });

  run([&]() -> Task<void> {
    const bool known = co_await db().read(
        [&](Transaction& tx) { return store::Inbox::contains(tx, "billing", "/sales", id); });
    EXPECT_FALSE(known);
    EXPECT_TRUE(co_await mark("billing", "/sales", id));
  });
}

TEST_P(InboxConformance, LetsOneOfConcurrentDuplicatesTakeEffect) {
  tests::for_seeds(seeds, [this](std::uint64_t seed) {
    use_seed(seed);
    const Uuid id = new_id();
    run([this]() -> Task<void> {
      co_await insist([](Transaction& tx) -> Task<void> {
        co_await tx.execute(
            "INSERT INTO accounts (name, balance) VALUES ('a', 0) "
            "ON CONFLICT DO NOTHING");
      });
    });
    const auto handle = [&]() -> Task<void> {
      co_await insist([&](Transaction& tx) -> Task<void> {
        if (!co_await store::Inbox::mark(tx, "billing", "/sales", id)) co_return;
        co_await tx.execute("UPDATE accounts SET balance = balance + 1 WHERE name = 'a'");
      });
    };
    std::vector<Task<void>> tasks;
    for (int i = 0; i < 6; ++i)
      tasks.push_back(handle());

    run_together(std::move(tasks));

    run([this]() -> Task<void> {
      co_await db().read([](Transaction& tx) -> Task<void> {
        EXPECT_EQ((co_await tx.execute("SELECT balance FROM accounts"))[0].integer(0), 1);
      });
    });
  });
}

TEST_P(InboxConformance, ForgetsTheOldestMarksOnly) {
  run([this]() -> Task<void> {
    const Timestamp begin = co_await clock();
    const auto day = [begin](int number) { return begin + std::chrono::days(number); };
    for (int number = 0; number < 5; ++number) {
      co_await mark("billing", "/sales", new_id());
      co_await advance(co_await clock(), std::chrono::days(1));
    }

    EXPECT_EQ(co_await forget(day(3), 2), 2);
    EXPECT_EQ(co_await forget(day(3), 100), 1);
    EXPECT_EQ(co_await forget(day(3), 100), 0);
    EXPECT_EQ(co_await forget(day(100), 100), 2);
  });
}

TEST_P(InboxConformance, AgesByAClockOfItsOwn) {
  run([this]() -> Task<void> {
    const Timestamp begin = co_await clock();
    co_await mark("billing", "/sales", new_id());
    bench().shift_wall(std::chrono::days(400));
    co_await mark("billing", "/sales", new_id());
    bench().shift_wall(std::chrono::days(-800));
    co_await mark("billing", "/sales", new_id());

    EXPECT_EQ(co_await clock(), begin);
    EXPECT_EQ(co_await forget(begin, 100), 0);
    EXPECT_TRUE(co_await advance(begin, std::chrono::microseconds(1)));
    EXPECT_EQ(co_await forget(co_await clock(), 100), 3);
  });
}

TEST_P(InboxConformance, KeepsItsClockWhenItIsOpenedAgain) {
  Timestamp begin;
  run([&]() -> Task<void> {
    begin = co_await clock();
    co_await advance(begin, std::chrono::hours(3));
  });

  bench().reopen();

  run([&]() -> Task<void> { EXPECT_EQ(co_await clock(), begin + std::chrono::hours(3)); });
}

TEST_P(InboxConformance, HasItsClockMovedByOneAtATime) {
  tests::for_seeds(seeds, [this](std::uint64_t seed) {
    use_seed(seed);
    int most = 0;
    int least = 0;
    const auto move = [&]() -> Task<void> {
      const Timestamp seen = co_await clock();
      try {
        const int moved = co_await advance(seen, std::chrono::hours(1)) ? 1 : 0;
        most += moved;
        least += moved;
      } catch (const Error& error) {
        if (error.applied() == Applied::unknown) ++most;
      }
    };
    std::vector<Task<void>> tasks;
    for (int i = 0; i < 6; ++i)
      tasks.push_back(move());
    Timestamp begin;
    run([&]() -> Task<void> { begin = co_await clock(); });

    run_together(std::move(tasks));

    run([&]() -> Task<void> {
      const Duration moved = co_await clock() - begin;
      EXPECT_GE(moved, std::chrono::hours(least));
      EXPECT_LE(moved, std::chrono::hours(most));
    });
  });
}

TEST_P(InboxConformance, HoldsTheMarkOfAMessageThatWaits) {
  const Uuid id = new_id();
  const auto in = [this](auto change, Uuid message) -> Task<void> {
    co_await db().transaction(
        [&](Transaction& tx) { return change(tx, "billing", "/sales", message); });
  };
  run([&]() -> Task<void> {
    co_await mark("billing", "/sales", id);
    co_await in(store::Inbox::hold, id);
    co_await in(store::Inbox::hold, new_id());  // has none yet
    co_await advance(co_await clock(), std::chrono::days(400));

    EXPECT_EQ(co_await forget(Timestamp::max(), 100), 0);
    EXPECT_FALSE(co_await mark("billing", "/sales", id));
    co_await in(store::Inbox::release, id);
    co_await in(store::Inbox::release, new_id());
    EXPECT_FALSE(co_await mark("billing", "/sales", id));
    EXPECT_EQ(co_await forget(co_await clock(), 100), 0) << "from now on";
    EXPECT_EQ(co_await forget(Timestamp::max(), 100), 2);
    EXPECT_TRUE(co_await mark("billing", "/sales", id));
  });
}

TEST_P(InboxConformance, CountsMarksByTheirAge) {
  run([this]() -> Task<void> {
    const auto count = [this](Timestamp from, Timestamp to) -> Task<std::int64_t> {
      co_return co_await db().read(
          [=](Transaction& tx) { return store::Inbox::count(tx, from, to); });
    };
    const auto first = [this](Timestamp from) -> Task<std::optional<Timestamp>> {
      co_return co_await db().read([=](Transaction& tx) { return store::Inbox::first(tx, from); });
    };
    const Timestamp begin = co_await clock();
    EXPECT_EQ(co_await first(begin), std::nullopt);
    co_await mark("billing", "/sales", new_id());
    co_await mark("billing", "/sales", new_id());
    co_await advance(begin, std::chrono::hours(1));
    const Timestamp later = co_await clock();
    co_await mark("billing", "/sales", new_id());
    co_await db().transaction(
        [this](Transaction& tx) { return store::Inbox::hold(tx, "billing", "/sales", new_id()); });

    EXPECT_EQ(co_await count(begin, later), 2);
    EXPECT_EQ(co_await count(begin, Timestamp::max()), 3) << "but the one that is held";
    EXPECT_EQ(co_await first(begin), begin);
    EXPECT_EQ(co_await first(begin + std::chrono::microseconds(1)), later);
    EXPECT_EQ(co_await first(later + std::chrono::microseconds(1)), std::nullopt);
  });
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(InboxConformance);

}  // namespace sinew::conformance
