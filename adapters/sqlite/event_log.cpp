#include "adapters/sqlite/event_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/store/transaction.hpp"

namespace sinew::sqlite {
namespace {

using store::Appended;
using store::Checkpoint;
using store::ExpectedVersion;
using store::NewEvent;
using store::RecordedEvent;
using store::StreamAppend;
using store::Transaction;

constexpr std::array migrations_list = {store::Migration{1, "events", R"(
CREATE TABLE event_head (
  one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
  position BIGINT NOT NULL
);
INSERT INTO event_head (one, position) VALUES (1, 0);

CREATE TABLE streams (
  number BIGINT NOT NULL PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  version BIGINT NOT NULL,
  last_position BIGINT NOT NULL
);

CREATE TABLE stream_marks (
  stream BIGINT NOT NULL,
  version BIGINT NOT NULL,
  position BIGINT NOT NULL,
  PRIMARY KEY (stream, version)
);

CREATE TABLE events (
  position BIGINT NOT NULL PRIMARY KEY,
  stream BIGINT NOT NULL,
  stream_version BIGINT NOT NULL,
  previous_position BIGINT NOT NULL,
  id BYTES NOT NULL,
  type TEXT NOT NULL,
  version BIGINT NOT NULL,
  recorded_at BIGINT NOT NULL,
  correlation BYTES,
  causation BYTES,
  traceparent TEXT,
  hops BIGINT NOT NULL,
  data BYTES NOT NULL
);
)"}};

constexpr std::size_t max_stream_bytes = 200;

struct Stream {
  std::int64_t number = 0;
  std::int64_t version = -1;
  std::int64_t last_position = 0;
  bool exists() const { return version >= 0; }
};

// In the order in which recorded() reads them.
#define SINEW_EVENT_COLUMNS                                                               \
  "e.position, e.stream_version, e.id, e.type, e.version, e.recorded_at, e.correlation, " \
  "e.causation, e.traceparent, e.hops, e.data"

void check_stream(const std::string& stream) {
  if (stream.empty() || stream.size() > max_stream_bytes) {
    throw Error(Condition::invalid_input, fmt::format("a stream id has 1 to {} bytes, not {}",
                                                      max_stream_bytes, stream.size()));
  }
}

void check_count(std::size_t events) {
  if (events < 1 || events > store::EventLog::max_events_per_append) {
    throw Error(Condition::invalid_input,
                fmt::format("an append takes 1 to {} events, not {}",
                            store::EventLog::max_events_per_append, events));
  }
}

void check_events(const std::vector<NewEvent>& events) {
  check_count(events.size());
  for (const NewEvent& event : events) {
    if (event.data.size() > event::Envelope::max_data_bytes) {
      throw Error(Condition::invalid_input,
                  fmt::format("the data of event {} has {} bytes, more than {}", event.type,
                              event.data.size(), event::Envelope::max_data_bytes));
    }
  }
}

void check_parts(const std::vector<StreamAppend>& parts) {
  std::size_t events = 0;
  std::set<std::string_view> streams;
  for (const StreamAppend& part : parts) {
    check_stream(part.stream);
    check_events(part.events);
    events += part.events.size();
    if (!streams.insert(part.stream).second) {
      throw Error(Condition::invalid_input,
                  fmt::format("stream {} stands twice in one append: put its events together",
                              part.stream));
    }
  }
  check_count(events);
}

void check_limit(std::size_t limit) {
  if (limit < 1 || limit > store::EventLog::max_read) {
    throw Error(Condition::invalid_input, fmt::format("a read takes 1 to {} events, not {}",
                                                      store::EventLog::max_read, limit));
  }
}

Task<Stream> find_stream(Transaction& transaction, std::string_view id) {
  const store::Rows rows = co_await transaction.execute(
      "SELECT number, version, last_position FROM streams WHERE id = ?", {id});
  if (rows.empty()) co_return Stream{};
  const store::Row row = rows[0];
  co_return Stream{row.integer(0), row.integer(1), row.integer(2)};
}

// Where to begin the walk back: the nearest known place at or after version `last`.
Task<std::int64_t> walk_start(Transaction& transaction, Stream stream, std::int64_t last) {
  const store::Rows rows = co_await transaction.execute(
      "SELECT position FROM stream_marks WHERE stream = ? AND version >= ? "
      "ORDER BY version LIMIT 1",
      {stream.number, last});
  co_return rows.empty() ? stream.last_position : rows[0].integer(0);
}

Task<store::Rows> walk(Transaction& transaction, Stream stream, std::int64_t first,
                       std::int64_t last) {
  const std::int64_t start = co_await walk_start(transaction, stream, last);
  co_return co_await transaction.execute(
      "WITH RECURSIVE back (position, version, previous) AS ("
      " SELECT position, stream_version, previous_position FROM events WHERE position = ?"
      " UNION ALL"
      " SELECT e.position, e.stream_version, e.previous_position FROM back"
      " CROSS JOIN events e ON e.position = back.previous AND e.stream_version < back.version"
      " WHERE back.version > ?) "
      "SELECT " SINEW_EVENT_COLUMNS
      " FROM back CROSS JOIN events e ON e.position = back.position"
      " WHERE back.version <= ? ORDER BY back.version",
      {start, first, last});
}

Checkpoint checkpoint_at(std::int64_t position) {
  return Checkpoint::from_position(static_cast<std::uint64_t>(position));
}

Uuid maybe_uuid(const store::Row& row, std::size_t column) {
  return row.is_null(column) ? Uuid() : row.uuid(column);
}

RecordedEvent recorded(const store::Row& row, const std::string& stream) {
  RecordedEvent event;
  event.stream = stream;
  event.position = checkpoint_at(row.integer(0));
  event.stream_version = row.integer(1);
  event.id = row.uuid(2);
  event.type = row.text(3);
  event.version = static_cast<std::int32_t>(row.integer(4));
  event.recorded_at = row.timestamp(5);
  event.lineage.correlation_id = maybe_uuid(row, 6);
  event.lineage.causation_id = maybe_uuid(row, 7);
  event.lineage.traceparent = row.maybe_text(8).value_or("");
  event.lineage.hops = static_cast<std::int32_t>(row.integer(9));
  event.data = SharedBytes(row.blob(10));
  return event;
}

// How an append that does not continue its stream ends: it stands there already, or it conflicts.
Task<Appended> repeated(Transaction& transaction, const std::string& id, Stream stream,
                        std::int64_t expected, const std::vector<NewEvent>& events) {
  const std::int64_t first = expected + 1;
  const std::int64_t last =
      std::min(expected + static_cast<std::int64_t>(events.size()), stream.version);
  std::size_t known = 0;
  std::int64_t position = 0;
  if (first <= last) {
    const store::Rows rows = co_await walk(transaction, stream, first, last);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].uuid(2) == events[i].id) ++known;
      position = rows[i].integer(0);
    }
  }
  if (known == events.size()) {
    co_return Appended{last, checkpoint_at(position), true};
  }
  throw Error(
      Condition::conflict,
      fmt::format("stream {} is at version {}, not {} as expected{}", id, stream.version, expected,
                  known == 0 ? "" : "; only some of the events stand there already"));
}

// Whether a stream's last event is the last of an append: then that append stands there already.
Task<bool> ends_with(Transaction& transaction, Stream stream, Uuid id) {
  if (!stream.exists()) co_return false;
  const store::Rows rows = co_await transaction.execute("SELECT id FROM events WHERE position = ?",
                                                        {stream.last_position});
  co_return !rows.empty() && rows[0].uuid(0) == id;
}

// The first result of an append that stands there already; nothing for one that continues its
// stream. Throws conflict for any other.
Task<std::optional<Appended>> find_repeated(Transaction& transaction, const std::string& id,
                                            Stream at, ExpectedVersion expected,
                                            const std::vector<NewEvent>& events) {
  std::int64_t version = expected.value();
  if (expected.is_any()) {
    if (!co_await ends_with(transaction, at, events.back().id)) co_return std::nullopt;
    version = at.version - static_cast<std::int64_t>(events.size());
  } else if (version == at.version) {
    co_return std::nullopt;
  }
  co_return co_await repeated(transaction, id, at, version, events);
}

[[noreturn]] void refuse_partly_repeated(const std::vector<StreamAppend>& parts, std::size_t part) {
  throw Error(Condition::conflict,
              fmt::format("of the streams {} and {} only one has its events of this append already",
                          parts[part - 1].stream, parts[part].stream));
}

std::optional<Uuid> not_nil(const Uuid& id) {
  return id.is_nil() ? std::nullopt : std::optional(id);
}

// Takes `count` positions; gives the one before them.
Task<std::int64_t> reserve(Transaction& transaction, std::int64_t count) {
  const store::Rows rows = co_await transaction.execute(
      "UPDATE event_head SET position = position + ? RETURNING position", {count});
  co_return rows[0].integer(0) - count;
}

Task<void> insert(Transaction& transaction, Stream stream, const NewEvent& event,
                  std::int64_t position, Timestamp now) {
  const event::Lineage& lineage = event.lineage;
  std::optional<std::string_view> traceparent;
  if (!lineage.traceparent.empty()) traceparent = lineage.traceparent;
  co_await transaction.execute(
      "INSERT INTO events (position, stream, stream_version, previous_position, id, type, version, "
      "recorded_at, correlation, causation, traceparent, hops, data) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {position, stream.number, stream.version, stream.last_position, event.id, event.type,
       event.version, now, not_nil(lineage.correlation_id), not_nil(lineage.causation_id),
       traceparent, lineage.hops, event.data.span()});
  if (stream.version > 0 && stream.version % EventLog::stride == 0) {
    co_await transaction.execute(
        "INSERT INTO stream_marks (stream, version, position) VALUES (?, ?, ?)",
        {stream.number, stream.version, position});
  }
}

// Moves the stream on, from the version that was read: the compare-and-set of every append.
Task<Stream> advance(Transaction& transaction, const std::string& id, Stream stream,
                     std::int64_t version, std::int64_t last_position) {
  if (stream.exists()) {
    const store::Rows moved = co_await transaction.execute(
        "UPDATE streams SET version = ?, last_position = ? WHERE number = ? AND version = ?",
        {version, last_position, stream.number, stream.version});
    if (moved.changed() != 1) {
      throw Error(Condition::conflict, fmt::format("stream {} moved on meanwhile", id));
    }
    co_return stream;
  }
  const store::Rows made = co_await transaction.execute(
      "INSERT INTO streams (id, version, last_position) VALUES (?, ?, ?) RETURNING number",
      {id, version, last_position});
  stream.number = made[0].integer(0);
  co_return stream;
}

Task<Appended> add(Transaction& transaction, const std::string& id, Stream at,
                   const std::vector<NewEvent>& events, Timestamp now) {
  const auto count = static_cast<std::int64_t>(events.size());
  std::int64_t position = co_await reserve(transaction, count);
  const Appended appended{at.version + count, checkpoint_at(position + count), false};
  at = co_await advance(transaction, id, at, at.version + count, position + count);
  for (const NewEvent& event : events) {
    ++at.version;
    ++position;
    co_await insert(transaction, at, event, position, now);
    at.last_position = position;
  }
  co_return appended;
}

}  // namespace

store::MigrationSet EventLog::migrations() { return {"sinew.events", migrations_list}; }

Task<Appended> EventLog::append(Transaction& transaction, std::string stream,
                                ExpectedVersion expected, std::vector<NewEvent> events) {
  check_stream(stream);
  check_events(events);
  const Stream at = co_await find_stream(transaction, stream);
  const auto first = co_await find_repeated(transaction, stream, at, expected, events);
  if (first) co_return *first;
  transaction.after_commit(this->appended());
  co_return co_await add(transaction, stream, at, events, runtime_.wall_now());
}

Task<std::vector<Appended>> EventLog::append_all(Transaction& transaction,
                                                 std::vector<StreamAppend> parts) {
  check_parts(parts);
  std::vector<Stream> streams;
  std::vector<Appended> results;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const StreamAppend& part = parts[i];
    streams.push_back(co_await find_stream(transaction, part.stream));
    const auto first = co_await find_repeated(transaction, part.stream, streams.back(),
                                              part.expected, part.events);
    if (first) results.push_back(*first);
    if (!results.empty() && results.size() != streams.size()) refuse_partly_repeated(parts, i);
  }
  if (!results.empty()) co_return results;
  transaction.after_commit(this->appended());
  const Timestamp now = runtime_.wall_now();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    results.push_back(co_await add(transaction, parts[i].stream, streams[i], parts[i].events, now));
  }
  co_return results;
}

Task<std::vector<RecordedEvent>> EventLog::read_stream(Transaction& transaction, std::string stream,
                                                       std::int64_t from, std::size_t limit) {
  check_stream(stream);
  check_limit(limit);
  from = std::max<std::int64_t>(from, 0);
  const Stream at = co_await find_stream(transaction, stream);
  std::vector<RecordedEvent> events;
  if (at.version < from) co_return events;
  const std::int64_t last = std::min(from + static_cast<std::int64_t>(limit) - 1, at.version);
  const store::Rows rows = co_await walk(transaction, at, from, last);
  events.reserve(rows.size());
  for (const store::Row row : rows)
    events.push_back(recorded(row, stream));
  co_return events;
}

Task<std::vector<RecordedEvent>> EventLog::read_all(Transaction& transaction, Checkpoint after,
                                                    std::size_t limit) {
  check_limit(limit);
  const store::Rows rows = co_await transaction.execute(
      "SELECT " SINEW_EVENT_COLUMNS
      ", s.id FROM events e CROSS JOIN streams s"
      " ON s.number = e.stream WHERE e.position > ? ORDER BY e.position LIMIT ?",
      {after.position(), limit});
  std::vector<RecordedEvent> events;
  events.reserve(rows.size());
  for (const store::Row row : rows)
    events.push_back(recorded(row, row.text(11)));
  co_return events;
}

Task<Checkpoint> EventLog::head(Transaction& transaction) {
  const store::Rows rows = co_await transaction.execute("SELECT position FROM event_head");
  co_return checkpoint_at(rows[0].integer(0));
}

}  // namespace sinew::sqlite
