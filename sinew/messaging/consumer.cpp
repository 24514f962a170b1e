#include "sinew/messaging/consumer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sinew/base/crash_point.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/trace.hpp"
#include "sinew/messaging/consumer_attempt.hpp"

namespace sinew::messaging {
namespace {

constexpr Duration subscribe_backoff = std::chrono::milliseconds(200);
constexpr Duration longest_subscribe_backoff = std::chrono::seconds(10);
constexpr Duration look_at_backlog = std::chrono::seconds(60);  // without being woken
constexpr Duration longest_close = std::chrono::seconds(2);
constexpr Duration look_at_bound = std::chrono::milliseconds(100);  // while the backlog is full
constexpr std::size_t remembered_keys = 10'000;  // blocked ones; beyond, each key is looked up
constexpr Duration pause_when_database_fails = std::chrono::milliseconds(200);

// co_await event.wait(), but for `longest` at most.
Task<void> wait_at_most(async::Runtime& runtime, async::Event& event, Duration longest) {
  try {
    co_await async::with_deadline(runtime.now() + longest, event.wait());
  } catch (const Error& error) {
    if (error.condition() != Condition::timeout) throw;
  }
}

}  // namespace

Consumer::Consumer(async::Runtime& runtime, store::Database& database, Broker& broker,
                   Handler& handler, ConsumerSettings settings)
    : runtime_(runtime),
      database_(database),
      broker_(broker),
      handler_(handler),
      settings_(std::move(settings)),
      backlog_(settings_.name, settings_.retry.max_delay),
      log_(log::root().with({{"consumer", settings_.name}})) {
  lanes_empty_.set();
}

Consumer::~Consumer() = default;

Task<void> Consumer::run() {
  async::TaskContext& context = co_await async::this_context();
  const auto cancelled = [&] { return context.cancel != nullptr && context.cancel->cancelled(); };
  workers_.emplace(context);
  bool opened = false;
  backoff_ = subscribe_backoff;
  while (!stopping_ && !cancelled()) {
    try {
      if (!opened) {
        co_await open();
        opened = true;
        workers_->spawn(retry_due(), "backlog");
      }
      co_await consume();
    } catch (const Error& error) {
      if (cancelled()) break;
      status_.last_error = error.detail();
      log_.warn("messages cannot be received; tried again", {{"error", error.detail()}});
    }
    if (stopping_) break;
    co_await wait_at_most(runtime_, stop_asked_, backoff_);
    backoff_ = std::min(backoff_ * 2, longest_subscribe_backoff);
  }
  stop();
  co_await workers_->join();
  co_await close_subscription();
  if (cancelled() || !opened) co_return;
  co_await database_.transaction([this](store::Transaction& tx) { return backlog_.closed(tx); });
}

void Consumer::stop() noexcept {
  stopping_ = true;
  stop_asked_.set();
  backlog_changed_.set();
  if (receiving_ != nullptr) receiving_->cancel();
}

Task<void> Consumer::open() {
  const bool unclean = co_await database_.transaction(
      [this](store::Transaction& tx) { return backlog_.opened(tx); });
  // As many as were in work at most: from the broker, and from the backlog.
  if (unclean) suspects_ = 2 * settings_.source.prefetch;
  co_await database_.read([this](store::Transaction& tx) -> Task<void> {
    const auto keys = co_await backlog_.keys(tx, remembered_keys + 1);
    all_blocked_known_ = keys.size() <= remembered_keys;
    blocked_keys_.clear();
    if (all_blocked_known_) blocked_keys_.insert(keys.begin(), keys.end());
    status_.backlog = co_await backlog_.size(tx);
  });
}

Task<void> Consumer::consume() {
  co_await close_subscription();
  subscription_ = co_await broker_.subscribe(settings_.source);
  status_.last_error.clear();
  broken_ = nullptr;
  finishing_ = false;
  settlements_.clear();
  went_back_.clear();
  async::TaskContext& context = co_await async::this_context();
  async::CancelSource receiving(context.cancel);
  async::TaskContext until_stopped = context;
  until_stopped.cancel = &receiving;
  async::Scope renewing(context);
  async::Scope settling(context);
  renewing.spawn(part(renew_leases(*subscription_)), "renew leases");
  settling.spawn(part(settle_all(*subscription_)), "settle");
  receiving_ = &receiving;
  Task<void> receive = part(receive_all(*subscription_));
  co_await receive.under(until_stopped);
  receiving_ = nullptr;
  // Tags belong to this subscription: what is in work ends before there is another.
  co_await lanes_empty_.wait();
  finishing_ = true;
  settlements_ready_.set();
  if (broken_) settling.cancel();
  co_await settling.join();
  renewing.cancel();
  co_await renewing.join();
  co_await close_subscription();
  if (broken_) std::rethrow_exception(broken_);
}

// A part of a subscription's work. When it fails the subscription ends.
Task<void> Consumer::part(Task<void> task) {
  try {
    co_await task;
  } catch (const Error& error) {
    if (error.condition() == Condition::cancelled || broken_) co_return;
    broken_ = std::current_exception();
    if (receiving_ != nullptr) receiving_->cancel();
  }
}

// Also while this consumer is cancelled: what it has gives the broker to others.
Task<void> Consumer::close_subscription() {
  if (!subscription_) co_return;
  async::TaskContext context = co_await async::this_context();
  context.cancel = nullptr;
  context.deadline = std::min(context.deadline, runtime_.now() + longest_close);
  try {
    Task<void> close = subscription_->close();
    co_await close.under(context);
  } catch (const Error& error) {
    log_.warn("a subscription could not be closed; its leases expire", {{"error", error.detail()}});
  }
  subscription_.reset();
}

Task<void> Consumer::receive_all(Subscription& subscription) {
  const auto limit = static_cast<std::size_t>(settings_.source.prefetch);
  while (!stopping_) {
    status_.paused = status_.backlog >= settings_.max_backlog;
    if (status_.paused) {
      co_await async::sleep_for(look_at_bound);
      continue;
    }
    auto signals = co_await subscription.receive(limit);
    if (signals.empty()) co_return;
    backoff_ = subscribe_backoff;
    for (auto& signal : signals)
      co_await take(std::move(signal));
  }
}

Task<void> Consumer::take(Signal signal) {
  if (auto* delivery = std::get_if<Delivery>(&signal)) {
    co_await alone_with_a_suspect();
    admit({std::move(delivery->message.envelope), delivery->tag, std::nullopt, delivery->partition,
           delivery->position});
  } else if (const auto* revoked = std::get_if<Revoked>(&signal)) {
    co_await lanes_empty_.wait();
    comes_no_more(revoked->partitions);
  } else if (const auto* assigned = std::get_if<Assigned>(&signal)) {
    comes_no_more(assigned->partitions);
  } else if (const auto* gap = std::get_if<Skipped>(&signal)) {
    skipped(*gap);
  }
}

// What went back of these partitions comes to another member, or with everything behind it.
void Consumer::comes_no_more(const std::vector<std::int32_t>& partitions) {
  std::erase_if(went_back_, [&partitions](const auto& item) {
    return std::ranges::find(partitions, item.second.partition) != partitions.end();
  });
}

void Consumer::skipped(const Skipped& skipped) {
  std::erase_if(went_back_, [&skipped](const auto& item) {
    const WentBack& first = item.second;
    return first.partition == skipped.partition && first.position <= skipped.upto;
  });
  status_.skipped += static_cast<std::uint64_t>(skipped.records);
  log_.warn("records were removed before this group had read them",
            {{"partition", skipped.partition}, {"records", skipped.records}});
}

Task<void> Consumer::renew_leases(Subscription& subscription) {
  for (;;) {
    co_await async::sleep_for(settings_.source.lease / 3);
    if (!lanes_.empty()) co_await subscription.renew();
  }
}

Task<void> Consumer::settle_all(Subscription& subscription) {
  for (;;) {
    co_await settlements_ready_.wait();
    settlements_ready_.reset();
    if (settlements_.empty() && finishing_) co_return;
    if (settlements_.empty()) continue;
    auto batch = std::exchange(settlements_, {});
    try {
      co_await subscription.settle(std::move(batch));
    } catch (const Error& error) {
      // An expired lease: the message is with someone else, who will find our mark.
      if (error.condition() != Condition::conflict) throw;
      log_.warn("a lease expired before its message was settled", {{"error", error.detail()}});
    }
    if (finishing_) settlements_ready_.set();
  }
}

Task<void> Consumer::retry_due() {
  while (!stopping_) {
    backlog_changed_.reset();
    Duration pause = look_at_backlog;
    try {
      if (const auto next = co_await admit_due()) {
        pause = std::clamp<Duration>(*next - runtime_.wall_now(), Duration(1), look_at_backlog);
      }
    } catch (const Error& error) {
      if (error.condition() == Condition::cancelled) throw;
      log_.warn("the backlog cannot be read", {{"error", error.detail()}});
      pause = pause_when_database_fails;
    }
    co_await wait_at_most(runtime_, backlog_changed_, pause);
  }
}

Task<std::optional<Timestamp>> Consumer::admit_due() {
  const auto limit = static_cast<std::size_t>(settings_.source.prefetch);
  if (retrying_.size() >= limit) co_return std::nullopt;
  std::vector<BacklogEntry> due;
  std::optional<Timestamp> next;
  ended_.clear();
  co_await database_.read([&](store::Transaction& tx) -> Task<void> {
    due = co_await backlog_.due(tx, runtime_.wall_now(), limit);
    next = co_await backlog_.next_due(tx, runtime_.wall_now());
    status_.backlog = co_await backlog_.size(tx);
  });
  for (auto& entry : due) {
    co_await alone_with_a_suspect();
    if (stopping_) break;
    // What was in work since the read was read too early.
    if (ended_.contains(entry.sequence)) continue;
    remember_blocked(entry.key);
    if (!retrying_.insert(entry.sequence).second) continue;
    event::Envelope message = entry.message;
    admit({std::move(message), std::nullopt, std::move(entry)});
  }
  co_return next;
}

// While there are suspects, one message at a time is in work, wherever it comes from: whoever ends
// the process then is the only one that was counted.
Task<void> Consumer::alone_with_a_suspect() {
  while (suspects_ > 0 && !lanes_.empty())
    co_await lanes_empty_.wait();
}

void Consumer::admit(Work work) {
  std::string key = Backlog::key_of(work.message);
  if (out_of_turn(key, work)) return settle(work, Settlement::returned);
  auto& lane = lanes_[key];
  lane.push_back(std::move(work));
  ++status_.in_work;
  lanes_empty_.reset();
  if (lane.size() == 1) workers_->spawn(work_on_lane(std::move(key)), settings_.label);
}

bool Consumer::out_of_turn(const std::string& key, const Work& work) {
  if (!work.tag) return false;
  const auto first = went_back_.find(key);
  if (first == went_back_.end()) return false;
  if (first->second.id != work.message.id) return true;
  went_back_.erase(first);
  return false;
}

Task<void> Consumer::work_on_lane(std::string key) {
  auto& lane = lanes_.at(key);
  while (!lane.empty()) {
    const bool safe = co_await work_on(lane.front());
    settle(lane.front(), safe ? Settlement::accepted : Settlement::returned);
    const bool went_back = !safe && lane.front().tag;
    // A queue holds the key's next message back by itself; a topic has given it already.
    if (went_back && settings_.source.source.kind == DestinationKind::topic) {
      const Work& first = lane.front();
      went_back_.emplace(key, WentBack{first.message.id, first.partition, first.position});
    }
    do {
      lane.pop_front();
      --status_.in_work;
      if (went_back && !lane.empty()) settle(lane.front(), Settlement::returned);
    } while (went_back && !lane.empty());
  }
  lanes_.erase(key);
  if (lanes_.empty()) lanes_empty_.set();
}

// True when the broker can forget the message: handled, or kept in the backlog.
Task<bool> Consumer::work_on(const Work& work) {
  bool safe = false;
  try {
    const Outcome outcome = co_await (suspects_ > 0 ? handle_suspect(work) : deliver(work));
    safe = outcome.what != Outcome::What::returned;
    if (work.entry) co_await unblock(work.entry->key);
  } catch (const std::exception& error) {
    log_.error("a message could not be kept; it will come again", {{"error", error.what()}});
  }
  if (!safe && !stopping_) co_await async::sleep_for(pause_when_database_fails);
  co_return safe;
}

// The process survived, whatever the database said and though this consumer may be cancelled: a
// count that stayed would be taken for a crash.
Task<void> Consumer::forget_start(const Work& work) {
  async::TaskContext context = co_await async::this_context();
  const async::CancelSource* cancel = std::exchange(context.cancel, nullptr);
  for (;;) {
    context.deadline = runtime_.now() + longest_close;
    try {
      Task<void> forget = database_.transaction(
          [&](store::Transaction& tx) { return backlog_.forget_start(tx, work.message); });
      co_await forget.under(context);
      co_return;
    } catch (const Error& error) {
      log_.warn("the start of a message is still noted", {{"error", error.detail()}});
    }
    if (stopping_ || (cancel != nullptr && cancel->cancelled())) co_return;
    Task<void> pause = wait_at_most(runtime_, stop_asked_, pause_when_database_fails);
    co_await pause.under(context);
  }
}

Task<bool> Consumer::may_be_blocked(std::string key) {
  if (all_blocked_known_) co_return blocked_keys_.contains(key);
  co_return co_await database_.read(
      [&](store::Transaction& tx) { return backlog_.has_key(tx, key); });
}

void Consumer::remember_blocked(const std::string& key) {
  if (!all_blocked_known_) return;
  blocked_keys_.insert(key);
  if (blocked_keys_.size() <= remembered_keys) return;
  all_blocked_known_ = false;
  blocked_keys_.clear();
}

Task<std::optional<Outcome::What>> Consumer::queued_behind(const Work& work) {
  BacklogEntry entry;
  entry.sequence = runtime_.new_id();
  entry.state = BacklogState::behind;
  entry.key = Backlog::key_of(work.message);
  entry.message = work.message;
  entry.arrived_at = entry.not_before = runtime_.wall_now();
  enum class Found { no_backlog, duplicate, new_message };
  const Found found = co_await database_.transaction([&](store::Transaction& tx) -> Task<Found> {
    if (!co_await backlog_.has_key(tx, entry.key)) co_return Found::no_backlog;
    if (!co_await store::Inbox::mark(tx, settings_.name, entry.message.source, entry.message.id)) {
      co_return Found::duplicate;
    }
    co_await backlog_.add(tx, entry);
    co_return Found::new_message;
  });
  if (found == Found::no_backlog) {
    blocked_keys_.erase(entry.key);
    co_return std::nullopt;
  }
  found == Found::duplicate ? ++status_.duplicates : ++status_.backlog;
  co_return found == Found::duplicate ? Outcome::What::duplicate : Outcome::What::behind;
}

Task<void> Consumer::unblock(const std::string& key) {
  const bool more = co_await database_.read([&](store::Transaction& tx) -> Task<bool> {
    status_.backlog = co_await backlog_.size(tx);
    co_return co_await backlog_.has_key(tx, key);
  });
  if (!more) blocked_keys_.erase(key);
}

void Consumer::settle(const Work& work, Settlement settlement) {
  if (work.entry) {
    retrying_.erase(work.entry->sequence);
    ended_.insert(work.entry->sequence);
    backlog_changed_.set();
  }
  if (!work.tag) return;
  settlements_.push_back({*work.tag, settlement});
  settlements_ready_.set();
}

}  // namespace sinew::messaging
