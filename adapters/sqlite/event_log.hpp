#pragma once

#include "sinew/async/runtime.hpp"
#include "sinew/store/event_log.hpp"
#include "sinew/store/migration.hpp"

namespace sinew::sqlite {

// The event store in SQLite. Events lie in one table in the order of their positions and nowhere
// else: each links to the one before it in its stream, `streams` knows the last, and a mark every
// `stride` versions bounds the walk back from there. So an append touches the ends of two tables,
// where an index by stream would touch a page a stream. Positions come from a counter of our own,
// in the same transaction: without gaps, never used twice, cheaper than AUTOINCREMENT.
//
// A time is found in `event_times`, which holds, for each second in which the wall clock reached a
// new height, that time and the position before the first event recorded then.
class EventLog final : public store::EventLog {
 public:
  static constexpr std::int64_t stride = 128;

  // An index by type makes reads of rare types quick and each append dearer: it touches a page a
  // type.
  enum class TypeIndex : bool { none, kept };

  explicit EventLog(async::Runtime& runtime, TypeIndex index = TypeIndex::none)
      : runtime_(runtime), index_(index) {}

  // Component `sinew.events`: applied by Database::open.
  static store::MigrationSet migrations();
  // Makes the index by type or drops it, as this log was told.
  Task<void> settle_index(store::Transaction& transaction);

  Task<store::Appended> append(store::Transaction& transaction, std::string stream,
                               store::ExpectedVersion expected,
                               std::vector<store::NewEvent> events) override;
  Task<std::vector<store::Appended>> append_all(store::Transaction& transaction,
                                                std::vector<store::StreamAppend> parts) override;
  Task<std::vector<store::RecordedEvent>> read_stream(store::Transaction& transaction,
                                                      std::string stream, std::int64_t from,
                                                      std::size_t limit) override;
  Task<std::vector<store::RecordedEvent>> read_all(store::Transaction& transaction,
                                                   store::Checkpoint after,
                                                   std::size_t limit) override;
  Task<store::EventPage> read_matching(store::Transaction& transaction, store::EventFilter filter,
                                       store::Checkpoint after, std::size_t limit) override;
  Task<store::Checkpoint> position_before(store::Transaction& transaction, Timestamp time) override;
  Task<void> save_snapshot(store::Transaction& transaction, std::string stream,
                           store::Snapshot snapshot) override;
  Task<std::optional<store::Snapshot>> find_snapshot(store::Transaction& transaction,
                                                     std::string stream) override;
  Task<std::int64_t> delete_snapshots(store::Transaction& transaction) override;
  Task<store::Checkpoint> head(store::Transaction& transaction) override;

 private:
  async::Runtime& runtime_;
  TypeIndex index_;
};

}  // namespace sinew::sqlite
