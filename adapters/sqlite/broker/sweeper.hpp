#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "adapters/sqlite/broker/clock.hpp"
#include "adapters/sqlite/broker/directory.hpp"
#include "adapters/sqlite/broker/timed_messages.hpp"
#include "adapters/sqlite/broker/transfer.hpp"
#include "sinew/async/channel.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/log.hpp"

namespace sinew::sqlite::broker {

// Looks after messages whose time has come, also of queues that nobody reads: delayed ones that are
// due take their places, expired ones go to their dead-letter queue or are dropped. What cannot go
// (it is in work, the dead-letter queue is full) is looked at again each second.
//
// On the broker's worker. `serve` is told of queues that have changed.
class Sweeper final {
 public:
  Sweeper(async::Runtime& runtime, store::Database& database, const Directory& directory,
          const Clock& clock, std::function<void(Source&)> serve);

  Task<void> run();
  // A message is due or expires then.
  void look_at(Instant when) noexcept;
  // Runs a transfer and has its queues served.
  Task<std::int64_t> carry(Transfer& transfer);

 private:
  using Queues = std::map<std::int64_t, std::shared_ptr<QueueSource>>;  // by number

  Task<void> wait();
  Task<void> sweep();
  Task<bool> place_due(Timestamp now);
  Task<bool> remove_expired(Timestamp now);
  // Adds what may go; gives whether something is left.
  bool add_due(Transfer& transfer, std::vector<TimedMessage> messages) const;
  bool add_expired(Transfer& transfer, std::vector<TimedMessage> messages);
  std::shared_ptr<QueueSource> dead_letters_of(const QueueSource& source) const;
  Queues queues() const;

  async::Runtime& runtime_;
  store::Database& database_;
  const Directory& directory_;
  const Clock& clock_;
  std::function<void(Source&)> serve_;
  Instant next_ = Instant::min();
  async::Event earlier_;
  log::Logger log_;
};

}  // namespace sinew::sqlite::broker
