#include "sinew/messaging/dead_letters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/messaging/audit.hpp"
#include "sinew/messaging/backlog_row.hpp"

namespace sinew::messaging {

using store::Transaction;

namespace {

constexpr std::size_t max_limit = 10'000;
constexpr std::size_t changed_at_once = 1000;
constexpr std::size_t max_targets_bytes = 1000;

// What one verb of an operator did to how many.
struct Change {
  std::int64_t count = 0;
  std::string targets;

  void add(const Uuid& sequence) {
    ++count;
    if (targets.size() <= max_targets_bytes) {
      targets += (targets.empty() ? "" : ", ") + to_string(sequence);
    } else if (!targets.ends_with("...")) {
      targets += ", ...";
    }
  }
};

Task<void> record(Transaction& tx, const Operator& by, const char* verb, const Change& change) {
  co_await audit(tx, {by.audit_id, by.at, by.actor, verb, change.targets,
                      fmt::format("{} messages: {}", change.count, by.reason)});
}

Task<std::vector<BacklogEntry>> list_page(Transaction& tx, DeadLetterFilter filter) {
  const Uuid after = filter.after.value_or(Uuid());
  const auto rows = co_await tx.execute(
      "SELECT consumer, sequence, state, ordering_key, attempts, arrived_at, not_before, reason, "
      "first_error, last_error, envelope, postponed_since FROM consumer_backlog "
      "WHERE sequence > ? AND (? = '' OR consumer = ?) AND (? = '' OR type = ?) "
      "AND (? = '' OR ordering_key = ?) AND (? = '' OR reason = ?) AND (? = 0 OR state = 'parked') "
      "ORDER BY sequence LIMIT ?",
      {after, filter.consumer, filter.consumer, filter.type, filter.type, filter.key, filter.key,
       filter.reason, filter.reason, filter.parked_only, std::min(filter.limit, max_limit)});
  std::vector<BacklogEntry> entries;
  for (const auto row : rows)
    entries.push_back(backlog_entry(row));
  co_return entries;
}

bool fits(const DeadLetterFilter& filter, const BacklogEntry& entry) {
  return (!filter.after || entry.sequence > *filter.after) &&
         (filter.consumer.empty() || entry.consumer == filter.consumer) &&
         (filter.type.empty() || entry.message.type == filter.type) &&
         (filter.key.empty() || entry.key == filter.key) &&
         (filter.reason.empty() || entry.reason == filter.reason) &&
         (!filter.parked_only || entry.state == BacklogState::parked);
}

// By their ids, so that it does not matter how many others there are.
Task<std::vector<BacklogEntry>> list_chosen(Transaction& tx, DeadLetterFilter filter) {
  std::ranges::sort(filter.sequences);
  const auto repeated = std::ranges::unique(filter.sequences);
  filter.sequences.erase(repeated.begin(), repeated.end());
  std::vector<BacklogEntry> entries;
  for (const Uuid& sequence : filter.sequences) {
    const auto rows = co_await tx.execute(
        "SELECT consumer, sequence, state, ordering_key, attempts, arrived_at, not_before, reason, "
        "first_error, last_error, envelope, postponed_since FROM consumer_backlog WHERE sequence = "
        "?",
        {sequence});
    if (rows.empty() || entries.size() >= std::min(filter.limit, max_limit)) continue;
    BacklogEntry entry = backlog_entry(rows[0]);
    if (fits(filter, entry)) entries.push_back(std::move(entry));
  }
  co_return entries;
}

}  // namespace

Task<BacklogCounts> count_backlog(Transaction& tx) {
  BacklogCounts counts;
  for (const auto row : co_await tx.execute(
           "SELECT what, SUM(messages) FROM consumer_backlog_counts GROUP BY what")) {
    const std::string& what = row.text(0);
    auto& count = what == "parked"    ? counts.parked
                  : what == "blocked" ? counts.blocked
                                      : counts.waiting;
    count += row.integer(1);
  }
  counts.waiting -= counts.blocked;
  co_return counts;
}

Task<std::vector<BacklogEntry>> list_dead_letters(Transaction& tx, DeadLetterFilter filter) {
  if (!filter.sequences.empty()) return list_chosen(tx, std::move(filter));
  return list_page(tx, std::move(filter));
}

Task<BacklogEntry> find_dead_letter(Transaction& tx, Uuid sequence) {
  const auto rows = co_await tx.execute(
      "SELECT consumer, sequence, state, ordering_key, attempts, arrived_at, not_before, reason, "
      "first_error, last_error, envelope, postponed_since FROM consumer_backlog WHERE sequence = ?",
      {sequence});
  if (!rows.empty()) co_return backlog_entry(rows[0]);
  throw Error(Condition::not_found,
              fmt::format("there is no message {}; `sinew dlq list` shows which there are",
                          to_string(sequence)));
}

namespace {

// Calls apply(entry) for all that fit, however many they are, a page in memory at a time.
template <class Apply>
Task<Change> change_each(Transaction& tx, DeadLetterFilter filter, Apply apply) {
  Change change;
  std::size_t left = filter.limit;
  while (left > 0) {
    filter.limit = std::min(left, changed_at_once);
    const auto entries = co_await list_dead_letters(tx, filter);
    for (const auto& entry : entries) {
      co_await apply(entry);
      change.add(entry.sequence);
    }
    if (entries.size() < filter.limit) break;
    left -= entries.size();
    filter.after = entries.back().sequence;
  }
  co_return change;
}

}  // namespace

Task<std::int64_t> replay(Transaction& tx, DeadLetterFilter filter, Operator by, bool dry_run) {
  filter.parked_only = true;
  const auto try_again = [&](const BacklogEntry& entry) -> Task<void> {
    if (!dry_run) co_await Backlog(entry.consumer).unpark(tx, entry.sequence, by.at);
  };
  const Change change = co_await change_each(tx, std::move(filter), try_again);
  if (!dry_run && change.count > 0) co_await record(tx, by, "dlq replay", change);
  co_return change.count;
}

Task<std::int64_t> discard(Transaction& tx, DeadLetterFilter filter, Operator by, bool dry_run) {
  const auto remove = [&](const BacklogEntry& entry) -> Task<void> {
    if (!dry_run) co_await Backlog(entry.consumer).remove(tx, entry.sequence, by.at);
  };
  const Change change = co_await change_each(tx, std::move(filter), remove);
  if (!dry_run && change.count > 0) co_await record(tx, by, "dlq discard", change);
  co_return change.count;
}

}  // namespace sinew::messaging
