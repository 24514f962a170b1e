#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "adapters/sqlite/database.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/async/task.hpp"
#include "sinew/messaging/broker.hpp"
#include "sinew/messaging/queue_operator.hpp"

namespace sinew::sqlite {

namespace broker {
class Home;
}

// How much the embedded broker keeps in memory, each from 1; everything else is read when it is its
// turn.
struct BrokerLimits {
  std::size_t queue_messages = 8192;           // of a queue, not yet delivered
  std::size_t queue_bytes = 16 * 1024 * 1024;  // of the same
  std::size_t key_messages = 32;               // of one ordering key
  std::size_t topic_open = 4096;  // accepted records of a partition, behind one that is not
};

struct BrokerSettings {
  Settings database;  // of its own file; `path` such as <folder>/broker.db
  BrokerLimits limits;
  // Between two looks at what retention is to remove, at least: for an age alone it is the 60th
  // part of that, up to an hour. 100 ms to 1 h. Each look reads a few pages a partition.
  Duration retention_interval = std::chrono::seconds(10);
};

// What lies where, for operators, and for telling when a system is at rest.
struct BrokerStatistics {
  struct Queue {
    std::string name;
    std::int64_t ready = 0;    // accepted and with nobody
    std::int64_t in_work = 0;  // delivered, not settled
    std::int64_t delayed = 0;  // accepted, to be ready later
  };
  struct Partition {
    std::string topic;
    std::int32_t partition = 0;
    std::int64_t head = 0;  // records ever appended, about: the last one's position
  };
  struct Group {
    std::string topic;
    std::string group;
    std::int32_t partition = 0;
    std::int64_t committed = 0;  // everything up to this position is accepted
    std::int64_t lag = 0;        // positions from there to the head
  };
  std::vector<Queue> queues;
  std::vector<Partition> partitions;
  std::vector<Group> groups;
};

// The Broker port over one SQLite database: durable queues and topics between the contexts of one
// process. Owned by the host, beside the contexts' own databases; a context sees only the port that
// connect() gives it.
//
// Accepted messages survive a crash: confirms follow the commit, which publishes of the same moment
// share. Who has what lives in memory; after a restart everything unsettled is delivered again, and
// a group goes on behind its committed position. A message's delivery_count does not survive.
//
// In queues a lease that expires gives its delivery to whoever waits; in topics its owner loses the
// partition. Records stay as their topic's retention says.
//
// Lives on one worker. close() before it is destroyed, after its ports and their subscriptions were
// destroyed; or without, when its runtime is already gone.
class EmbeddedBroker final : public messaging::QueueOperator {
 public:
  // Errors: those of Database::open; invalid_input (a limit of 0, an interval that is
  // out of range).
  static Task<std::unique_ptr<EmbeddedBroker>> open(async::Runtime& runtime,
                                                    BrokerSettings settings);
  EmbeddedBroker(const EmbeddedBroker&) = delete;
  EmbeddedBroker& operator=(const EmbeddedBroker&) = delete;
  virtual ~EmbeddedBroker();

  // A port for a context on the worker of `runtime`, to be used and destroyed there. From any
  // thread. On the broker's own worker its calls are plain calls.
  std::unique_ptr<messaging::Broker> connect(async::Runtime& runtime);

  // On the broker's worker, or through call_on().
  BrokerStatistics statistics() const;
  Task<std::vector<messaging::QueueStatus>> queues() override;
  Task<std::vector<event::Envelope>> look(std::string queue, std::size_t limit) override;
  Task<std::int64_t> purge(std::string queue, bool dry_run) override;
  Task<std::int64_t> redrive(std::string queue, bool dry_run) override;

  // Ends all subscriptions, waits until they are destroyed, then closes the database. Later calls
  // of ports fail with unavailable.
  Task<void> close();

 private:
  class Port;
  struct Reference;
  explicit EmbeddedBroker(std::shared_ptr<Reference> reference);

  std::shared_ptr<Reference> reference_;
};

}  // namespace sinew::sqlite
