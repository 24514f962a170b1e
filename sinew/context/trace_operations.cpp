#include "sinew/context/trace_operations.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "sinew/base/described.hpp"
#include "sinew/base/error.hpp"
#include "sinew/saga/journal.hpp"
#include "sinew/saga/machine.hpp"

namespace sinew::context {

using store::Transaction;

namespace {

struct TraceArguments {
  std::optional<Uuid> correlation;
  std::string key;
};
BOOST_DESCRIBE_STRUCT(TraceArguments, (), (correlation, key))
constexpr auto constraints(const TraceArguments*) {
  return sinew::constraints(field(&TraceArguments::key, length(0, 1024), defaulted()));
}

// One thing that happened, or has not happened yet.
struct TraceEntry {
  Timestamp at{};
  std::string what;  // began, reacted, waits to leave, waiting, parked, saga completed, ...
  std::string type;
  std::string key;
  std::string cause;
  std::int64_t hops = 0;
  Uuid correlation_id;
  std::string detail;
};

Json to_row(const TraceEntry& entry) {
  return JsonObject{{"at", to_rfc3339(entry.at)},
                    {"what", entry.what},
                    {"type", entry.type},
                    {"key", entry.key},
                    {"cause", entry.cause},
                    {"hops", entry.hops},
                    {"correlation_id", to_string(entry.correlation_id)},
                    {"detail", entry.detail}};
}

TraceEntry of_journal(const saga::JournalEntry& entry) {
  const bool first = entry.cause_id.is_nil();
  return {entry.at,   first ? "began" : "reacted", entry.type, entry.key, entry.cause_type,
          entry.hops, entry.correlation_id,        ""};
}

// What has been published and has not left, what waits for its handler or an operator, and sagas of
// the process: live rows, read as a whole.
Task<void> add_open(Transaction& tx, Uuid correlation, std::vector<TraceEntry>& entries) {
  const auto leaving = co_await tx.execute(
      "SELECT event_time, type, aggregateid, hops FROM outbox WHERE correlation_id = ? LIMIT 1000",
      {correlation});
  for (const auto row : leaving) {
    entries.push_back({row.timestamp(0), "waits to leave", row.text(1), row.text(2), "",
                       row.integer(3), correlation, ""});
  }
  const auto backlog = co_await tx.execute(
      "SELECT arrived_at, state, type, ordering_key, hops, reason, last_error "
      "FROM consumer_backlog WHERE correlation_id = ? LIMIT 1000",
      {correlation});
  for (const auto row : backlog) {
    const std::string reason = row.text(5).empty() ? "" : row.text(5) + ": ";
    entries.push_back({row.timestamp(0), row.text(1), row.text(2), row.text(3), "", row.integer(4),
                       correlation, reason + row.text(6)});
  }
  const auto sagas = co_await tx.execute(
      "SELECT updated_at, status, definition, id, hops, step_name, error FROM saga_instances "
      "WHERE correlation_id = ? LIMIT 1000",
      {correlation});
  for (const auto row : sagas) {
    const std::string at = row.text(5).empty() ? "" : "at " + row.text(5);
    entries.push_back({row.timestamp(0), "saga " + row.text(1), row.text(2), row.text(3), "",
                       row.integer(4), correlation,
                       row.text(6).empty() ? at : at + ": " + row.text(6)});
  }
}

Task<std::vector<TraceEntry>> entries_of(Transaction& tx, const TraceArguments& arguments) {
  std::vector<TraceEntry> entries;
  std::set<Uuid> processes;
  const auto journal = arguments.correlation ? co_await saga::journal_of(tx, *arguments.correlation)
                                             : co_await saga::journal_of_key(tx, arguments.key);
  for (const auto& entry : journal) {
    entries.push_back(of_journal(entry));
    processes.insert(entry.correlation_id);
  }
  if (arguments.correlation) processes.insert(*arguments.correlation);
  for (const Uuid& process : processes)
    co_await add_open(tx, process, entries);
  std::ranges::sort(entries, {},
                    [](const TraceEntry& entry) { return std::pair(entry.at, entry.hops); });
  co_return entries;
}

}  // namespace

Task<Json> show_trace(Call call) {
  const auto arguments = from_json<TraceArguments>(call.arguments, ReadMode::strict);
  if (arguments.correlation.has_value() != arguments.key.empty()) {
    throw Error(Condition::invalid_input, "say which process: its correlation id, or a key");
  }
  const auto entries =
      co_await call.database.read([&](Transaction& tx) -> Task<std::vector<TraceEntry>> {
        co_return co_await entries_of(tx, arguments);
      });
  JsonArray rows;
  for (const TraceEntry& entry : entries)
    rows.push_back(to_row(entry));
  co_return JsonObject{{"entries", std::move(rows)}};
}

}  // namespace sinew::context
