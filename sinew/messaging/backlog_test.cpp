#include "sinew/messaging/backlog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

#include "sinew/store/inbox.hpp"
#include "sinew/store/schema.hpp"
#include "tests/support/simulated_sqlite.hpp"

namespace sinew::messaging {
namespace {

using namespace std::chrono_literals;
using store::Transaction;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr Timestamp noon = from_micros(1'767'268'800'000'000);

class BacklogTest : public testing::Test {
 protected:
  void SetUp() override {
    sqlite.run(sqlite.database().migrate(store::store_migrations()));
    sqlite.run(sqlite.database().migrate(messaging_migrations()));
  }

  template <class Body>
  auto in(Body body) {
    return sqlite.node().run(sqlite.database().transaction(std::move(body)));
  }

  // Adds a message of `key`; its name is the subject.
  Uuid add(std::string key, std::string name, BacklogState state, Timestamp not_before = noon,
           Backlog* to = nullptr) {
    BacklogEntry entry;
    entry.sequence = sqlite.node().new_id();
    entry.state = state;
    entry.message.id = sqlite.node().new_id();
    entry.message.source = "/test";
    entry.message.type = "test.happened";
    entry.message.subject = std::move(name);
    entry.message.ordering_key = std::move(key);
    entry.key = Backlog::key_of(entry.message);
    entry.not_before = not_before;
    entry.attempts = 1;
    Backlog& target = to != nullptr ? *to : backlog;
    const std::string consumer = to != nullptr ? "shipping" : "billing";
    in([&](Transaction& tx) -> Task<void> {
      co_await store::Inbox::mark(tx, consumer, entry.message.source, entry.message.id);
      co_await target.add(tx, entry);
    });
    return entry.sequence;
  }
  std::vector<BacklogEntry> due(Timestamp now, std::size_t limit = 100) {
    return in([&](Transaction& tx) { return backlog.due(tx, now, limit); });
  }
  std::vector<std::string> due_names(Timestamp now, std::size_t limit = 100) {
    std::vector<std::string> names;
    for (const auto& entry : due(now, limit))
      names.push_back(entry.message.subject);
    return names;
  }
  // Everything that may ever be old enough.
  std::int64_t forget_marks() {
    return in([](Transaction& tx) { return store::Inbox::forget(tx, Timestamp::max(), 1000); });
  }
  bool remove(Uuid sequence) {
    return in([&](Transaction& tx) { return backlog.remove(tx, sequence, noon); });
  }

  tests::SimulatedSqlite sqlite{1};
  Backlog backlog{"billing"};
};

TEST_F(BacklogTest, HoldsTheMarksOfItsMessagesUntilTheyAreDone) {
  const Uuid parked = add("k1", "parked", BacklogState::parked);
  add("k1", "behind", BacklogState::behind);
  add("k2", "waiting", BacklogState::waiting);

  EXPECT_EQ(forget_marks(), 0);
  remove(parked);

  EXPECT_EQ(forget_marks(), 1) << "it is as old as its removal";
}

TEST_F(BacklogTest, GivesDueHeadsTheLongestOverdueFirst) {
  add("k1", "later", BacklogState::waiting, noon + 2s);
  add("k2", "second", BacklogState::waiting, noon - 1s);
  add("k2", "behind", BacklogState::behind, noon - 9s);
  add("k3", "first", BacklogState::waiting, noon - 2s);
  add("k4", "parked", BacklogState::parked, noon - 9s);
  Backlog other{"shipping"};
  add("k5", "another consumer's", BacklogState::waiting, noon - 9s, &other);

  EXPECT_THAT(due_names(noon), ElementsAre("first", "second"));
  EXPECT_THAT(due_names(noon, 1), ElementsAre("first"));
  EXPECT_THAT(due_names(noon + 2s), ElementsAre("first", "second", "later"));
  const auto next = in([&](Transaction& tx) { return backlog.next_due(tx, noon); });
  EXPECT_EQ(next, noon + 2s);
}

// A postponed message may wait longer than a retry ever does, and nobody looks for it before.
TEST_F(BacklogTest, LooksForAPostponedMessageWhenItIsDue) {
  Backlog brisk{"brisk", std::chrono::seconds(1)};
  const Timestamp later = noon + std::chrono::hours(2);
  const Uuid sequence = add("k", "night", BacklogState::waiting, noon, &brisk);
  in([&](Transaction& tx) { return brisk.postpone(tx, sequence, later, noon, "closed"); });
  const auto next = [&] { return in([&](Transaction& tx) { return brisk.next_due(tx, noon); }); };
  const auto due_now = [&](Timestamp now) {
    return in([&](Transaction& tx) { return brisk.due(tx, now, 10); }).size();
  };

  EXPECT_EQ(next(), later);
  EXPECT_EQ(due_now(noon), 0U);
  EXPECT_EQ(due_now(later), 1U);
  EXPECT_EQ(due_now(later - std::chrono::hours(30)), 1U) << "the clock was set back by more";
  add("l", "retry", BacklogState::waiting, noon + std::chrono::hours(1), &brisk);
  EXPECT_EQ(next(), noon + std::chrono::seconds(1));
  EXPECT_EQ(due_now(noon), 1U) << "a retry never waits so long";
}

TEST_F(BacklogTest, KeepsTheWholeMessage) {
  BacklogEntry entry;
  entry.sequence = sqlite.node().new_id();
  entry.message = {.id = sqlite.node().new_id(),
                   .source = "/sales",
                   .type = "sales.order.placed",
                   .version = 3,
                   .ordering_key = "o-1",
                   .reply_to = "sales.replies",
                   .lineage = {sqlite.node().new_id(), sqlite.node().new_id(), "00-aa", 4},
                   .extensions = {{"sagaid", "7"}},
                   .data = SharedBytes("{}")};
  entry.key = "o-1";
  in([&](Transaction& tx) -> Task<void> { co_await backlog.add(tx, entry); });

  EXPECT_EQ(due(noon).at(0).message, entry.message);
}

TEST_F(BacklogTest, PromotesTheNextOfAKeyWhenItsHeadGoes) {
  const Uuid head = add("k", "1", BacklogState::waiting);
  const Uuid second = add("k", "2", BacklogState::behind, noon + 99h);
  add("k", "3", BacklogState::behind);
  add("other", "x", BacklogState::behind);

  EXPECT_TRUE(remove(head));
  EXPECT_THAT(due_names(noon), ElementsAre("2")) << "at once, whatever it waited for before";
  EXPECT_FALSE(remove(head));
  EXPECT_THAT(due_names(noon), ElementsAre("2"));
  EXPECT_TRUE(remove(second));
  EXPECT_THAT(due_names(noon), ElementsAre("3"));
}

TEST_F(BacklogTest, PromotesNobodyWhenOneFromTheMiddleGoes) {
  add("k", "1", BacklogState::parked);
  const Uuid second = add("k", "2", BacklogState::behind);
  add("k", "3", BacklogState::behind);

  EXPECT_TRUE(remove(second));

  EXPECT_THAT(due_names(noon + 1h), IsEmpty());
}

TEST_F(BacklogTest, CountsAttemptsAndKeepsTheFirstError) {
  const Uuid sequence = add("k", "1", BacklogState::waiting);

  in([&](Transaction& tx) -> Task<void> {
    co_await backlog.reschedule(tx, sequence, noon + 1s, "first");
    co_await backlog.reschedule(tx, sequence, noon + 2s, "second");
  });
  EXPECT_THAT(due_names(noon + 1s), IsEmpty());
  const BacklogEntry entry = due(noon + 2s).at(0);
  EXPECT_EQ(entry.attempts, 3);
  EXPECT_EQ(entry.first_error, "first");
  EXPECT_EQ(entry.last_error, "second");

  in([&](Transaction& tx) -> Task<void> {
    co_await backlog.park(tx, sequence, "exhausted_retries", "third");
  });
  EXPECT_THAT(due_names(noon + 99h), IsEmpty());
}

TEST_F(BacklogTest, KnowsItsKeysAndItsSize) {
  add("k", "1", BacklogState::parked);
  add("k", "2", BacklogState::behind);
  add("l", "3", BacklogState::waiting);
  Backlog other{"shipping"};
  add("m", "4", BacklogState::waiting, noon, &other);

  in([&](Transaction& tx) -> Task<void> {
    EXPECT_THAT(co_await backlog.keys(tx, 10), UnorderedElementsAre("k", "l"));
    EXPECT_EQ((co_await backlog.keys(tx, 1)).size(), 1U);
    EXPECT_EQ(co_await backlog.size(tx), 3);
    EXPECT_TRUE(co_await backlog.has_key(tx, "k"));
    EXPECT_FALSE(co_await backlog.has_key(tx, "m"));
  });
}

TEST_F(BacklogTest, CountsStartsUntilTheMessageOrTheProcessEndedWell) {
  event::Envelope killer{.id = sqlite.node().new_id(), .source = "/a"};
  event::Envelope innocent{.id = sqlite.node().new_id(), .source = "/a"};
  const auto count = [&](const event::Envelope& message) {
    return in([&](Transaction& tx) { return backlog.count_start(tx, message); });
  };

  EXPECT_EQ(count(killer), 1);
  EXPECT_EQ(count(innocent), 1);
  in([&](Transaction& tx) { return backlog.forget_start(tx, innocent); });
  EXPECT_EQ(count(killer), 2);
  EXPECT_EQ(count(innocent), 1);

  in([&](Transaction& tx) { return backlog.closed(tx); });
  EXPECT_EQ(count(killer), 1);
}

TEST_F(BacklogTest, TellsACleanStopFromACrash) {
  const auto opened = [&] { return in([&](Transaction& tx) { return backlog.opened(tx); }); };

  EXPECT_FALSE(opened()) << "the first start";
  EXPECT_TRUE(opened()) << "after a crash";
  in([&](Transaction& tx) { return backlog.closed(tx); });
  EXPECT_FALSE(opened());
  EXPECT_TRUE(opened());
}

}  // namespace
}  // namespace sinew::messaging
