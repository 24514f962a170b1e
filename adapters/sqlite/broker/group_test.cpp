#include "adapters/sqlite/broker/group.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace sinew::sqlite::broker {
namespace {

using messaging::Settlement;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

constexpr Instant start{std::chrono::hours(1)};
constexpr Duration lease = std::chrono::seconds(30);
using Record = std::pair<int, int>;  // partition, sequence

// What a member was told and given since it was asked last.
struct Got {
  std::vector<Record> records;
  std::vector<int> assigned;
  std::vector<int> revoked;
  std::vector<std::pair<std::int64_t, std::int64_t>> skipped;  // up to, how many
};

// A group with the log it reads.
class Log {
 public:
  explicit Log(int partitions, GroupLimits limits = {})
      : records(static_cast<std::size_t>(partitions)),
        group("news", std::vector<std::int64_t>(records.size(), 0),
              std::vector<std::int64_t>(records.size(), 0), limits) {}

  void append(int partition, int count = 1) {
    auto& log = records[static_cast<std::size_t>(partition)];
    for (int i = 0; i < count; ++i)
      log.push_back(log.empty() ? 1 : log.back() + 1);
    group.appended(partition, log.back());
  }
  void join(MemberId member, std::size_t prefetch = 100) {
    group.join(member, {prefetch, lease}, now);
  }

  // Lets the member receive until nothing comes any more.
  Got receive(MemberId member) {
    for (std::size_t before = 0;;) {
      group.demand(member, 100, now);
      run();
      const Got& all = got[member];
      const std::size_t after =
          all.records.size() + all.assigned.size() + all.revoked.size() + all.skipped.size();
      if (after == before) return std::exchange(got[member], {});
      before = after;
    }
  }

  void run() {
    for (;;) {
      for (const Dealt& dealt : group.deal(now))
        note(dealt);
      const auto load = group.wanted();
      if (!load) return;
      Page page;
      page.all = true;
      for (const std::int64_t sequence : records[static_cast<std::size_t>(load->partition)]) {
        if (sequence <= load->after) continue;
        if (page.messages.size() == load->limit) {
          page.all = false;
          break;
        }
        page.messages.push_back({sequence, 0, {}});
      }
      group.loaded(*load, std::move(page));
    }
  }

  void note(const Dealt& dealt) {
    Got& to = got[dealt.member];
    for (const auto& signal : dealt.signals) {
      if (const auto* delivery = std::get_if<messaging::Delivery>(&signal)) {
        const Record record{delivery->partition, static_cast<int>(delivery->position.position())};
        to.records.push_back(record);
        tags[record] = delivery->tag;
        counts[record] = delivery->delivery_count;
      } else if (const auto* assigned = std::get_if<messaging::Assigned>(&signal)) {
        to.assigned.insert(to.assigned.end(), assigned->partitions.begin(),
                           assigned->partitions.end());
      } else if (const auto* skipped = std::get_if<messaging::Skipped>(&signal)) {
        to.skipped.emplace_back(skipped->upto.position(), skipped->records);
      } else {
        const auto& revoked = std::get<messaging::Revoked>(signal).partitions;
        to.revoked.insert(to.revoked.end(), revoked.begin(), revoked.end());
      }
    }
  }

  Group::Settled settle(MemberId member, const std::vector<Record>& settled,
                        Settlement settlement = Settlement::accepted) {
    std::vector<messaging::Settle> settlements;
    for (const Record& record : settled)
      settlements.push_back({tags.at(record), settlement});
    return group.settle(member, settlements, now);
  }

  Instant now = start;
  std::vector<std::vector<std::int64_t>> records;
  Group group;
  std::map<MemberId, Got> got;
  std::map<Record, std::uint64_t> tags;
  std::map<Record, int> counts;
};

std::vector<std::pair<int, std::int64_t>> positions(const Group::Settled& settled) {
  std::vector<std::pair<int, std::int64_t>> all;
  for (const Position& position : settled.advanced)
    all.emplace_back(position.partition, position.sequence);
  return all;
}

TEST(BrokerGroup, GivesAPartitionInOrderToItsOwner) {
  Log log(2);
  log.join(1);
  log.append(0, 3);
  log.append(1, 1);

  const Got got = log.receive(1);

  EXPECT_THAT(got.assigned, ElementsAre(0, 1));
  std::map<int, std::vector<int>> sequences;
  for (const auto& [partition, sequence] : got.records)
    sequences[partition].push_back(sequence);
  EXPECT_THAT(sequences, ElementsAre(Pair(0, ElementsAre(1, 2, 3)), Pair(1, ElementsAre(1))));
}

TEST(BrokerGroup, AdvancesOverTheContiguousAcceptedPrefixOnly) {
  Log log(1);
  log.join(1);
  log.append(0, 4);
  log.receive(1);

  EXPECT_THAT(positions(log.settle(1, {{0, 2}, {0, 4}})), IsEmpty());
  EXPECT_EQ(log.group.progress(0).committed, 0);
  EXPECT_THAT(positions(log.settle(1, {{0, 1}})), ElementsAre(Pair(0, 2)));
  EXPECT_THAT(positions(log.settle(1, {{0, 3}})), ElementsAre(Pair(0, 4)));
}

TEST(BrokerGroup, PassesOverSequencesThatWereNeverCommitted) {
  Log log(1);
  log.join(1);
  log.records[0] = {2, 3, 7};
  log.group.appended(0, 9);

  EXPECT_THAT(log.receive(1).records, ElementsAre(Record(0, 2), Record(0, 3), Record(0, 7)));
  EXPECT_THAT(positions(log.settle(1, {{0, 2}, {0, 3}, {0, 7}})), ElementsAre(Pair(0, 7)));
  log.records[0].push_back(10);
  log.group.appended(0, 10);
  EXPECT_THAT(log.receive(1).records, ElementsAre(Record(0, 10)));
}

TEST(BrokerGroup, GivesBackWhatWasReturnedBeforeWhatIsNew) {
  Log log(1);
  log.join(1, 3);
  log.append(0, 5);
  log.receive(1);

  log.settle(1, {{0, 2}, {0, 3}}, Settlement::returned);

  EXPECT_THAT(log.receive(1).records, ElementsAre(Record(0, 2), Record(0, 3)));
  EXPECT_EQ(log.counts.at({0, 2}), 1);
}

TEST(BrokerGroup, SharesDifferByOneAtMostAndFewPartitionsMove) {
  for (const int partitions : {1, 3, 8, 16}) {
    SCOPED_TRACE(partitions);
    Log log(partitions);
    std::map<MemberId, std::vector<int>> owned;
    const auto settle_down = [&](const std::vector<MemberId>& members) {
      int moved = 0;
      for (int round = 0; round < 3; ++round) {
        for (const MemberId member : members) {
          const Got got = log.receive(member);
          for (const int partition : got.revoked)
            moved += static_cast<int>(std::erase(owned[member], partition));
          owned[member].insert(owned[member].end(), got.assigned.begin(), got.assigned.end());
        }
      }
      return moved;
    };

    log.join(1);
    EXPECT_EQ(settle_down({1}), 0);
    EXPECT_THAT(owned[1], SizeIs(partitions));
    log.join(2);
    EXPECT_EQ(settle_down({1, 2}), partitions / 2);
    log.join(3);
    EXPECT_LE(settle_down({1, 2, 3}), partitions / 3);
    log.group.leave(2, Departure::closed, log.now);
    owned.erase(2);
    EXPECT_EQ(settle_down({1, 3}), 0);

    std::vector<int> all;
    for (const auto& [member, some] : owned) {
      EXPECT_GE(static_cast<int>(some.size()), partitions / 2);
      all.insert(all.end(), some.begin(), some.end());
    }
    std::ranges::sort(all);
    EXPECT_THAT(all, SizeIs(partitions));
    EXPECT_TRUE(std::ranges::adjacent_find(all) == all.end());
  }
}

TEST(BrokerGroup, TheHeirGetsThePartitionWhenTheOwnerHasSettled) {
  Log log(2);
  log.join(1);
  log.append(0, 2);
  log.append(1, 2);
  ASSERT_THAT(log.receive(1).records, SizeIs(4));
  log.join(2);
  const Got told = log.receive(1);
  ASSERT_THAT(told.revoked, SizeIs(1));
  const int moving = told.revoked[0];

  EXPECT_THAT(log.receive(2).assigned, IsEmpty());
  log.settle(1, {{moving, 1}});
  EXPECT_THAT(log.receive(2).assigned, IsEmpty());
  log.settle(1, {{moving, 2}}, Settlement::returned);

  const Got got = log.receive(2);
  EXPECT_THAT(got.assigned, ElementsAre(moving));
  EXPECT_THAT(got.records, ElementsAre(Record(moving, 2)));
}

TEST(BrokerGroup, TheHeirGetsThePartitionAtTheDeadline) {
  Log log(2, {.handover = std::chrono::seconds(5)});
  log.join(1);
  log.append(0, 1);
  log.append(1, 1);
  log.receive(1);
  log.join(2);
  const int moving = log.receive(1).revoked.at(0);
  EXPECT_EQ(log.group.next_expiry(), start + std::chrono::seconds(5));

  log.now += std::chrono::seconds(5);
  log.group.expire(log.now);

  const std::uint64_t late = log.tags.at({moving, 1});
  const Got got = log.receive(2);
  EXPECT_THAT(got.assigned, ElementsAre(moving));
  EXPECT_THAT(got.records, ElementsAre(Record(moving, 1)));
  EXPECT_EQ(log.counts.at({moving, 1}), 2);
  const std::vector<messaging::Settle> settlement{{late, Settlement::accepted}};
  EXPECT_EQ(log.group.settle(1, settlement, log.now).fenced, 1U);
}

TEST(BrokerGroup, AnExpiredLeaseCostsThePartitionsUntilTheMemberShowsUp) {
  Log log(2);
  log.join(1);
  log.join(2);
  log.receive(1);  // one of the partitions moves
  log.append(0, 1);
  log.append(1, 1);
  ASSERT_THAT(log.receive(1).records, SizeIs(1));
  const std::vector<Record> of_second = log.receive(2).records;
  ASSERT_THAT(of_second, SizeIs(1));
  log.now += lease / 2;
  log.group.renew(1, log.now);

  log.now = start + lease;
  log.group.expire(log.now);

  const Got got = log.receive(1);
  EXPECT_THAT(got.assigned, ElementsAre(of_second[0].first));
  EXPECT_THAT(got.records, ElementsAre(of_second[0]));
  EXPECT_EQ(log.settle(1, of_second).fenced, 0U);
  log.receive(2);  // it lives
  EXPECT_THAT(log.receive(1).revoked, SizeIs(1));
}

TEST(BrokerGroup, AnOnlyMemberGetsItsExpiredRecordsAgain) {
  Log log(1);
  log.join(1);
  log.append(0, 2);
  ASSERT_THAT(log.receive(1).records, SizeIs(2));
  log.settle(1, {{0, 2}});

  log.now += lease;
  log.group.expire(log.now);

  EXPECT_THAT(log.receive(1).records, ElementsAre(Record(0, 1)));
  EXPECT_EQ(log.counts.at({0, 1}), 2);
  EXPECT_THAT(positions(log.settle(1, {{0, 1}})), ElementsAre(Pair(0, 2)));
}

TEST(BrokerGroup, ADroppedMembersRecordsGoToTheOthersWithBlame) {
  Log log(1);
  log.join(1);
  log.append(0, 2);
  log.receive(1);

  log.group.leave(1, Departure::dropped, log.now);
  log.join(2);

  const Got got = log.receive(2);
  EXPECT_THAT(got.assigned, ElementsAre(0));
  EXPECT_THAT(got.records, ElementsAre(Record(0, 1), Record(0, 2)));
  EXPECT_EQ(log.counts.at({0, 1}), 2);
}

TEST(BrokerGroup, GoesOnBehindWhatIsGoneAndSaysHowManyItHadNotAccepted) {
  Log log(1, {.page = 4});
  log.join(1, 3);
  log.append(0, 10);
  ASSERT_THAT(log.receive(1).records, SizeIs(3));
  log.settle(1, {{0, 2}});
  log.settle(1, {{0, 3}}, Settlement::returned);

  log.group.trimmed(0, 5);

  EXPECT_EQ(log.group.progress(0).committed, 5);
  EXPECT_EQ(log.settle(1, {{0, 1}}).fenced, 1U);
  const Got got = log.receive(1);
  EXPECT_THAT(got.skipped, ElementsAre(Pair(5, 4)));
  EXPECT_THAT(got.records, ElementsAre(Record(0, 6), Record(0, 7), Record(0, 8)));
  EXPECT_THAT(positions(log.settle(1, {{0, 6}})), ElementsAre(Pair(0, 6)));
  log.group.trimmed(0, 4);
  EXPECT_EQ(log.group.progress(0).committed, 6);
}

TEST(BrokerGroup, APartitionMovesWhenWhatItsOwnerHadInWorkIsGone) {
  Log log(2);
  log.join(1);
  log.append(0, 1);
  log.append(1, 1);
  log.receive(1);
  log.join(2);
  const int moving = log.receive(1).revoked.at(0);

  log.group.trimmed(moving, 1);

  EXPECT_THAT(log.receive(2).assigned, ElementsAre(moving));
}

TEST(BrokerGroup, GoesOnWhereItIsPutAndForgetsWhatWasReadBefore) {
  Log log(1);
  log.join(1);
  log.append(0, 6);
  log.receive(1);
  log.settle(1, {{0, 1}, {0, 2}, {0, 4}});
  const Group::Load late{.partition = 0, .after = 6, .limit = 10, .head = 6};
  log.group.leave(1, Departure::closed, log.now);

  log.group.reset({1});
  Page page;
  page.all = true;
  page.messages.push_back({7, 0, {}});
  log.group.loaded(late, std::move(page));

  EXPECT_EQ(log.group.progress(0).committed, 1);
  log.join(2);
  EXPECT_THAT(log.receive(2).records,
              ElementsAre(Record(0, 2), Record(0, 3), Record(0, 4), Record(0, 5), Record(0, 6)));
}

TEST(BrokerGroup, StopsBehindARecordThatNobodySettles) {
  Log log(1, {.page = 4, .open = 8});
  log.join(1);
  log.append(0, 100);
  std::vector<Record> got;
  for (int i = 0; i < 50; ++i) {
    for (const Record& record : log.receive(1).records) {
      got.push_back(record);
      if (record.second > 1) log.settle(1, {record});
    }
  }

  EXPECT_THAT(got, SizeIs(8));
  log.settle(1, {{0, 1}});
  EXPECT_EQ(log.group.progress(0).committed, 8);
  EXPECT_FALSE(log.receive(1).records.empty());
}

}  // namespace
}  // namespace sinew::sqlite::broker
