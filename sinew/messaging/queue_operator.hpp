#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sinew/async/task.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/messaging/broker.hpp"

namespace sinew::messaging {

// How a queue stands, for operators; the counts are since the broker started.
struct QueueStatus {
  QueueSpec spec;
  std::int64_t ready = 0;
  std::int64_t in_work = 0;
  std::int64_t delayed = 0;
  Duration oldest{};  // age of the first message that is ready or in work; 0: there is none
  std::uint64_t published = 0;
  std::uint64_t delivered = 0;
  std::uint64_t accepted = 0;
  std::uint64_t returned = 0;
  std::uint64_t lost = 0;  // leases that expired, subscriptions that were dropped
  std::uint64_t dead_lettered = 0;
  std::uint64_t dropped = 0;  // expired, without a dead-letter queue
};

// The port to a broker's queues for operators. What somebody has in work is left alone. Nothing is
// handed out of a queue while it is purged or redriven. All calls on the broker's worker.
// Errors: not_found (no such queue), and those of the database: some messages may have gone then.
class QueueOperator {
 public:
  virtual Task<std::vector<QueueStatus>> queues() = 0;
  // The first messages of a queue that are not delayed, in order, up to 1000.
  virtual Task<std::vector<event::Envelope>> look(std::string queue, std::size_t limit) = 0;
  // Removes all that is ready or delayed, for good. Gives how many; a dry run only counts.
  virtual Task<std::int64_t> purge(std::string queue, bool dry_run) = 0;
  // Moves the dead letters of a queue back to where they expired, without their expiry; those whose
  // queue is full or gone stay. Gives how many went; a dry run counts those it would try.
  virtual Task<std::int64_t> redrive(std::string queue, bool dry_run) = 0;

 protected:
  ~QueueOperator() = default;
};

}  // namespace sinew::messaging
