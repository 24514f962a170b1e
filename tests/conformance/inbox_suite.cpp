#include "tests/conformance/inbox_suite.hpp"

#include "sinew/store/inbox.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::conformance {

using store::Transaction;

Task<bool> InboxConformance::mark(std::string consumer, std::string source, Uuid id,
                                  Timestamp now) {
  co_return co_await db().transaction(
      [&](Transaction& tx) { return store::Inbox::mark(tx, consumer, source, id, now); });
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
      EXPECT_TRUE(co_await store::Inbox::mark(tx, "billing", "/sales", id, {}));
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
        if (!co_await store::Inbox::mark(tx, "billing", "/sales", id, {})) co_return;
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
    for (int day = 0; day < 5; ++day)
      co_await mark("billing", "/sales", new_id(), Timestamp(std::chrono::days(day)));
    const auto forget = [this](int before, std::size_t limit) -> Task<std::int64_t> {
      const Timestamp time = Timestamp(std::chrono::days(before));
      co_return co_await db().transaction(
          [&](Transaction& tx) { return store::Inbox::forget(tx, time, limit); });
    };

    EXPECT_EQ(co_await forget(3, 2), 2);
    EXPECT_EQ(co_await forget(3, 100), 1);
    EXPECT_EQ(co_await forget(3, 100), 0);
    EXPECT_EQ(co_await forget(100, 100), 2);
  });
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(InboxConformance);

}  // namespace sinew::conformance
