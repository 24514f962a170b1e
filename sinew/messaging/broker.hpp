#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sinew/async/task.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/base/time.hpp"
#include "sinew/event/envelope.hpp"
#include "sinew/event/timing.hpp"
#include "sinew/store/checkpoint.hpp"
#include "sinew/store/outbox.hpp"

namespace sinew::messaging {

using store::Destination;
using store::DestinationKind;

// The port to what carries messages between contexts: queues (each message to one of the competing
// consumers) and topics (each record to every group, in order of its key). Delivery is at least
// once; a consumer deduplicates by its inbox. Retries and dead letters are not the broker's: they
// live in the consumer's database. All calls on the worker of the context that owns the port.

// How long a queue lives. Exclusive and auto-delete queues go with their messages, also when the
// broker starts again; afterwards they are unroutable, and may be declared anew.
enum class QueueLife : std::uint8_t {
  lasting,      // for good
  exclusive,    // one subscription at a time; gone when it ends, or when none came for a minute
  auto_delete,  // gone when the last subscription ended
};

struct QueueSpec {
  std::string name;
  // Messages of one ordering key are handed out one after the other. False: competing without
  // order.
  bool ordered = true;
  std::int64_t max_messages = 1'000'000;  // at this length publish is rejected; from 1
  QueueLife life = QueueLife::lasting;
  // A message that lay here so long without having been delivered expires; 1 ms to
  // event::max_delay. A message's own expiry holds besides. None: only that.
  std::optional<Duration> ttl{};
  // The lasting queue where expired messages go (dead_letter.hpp); empty: they are dropped and
  // counted. Messages cannot come back to a queue that way.
  std::string dead_letter{};
  friend bool operator==(const QueueSpec&, const QueueSpec&) = default;
};

// What is removed of a topic of which only the last record of each ordering key counts. A record
// without data is a tombstone: it says that its entity is no more.
struct Compaction {
  // How long a tombstone stays after those before it went, so that whoever began to read with them
  // meets it: 0 s to 100 years.
  std::chrono::seconds tombstones = std::chrono::hours(24);
  friend bool operator==(const Compaction&, const Compaction&) = default;
};

// Which records of a topic stay; the others are removed soon after, in small steps. Positions stay
// as they are. Age and bytes may be combined, compaction stands alone.
struct Retention {
  std::optional<std::chrono::seconds> age{};  // since the broker accepted it: 1 s to 100 years
  std::optional<std::int64_t> bytes{};        // of each partition, the newest; from 1
  std::optional<Compaction> compaction{};
  // False: a record, or the tombstone of a compaction, stays until every group has accepted it.
  // True: a group that falls behind goes on at the oldest record and is told with Skipped.
  bool drop_unread = false;
  friend bool operator==(const Retention&, const Retention&) = default;
};

struct TopicSpec {
  std::string name;
  std::int32_t partitions = 8;  // 1 to 256; fixed once declared
  // Holds from now on, instead of what was declared before. Nothing: as it was; at first, all
  // records stay for good. Whoever reads a topic declares nothing here, its owner does.
  std::optional<Retention> retention{};
  friend bool operator==(const TopicSpec&, const TopicSpec&) = default;
};

struct Topology {
  std::vector<QueueSpec> queues;
  std::vector<TopicSpec> topics;
};

// Of a queue's message event::Timing is followed: one that may not be delivered yet takes its place
// in the queue, and in the order of its key, when it is due, as if it had been published then. One
// that expires is never delivered from then on; who has it in work keeps it.
struct Message {
  Destination destination;
  event::Envelope envelope;
};

// What became of one published message.
enum class Confirm : std::uint8_t {
  accepted,    // durable at the broker
  unroutable,  // no such queue or topic; publishing again will not help until it is declared
  rejected,    // refused: full, too large
  unknown,     // the connection or the broker failed in between; publish again
};

struct Delivery {
  Message message;
  std::uint64_t tag = 0;  // names this delivery within its subscription
  // From 1; also counts deliveries whose lease expired or whose subscription was dropped, as far as
  // the broker remembers them. What was returned does not count.
  std::int32_t delivery_count = 1;
  std::int32_t partition = 0;  // topics
  store::Checkpoint position;  // topics
};

// A subscription was given partitions, each from its group's committed position.
struct Assigned {
  std::vector<std::int32_t> partitions;
};
// Partitions go to another member; settle what is in work before the deadline.
struct Revoked {
  std::vector<std::int32_t> partitions;
  Instant deadline{};
};
// Retention removed records of a topic before the group had accepted them; it goes on behind them.
// What of them is in work is fenced. Told at least once: after a crash again, unless the group has
// accepted a later record of the partition since.
struct Skipped {
  std::int32_t partition = 0;
  store::Checkpoint upto;
  std::int64_t records = 0;  // that it had not accepted, at most: positions
};
using Signal = std::variant<Assigned, Delivery, Revoked, Skipped>;

enum class Settlement : std::uint8_t {
  accepted,  // handled, or safe in the consumer's own database
  returned,  // not handled; give it to someone again, without blame
};

struct Settle {
  std::uint64_t tag = 0;
  Settlement settlement = Settlement::accepted;
};

enum class StartFrom : std::uint8_t {
  beginning,  // the oldest record that there is
  end,        // what is accepted from now on
  // The first record that the broker accepted at a time or later. Within a partition these times
  // never go back: while the wall clock is behind, records have the time of the last one before.
  time,
};

struct SubscribeOptions {
  Destination source;
  std::string group;  // topics: the members of one group share the partitions; queues: ignored
  std::int32_t prefetch = 64;                 // unsettled deliveries at most; 1 to 1000
  Duration lease = std::chrono::seconds(30);  // 100 ms to 12 h; renewed by renew()
  StartFrom start = StartFrom::beginning;     // for a group without a committed position
  Timestamp start_time{};                     // with StartFrom::time; not in the future
  // Topics: the same for single partitions, which begin behind these positions of deliveries.
  std::map<std::int32_t, store::Checkpoint> start_after{};
};

class Subscription {
 public:
  Subscription() = default;
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  virtual ~Subscription() = default;

  // Waits for deliveries; gives at least one signal, at most `limit` (from 1). Empty: closed.
  // Errors: unavailable (the broker is gone: subscribe again), timeout, cancelled; what arrives for
  // a call that gave up is given to the next.
  virtual Task<std::vector<Signal>> receive(std::size_t limit) = 0;
  // Settles deliveries durably, prefetch of them at most; in topics a group's position moves on
  // over what is accepted without a gap. Errors: conflict when a lease has expired and the message
  // went to someone else (fencing): what was handled stays handled, the other will find the inbox
  // mark; the others of the call are settled.
  virtual Task<void> settle(std::vector<Settle> settlements) = 0;
  // Prolongs the leases of all unsettled deliveries by the lease duration.
  virtual Task<void> renew() = 0;
  // Ends a pending receive() and returns what is unsettled. Call before destruction.
  virtual Task<void> close() = 0;
};

// Where a group stands in a partition.
struct Lag {
  std::int32_t partition = 0;
  store::Checkpoint position;  // everything up to here is accepted
  std::int64_t records = 0;    // behind it, at most: compaction leaves gaps
  Duration time{};             // since the broker accepted the first of these; 0: none
  std::int64_t skipped = 0;    // in the group's life: removed before it had accepted them, at most
};
struct GroupStatus {
  std::string group;
  std::int32_t members = 0;
  std::vector<Lag> lag;  // by partition
};
struct TopicStatus {
  TopicSpec spec;  // with the retention that holds
  struct Range {   // of a partition: the records behind `first`, up to `last`
    store::Checkpoint first;
    store::Checkpoint last;
  };
  std::vector<Range> partitions;
  std::vector<GroupStatus> groups;
};

// Where a group is to go on, as if it had not been there before.
struct GroupReset {
  std::string topic;
  std::string group;
  StartFrom start = StartFrom::beginning;
  Timestamp start_time{};
  std::map<std::int32_t, store::Checkpoint> start_after{};
  bool dry_run = false;  // only says what would become of it
};
struct Moved {
  std::int32_t partition = 0;
  store::Checkpoint from;
  store::Checkpoint to;
};

struct Capabilities {
  bool durable = true;
  bool queues = true;
  bool topics = true;
  bool ordered_queues = true;
  bool passing_queues = true;  // exclusive and auto-delete
  bool timing = true;          // delay, expiry and dead letters of queues
  std::size_t max_message_bytes = event::Envelope::max_data_bytes;
};

class Broker {
 public:
  Broker() = default;
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;
  virtual ~Broker() = default;

  virtual Capabilities capabilities() const = 0;
  // Creates what is missing, and has a topic's retention hold from now on. Idempotent. Errors:
  // conflict (it exists with other settings, both are named), invalid_input (settings out of
  // range, or that contradict each other; a dead-letter queue that is missing, passing or would
  // send messages back).
  virtual Task<void> declare(Topology topology) = 0;
  // Publishes in order, max_publish messages at most; gives one confirm a message, in the same
  // order, once accepted ones are durable. Order of a key is kept within a call and between calls
  // that await each other: a message is accepted only if all before it of its key in the call were,
  // whatever their destinations; else it is rejected. Errors: invalid_input (a topic's message
  // without ordering key or with a delay, an envelope that event::validate() refuses for more than
  // its size or event::timing_of() for a queue),
  // exhausted (nothing was published), unavailable (nothing is known of any of them: as if all were
  // unknown).
  static constexpr std::size_t max_publish = 1000;
  virtual Task<std::vector<Confirm>> publish(std::vector<Message> messages) = 0;
  // Errors: not_found (unknown queue or topic), conflict (an exclusive queue that has its
  // subscription), invalid_input (options out of range; a position to start behind that the topic
  // has not reached; a time to start at in the future).
  virtual Task<std::unique_ptr<Subscription>> subscribe(SubscribeOptions options) = 0;

  // For operators: all topics with their groups, how far one group is behind, and a group moved
  // elsewhere, durable when it returns. Errors: not_found (unknown topic or group), conflict (the
  // group to be moved has members: they must leave first), invalid_input as for subscribe().
  virtual Task<std::vector<TopicStatus>> topics() = 0;
  virtual Task<GroupStatus> lag(std::string topic, std::string group) = 0;
  virtual Task<std::vector<Moved>> reset(GroupReset reset) = 0;
};

}  // namespace sinew::messaging
