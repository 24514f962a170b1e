#include "adapters/sqlite/broker/queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace sinew::sqlite::broker {
namespace {

using messaging::Delivery;
using messaging::Settlement;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Instant start{std::chrono::hours(1)};
constexpr Duration lease = std::chrono::seconds(30);

// A queue with its table, as its owner keeps it: publishing writes, accepting deletes.
class Table {
 public:
  explicit Table(QueueLimits limits = {}, messaging::QueueSpec spec = {.name = "work"})
      : limits_(limits), queue(std::move(spec), 0, 0, limits) {}

  // Publishes messages with these keys, in one call; 0: none. The subject tells them apart.
  void publish(const std::vector<std::uint64_t>& keys) {
    std::vector<Entry> entries;
    for (const std::uint64_t key : keys) {
      const auto sequence = queue.reserve();
      ASSERT_TRUE(sequence);
      event::Envelope envelope;
      envelope.subject = std::to_string(*sequence);
      entries.push_back(
          {*sequence, key, std::make_shared<const event::Envelope>(std::move(envelope)), 0});
      rows.push_back(entries.back());
    }
    queue.published(std::move(entries));
  }

  // The same, of one message that expires.
  void publish_expiring(std::uint64_t key, Instant expires) {
    Entry entry;
    entry.sequence = *queue.reserve();
    entry.key = key;
    event::Envelope envelope;
    envelope.subject = std::to_string(entry.sequence);
    entry.envelope = std::make_shared<const event::Envelope>(std::move(envelope));
    entry.expires = expires;
    rows.push_back(entry);
    queue.published({entry});
  }

  // Takes messages out of the table, as a transfer does.
  void remove(const std::vector<int>& sequences) {
    std::vector<Queue::Place> places;
    for (const int sequence : sequences) {
      const auto row = std::ranges::find(rows, sequence, &Entry::sequence);
      places.push_back({row->sequence, row->key});
      rows.erase(row);
    }
    queue.removed(places);
  }

  // Deals to one member that takes up to `limit`, reading pages as long as that helps; gives the
  // sequences.
  std::vector<int> receive(MemberId member, std::size_t limit, Instant now = start) {
    queue.demand(member, limit);
    for (;;) {
      auto dealt = queue.deal(now);
      if (!dealt.empty()) return note(dealt).at(member);
      if (!read_page()) return {};
    }
  }

  std::map<MemberId, std::vector<int>> note(const std::vector<Dealt>& all) {
    std::map<MemberId, std::vector<int>> sequences;
    for (const Dealt& dealt : all) {
      for (const auto& signal : dealt.signals) {
        const auto& delivery = std::get<Delivery>(signal);
        const int sequence = std::stoi(delivery.message.envelope.subject);
        sequences[dealt.member].push_back(sequence);
        tags[sequence] = delivery.tag;
        counts[sequence] = delivery.delivery_count;
      }
    }
    return sequences;
  }

  bool read_page() {
    const auto load = queue.wanted();
    if (!load) return false;
    ++reads;
    std::vector<Entry> page;
    bool all = true;
    for (const Entry& row : rows) {
      ++rows_looked_at;
      if (row.sequence <= load->after || row.sequence > load->upto) continue;
      if (load->key != 0 && row.key != load->key) continue;
      if (page.size() == load->limit) {
        all = false;
        break;
      }
      page.push_back(row);
    }
    rows_read += page.size();
    queue.loaded(*load, std::move(page), all);
    return true;
  }

  std::size_t settle(MemberId member, const std::vector<int>& sequences,
                     Settlement settlement = Settlement::accepted) {
    std::vector<messaging::Settle> settlements;
    for (const int sequence : sequences)
      settlements.push_back({tags.at(sequence), settlement});
    const auto settling = queue.begin_settle(member, settlements);
    for (const std::int64_t sequence : settling.sequences)
      std::erase_if(rows, [&](const Entry& row) { return row.sequence == sequence; });
    queue.end_settle(settling, true);
    return settling.fenced;
  }

  QueueLimits limits_;
  Queue queue;
  std::vector<Entry> rows;
  std::map<int, std::uint64_t> tags;
  std::map<int, int> counts;
  std::size_t reads = 0;
  std::size_t rows_read = 0;
  std::size_t rows_looked_at = 0;
};

TEST(BrokerQueue, HandsOutOneMessageOfAKeyAtATime) {
  Table table;
  table.queue.join(1, {10, lease});
  table.publish({7, 7, 8, 7, 8, 0, 0});

  EXPECT_THAT(table.receive(1, 10), ElementsAre(1, 3, 6, 7));
  table.settle(1, {1});
  EXPECT_THAT(table.receive(1, 10), ElementsAre(2));
  table.settle(1, {3, 2});
  EXPECT_THAT(table.receive(1, 10), ElementsAre(4, 5));
  table.settle(1, {4, 5, 6, 7});
  EXPECT_EQ(table.queue.stored(), 0);
  EXPECT_EQ(table.queue.in_work(), 0);
  EXPECT_EQ(table.queue.held(), 0U);
}

TEST(BrokerQueue, SharesRoundByRound) {
  Table table;
  for (const MemberId member : {1, 2, 3}) {
    table.queue.join(member, {10, lease});
    table.queue.demand(member, 10);
  }
  table.publish({0, 0, 0, 0, 0, 0, 0});

  auto dealt = table.note(table.queue.deal(start));

  EXPECT_THAT(dealt[1], ElementsAre(1, 4, 7));
  EXPECT_THAT(dealt[2], ElementsAre(2, 5));
  EXPECT_THAT(dealt[3], ElementsAre(3, 6));
}

TEST(BrokerQueue, BeginsTheNextRoundWithTheNextMember) {
  Table table;
  std::map<MemberId, int> got;
  for (const MemberId member : {1, 2, 3})
    table.queue.join(member, {100, lease});

  for (int i = 0; i < 30; ++i) {
    for (const MemberId member : {1, 2, 3})
      table.queue.demand(member, 10);
    table.publish({0});
    for (const auto& [member, sequences] : table.note(table.queue.deal(start)))
      got[member] += static_cast<int>(sequences.size());
  }

  EXPECT_THAT(got, ElementsAre(std::pair(1U, 10), std::pair(2U, 10), std::pair(3U, 10)));
}

TEST(BrokerQueue, GivesNoMoreThanThePrefetchAndTheDemand) {
  Table table;
  table.queue.join(1, {3, lease});
  table.publish({0, 0, 0, 0, 0});

  EXPECT_THAT(table.receive(1, 2), ElementsAre(1, 2));
  EXPECT_THAT(table.receive(1, 2), ElementsAre(3));
  EXPECT_THAT(table.receive(1, 2), IsEmpty());
  table.settle(1, {2});
  EXPECT_THAT(table.note(table.queue.deal(start))[1], ElementsAre(4));
}

TEST(BrokerQueue, RedeliversWhenTheLeaseExpiresAndFencesTheLateSettlement) {
  Table table;
  table.queue.join(1, {10, lease});
  table.queue.join(2, {10, lease});
  table.publish({7, 7});
  ASSERT_THAT(table.receive(1, 10), ElementsAre(1));
  EXPECT_EQ(table.queue.next_expiry(), start + lease);

  table.queue.expire(start + lease - Duration(1));
  EXPECT_THAT(table.receive(2, 10, start + lease), IsEmpty());
  table.queue.expire(start + lease);
  const std::uint64_t late = table.tags.at(1);
  EXPECT_THAT(table.receive(2, 10, start + lease), ElementsAre(1));
  EXPECT_EQ(table.counts.at(1), 2);

  const std::vector<messaging::Settle> settlement{{late, Settlement::accepted}};
  const auto settling = table.queue.begin_settle(1, settlement);
  EXPECT_EQ(settling.fenced, 1U);
  EXPECT_THAT(settling.sequences, IsEmpty());
  EXPECT_EQ(table.settle(2, {1}), 0U);
  EXPECT_THAT(table.receive(2, 10), ElementsAre(2));
}

TEST(BrokerQueue, ARenewedLeaseHolds) {
  Table table;
  table.queue.join(1, {10, lease});
  table.publish({0});
  table.receive(1, 10);

  table.queue.renew(1, start + lease / 2);
  table.queue.expire(start + lease);

  EXPECT_EQ(table.queue.in_work(), 1);
  EXPECT_EQ(table.queue.next_expiry(), start + lease + lease / 2);
}

TEST(BrokerQueue, BlamesAnExpiredLeaseButNotAReturn) {
  struct Row {
    const char* name;
    void (*give_back)(Table&);
    int count;
  };
  const Row rows[] = {
      {"returned", [](Table& table) { table.settle(1, {1}, Settlement::returned); }, 1},
      {"closed", [](Table& table) { table.queue.leave(1, Departure::closed); }, 1},
      {"dropped", [](Table& table) { table.queue.leave(1, Departure::dropped); }, 2},
      {"expired", [](Table& table) { table.queue.expire(start + lease); }, 2},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    Table table;
    table.queue.join(1, {10, lease});
    table.queue.join(2, {10, lease});
    table.publish({7, 7});
    table.receive(1, 10);

    row.give_back(table);

    EXPECT_THAT(table.receive(2, 10, start + lease), ElementsAre(1));
    EXPECT_EQ(table.counts.at(1), row.count);
  }
}

TEST(BrokerQueue, KeepsWhatCouldNotBeDeletedWithItsHolder) {
  Table table;
  table.queue.join(1, {10, lease});
  table.publish({7, 7});
  table.receive(1, 10);
  const std::vector<messaging::Settle> settlement{{table.tags.at(1), Settlement::accepted}};

  const auto settling = table.queue.begin_settle(1, settlement);
  table.queue.expire(start + lease);
  EXPECT_THAT(table.receive(1, 10), IsEmpty());
  table.queue.end_settle(settling, false);

  EXPECT_EQ(table.settle(1, {1}), 0U);
  EXPECT_THAT(table.receive(1, 10), ElementsAre(2));
}

TEST(BrokerQueue, GivesBackWhatCouldNotBeDeletedForOneWhoLeft) {
  Table table;
  table.queue.join(1, {10, lease});
  table.queue.join(2, {10, lease});
  table.publish({7, 7});
  table.receive(1, 10);
  const std::vector<messaging::Settle> settlement{{table.tags.at(1), Settlement::accepted}};

  const auto settling = table.queue.begin_settle(1, settlement);
  table.queue.leave(1, Departure::dropped);
  EXPECT_THAT(table.receive(2, 10), IsEmpty());
  table.queue.end_settle(settling, false);

  EXPECT_THAT(table.receive(2, 10), ElementsAre(1));
}

TEST(BrokerQueue, RefusesWhatIsTooMuch) {
  Table table({}, {.name = "small", .max_messages = 2});
  table.queue.join(1, {10, lease});
  table.publish({0});
  ASSERT_TRUE(table.queue.reserve());

  EXPECT_FALSE(table.queue.reserve());
  table.queue.withdraw(1);
  EXPECT_TRUE(table.queue.reserve());
  table.queue.withdraw(1);
  table.receive(1, 1);
  table.settle(1, {1});
  table.publish({0, 0});
  EXPECT_FALSE(table.queue.reserve());
}

// Everything is delivered once, each key in order, whatever fits into memory.
TEST(BrokerQueue, DrainsInOrderThroughASmallWindow) {
  for (const std::uint64_t keys : {1, 3, 50, 400}) {
    for (const bool late : {false, true}) {
      SCOPED_TRACE(testing::Message() << keys << " keys, " << (late ? "restarted" : "running"));
      const QueueLimits limits{.messages = 64, .per_key = 4, .page = 16};
      Table table(limits);
      for (std::uint64_t i = 0; i < 2000; ++i)
        table.publish({1 + (i * i + i / 7) % keys});
      if (late) table.queue = Queue(messaging::QueueSpec{.name = "work"}, 2000, 2000, limits);
      table.queue.join(1, {20, lease});
      std::map<std::uint64_t, std::int64_t> last;
      std::vector<Entry> rows = table.rows;
      std::size_t delivered = 0;

      for (;;) {
        const auto batch = table.receive(1, 20);
        if (batch.empty()) break;
        for (const int sequence : batch) {
          const std::uint64_t key = rows[static_cast<std::size_t>(sequence - 1)].key;
          EXPECT_GT(sequence, last[key]);
          last[key] = sequence;
        }
        delivered += batch.size();
        EXPECT_LE(table.queue.held(), limits.messages + limits.page);
        table.settle(1, batch);
      }

      EXPECT_EQ(delivered, 2000U);
      EXPECT_EQ(table.queue.stored(), 0);
      EXPECT_LE(table.rows_read, 3 * 2000U);
    }
  }
}

TEST(BrokerQueue, ABlockedKeyHidesNobodyBehindIt) {
  const QueueLimits limits{.messages = 64, .per_key = 8, .page = 16};
  Table table(limits);
  table.queue.join(1, {10, lease});
  table.publish({7});
  ASSERT_THAT(table.receive(1, 10), ElementsAre(1));
  for (int i = 0; i < 10'000; ++i)
    table.publish({7});
  table.publish({8, 9, 8});

  EXPECT_THAT(table.receive(1, 2), ElementsAre(10'002, 10'003));
  EXPECT_LE(table.rows_read, 10'100U);
  EXPECT_LE(table.queue.held(), limits.messages + limits.page);
  table.settle(1, {1, 10'002});
  EXPECT_THAT(table.receive(1, 2), ElementsAre(2, 10'004));
}

TEST(BrokerQueue, ManyBlockedKeysHideNobodyEither) {
  const QueueLimits limits{.messages = 32, .per_key = 8, .page = 16};
  Table table(limits);
  table.queue.join(1, {100, lease});
  for (std::uint64_t key = 1; key <= 20; ++key)
    table.publish({key});
  ASSERT_EQ(table.receive(1, 100).size(), 20U);
  for (int i = 0; i < 200; ++i)
    table.publish({1 + static_cast<std::uint64_t>(i % 20)});
  table.publish({77});

  EXPECT_THAT(table.receive(1, 100), ElementsAre(221));
}

TEST(BrokerQueue, ReadsNothingWhileACommitIsInDoubt) {
  Table table;
  table.queue.join(1, {10, lease});
  const auto first = table.queue.reserve();
  const auto second = table.queue.reserve();
  ASSERT_TRUE(first && second);
  table.queue.doubt(*second);
  table.publish({0});
  // The second was written.
  event::Envelope envelope;
  envelope.subject = "2";
  table.rows.insert(table.rows.begin(),
                    Entry{2, 0, std::make_shared<event::Envelope>(envelope), 0});

  EXPECT_THAT(table.receive(1, 10), IsEmpty());
  table.queue.end_doubt(2, 1);

  EXPECT_THAT(table.receive(1, 10), ElementsAre(2, 3));
  table.settle(1, {2, 3});
  EXPECT_EQ(table.queue.stored(), 0);
}

TEST(BrokerQueue, TakesWhatAScanHasSeenOnce) {
  Table table({.messages = 2, .per_key = 4, .page = 4});
  table.queue.join(1, {10, lease});
  table.publish({0, 0, 0});
  table.publish({0});  // beyond the window: to be read
  const auto sequence = table.queue.reserve();
  event::Envelope envelope;
  envelope.subject = std::to_string(*sequence);
  const Entry committed{*sequence, 0, std::make_shared<event::Envelope>(envelope), 0};
  table.rows.push_back(committed);  // committed, and not told yet

  ASSERT_THAT(table.receive(1, 3), ElementsAre(1, 2, 3));
  ASSERT_THAT(table.receive(1, 10), ElementsAre(4, 5));
  table.queue.published({committed});

  EXPECT_THAT(table.receive(1, 10), IsEmpty());
  table.settle(1, {1, 2, 3, 4, 5});
  EXPECT_EQ(table.queue.stored(), 0);
}

TEST(BrokerQueue, PassesOverWhatHasExpiredAndGoesOnWithItsKey) {
  Table table;
  table.queue.join(1, {10, lease});
  table.publish_expiring(7, start);
  table.publish_expiring(7, start + std::chrono::seconds(1));
  table.publish({7, 0});

  EXPECT_THAT(table.receive(1, 10), ElementsAre(2, 4));
  table.queue.leave(1, Departure::closed);
  table.queue.join(2, {10, lease});

  EXPECT_THAT(table.receive(2, 10, start + std::chrono::seconds(1)), ElementsAre(3, 4));
  table.settle(2, {3, 4});
  table.remove({1, 2});
  EXPECT_EQ(table.queue.stored(), 0);
  EXPECT_EQ(table.queue.held(), 0U);
}

TEST(BrokerQueue, RemovedMessagesAreGoneWhereverTheyWere) {
  Table table({.messages = 4, .per_key = 2});
  table.queue.join(1, {10, lease});
  table.publish({7, 7, 7, 7, 0, 8});

  table.remove({1, 3, 5});

  EXPECT_THAT(table.receive(1, 10), ElementsAre(2, 6));
  table.settle(1, {2, 6});
  EXPECT_THAT(table.receive(1, 10), ElementsAre(4));
  table.settle(1, {4});
  EXPECT_EQ(table.queue.stored(), 0);
  EXPECT_EQ(table.queue.held(), 0U);
}

TEST(BrokerQueue, APageThatWasReadBeforeARemovalDoesNotBringItBack) {
  Table table({.messages = 1});
  table.queue.join(1, {10, lease});
  table.publish({0});
  table.publish({0, 0});
  EXPECT_THAT(table.receive(1, 1), ElementsAre(1));
  table.queue.demand(1, 10);
  table.queue.begin_load();
  const auto load = table.queue.wanted();
  ASSERT_TRUE(load);
  std::vector<Entry> page(table.rows.begin() + 1, table.rows.end());

  table.remove({2});
  table.queue.loaded(*load, std::move(page), true);
  table.queue.end_load();

  EXPECT_THAT(table.receive(1, 10), ElementsAre(3));
}

TEST(BrokerQueue, HandsOutNothingWhilePaused) {
  Table table;
  table.queue.join(1, {10, lease});
  table.publish({0});
  table.queue.pause();

  EXPECT_THAT(table.receive(1, 1), IsEmpty());

  table.queue.resume();
  EXPECT_THAT(table.receive(1, 1), ElementsAre(1));
}

TEST(BrokerQueue, DelayedMessagesTakeRoomUntilTheyAreDue) {
  Queue queue({.name = "work", .max_messages = 2}, 0, 0);
  ASSERT_TRUE(queue.reserve());
  queue.delayed(1);
  ASSERT_TRUE(queue.reserve());
  queue.delayed(1);
  EXPECT_FALSE(queue.reserve());
  EXPECT_EQ(queue.ready(), 0);

  const auto place = queue.reserve_due();
  ASSERT_TRUE(place);
  Entry entry;
  entry.sequence = *place;
  entry.envelope = std::make_shared<const event::Envelope>();
  queue.published({entry});
  queue.delayed_removed(1);

  EXPECT_EQ(queue.ready(), 1);
  EXPECT_EQ(queue.delayed(), 1);
  EXPECT_FALSE(queue.reserve());
}

}  // namespace
}  // namespace sinew::sqlite::broker
