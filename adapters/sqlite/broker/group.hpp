#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adapters/sqlite/broker/member.hpp"
#include "adapters/sqlite/broker/tables.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/event/envelope.hpp"
#include "sinew/messaging/broker.hpp"

namespace sinew::sqlite::broker {

struct GroupLimits {
  std::size_t page = 64;  // records read ahead of what was delivered, a partition
  // Records of a partition behind one that nobody settles; then it waits for that one.
  std::size_t open = 4096;
  Duration handover = std::chrono::seconds(30);  // for what is in work when a partition moves
};

// A group of a topic as a state machine: which member has which partition, what is in work, up to
// where everything is accepted. Pure: records are read and positions written by its owner, time is
// passed in.
//
// A partition belongs to one member at a time, which gets its records in order. When the members
// change, partitions move so that shares differ by one at most and no more move than must: an owner
// that lives is told (Revoked), gets nothing new, and keeps what is in work until it has settled it
// or the deadline passes. A member that lets a lease expire loses its partitions and counts again
// when it shows up.
class Group {
 public:
  // `committed` and `heads` by partition.
  Group(std::string topic, std::vector<std::int64_t> committed, std::vector<std::int64_t> heads,
        GroupLimits limits = {});

  void appended(std::int32_t partition, std::int64_t head);

  void join(MemberId member, MemberOptions options, Instant now);
  void leave(MemberId member, Departure departure, Instant now);
  void demand(MemberId member, std::size_t limit, Instant now);
  std::vector<Dealt> deal(Instant now);

  struct Load {
    std::int32_t partition = 0;
    std::int64_t after = 0;
    std::size_t limit = 0;
    std::int64_t head = 0;  // known when it was asked for
  };
  std::optional<Load> wanted() const;
  void loaded(const Load& load, Page page);

  // At its beginning: what is gone since before it, and was not told.
  void missed(std::int32_t partition, Gap gap);
  // Records up to `start` are gone. What of them is in work is no longer theirs, and the owner is
  // told how many were not accepted.
  void trimmed(std::int32_t partition, std::int64_t start);
  // The group goes on behind these, by partition. Only without members.
  void reset(const std::vector<std::int64_t>& positions);

  struct Settled {
    std::vector<Position> advanced;  // to be written
    std::size_t fenced = 0;          // settlements of deliveries that are no longer theirs
  };
  // An acceptance holds in memory even if writing the position fails: whoever accepts has handled
  // it, and the next acceptance writes a later position.
  Settled settle(MemberId member, std::span<const messaging::Settle> settlements, Instant now);

  void renew(MemberId member, Instant now);
  void expire(Instant now);
  Instant next_expiry() const;

  struct Progress {
    std::int64_t committed = 0;
    std::int64_t head = 0;
  };
  std::size_t partitions() const noexcept { return partitions_.size(); }
  Progress progress(std::size_t partition) const;
  std::size_t in_work() const noexcept { return lent_.size(); }
  std::size_t members() const noexcept { return members_.size(); }

 private:
  using Envelope = std::shared_ptr<const event::Envelope>;

  // A record that was delivered at least once and is not behind `committed` yet.
  struct Open {
    Envelope envelope;  // until accepted
    std::int32_t deliveries = 0;
    std::uint64_t tag = 0;  // 0: not lent
    bool accepted = false;
  };
  struct Partition {
    std::int64_t committed = 0;
    std::int64_t read = 0;  // the last in `ahead` or delivered
    std::int64_t head = 0;
    std::deque<std::pair<std::int64_t, Envelope>> ahead;
    std::map<std::int64_t, Open> open;
    std::size_t lent = 0;
    std::size_t returned = 0;  // of `open`: to be delivered again
    Gap gap;                   // to be told to the owner
    std::int64_t told = 0;     // up to where; 0 when that was handed out to be written
    std::optional<MemberId> owner;
    std::optional<MemberId> heir;  // set: it moves
    Instant moves_at = Instant::max();
  };
  struct Lent {
    MemberId member = 0;
    std::int32_t partition = 0;
    std::int64_t sequence = 0;
  };
  struct Member {
    MemberOptions options;
    std::size_t wanted = 0;
    std::map<std::uint64_t, Instant> leases;  // by tag, hence by the instant as well
    std::vector<std::int32_t> assigned;       // to be told
    std::vector<std::int32_t> revoked;
    Instant revoked_until{};
    bool suspect = false;  // let a lease expire

    std::size_t credit() const noexcept;
    bool has_notice() const noexcept { return !assigned.empty() || !revoked.empty(); }
  };

  void rebalance(Instant now);
  std::vector<std::optional<MemberId>> shares() const;
  void move(std::int32_t partition, std::optional<MemberId> to, Instant now);
  void hand_over(std::int32_t partition);
  void assign(std::int32_t partition, MemberId member);
  void take_back_all(std::int32_t partition, Departure departure);
  void take_back(const Lent& lent, Departure departure);
  void alive(MemberId member, Instant now);
  void notify(Member& member, std::vector<messaging::Signal>& to);
  void tell_skipped(Member& member, std::int32_t number, std::vector<messaging::Signal>& to);
  bool give_next(MemberId id, Member& member, std::int32_t number, Instant now,
                 std::vector<messaging::Signal>& to);
  void give(MemberId id, Member& member, std::int32_t number, std::int64_t sequence, Instant now,
            std::vector<messaging::Signal>& to);
  bool accept(const Lent& lent);
  static void advance(Partition& partition);
  Partition& at(std::int32_t partition) { return partitions_[static_cast<std::size_t>(partition)]; }

  messaging::Destination destination_;
  GroupLimits limits_;
  std::vector<Partition> partitions_;
  std::map<MemberId, Member> members_;
  std::map<std::uint64_t, Lent> lent_;  // by tag
  std::uint64_t next_tag_ = 1;
  std::int32_t first_ = 0;  // the partition that is dealt from first, in turn
};

}  // namespace sinew::sqlite::broker
