#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "adapters/sqlite/broker/directory.hpp"
#include "adapters/sqlite/broker/tables.hpp"
#include "sinew/messaging/broker.hpp"
#include "sinew/store/transaction.hpp"

namespace sinew::sqlite::broker {

// The messages of one publish() on their way: routed and given their places at once, so that places
// ascend in the order of the calls; then written in one transaction. The queues learn of them as a
// commit listener, hence in the order of the commits, which is that of the places.
class Publication final : private store::CommitListener {
 public:
  // Throws Error invalid_input: an envelope that event::validate() refuses for more than its size,
  // a record without ordering key.
  Publication(Directory& directory, std::vector<messaging::Message> messages, Timestamp now);
  Publication(const Publication&) = delete;
  Publication& operator=(const Publication&) = delete;

  // One a message, as they hold once the rows are committed.
  const std::vector<messaging::Confirm>& confirms() const noexcept { return confirms_; }
  bool empty() const noexcept { return messages_.empty() && records_.empty(); }
  // When the first of its messages is due or expires.
  Instant first_timed() const noexcept { return first_timed_; }

  Task<void> write(store::Transaction& tx);

  // After the commit: those who have something new.
  const std::vector<Source*>& changed() const noexcept { return changed_; }
  // After a failure: nothing was written, or maybe, and then find_out() when the database works
  // again.
  void failed();
  void doubtful();
  // Counts what is in the table after all. When it throws it may be called again.
  Task<void> find_out(store::Database& database);

 private:
  struct ForQueue {
    std::shared_ptr<QueueSource> source;
    std::vector<Entry> entries;
    std::vector<std::int64_t> delayed;  // sequences

    std::vector<std::int64_t> sequences() const;
  };
  struct ForPartition {
    Topic* topic = nullptr;
    std::int32_t partition = 0;
    std::int64_t head = 0;
  };

  void committed() noexcept override;
  messaging::Confirm route(messaging::Message& message);
  messaging::Confirm to_queue(messaging::Message& message);
  ForQueue& batch_of(const std::shared_ptr<QueueSource>& source);
  messaging::Confirm to_topic(messaging::Message& message);
  void raise_heads();

  Directory& directory_;
  Timestamp now_;
  std::vector<messaging::Confirm> confirms_;
  std::vector<MessageRow> messages_;
  std::vector<MessageRow> records_;
  std::vector<ForQueue> queues_;
  std::vector<ForPartition> partitions_;
  std::vector<Source*> changed_;
  Instant first_timed_ = Instant::max();
  std::set<std::string, std::less<>> refused_keys_;
};

}  // namespace sinew::sqlite::broker
