#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/async/task.hpp"
#include "sinew/base/bytes.hpp"
#include "sinew/base/id.hpp"
#include "sinew/base/time.hpp"
#include "sinew/event/envelope.hpp"
#include "sinew/store/checkpoint.hpp"
#include "sinew/store/commit_signal.hpp"

namespace sinew::store {

// The event store: streams of facts, append-only, in one global order. A port because the order is
// native to each engine. A stream id is `category-entity`, such as order-10248; 1 to 200 bytes.

// What an append expects of its stream.
class ExpectedVersion {
 public:
  static constexpr ExpectedVersion any() { return ExpectedVersion(-2); }
  static constexpr ExpectedVersion no_stream() { return ExpectedVersion(-1); }
  static constexpr ExpectedVersion exactly(std::int64_t version) {
    return ExpectedVersion(version);
  }

  constexpr bool is_any() const { return value_ == -2; }
  constexpr std::int64_t value() const { return value_; }  // -1: the stream must not exist

 private:
  explicit constexpr ExpectedVersion(std::int64_t value) : value_(value) {}
  std::int64_t value_;
};

struct NewEvent {
  Uuid id;
  std::string type;
  std::int32_t version = 1;  // of the schema
  SharedBytes data;
  event::Lineage lineage;
};

// What an append of several streams does to one of them.
struct StreamAppend {
  std::string stream;
  ExpectedVersion expected;
  std::vector<NewEvent> events;
};

struct RecordedEvent {
  Uuid id;
  std::string stream;
  std::int64_t stream_version = 0;  // from 0
  Checkpoint position;
  std::string type;
  std::int32_t version = 1;
  Timestamp recorded_at{};
  event::Lineage lineage;
  SharedBytes data;
  SharedBytes sealed = {};  // what stands in the log where personal members of `data` are sealed
  bool erased = false;      // the person was forgotten: `data` lacks those members

  // The same for ever, whoever is forgotten: for digests.
  const SharedBytes& stored() const noexcept { return sealed.empty() ? data : sealed; }
};

struct Appended {
  std::int64_t stream_version = 0;  // of the last event
  Checkpoint position;              // of the last event
  bool repeated = false;            // the same events stood there already
};

// Which events to give; what is empty lets all of them through.
struct EventFilter {
  std::string category = {};  // of their streams, the text before the first `-`: 1 to 200 bytes
  std::string type = {};      // 1 to 1024 bytes
  bool empty() const noexcept { return category.empty() && type.empty(); }
};

// One page of a read that leaves events out.
struct EventPage {
  std::vector<RecordedEvent> events;
  Checkpoint position;  // how far the log was looked through: where the next page begins
  bool at_end = false;  // nothing lies behind it yet
};

// What a stream's events up to one of them come to, so that a load need not begin with the first.
// Never the truth: without it the same comes out.
struct Snapshot {
  std::int64_t stream_version = 0;  // of the last event in it
  std::int32_t state_version = 1;   // of the schema of the state
  SharedBytes state = {};
  std::string subject = {};  // whose personal members are in it; empty: nobody's. Not given back.
};

class EventLog {
 public:
  static constexpr std::size_t max_events_per_append = 1000;
  static constexpr std::size_t max_read = 1000;
  static constexpr std::size_t max_scan = 4096;  // events looked at by one read_matching()
  static constexpr Timestamp::duration time_resolution = std::chrono::seconds(1);

  EventLog() = default;
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;
  virtual ~EventLog() = default;

  // Appends in `transaction`. Repeating the same event ids at the same expected version succeeds
  // and gives the first result, so an append whose outcome is unknown can be repeated. Errors:
  // conflict (another version; the detail names both; or only some of the ids stand there),
  // invalid_input (no event, too many, a bad stream id, data over Envelope::max_data_bytes).
  virtual Task<Appended> append(Transaction& transaction, std::string stream,
                                ExpectedVersion expected, std::vector<NewEvent> events) = 0;

  // Appends to several streams, each once, as one: every stream is looked at before anything is
  // written, so one conflict, whose detail names the stream, leaves all as they were, even for a
  // body that catches it and goes on. Events of one part follow each other, parts in their order.
  // Gives a result a part. Repeating all of it succeeds as above and gives the first results;
  // conflict when only some of the streams have their events already. Errors as above;
  // invalid_input also without a part, with a stream named twice, or with more than
  // max_events_per_append events in all parts together.
  virtual Task<std::vector<Appended>> append_all(Transaction& transaction,
                                                 std::vector<StreamAppend> parts) = 0;

  // Up to `limit` events (1 to max_read) of a stream from version `from` (0: the first), ascending.
  // Errors: invalid_input (a limit out of range; `from` negative, or further than one behind the
  // stream's last event).
  virtual Task<std::vector<RecordedEvent>> read_stream(Transaction& transaction, std::string stream,
                                                       std::int64_t from, std::size_t limit) = 0;

  // Up to `limit` events after `after`, in the order of commits, never skipping one that may still
  // commit before it. Errors: invalid_input (a limit out of range; a place beyond the log's end: it
  // comes from another log, or this one is an older copy).
  virtual Task<std::vector<RecordedEvent>> read_all(Transaction& transaction, Checkpoint after,
                                                    std::size_t limit) = 0;

  // Those of read_all() that fit the filter. A call looks at no more than max_scan events, so a
  // page may be empty although more fit: go on from its position until it is at_end. Errors as
  // above, and invalid_input for a filter out of range or a category with a `-`.
  virtual Task<EventPage> read_matching(Transaction& transaction, EventFilter filter,
                                        Checkpoint after, std::size_t limit) = 0;

  // Where to begin to read for all that was recorded since `time`: every event up to and including
  // this place was recorded before it, so none is skipped, however the wall clock was set
  // meanwhile. What lies behind it was recorded after time - time_resolution, but for events from
  // while the clock stood behind an earlier reading of its own: whoever minds looks at recorded_at.
  virtual Task<Checkpoint> position_before(Transaction& transaction, Timestamp time) = 0;

  // Keeps a stream's snapshot in place of the one before; one that is older changes nothing.
  // Errors: invalid_input (a version that the stream has not reached, a state over
  // Envelope::max_data_bytes, a bad stream id).
  virtual Task<void> save_snapshot(Transaction& transaction, std::string stream,
                                   Snapshot snapshot) = 0;

  // The snapshot that is kept; nothing without one, and for one of a version that the stream has
  // not reached.
  virtual Task<std::optional<Snapshot>> find_snapshot(Transaction& transaction,
                                                      std::string stream) = 0;

  // Deletes all snapshots and gives their number: when a state is to be made anew of its events
  // although its schema is the same.
  virtual Task<std::int64_t> delete_snapshots(Transaction& transaction) = 0;

  // The position of the last event.
  virtual Task<Checkpoint> head(Transaction& transaction) = 0;

  // How many events lie behind `after` and not behind `through`, for progress and lag; 0 when
  // `through` is not the later one. Costs no read; an engine may count positions that were given to
  // no event.
  virtual std::int64_t events_between(const Checkpoint& after,
                                      const Checkpoint& through) const noexcept {
    return after < through ? static_cast<std::int64_t>(through.position() - after.position()) : 0;
  }

  // Whether personal members of events of this type are sealed here; see PersonalDatabase.
  virtual bool seals(std::string_view) const noexcept { return false; }

  // Told after each commit that appended: what wakes subscriptions and projections. append() names
  // it to its transaction; an engine that several hosts share tells it of theirs too.
  virtual CommitSignal& appended() noexcept { return appended_; }

 private:
  CommitSignal appended_;
};

}  // namespace sinew::store
