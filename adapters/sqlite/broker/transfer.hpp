#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "adapters/sqlite/broker/placement.hpp"
#include "adapters/sqlite/broker/queue_source.hpp"
#include "adapters/sqlite/broker/tables.hpp"
#include "sinew/store/database.hpp"

namespace sinew::sqlite::broker {

// Messages on their way from one place of the broker to another, or out of it, in one transaction:
// delayed ones that are due, expired ones to their dead-letter queue, those that an operator moves
// or removes. Nobody may have them in work, nor be given them before the transfer ended: they have
// expired, or their queue is paused. One that is gone in the meantime is left out.
//
// Like a Publication it takes the places at once and tells the queues in the order of the commits.
class Transfer final : private store::CommitListener {
 public:
  enum class Kind : std::uint8_t { due, dead_letter, moved, removed };

  explicit Transfer(Kind kind) : kind_(kind) {}
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // Adds one; false: its target is full. A removed one has no target, an expired one perhaps.
  bool add(std::shared_ptr<QueueSource> from, StoredMessage message, bool delayed,
           std::shared_ptr<QueueSource> to);
  bool empty() const noexcept { return items_.empty(); }

  // Writes it and finds out, however long that takes, whether it was written. Gives how many
  // messages went. Errors: those of the database for which nothing was written; cancelled.
  Task<std::int64_t> run(store::Database& database);

  // After run(): those that have something new, and when the first of it expires.
  std::vector<QueueSource*> changed() const;
  Instant first_timed() const noexcept { return first_timed_; }

 private:
  struct Item {
    std::shared_ptr<QueueSource> from;
    Queue::Place place;
    bool delayed = false;
    std::shared_ptr<QueueSource> to;
    std::optional<Placement> target;
    bool taken = false;
  };

  void committed() noexcept override;
  Task<void> write(store::Transaction& tx);
  void withdraw();
  void doubt();
  void end_doubt(bool written);
  Task<bool> find_out(store::Database& database);
  void note_gone();

  Kind kind_;
  std::vector<Item> items_;
  Instant first_timed_ = Instant::max();
};

}  // namespace sinew::sqlite::broker
