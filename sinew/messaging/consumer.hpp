#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "sinew/async/channel.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/base/log.hpp"
#include "sinew/messaging/backlog.hpp"
#include "sinew/messaging/broker.hpp"
#include "sinew/messaging/failure.hpp"
#include "sinew/messaging/handler.hpp"
#include "sinew/messaging/middleware.hpp"
#include "sinew/store/database.hpp"

namespace sinew::messaging {

struct ConsumerSettings {
  std::string name;                // names its inbox marks and its backlog; never changed once used
  const char* label = "consumer";  // names the handler in the report of a stalled worker; static
  SubscribeOptions source;         // prefetch is also the number of keys handled at the same time
  Duration timeout = std::chrono::seconds(20);  // of one handling; below the source's lease
  RetrySettings retry;
  // Waiting and parked messages, from 1. At this the consumer pauses; up to a prefetch may follow
  // that was on its way.
  std::int64_t max_backlog = 10'000;
  // Of a message; one that came further is parked as `hop_limit`: contexts answer each other for
  // ever. Below event::Lineage::max_hops, which nothing that follows from a message can exceed.
  std::int32_t max_hops = event::Lineage::max_hops - 1;
  std::int32_t max_crashes = 3;  // starts of a handler that ended in a crash, then parked
  Middlewares middleware{};
};

struct ConsumerStatus {
  std::uint64_t handled = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t failed = 0;
  std::uint64_t postponed = 0;
  std::uint64_t parked = 0;
  std::uint64_t skipped = 0;  // records of a topic that retention removed before they came
  std::int64_t backlog = 0;
  std::size_t in_work = 0;
  bool paused = false;     // the backlog is full
  std::string last_error;  // of the subscription; empty when it works
};

// Handles the messages of one queue or topic group, each once in effect, those of one key in order.
//
// A failed message is taken over into the consumer's own backlog, in the transaction that also
// writes its inbox mark, and only then accepted at the broker; later messages of its key follow it
// there. So order, durable backoff and replay do not depend on the broker.
//
// After an unclean stop it first handles one message at a time, counted in a transaction of its own
// before the handler runs, so that one which crashes the process is found and parked as `crashed`.
//
// Lives on the context's worker.
class Consumer final {
 public:
  Consumer(async::Runtime& runtime, store::Database& database, Broker& broker, Handler& handler,
           ConsumerSettings settings);
  ~Consumer();

  // Runs until stop(), or until its scope is cancelled. A subscription that breaks is opened again,
  // with backoff.
  Task<void> run();

  // Takes no more messages. run() returns when those in work are handled and settled, having marked
  // a clean stop.
  void stop() noexcept;

  // The backlog was changed by an operator: look at it now.
  void wake() noexcept { backlog_changed_.set(); }

  const ConsumerSettings& settings() const noexcept { return settings_; }
  const ConsumerStatus& status() const noexcept { return status_; }

 private:
  class Attempt;  // the Handling of one try
  struct Work {
    event::Envelope message;
    std::optional<std::uint64_t> tag;   // set: from the broker, to be settled
    std::optional<BacklogEntry> entry;  // set: from the backlog
    std::int32_t partition = 0;         // of a topic, with `position`
    store::Checkpoint position{};
  };
  using Handled = std::variant<Outcome::What, Failure>;
  // Of a topic: the first message of a key that went back to the broker.
  struct WentBack {
    Uuid id;
    std::int32_t partition = 0;
    store::Checkpoint position;
  };

  Task<void> open();
  Task<void> consume();
  Task<void> part(Task<void> task);
  Task<void> close_subscription();
  Task<void> receive_all(Subscription& subscription);
  Task<void> take(Signal signal);
  void comes_no_more(const std::vector<std::int32_t>& partitions);
  void skipped(const Skipped& skipped);
  Task<void> renew_leases(Subscription& subscription);
  Task<void> settle_all(Subscription& subscription);
  Task<void> retry_due();
  Task<std::optional<Timestamp>> admit_due();

  Task<void> alone_with_a_suspect();
  void admit(Work work);
  bool out_of_turn(const std::string& key, const Work& work);
  Task<void> work_on_lane(std::string key);
  Task<bool> work_on(const Work& work);
  Task<bool> may_be_blocked(std::string key);
  void remember_blocked(const std::string& key);
  Task<std::optional<Outcome::What>> queued_behind(const Work& work);
  Incoming incoming(const Work& work) const;
  Task<Outcome> deliver(const Work& work);
  Task<Outcome> deliver_through(const Work& work);
  Task<Outcome> handle_or_keep(const Work& work);
  Task<Outcome> handle_suspect(const Work& work);
  Task<void> forget_start(const Work& work);
  Task<Handled> handle(const Work& work);
  Task<void> call_handler(Attempt& attempt);
  Task<void> call_through(Attempt& attempt);
  Task<void> under_trace(const event::Envelope& message, Task<void> handling);
  Task<Outcome> keep(const Work& work, Failure failure);
  Failure bounded_postponement(const Work& work, const Failure& failure) const;
  Timestamp later(Duration delay) const;
  Task<void> keep_fresh(const Work& work, const Failure& failure);
  Task<void> keep_retried(const Work& work, const Failure& failure);
  Task<void> unblock(const std::string& key);
  void settle(const Work& work, Settlement settlement);
  void note(const Work& work, const Failure& failure);
  void log_late_failure(const Work& work, const std::exception_ptr& failure);

  async::Runtime& runtime_;
  store::Database& database_;
  Broker& broker_;
  Handler& handler_;
  ConsumerSettings settings_;
  Backlog backlog_;
  log::Logger log_;

  std::map<std::string, std::deque<Work>> lanes_;  // keys in work; the front of each is handled now
  // Keys in the backlog, or lately; all of them while all_blocked_known_, else each message's key
  // is looked up.
  std::set<std::string> blocked_keys_;
  bool all_blocked_known_ = false;
  std::set<Uuid> retrying_;                    // backlog entries in a lane
  std::set<Uuid> ended_;                       // those that left it since the backlog was last read
  std::map<std::string, WentBack> went_back_;  // until it comes again, its key goes back as well
  std::int32_t suspects_ = 0;                  // messages still to be counted after an unclean stop
  std::vector<Settle> settlements_;
  async::Event settlements_ready_;
  async::Event backlog_changed_;
  async::Event lanes_empty_;
  std::unique_ptr<Subscription> subscription_;
  async::CancelSource* receiving_ = nullptr;  // ends the wait for messages
  std::exception_ptr broken_;                 // why the subscription ended
  bool finishing_ = false;                    // nothing is in work: settle the rest, then end
  Duration backoff_{};
  std::optional<async::Scope> workers_;
  bool stopping_ = false;
  async::Event stop_asked_;
  ConsumerStatus status_;
};

}  // namespace sinew::messaging
