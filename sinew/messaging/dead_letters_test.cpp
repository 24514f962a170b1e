#include "sinew/messaging/dead_letters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/messaging/audit.hpp"
#include "sinew/store/schema.hpp"
#include "tests/support/simulated_sqlite.hpp"

namespace sinew::messaging {
namespace {

using namespace std::chrono_literals;
using store::Transaction;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Timestamp noon = from_micros(1'767'268'800'000'000);

// Two keys at `billing`: k with a parked head and two behind it, l with a parked one alone; at
// `shipping` one that waits.
class DeadLettersTest : public testing::Test {
 protected:
  void SetUp() override {
    sqlite.run(sqlite.database().migrate(store::store_migrations()));
    sqlite.run(sqlite.database().migrate(messaging_migrations()));
    head = add("billing", "k", "head", BacklogState::parked, "poison");
    behind = add("billing", "k", "behind", BacklogState::behind);
    last = add("billing", "k", "last", BacklogState::behind);
    alone = add("billing", "l", "alone", BacklogState::parked, "exhausted_retries");
    waiting = add("shipping", "k", "waiting", BacklogState::waiting);
  }

  template <class Body>
  auto in(Body body) {
    return sqlite.node().run(sqlite.database().transaction(std::move(body)));
  }

  Uuid add(std::string consumer, std::string key, std::string name, BacklogState state,
           std::string reason = "") {
    BacklogEntry entry;
    entry.sequence = sqlite.node().new_id();
    entry.state = state;
    entry.message.id = sqlite.node().new_id();
    entry.message.source = "/test";
    entry.message.type = "test." + name;
    entry.message.subject = std::move(name);
    entry.message.ordering_key = entry.key = std::move(key);
    entry.attempts = 5;
    entry.reason = std::move(reason);
    in([&](Transaction& tx) -> Task<void> { co_await Backlog(consumer).add(tx, entry); });
    return entry.sequence;
  }

  std::vector<std::string> list(DeadLetterFilter filter) {
    std::vector<std::string> names;
    for (const auto& entry : in([&](Transaction& tx) { return list_dead_letters(tx, filter); }))
      names.push_back(entry.message.subject);
    return names;
  }
  std::vector<std::string> due(std::string consumer) {
    std::vector<std::string> names;
    Backlog backlog(std::move(consumer));
    for (const auto& entry : in([&](Transaction& tx) { return backlog.due(tx, noon, 100); }))
      names.push_back(entry.message.subject);
    return names;
  }
  BacklogEntry find(Uuid sequence) {
    return in([&](Transaction& tx) { return find_dead_letter(tx, sequence); });
  }
  Operator ann() { return {"ann", "the card works now", sqlite.node().new_id(), noon}; }
  std::int64_t replay_all(DeadLetterFilter filter, bool dry_run = false) {
    return in([&](Transaction& tx) { return replay(tx, filter, ann(), dry_run); });
  }
  std::int64_t discard_all(DeadLetterFilter filter, bool dry_run = false) {
    return in([&](Transaction& tx) { return discard(tx, filter, ann(), dry_run); });
  }
  std::vector<AuditEntry> trail() {
    return in([](Transaction& tx) { return audit_trail(tx, 10); });
  }

  // As a consumer or an operator would, to a message chosen by chance.
  void do_something_to_a_message() {
    const auto all =
        in([](Transaction& tx) { return list_dead_letters(tx, {.parked_only = false}); });
    const std::uint64_t chance = sqlite.node().random();
    if (all.empty() || chance % 4 == 0) return add_by_chance(chance / 4);
    const BacklogEntry& entry = all[chance / 8 % all.size()];
    if (chance % 8 == 1) {
      discard_all({.sequences = {entry.sequence}, .parked_only = false});
    } else if (chance % 8 == 2) {
      replay_all({.sequences = {entry.sequence}});
    } else if (entry.state == BacklogState::waiting) {
      in([&](Transaction& tx) -> Task<void> {
        Backlog backlog(entry.consumer);
        if (chance % 8 == 3) {
          co_await backlog.remove(tx, entry.sequence, noon);
        } else {
          co_await backlog.park(tx, entry.sequence, "poison", "bad");
        }
      });
    }
  }
  void add_by_chance(std::uint64_t chance) {
    const std::string consumer = chance % 2 == 0 ? "billing" : "shipping";
    const std::string key = "k" + std::to_string(chance / 2 % 5);
    const bool has_key = in([&](Transaction& tx) { return Backlog(consumer).has_key(tx, key); });
    const auto head_state = chance % 3 == 0 ? BacklogState::parked : BacklogState::waiting;
    add(consumer, key, "added", has_key ? BacklogState::behind : head_state);
  }

  // The slow way.
  BacklogCounts count_rows() {
    BacklogCounts counts;
    std::map<std::string, BacklogState> heads;
    for (const auto& entry :
         in([](Transaction& tx) { return list_dead_letters(tx, {.parked_only = false}); })) {
      const auto [head_of_key, is_head] =
          heads.try_emplace(entry.consumer + entry.key, entry.state);
      const bool parked = head_of_key->second == BacklogState::parked;
      ++(!parked ? counts.waiting : is_head ? counts.parked : counts.blocked);
    }
    return counts;
  }

  tests::SimulatedSqlite sqlite{1};
  Uuid head, behind, last, alone, waiting;
};

TEST_F(DeadLettersTest, ListsWhatFitsInOrderOfArrival) {
  struct {
    const char* name;
    DeadLetterFilter filter;
    std::vector<std::string> expected;
  } const rows[] = {
      {"parked", {}, {"head", "alone"}},
      {"all", {.parked_only = false}, {"head", "behind", "last", "alone", "waiting"}},
      {"consumer", {.consumer = "shipping", .parked_only = false}, {"waiting"}},
      {"type", {.type = "test.alone"}, {"alone"}},
      {"key", {.key = "k"}, {"head"}},
      {"reason", {.reason = "poison"}, {"head"}},
      {"nothing fits", {.key = "l", .reason = "poison"}, {}},
      {"page", {.parked_only = false, .after = behind, .limit = 2}, {"last", "alone"}},
      {"chosen", {.sequences = {alone, head, alone}}, {"head", "alone"}},
      {"chosen, beyond the limit of a page", {.sequences = {alone}, .limit = 1}, {"alone"}},
      {"chosen and filtered", {.sequences = {alone, head}, .key = "l"}, {"alone"}},
      {"chosen, but not parked", {.sequences = {behind, waiting}}, {}},
  };
  for (const auto& row : rows)
    EXPECT_EQ(list(row.filter), row.expected) << row.name;
}

TEST_F(DeadLettersTest, CountsWhatWaitsForAnOperatorApart) {
  const auto counts = [this] { return in([](Transaction& tx) { return count_backlog(tx); }); };
  EXPECT_EQ(counts().parked, 2);
  EXPECT_EQ(counts().blocked, 2) << "behind the first head, they go nowhere by themselves";
  EXPECT_EQ(counts().waiting, 1);

  replay_all({});

  EXPECT_EQ(counts().blocked, 0);
  EXPECT_EQ(counts().waiting, 5);
}

// Whatever happened to the messages, what is kept is what there is.
TEST_F(DeadLettersTest, KeepsTheCountsOfWhatIsThere) {
  for (int step = 0; step < 400; ++step)
    do_something_to_a_message();

  const auto kept = in([](Transaction& tx) { return count_backlog(tx); });
  const auto counted = count_rows();
  EXPECT_EQ(kept.waiting, counted.waiting);
  EXPECT_EQ(kept.parked, counted.parked);
  EXPECT_EQ(kept.blocked, counted.blocked);
  const auto sizes = in([](Transaction& tx) -> Task<std::int64_t> {
    co_return co_await Backlog("billing").size(tx) + co_await Backlog("shipping").size(tx);
  });
  EXPECT_EQ(sizes, counted.waiting + counted.parked + counted.blocked);
}

TEST_F(DeadLettersTest, FindsOneById) {
  EXPECT_EQ(find(behind).message.subject, "behind");
  try {
    find(sqlite.node().new_id());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::not_found);
  }
}

TEST_F(DeadLettersTest, ReplaysHeadsOnceAndLeavesThoseBehindInOrder) {
  EXPECT_EQ(replay_all({}), 2);

  EXPECT_THAT(due("billing"), ElementsAre("head", "alone"));
  EXPECT_EQ(find(head).attempts, 0) << "its retries begin anew";
  EXPECT_EQ(find(head).reason, "");
  EXPECT_EQ(find(behind).state, BacklogState::behind);
  EXPECT_EQ(replay_all({}), 0) << "there is one copy, and it is not parked any more";
  EXPECT_EQ(list({.parked_only = false}).size(), 5U);
}

TEST_F(DeadLettersTest, RefusesToReplayWhatIsNotParked) {
  EXPECT_EQ(replay_all({.sequences = {behind, last, waiting}, .parked_only = false}), 0);

  EXPECT_THAT(due("billing"), IsEmpty());
  EXPECT_EQ(find(behind).state, BacklogState::behind);
  EXPECT_EQ(find(waiting).attempts, 5);
  EXPECT_THAT(trail(), IsEmpty());
}

TEST_F(DeadLettersTest, ChangesNothingInADryRun) {
  EXPECT_EQ(replay_all({}, true), 2);
  EXPECT_EQ(discard_all({}, true), 2);

  EXPECT_THAT(list({}), ElementsAre("head", "alone"));
  EXPECT_THAT(trail(), IsEmpty());
}

TEST_F(DeadLettersTest, DiscardsAHeadAndHasTheNextOfItsKeyTried) {
  EXPECT_EQ(discard_all({.sequences = {head}}), 1);

  EXPECT_THAT(due("billing"), ElementsAre("behind"));
  EXPECT_EQ(find(last).state, BacklogState::behind);
  EXPECT_EQ(list({.parked_only = false}).size(), 4U);
}

TEST_F(DeadLettersTest, DiscardsOneFromTheMiddleWithoutMovingItsHead) {
  EXPECT_EQ(discard_all({.sequences = {behind}, .parked_only = false}), 1);

  EXPECT_THAT(due("billing"), IsEmpty());
  EXPECT_EQ(find(head).state, BacklogState::parked);
}

TEST_F(DeadLettersTest, DiscardsAWholeKey) {
  EXPECT_EQ(discard_all({.consumer = "billing", .key = "k", .parked_only = false}), 3);

  EXPECT_THAT(list({.parked_only = false}), ElementsAre("alone", "waiting"));
}

TEST_F(DeadLettersTest, RecordsWhoDidWhatToWhich) {
  replay_all({.key = "l"});

  const auto entries = trail();
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].actor, "ann");
  EXPECT_EQ(entries[0].verb, "dlq replay");
  EXPECT_EQ(entries[0].target, to_string(alone));
  EXPECT_THAT(entries[0].detail, HasSubstr("1 messages: the card works now"));
}

}  // namespace
}  // namespace sinew::messaging
