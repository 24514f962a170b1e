#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "sinew/async/task.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/event/envelope.hpp"
#include "sinew/store/checkpoint.hpp"
#include "sinew/store/outbox.hpp"

namespace sinew::messaging {

using store::Destination;
using store::DestinationKind;

// The port to what carries messages between contexts: queues (each message to one of the competing
// consumers) and topics (each record to every group, in order of its key). Delivery is at least
// once; a consumer deduplicates by its inbox. Retries and dead letters are not the broker's: they
// live in the consumer's database. All calls on the worker of the context that owns the port.

struct QueueSpec {
  std::string name;
  // Messages of one ordering key are handed out one after the other. False: competing without
  // order.
  bool ordered = true;
  std::int64_t max_messages = 1'000'000;  // at this length publish is rejected; from 1
  friend bool operator==(const QueueSpec&, const QueueSpec&) = default;
};

struct TopicSpec {
  std::string name;
  std::int32_t partitions = 8;  // 1 to 256; fixed once declared
  friend bool operator==(const TopicSpec&, const TopicSpec&) = default;
};

struct Topology {
  std::vector<QueueSpec> queues;
  std::vector<TopicSpec> topics;
};

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
  // the broker remembers them.
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
using Signal = std::variant<Assigned, Delivery, Revoked>;

enum class Settlement : std::uint8_t {
  accepted,  // handled, or safe in the consumer's own database
  returned,  // not handled; give it to someone again, without blame
};

struct Settle {
  std::uint64_t tag = 0;
  Settlement settlement = Settlement::accepted;
};

enum class StartFrom : std::uint8_t { beginning, end };

struct SubscribeOptions {
  Destination source;
  std::string group;  // topics: the members of one group share the partitions; queues: ignored
  std::int32_t prefetch = 64;                 // unsettled deliveries at most; 1 to 1000
  Duration lease = std::chrono::seconds(30);  // 100 ms to 12 h; renewed by renew()
  StartFrom start = StartFrom::beginning;     // for a group without a committed position
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

struct Capabilities {
  bool durable = true;
  bool queues = true;
  bool topics = true;
  bool ordered_queues = true;
  std::size_t max_message_bytes = event::Envelope::max_data_bytes;
};

class Broker {
 public:
  Broker() = default;
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;
  virtual ~Broker() = default;

  virtual Capabilities capabilities() const = 0;
  // Creates what is missing. Idempotent. Error conflict: it exists with other settings (both
  // named).
  virtual Task<void> declare(Topology topology) = 0;
  // Publishes in order, max_publish messages at most; gives one confirm a message, in the same
  // order, once accepted ones are durable. Order of a key is kept within a call and between calls
  // that await each other: a message is accepted only if all before it of its key in the call were,
  // whatever their destinations; else it is rejected. Errors: invalid_input (a topic's message
  // without ordering key, an envelope that event::validate() refuses for more than its size),
  // exhausted (nothing was published), unavailable (nothing is known of any of them: as if all were
  // unknown).
  static constexpr std::size_t max_publish = 1000;
  virtual Task<std::vector<Confirm>> publish(std::vector<Message> messages) = 0;
  // Errors: not_found (unknown queue or topic), invalid_input (options out of range; a position to
  // start behind that the topic has not reached).
  virtual Task<std::unique_ptr<Subscription>> subscribe(SubscribeOptions options) = 0;
};

}  // namespace sinew::messaging
