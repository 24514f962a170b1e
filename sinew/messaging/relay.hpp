#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sinew/async/channel.hpp"
#include "sinew/messaging/broker.hpp"
#include "sinew/store/database.hpp"
#include "sinew/store/outbox.hpp"

namespace sinew::messaging {

struct RelaySettings {
  // The same after a restart, and of no other relay over the same outbox: what the relay of this
  // name held when its process was killed is taken back at once. Empty: a new one each time, which
  // waits until those leases have expired.
  std::string name;
  std::int32_t partitions = store::Outbox::partitions;  // of the outbox, at most; see share_of()
  std::size_t batch = 256;                              // messages a publish; 1 to 1000
  Duration lease = std::chrono::seconds(10);            // of outbox partitions; 1 s to 5 min
  Duration poll = std::chrono::seconds(1);              // looks without being woken so often
  Duration backoff = std::chrono::milliseconds(100);    // after a failure, doubling
  Duration max_backoff = std::chrono::seconds(10);
};

// How many partitions each of so many relays over one outbox takes, so that all have some to do.
constexpr std::int32_t share_of(std::int32_t relays) noexcept {
  return (store::Outbox::partitions + relays - 1) / relays;
}

struct RelayStatus {
  std::uint64_t published = 0;
  std::uint64_t expired = 0;  // dropped: they had expired, and their queue was gone
  std::uint64_t failed_rounds = 0;
  std::size_t blocked_keys = 0;
  std::string last_error;  // empty when the last round succeeded
};

// Moves committed messages from the outbox to the broker, at least once, each key in order. Woken
// by the commit itself; polls besides for what another process wrote. Several relays may share one
// outbox: each works on the partitions it leases, and a lease lost in the middle is noticed by its
// epoch when the rows are to be deleted.
//
// It works in passes over its partitions, page by page: while the broker makes one page durable,
// the database deletes the page before and reads the next.
//
// A message that the broker refuses (rejected, unroutable) blocks its own key, which is tried again
// with backoff; the others go on. One that has expired meanwhile and whose queue is not there, such
// as the answer to somebody who has gone, is dropped. A broker that is away blocks the relay with
// backoff.
//
// Lives on the context's worker, beside the database.
class Relay final : private store::CommitListener {
 public:
  Relay(async::Runtime& runtime, store::Database& database, store::Outbox& outbox, Broker& broker,
        RelaySettings settings = {});
  ~Relay();

  // Runs until its scope is cancelled; then gives its leases back.
  Task<void> run();

  const RelayStatus& status() const noexcept { return status_; }
  // True when the last round found nothing to do and nothing was committed since.
  bool idle() const noexcept { return idle_ && !work_.is_set(); }

 private:
  struct Block {
    Instant until{};
    Duration backoff{};
  };

  // What one publish takes: entries of leased partitions, in order within each.
  struct Batch {
    std::vector<store::OutboxEntry> entries;
    std::vector<store::Outbox::Lease> leases;           // of the entry at the same index
    std::map<std::int32_t, std::int64_t> read_through;  // position, by partition
    bool full = false;                                  // there may be more
  };

  // Confirmed positions by partition, with the lease they were read under.
  using Accepted =
      std::map<std::int32_t, std::pair<store::Outbox::Lease, std::vector<std::int64_t>>>;

  void committed() noexcept override { work_.set(); }
  Task<void> renew_leases();
  Task<bool> pass();
  Task<Batch> next_page();
  Task<void> read_ahead(Batch& next);
  Task<void> read_partition(store::Transaction& transaction, store::Outbox::Lease lease,
                            Batch& batch);
  Batch without_passed_over(Batch page);
  bool pass_over(const store::OutboxEntry& entry);
  Task<Accepted> publish(Batch page);
  Accepted note_outcomes(const Batch& page, const std::vector<Confirm>& confirms);
  bool is_done(const store::OutboxEntry& entry, Confirm confirm) const;
  void block(const store::OutboxEntry& entry);
  Task<void> delete_accepted(Accepted accepted);
  Task<void> wait_for_work();
  static Task<void> pause_for(Duration pause);
  Task<void> release();

  async::Runtime& runtime_;
  store::Database& database_;
  store::Outbox& outbox_;
  Broker& broker_;
  RelaySettings settings_;
  Uuid owner_;
  bool took_back_ = false;  // what its name held before
  async::Event work_;
  std::vector<store::Outbox::Lease> leases_;
  Instant renew_at_{};
  std::map<std::string, Block> blocked_;
  // Of the pass under way: how far each partition was read, and the keys that wait for the next.
  std::map<std::int32_t, std::int64_t> read_through_;
  std::set<std::string> passed_over_;
  RelayStatus status_;
  bool idle_ = false;
};

}  // namespace sinew::messaging
