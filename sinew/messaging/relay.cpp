#include "sinew/messaging/relay.hpp"

#include <algorithm>
#include <utility>

#include "sinew/async/runtime.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/base/crash_point.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/uuid.hpp"

namespace sinew::messaging {
namespace {

// A pass begins again at the first rows after so many pages, for what it passed over and for what a
// writer that committed late put there.
constexpr int max_pages_of_pass = 16;

// A partition whose first rows all belong to blocked keys is looked through this many pages deep.
constexpr int max_pages_past_blocked = 64;

// With so many keys refused it is the broker that is wrong: the relay as a whole backs off.
constexpr std::size_t max_blocked_keys = 10'000;

std::string key_of(const store::OutboxEntry& entry) {
  const event::Envelope& envelope = entry.envelope;
  return envelope.ordering_key.empty() ? to_string(envelope.id) : envelope.ordering_key;
}

}  // namespace

Relay::Relay(async::Runtime& runtime, store::Database& database, store::Outbox& outbox,
             Broker& broker, RelaySettings settings)
    : runtime_(runtime),
      database_(database),
      outbox_(outbox),
      broker_(broker),
      settings_(std::move(settings)),
      owner_(settings_.name.empty() ? runtime.new_id() : derive_uuid(Uuid(), settings_.name)) {
  outbox_.wake(*this);
}

Relay::~Relay() { outbox_.stop_waking(*this); }

Task<void> Relay::run() {
  Duration backoff = Duration::zero();
  bool stopped = false;
  while (!stopped) {
    bool worked = false;
    try {
      work_.reset();
      co_await renew_leases();
      worked = co_await pass();
      status_.last_error.clear();
      backoff = Duration::zero();
    } catch (const Error& error) {
      stopped = error.condition() == Condition::cancelled;
      ++status_.failed_rounds;
      status_.last_error = error.detail();
      backoff = std::clamp(backoff * 2, settings_.backoff, settings_.max_backoff);
      renew_at_ = {};
    }
    if (worked || stopped) continue;
    try {
      // Commits wake a relay that has nothing to do, not one whose broker is away.
      co_await (backoff == Duration::zero() ? wait_for_work() : pause_for(backoff));
    } catch (const Error& error) {
      stopped = error.condition() == Condition::cancelled;
    }
    idle_ = false;
  }
  co_await release();
}

Task<void> Relay::renew_leases() {
  if (runtime_.now() < renew_at_) co_return;
  leases_ = co_await database_.transaction(
      [this](store::Transaction& tx) -> Task<std::vector<store::Outbox::Lease>> {
        // Under a new epoch, which fences off whoever held them under this name.
        if (!took_back_) co_await outbox_.release(tx, owner_);
        co_return co_await outbox_.lease(tx, owner_, runtime_.wall_now(), settings_.lease,
                                         settings_.partitions);
      });
  took_back_ = true;
  renew_at_ = runtime_.now() + settings_.lease / 3;
}

// While the broker makes one page durable, the database deletes the page before and reads the next.
Task<bool> Relay::pass() {
  read_through_.clear();
  passed_over_.clear();
  Batch page = co_await next_page();
  const bool worked = !page.entries.empty();
  Accepted accepted;
  for (int pages = 1; !page.entries.empty(); ++pages) {
    Batch next;
    async::Scope beside(co_await async::this_context());
    if (!accepted.empty()) beside.spawn(delete_accepted(std::move(accepted)));
    if (page.full && pages < max_pages_of_pass && runtime_.now() < renew_at_) {
      beside.spawn(read_ahead(next));
    }
    std::exception_ptr failure;
    try {
      accepted = co_await publish(std::move(page));
    } catch (...) {
      failure = std::current_exception();
    }
    co_await beside.join();
    if (failure) std::rethrow_exception(failure);
    page = without_passed_over(std::move(next));
  }
  if (!accepted.empty()) co_await delete_accepted(std::move(accepted));
  if (blocked_.size() > max_blocked_keys) {
    throw Error(Condition::exhausted, "the broker refuses the messages of more than 10000 keys");
  }
  co_return worked;
}

// Gives what is to be deleted.
Task<Relay::Accepted> Relay::publish(Batch page) {
  std::vector<Message> messages;
  messages.reserve(page.entries.size());
  for (const auto& entry : page.entries)
    messages.push_back({entry.destination, entry.envelope});
  SINEW_CRASH_POINT("relay.before_publish");
  std::vector<Confirm> confirms = co_await broker_.publish(std::move(messages));
  SINEW_CRASH_POINT("relay.after_publish");
  if (confirms.size() != page.entries.size()) {
    throw Error(Condition::unavailable,
                "the broker confirmed another number of messages than it "
                "was given; they are published again",
                Applied::unknown);
  }
  co_return note_outcomes(page, confirms);
}

Task<void> Relay::read_ahead(Batch& next) { next = co_await next_page(); }

Task<Relay::Batch> Relay::next_page() {
  // Another partition first each time, so that a busy one cannot starve the rest.
  if (!leases_.empty()) std::rotate(leases_.begin(), leases_.begin() + 1, leases_.end());
  Batch page = co_await database_.read([this](store::Transaction& tx) -> Task<Batch> {
    Batch batch;
    batch.read_through = read_through_;
    for (const auto lease : leases_) {
      if (batch.entries.size() >= settings_.batch) break;
      co_await read_partition(tx, lease, batch);
    }
    batch.full = batch.entries.size() >= settings_.batch;
    co_return batch;
  });
  read_through_ = page.read_through;
  co_return page;
}

// A key that was refused in this pass, or passed over once, waits for the next pass: what follows
// of it must not overtake.
Relay::Batch Relay::without_passed_over(Batch page) {
  if (blocked_.empty() && passed_over_.empty()) return page;
  Batch rest;
  rest.full = page.full;
  for (std::size_t i = 0; i < page.entries.size(); ++i) {
    if (pass_over(page.entries[i])) continue;
    rest.entries.push_back(std::move(page.entries[i]));
    rest.leases.push_back(page.leases[i]);
  }
  return rest;
}

Task<void> Relay::read_partition(store::Transaction& transaction, store::Outbox::Lease lease,
                                 Batch& batch) {
  std::int64_t& after = batch.read_through[lease.partition];
  for (int page = 0; page < max_pages_past_blocked; ++page) {
    const std::size_t limit = settings_.batch - batch.entries.size();
    auto entries = co_await outbox_.read(transaction, lease.partition, after, limit);
    const bool last = entries.size() < limit;
    if (entries.empty()) co_return;
    after = entries.back().position;
    for (auto& entry : entries) {
      if (pass_over(entry)) continue;
      batch.entries.push_back(std::move(entry));
      batch.leases.push_back(lease);
    }
    if (last || batch.entries.size() >= settings_.batch) co_return;
  }
}

Relay::Accepted Relay::note_outcomes(const Batch& page, const std::vector<Confirm>& confirms) {
  Accepted accepted;
  for (std::size_t i = 0; i < confirms.size(); ++i) {
    if (!is_done(page.entries[i], confirms[i])) {
      block(page.entries[i]);
      continue;
    }
    confirms[i] == Confirm::accepted ? ++status_.published : ++status_.expired;
    if (!blocked_.empty()) blocked_.erase(key_of(page.entries[i]));
    auto& [lease, positions] = accepted[page.leases[i].partition];
    lease = page.leases[i];
    positions.push_back(page.entries[i].position);
  }
  status_.blocked_keys = blocked_.size();
  return accepted;
}

Task<void> Relay::delete_accepted(Accepted accepted) {
  SINEW_CRASH_POINT("relay.before_mark");
  const bool held =
      co_await database_.transaction([this, &accepted](store::Transaction& tx) -> Task<bool> {
        bool all = true;
        for (const auto& [partition, marked] : accepted) {
          all = co_await outbox_.published(tx, marked.first, marked.second) && all;
        }
        co_return all;
      });
  SINEW_CRASH_POINT("relay.after_mark");
  if (!held) renew_at_ = {};
}

// An answer whose asker has gone has no queue any more, and once it has expired nobody misses it.
bool Relay::is_done(const store::OutboxEntry& entry, Confirm confirm) const {
  if (confirm != Confirm::unroutable) return confirm == Confirm::accepted;
  const auto expires_at = store::timing_of(entry.destination, entry.envelope).expires_at;
  return expires_at && *expires_at <= runtime_.wall_now();
}

void Relay::block(const store::OutboxEntry& entry) {
  const std::string key = key_of(entry);
  passed_over_.insert(key);
  Block& block = blocked_[key];
  if (runtime_.now() < block.until) return;  // counted already, for an earlier message of the key
  block.backoff = std::clamp(block.backoff * 2, settings_.backoff, settings_.max_backoff);
  block.until = runtime_.now() + block.backoff;
}

bool Relay::pass_over(const store::OutboxEntry& entry) {
  if (blocked_.empty() && passed_over_.empty()) return false;
  std::string key = key_of(entry);
  if (passed_over_.contains(key)) return true;
  const auto block = blocked_.find(key);
  if (block == blocked_.end() || runtime_.now() >= block->second.until) return false;
  passed_over_.insert(std::move(key));
  return true;
}

Task<void> Relay::wait_for_work() {
  const Instant now = runtime_.now();
  // A key that is due and had no row in the last round has none any more: someone else's relay
  // published them.
  std::erase_if(blocked_, [now](const auto& item) { return item.second.until <= now; });
  status_.blocked_keys = blocked_.size();
  Instant until = now + settings_.poll;
  for (const auto& [key, block] : blocked_)
    until = std::min(until, block.until);
  idle_ = blocked_.empty();
  try {
    co_await async::with_deadline(until, work_.wait());
  } catch (const Error& error) {
    if (error.condition() != Condition::timeout) throw;
  }
}

Task<void> Relay::pause_for(Duration pause) { co_await async::sleep_for(pause); }

Task<void> Relay::release() {
  async::TaskContext context = co_await async::this_context();
  context.cancel = nullptr;
  context.deadline = runtime_.now() + std::chrono::seconds(2);
  auto give_back = database_.transaction(
      [this](store::Transaction& tx) -> Task<void> { co_await outbox_.release(tx, owner_); });
  try {
    co_await give_back.under(context);
  } catch (const Error&) {
    // The leases expire by themselves.
  }
}

}  // namespace sinew::messaging
