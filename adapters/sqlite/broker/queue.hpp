#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "adapters/sqlite/broker/member.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/event/envelope.hpp"
#include "sinew/messaging/broker.hpp"

namespace sinew::sqlite::broker {

// One message of a queue in memory. `sequence` ascends in the order of acceptance.
struct Entry {
  std::int64_t sequence = 0;
  std::uint64_t key = 0;  // hash of the ordering key; 0: competes without order
  std::shared_ptr<const event::Envelope> envelope;
  std::int32_t deliveries = 0;
  Instant expires = Instant::max();  // not handed out from then on
};

// What happened in a queue since the broker started.
struct QueueCounts {
  std::uint64_t published = 0;  // delayed ones: when they were due
  std::uint64_t delivered = 0;
  std::uint64_t accepted = 0;
  std::uint64_t returned = 0;       // without blame
  std::uint64_t lost = 0;           // leases that expired, and deliveries of dropped subscriptions
  std::uint64_t dead_lettered = 0;  // expired, and moved
  std::uint64_t dropped = 0;        // expired, and gone
};

// How much of a queue is kept in memory; the rest is read from the table when it is its turn.
struct QueueLimits {
  std::size_t messages = 8192;
  std::size_t bytes = 16 * 1024 * 1024;
  std::size_t per_key = 32;  // of one key, behind the one that is next or in work
  std::size_t page = 256;    // messages a read
};

// A queue as a state machine: what is next, who has what, until when. Pure: rows are written and
// read by its owner, time is passed in.
//
// Memory holds a window of the table. Every message up to `scanned` is in memory, in work, or of a
// key known to have more in the table; what lies behind is read when somebody waits and nothing is
// ready. Of one key at most `per_key` messages are held; the others are found by the index of keys.
// So a long queue of one blocked key neither fills the memory nor hides the keys behind it, and
// each row is read about twice at most.
//
// A key's first message is in `ready_` or in work; its others wait in the key. Hence dispatch never
// sees a blocked message.
//
// Expired messages are passed over and left to whoever sweeps the table. Delayed ones are known by
// their number only, until they are due and take their places.
class Queue {
 public:
  static constexpr std::int64_t max_sequence = (std::int64_t{1} << 40) - 1;

  // `stored` messages are in the table, the last of them has sequence `tail`.
  Queue(messaging::QueueSpec spec, std::int64_t stored, std::int64_t tail, QueueLimits limits = {});

  const messaging::QueueSpec& spec() const noexcept { return spec_; }

  // --- Publishing: reserve, write the row, then one of what follows.
  // Gives the sequence for a message, or nothing when the queue is full.
  std::optional<std::int64_t> reserve();
  void published(std::vector<Entry> entries);  // committed; ascending
  void delayed(std::int64_t count);            // the same, of delayed messages
  void withdraw(std::int64_t count);           // certainly not written
  // Perhaps written. Nothing is read from the table until end_doubt() says how many of them were,
  // and how many of those are delayed.
  void doubt(std::int64_t last);
  void end_doubt(std::int64_t reserved, std::int64_t written, std::int64_t delayed = 0);
  bool in_doubt() const noexcept { return doubts_ > 0; }

  // --- Delayed messages: one that is due is taken out and published, with room always.
  std::optional<std::int64_t> reserve_due();
  void delayed_removed(std::int64_t count);
  void found_delayed(std::int64_t count) noexcept { delayed_ = count; }  // at the start

  // --- Taking messages out of the table that nobody has in work: those that have expired, and
  // others while the queue is paused.
  struct Place {
    std::int64_t sequence = 0;
    std::uint64_t key = 0;
  };
  std::unordered_set<std::int64_t> lent() const;  // sequences in work
  void removed(std::span<const Place> places);    // committed
  void pause() noexcept { ++pauses_; }            // nothing is handed out
  void resume() noexcept { --pauses_; }

  // --- Members.
  void join(MemberId member, MemberOptions options);
  // Its deliveries go back to their places.
  void leave(MemberId member, Departure departure);
  void demand(MemberId member, std::size_t limit);
  std::vector<Dealt> deal(Instant now);

  // --- Reading the table: for keys that have nothing more in memory, and for members that wait
  // with nothing ready.
  struct Load {
    std::uint64_t key = 0;  // 0: of any key
    std::int64_t after = 0;
    std::int64_t upto = 0;  // included
    std::size_t limit = 0;
  };
  std::optional<Load> wanted() const;
  void begin_load() noexcept { loading_ = true; }
  void end_load() noexcept;  // after loaded(), or without
  // What was found, ascending; `all`: there is no more in that range.
  void loaded(const Load& load, std::vector<Entry> entries, bool all);

  // --- Settling: the accepted rows are deleted between begin and end.
  struct Settling {
    MemberId member = 0;
    std::vector<std::uint64_t> tags;      // of the accepted
    std::vector<std::int64_t> sequences;  // of the same
    std::size_t fenced = 0;               // settlements of deliveries that are no longer theirs
  };
  Settling begin_settle(MemberId member, std::span<const messaging::Settle> settlements);
  void end_settle(const Settling& settling, bool deleted);

  void renew(MemberId member, Instant now);
  // Takes back what is overdue.
  void expire(Instant now);
  Instant next_expiry() const;

  // --- For operators.
  std::int64_t stored() const noexcept { return stored_; }
  std::int64_t delayed() const noexcept { return delayed_; }
  std::int64_t last_place() const noexcept { return next_sequence_ - 1; }
  std::int64_t ready() const noexcept { return stored_ - delayed_ - in_work_; }
  const QueueCounts& counts() const noexcept { return counts_; }
  void count_expired(std::uint64_t dead_lettered, std::uint64_t dropped) noexcept;
  std::int64_t in_work() const noexcept { return in_work_; }
  std::size_t held() const noexcept { return held_; }  // messages in memory, not in work

 private:
  struct Lent {
    Entry entry;
    Instant until{};
    bool settling = false;
  };
  // By tag; hence also by the end of the lease, which is as long for each.
  using Loans = std::map<std::uint64_t, Lent>;
  struct Member {
    MemberOptions options;
    std::size_t wanted = 0;
    Loans lent;
    bool gone = false;  // left while settling

    std::size_t credit() const noexcept;
  };
  struct Key {
    std::deque<Entry> behind;
    std::int64_t last = 0;  // the last sequence held, in work or ready
    bool busy = false;      // one is ready or in work
    bool more = false;      // the table has more, after `last`
  };

  void pass_over_expired(Instant now);
  void forget(const Place& place);
  void admit(Entry entry);
  void make_ready(Entry entry);
  void give(MemberId id, Member& member, Instant now, std::vector<messaging::Signal>& to);
  Loans::iterator take_back(Member& member, Loans::iterator lent);
  void advance(std::uint64_t key);
  void forget_behind();
  bool room() const noexcept;
  void hold(const Entry& entry) noexcept;
  void unhold(const Entry& entry) noexcept;

  messaging::QueueSpec spec_;
  QueueLimits limits_;
  messaging::Destination destination_;
  std::int64_t stored_;
  std::int64_t reserved_ = 0;
  std::int64_t delayed_ = 0;  // of the stored
  std::int64_t in_work_ = 0;
  std::int64_t next_sequence_;
  std::int64_t tail_;         // the last that may be in the table
  std::int64_t scanned_ = 0;  // see above
  std::size_t doubts_ = 0;
  std::size_t pauses_ = 0;
  bool loading_ = false;
  std::unordered_set<std::int64_t> gone_;  // removed while a page is read, which may show them
  std::uint64_t next_tag_ = 1;

  std::map<std::int64_t, Entry> ready_;
  std::unordered_map<std::uint64_t, Key> keys_;
  std::deque<std::uint64_t> unread_;  // keys with nothing but more in the table
  std::size_t held_ = 0;
  std::size_t held_bytes_ = 0;

  std::map<MemberId, Member> members_;
  MemberId last_served_ = 0;
  QueueCounts counts_;
};

}  // namespace sinew::sqlite::broker
