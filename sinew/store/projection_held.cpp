#include "sinew/store/projection_held.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"
#include "sinew/store/projection_record.hpp"

namespace sinew::store {
namespace {

Task<RecordedEvent> event_at(Transaction& tx, EventLog& log, std::string stream,
                             std::int64_t version) {
  auto events = co_await log.read_stream(tx, stream, version, 1);
  if (events.size() == 1) co_return std::move(events.front());
  throw Error(
      Condition::corrupt,
      fmt::format("a held event, version {} of the stream {}, is not in the log", version, stream));
}

}  // namespace

Task<void> HeldKeys::load(Transaction& transaction) {
  keys_.clear();
  limit_ = release_batch;
  const Rows keys = co_await transaction.execute(
      "SELECT held_key, released FROM projection_held_keys WHERE projection = ?", {projection_});
  for (const Row row : keys)
    keys_.emplace(row.text(0), row.boolean(1));
  const Rows events = co_await transaction.execute(
      "SELECT COUNT(*) FROM projection_held_events WHERE projection = ?", {projection_});
  events_ = static_cast<std::size_t>(events[0].integer(0));
}

void HeldKeys::added_key(const std::string& key) {
  keys_.emplace(key, false);
  ++events_;
}

Task<void> HeldKeys::add_event(Transaction& transaction, std::string key,
                               const RecordedEvent& event) const {
  co_await transaction.execute(
      "INSERT INTO projection_held_events (projection, position, held_key, stream, stream_version) "
      "VALUES (?, ?, ?, ?, ?)",
      {projection_, Parameter::bytes(event.position.bytes()), key, event.stream,
       event.stream_version});
}

Task<void> HeldKeys::add_key(Transaction& transaction, std::string key, const RecordedEvent& event,
                             std::string error, Timestamp now) const {
  co_await transaction.execute(
      "INSERT INTO projection_held_keys (projection, held_key, event_id, reason, held_at, "
      "released) "
      "VALUES (?, ?, ?, ?, ?, 0)",
      {projection_, key, event.id, error, now});
  co_await add_event(transaction, key, event);
}

Task<Rows> HeldKeys::find(Transaction& transaction, Checkpoint position) const {
  co_return co_await transaction.execute(
      "SELECT k.held_key, k.reason FROM projection_held_events e JOIN projection_held_keys k ON "
      "k.projection = e.projection AND k.held_key = e.held_key WHERE e.projection = ? AND "
      "e.position = ?",
      {projection_, Parameter::bytes(position.bytes())});
}

Task<HeldKeys::Batch> HeldKeys::take(Transaction& transaction, std::string key) const {
  const Rows rows = co_await transaction.execute(
      "SELECT stream, stream_version FROM projection_held_events WHERE projection = ? AND "
      "held_key = ? ORDER BY position LIMIT ?",
      {projection_, key, limit_});
  Batch batch;
  for (const Row row : rows) {
    batch.events.push_back(
        co_await event_at(transaction, database_.event_log(), row.text(0), row.integer(1)));
  }
  batch.last = rows.size() < limit_;
  co_return batch;
}

Task<void> HeldKeys::release(Transaction& transaction, std::string key, ProjectionApplier& applier,
                             ApplyAttempt& attempt, Batch& batch) {
  attempt = {};
  batch = co_await take(transaction, key);
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    attempt.refused = i;
    co_await applier.apply(transaction, batch.events[i]);
    attempt.refused.reset();
    co_await transaction.execute(
        "DELETE FROM projection_held_events WHERE projection = ? AND position = ?",
        {projection_, Parameter::bytes(batch.events[i].position.bytes())});
  }
  if (!batch.last) co_return;
  co_await transaction.execute(
      "DELETE FROM projection_held_keys WHERE projection = ? AND held_key = ?", {projection_, key});
}

Task<bool> HeldKeys::release_some(ProjectionApplier& applier) {
  const auto released = std::ranges::find(keys_, true, [](const auto& key) { return key.second; });
  if (released == keys_.end()) co_return false;
  const std::string key = released->first;
  ApplyAttempt attempt;
  Batch batch;
  std::exception_ptr failure;
  try {
    co_await database_.transaction([&](Transaction& transaction) {
      return release(transaction, key, applier, attempt, batch);
    });
    events_ -= batch.events.size();
    limit_ = release_batch;
    if (batch.last) keys_.erase(key);
    co_return true;
  } catch (...) {
    failure = std::current_exception();
  }
  if (judge(failure, attempt) != ApplyFailure::refused) std::rethrow_exception(failure);
  if (*attempt.refused > 0) {
    limit_ = *attempt.refused;
    co_return true;
  }
  co_await refuse(key, applier, batch.events.front(), describe(failure));
  co_return true;
}

Task<void> HeldKeys::refuse(std::string key, ProjectionApplier& applier, const RecordedEvent& event,
                            std::string error) {
  limit_ = release_batch;
  const bool skipped = co_await database_.read(
      [&](Transaction& transaction) { return is_skipped(transaction, projection_, event.id); });
  if (skipped) {
    applier.leave_out(event.id);
    co_return;
  }
  const std::string reason = describe(event, error);
  co_await database_.transaction([&](Transaction& transaction) -> Task<void> {
    co_await transaction.execute(
        "UPDATE projection_held_keys SET released = 0, reason = ?, event_id = ? "
        "WHERE projection = ? AND held_key = ?",
        {reason, event.id, projection_, key});
  });
  keys_[key] = false;
  log::error("a held key of a projection stays held: an event cannot be applied",
             {{"projection", projection_}, {"key", key}, {"error", reason}});
}

}  // namespace sinew::store
