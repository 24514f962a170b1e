#include "adapters/sqlite/event_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <ratio>
#include <set>
#include <type_traits>
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
)"},
                                        store::Migration{2, "times of events", R"(
ALTER TABLE event_head ADD COLUMN marked_at BIGINT NOT NULL DEFAULT 0;
UPDATE event_head SET marked_at = (SELECT COALESCE(MAX(recorded_at), 0) FROM events);

CREATE TABLE event_times (
  time BIGINT NOT NULL PRIMARY KEY,
  position BIGINT NOT NULL
);
)"},
                                        store::Migration{3, "snapshots", R"(
CREATE TABLE snapshots (
  stream BIGINT NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  state_version BIGINT NOT NULL,
  state BYTES NOT NULL
);
)"}};

constexpr std::size_t max_stream_bytes = 200;
constexpr std::int64_t resolution = store::EventLog::time_resolution.count();
static_assert(std::is_same_v<Timestamp::period, std::micro>, "times are stored in microseconds");

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

void check_snapshot(const std::string& stream, Stream at, const store::Snapshot& snapshot) {
  if (snapshot.stream_version < 0 || snapshot.stream_version > at.version) {
    throw Error(Condition::invalid_input,
                fmt::format("stream {} is at version {}: there is no state after {}", stream,
                            at.version, snapshot.stream_version));
  }
  if (!snapshot.subject.empty()) {
    throw Error(
        Condition::invalid_input,
        fmt::format("the state of stream {} holds personal members, and this log seals none: "
                    "open it as a PersonalDatabase",
                    stream));
  }
  if (snapshot.state.size() > event::Envelope::max_data_bytes) {
    throw Error(Condition::invalid_input,
                fmt::format("the state of stream {} has {} bytes, more than {}", stream,
                            snapshot.state.size(), event::Envelope::max_data_bytes));
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

void check_filter(const store::EventFilter& filter) {
  if (filter.category.size() > max_stream_bytes || filter.category.contains('-')) {
    throw Error(Condition::invalid_input,
                fmt::format("a category has 1 to {} bytes and no '-', it is what stands before the "
                            "first one in a stream's id: {:.210}",
                            max_stream_bytes, filter.category));
  }
  if (filter.type.size() > event::Envelope::max_attribute_bytes) {
    throw Error(Condition::invalid_input,
                fmt::format("a type has 1 to {} bytes, not {}",
                            event::Envelope::max_attribute_bytes, filter.type.size()));
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

std::vector<RecordedEvent> all_recorded(const store::Rows& rows) {
  std::vector<RecordedEvent> events;
  events.reserve(rows.size());
  for (const store::Row row : rows)
    events.push_back(recorded(row, row.text(11)));
  return events;
}

std::int64_t position_in_log(const Checkpoint& place) {
  const std::uint64_t position = place.position();
  if (place != Checkpoint::from_position(position) || !std::in_range<std::int64_t>(position)) {
    throw Error(Condition::invalid_input,
                fmt::format("{} is no place in this log", to_string(place)));
  }
  return static_cast<std::int64_t>(position);
}

void check_within(const Checkpoint& place, const Checkpoint& head) {
  if (place <= head) return;
  throw Error(
      Condition::invalid_input,
      fmt::format("the log ends at {}, before {}: that place is of another log, or this one "
                  "is an older copy",
                  to_string(head), to_string(place)));
}

// Positions after one, up to and including another.
struct Span {
  std::int64_t after;
  std::int64_t through;
};

constexpr std::int64_t scan_limit = store::EventLog::max_scan;

// In the order of parameters: the positions, then the category, and the prefix that says the same.
#define SINEW_MATCHING                                                                             \
  "e.position > ? AND e.position <= ? AND (? = '' OR s.id = ? OR substr(s.id, 1, length(?)) = ?) " \
  "ORDER BY e.position LIMIT ?"

Task<store::Rows> scan(Transaction& transaction, const store::EventFilter& filter, Span span,
                       std::size_t limit) {
  const std::string prefix = filter.category + "-";
  co_return co_await transaction.execute(
      "SELECT " SINEW_EVENT_COLUMNS
      ", s.id FROM events e CROSS JOIN streams s ON s.number = e.stream "
      "WHERE (? = '' OR e.type = ?) AND " SINEW_MATCHING,
      {filter.type, filter.type, span.after, span.through, filter.category, filter.category, prefix,
       prefix, limit});
}

Task<store::Rows> read_index(Transaction& transaction, const store::EventFilter& filter, Span span,
                             std::size_t limit) {
  const std::string prefix = filter.category + "-";
  co_return co_await transaction.execute(
      "SELECT " SINEW_EVENT_COLUMNS
      ", s.id FROM events e INDEXED BY events_by_type CROSS JOIN streams s ON s.number = e.stream "
      "WHERE e.type = ? AND " SINEW_MATCHING,
      {filter.type, span.after, span.through, filter.category, filter.category, prefix, prefix,
       limit});
}

// How far max_scan events of a type reach.
Task<std::int64_t> scan_end(Transaction& transaction, const std::string& type, Span span) {
  const store::Rows rows = co_await transaction.execute(
      "SELECT position FROM events INDEXED BY events_by_type WHERE type = ? AND position > ? "
      "ORDER BY position LIMIT 1 OFFSET ?",
      {type, span.after, scan_limit - 1});
  co_return rows.empty() ? span.through : rows[0].integer(0);
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

// Takes `count` positions; gives the one before them. The first events of a second higher than any
// before are marked: whatever lies before them was recorded earlier, even if the clock is set back
// afterwards.
Task<std::int64_t> reserve(Transaction& transaction, std::int64_t count, Timestamp now) {
  const store::Rows rows = co_await transaction.execute(
      "UPDATE event_head SET position = position + ?, "
      "marked_at = CASE WHEN ? >= marked_at + ? THEN ? ELSE marked_at END "
      "RETURNING position, marked_at",
      {count, now, resolution, now});
  const std::int64_t before = rows[0].integer(0) - count;
  if (rows[0].timestamp(1) == now) {
    co_await transaction.execute(
        "INSERT INTO event_times (time, position) VALUES (?, ?) ON CONFLICT DO NOTHING",
        {now, before});
  }
  co_return before;
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
  std::int64_t position = co_await reserve(transaction, count, now);
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
  const Stream at = co_await find_stream(transaction, stream);
  if (from < 0 || from > at.version + 1) {
    throw Error(Condition::invalid_input,
                fmt::format("stream {} is read from version 0 to {}, not from {}", stream,
                            at.version + 1, from));
  }
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
      {position_in_log(after), limit});
  if (rows.empty()) check_within(after, co_await head(transaction));
  co_return all_recorded(rows);
}

Task<store::EventPage> EventLog::read_matching(Transaction& transaction, store::EventFilter filter,
                                               Checkpoint after, std::size_t limit) {
  check_limit(limit);
  check_filter(filter);
  const Checkpoint last = co_await head(transaction);
  check_within(after, last);
  Span span{position_in_log(after), position_in_log(last)};
  const bool by_index = index_ == TypeIndex::kept && !filter.type.empty();
  span.through = by_index ? co_await scan_end(transaction, filter.type, span)
                          : std::min(span.through, span.after + scan_limit);
  const store::Rows rows = by_index ? co_await read_index(transaction, filter, span, limit)
                                    : co_await scan(transaction, filter, span, limit);
  store::EventPage page{all_recorded(rows), checkpoint_at(span.through), false};
  if (rows.size() == limit) page.position = page.events.back().position;
  page.at_end = page.position == last;
  co_return page;
}

Task<Checkpoint> EventLog::position_before(Transaction& transaction, Timestamp time) {
  const store::Rows marks = co_await transaction.execute(
      "SELECT time, position FROM event_times WHERE time <= ? ORDER BY time DESC LIMIT 1", {time});
  if (marks.empty()) co_return Checkpoint();
  const Timestamp mark = marks[0].timestamp(0);
  if (time < mark + time_resolution) co_return checkpoint_at(marks[0].integer(1));
  // Nothing up to the next mark was recorded later than that, or it would have made one.
  const store::Rows next = co_await transaction.execute(
      "SELECT position FROM event_times WHERE time > ? ORDER BY time LIMIT 1", {mark});
  if (next.empty()) co_return co_await head(transaction);
  co_return checkpoint_at(next[0].integer(0));
}

Task<void> EventLog::save_snapshot(Transaction& transaction, std::string stream,
                                   store::Snapshot snapshot) {
  check_stream(stream);
  const Stream at = co_await find_stream(transaction, stream);
  check_snapshot(stream, at, snapshot);
  co_await transaction.execute(
      "INSERT INTO snapshots (stream, version, state_version, state) VALUES (?, ?, ?, ?) "
      "ON CONFLICT (stream) DO UPDATE SET version = excluded.version, "
      "state_version = excluded.state_version, state = excluded.state "
      "WHERE excluded.version >= snapshots.version",
      {at.number, snapshot.stream_version, snapshot.state_version, snapshot.state.span()});
}

Task<std::optional<store::Snapshot>> EventLog::find_snapshot(Transaction& transaction,
                                                             std::string stream) {
  check_stream(stream);
  const store::Rows rows = co_await transaction.execute(
      "SELECT n.version, n.state_version, n.state FROM streams s "
      "JOIN snapshots n ON n.stream = s.number WHERE s.id = ? AND n.version <= s.version",
      {stream});
  if (rows.empty()) co_return std::nullopt;
  const store::Row row = rows[0];
  co_return store::Snapshot{row.integer(0), static_cast<std::int32_t>(row.integer(1)),
                            SharedBytes(row.blob(2))};
}

Task<std::int64_t> EventLog::delete_snapshots(Transaction& transaction) {
  const store::Rows deleted = co_await transaction.execute("DELETE FROM snapshots WHERE TRUE");
  co_return deleted.changed();
}

Task<void> EventLog::settle_index(Transaction& transaction) {
  if (index_ == TypeIndex::kept) {
    co_await transaction.execute(
        "CREATE INDEX IF NOT EXISTS events_by_type ON events (type, position)");
  } else {
    co_await transaction.execute("DROP INDEX IF EXISTS events_by_type");
  }
}

Task<Checkpoint> EventLog::head(Transaction& transaction) {
  const store::Rows rows = co_await transaction.execute("SELECT position FROM event_head");
  co_return checkpoint_at(rows[0].integer(0));
}

}  // namespace sinew::sqlite
