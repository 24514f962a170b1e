#include "adapters/sqlite/broker/sweeper.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "adapters/sqlite/broker/row_id.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/base/error.hpp"

namespace sinew::sqlite::broker {
namespace {

constexpr std::size_t messages_a_transfer = 256;
// Messages are due a little late rather than each in a transaction of its own.
constexpr Duration between_sweeps = std::chrono::milliseconds(10);
constexpr Duration pause_when_something_is_left = std::chrono::seconds(1);

TimedCursor behind(const TimedMessage& last) {
  return {last.at, id_of(last.queue, last.message.sequence)};
}

}  // namespace

Sweeper::Sweeper(async::Runtime& runtime, store::Database& database, const Directory& directory,
                 const Clock& clock, std::function<void(Source&)> serve)
    : runtime_(runtime),
      database_(database),
      directory_(directory),
      clock_(clock),
      serve_(std::move(serve)),
      log_(log::root().with({{"component", "broker"}})) {}

void Sweeper::look_at(Instant when) noexcept {
  if (when >= next_) return;
  next_ = when;
  earlier_.set();
}

Task<void> Sweeper::run() {
  for (;;) {
    co_await wait();
    next_ = Instant::max();
    try {
      co_await sweep();
    } catch (const Error& error) {
      if (error.condition() == Condition::cancelled) throw;
      log_.warn("messages that are due or expired cannot be moved", {{"error", error.detail()}});
      look_at(runtime_.now() + pause_when_something_is_left);
    }
    co_await async::sleep_for(between_sweeps);
  }
}

Task<void> Sweeper::wait() {
  while (next_ > runtime_.now()) {
    earlier_.reset();
    try {
      co_await async::with_deadline(next_, earlier_.wait());
    } catch (const Error& error) {
      if (error.condition() != Condition::timeout) throw;
    }
  }
}

Task<void> Sweeper::sweep() {
  // One moment for all three: what is due between two would be seen by none.
  const Timestamp now = clock_.now();
  const bool waiting = co_await place_due(now);
  const bool lingering = co_await remove_expired(now);
  if (waiting || lingering) look_at(runtime_.now() + pause_when_something_is_left);
  const auto next =
      co_await database_.read([now](store::Transaction& tx) { return next_timed(tx, now); });
  if (next) look_at(clock_.instant_of(*next));
}

Task<bool> Sweeper::place_due(Timestamp now) {
  bool left = false;
  TimedCursor cursor;
  for (bool more = true; more;) {
    auto messages = co_await database_.read(
        [&](store::Transaction& tx) { return read_due(tx, now, cursor, messages_a_transfer); });
    more = messages.size() == messages_a_transfer;
    if (!messages.empty()) cursor = behind(messages.back());
    Transfer transfer(Transfer::Kind::due);
    left = add_due(transfer, std::move(messages)) || left;
    co_await carry(transfer);
  }
  co_return left;
}

Task<bool> Sweeper::remove_expired(Timestamp now) {
  bool left = false;
  TimedCursor cursor;
  for (bool more = true; more;) {
    auto messages = co_await database_.read(
        [&](store::Transaction& tx) { return read_expired(tx, now, cursor, messages_a_transfer); });
    more = messages.size() == messages_a_transfer;
    if (!messages.empty()) cursor = behind(messages.back());
    Transfer transfer(Transfer::Kind::dead_letter);
    left = add_expired(transfer, std::move(messages)) || left;
    co_await carry(transfer);
  }
  co_return left;
}

bool Sweeper::add_due(Transfer& transfer, std::vector<TimedMessage> messages) const {
  const Queues all = queues();
  bool left = false;
  for (TimedMessage& timed : messages) {
    const auto queue = all.find(timed.queue);
    if (queue == all.end()) continue;  // it is over
    const bool goes = !queue->second->queue().in_doubt() &&
                      transfer.add(queue->second, std::move(timed.message), true, queue->second);
    left = left || !goes;
  }
  return left;
}

bool Sweeper::add_expired(Transfer& transfer, std::vector<TimedMessage> messages) {
  const Queues all = queues();
  std::map<std::int64_t, std::unordered_set<std::int64_t>> lent;
  bool left = false;
  for (TimedMessage& timed : messages) {
    const auto queue = all.find(timed.queue);
    if (queue == all.end()) continue;
    const std::shared_ptr<QueueSource>& source = queue->second;
    const auto in_work = lent.try_emplace(timed.queue, source->queue().lent()).first;
    const bool goes =
        !source->queue().in_doubt() && !in_work->second.contains(timed.message.sequence) &&
        transfer.add(source, std::move(timed.message), false, dead_letters_of(*source));
    left = left || !goes;
  }
  return left;
}

// None: they are dropped.
std::shared_ptr<QueueSource> Sweeper::dead_letters_of(const QueueSource& source) const {
  const auto found = directory_.queues.find(source.spec().dead_letter);
  return found == directory_.queues.end() ? nullptr : found->second;
}

Sweeper::Queues Sweeper::queues() const {
  Queues queues;
  for (const auto& [name, source] : directory_.queues)
    queues.emplace(source->number(), source);
  return queues;
}

Task<std::int64_t> Sweeper::carry(Transfer& transfer) {
  if (transfer.empty()) co_return 0;
  const std::int64_t count = co_await transfer.run(database_);
  for (QueueSource* source : transfer.changed())
    serve_(*source);
  look_at(transfer.first_timed());
  co_return count;
}

}  // namespace sinew::sqlite::broker
