#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/store/event_log.hpp"
#include "sinew/store/personal_events.hpp"
#include "sinew/store/personal_keys.hpp"

namespace sinew::store {

// An event log before another one: seals the personal members of events and the states of snapshots
// that hold some, each under the key of its person, and puts them back when they are read. Once the
// key is gone an event comes in its erased form, and a snapshot is none. Errors besides those of
// the log: invalid_input (see take_apart), corrupt (what was sealed was changed), those of
// PersonalKeys.
class PersonalEventLog final : public EventLog {
 public:
  // All of them outlive it.
  PersonalEventLog(EventLog& inner, const PersonalEvents& events, PersonalKeys& keys)
      : inner_(inner), events_(events), keys_(keys) {}

  Task<Appended> append(Transaction& transaction, std::string stream, ExpectedVersion expected,
                        std::vector<NewEvent> events) override;
  Task<std::vector<Appended>> append_all(Transaction& transaction,
                                         std::vector<StreamAppend> parts) override;
  Task<std::vector<RecordedEvent>> read_stream(Transaction& transaction, std::string stream,
                                               std::int64_t from, std::size_t limit) override;
  Task<std::vector<RecordedEvent>> read_all(Transaction& transaction, Checkpoint after,
                                            std::size_t limit) override;
  Task<EventPage> read_matching(Transaction& transaction, EventFilter filter, Checkpoint after,
                                std::size_t limit) override;
  Task<Checkpoint> position_before(Transaction& transaction, Timestamp time) override {
    return inner_.position_before(transaction, time);
  }
  Task<void> save_snapshot(Transaction& transaction, std::string stream,
                           Snapshot snapshot) override;
  Task<std::optional<Snapshot>> find_snapshot(Transaction& transaction,
                                              std::string stream) override;
  Task<std::int64_t> delete_snapshots(Transaction& transaction) override {
    return inner_.delete_snapshots(transaction);
  }
  Task<Checkpoint> head(Transaction& transaction) override { return inner_.head(transaction); }
  std::int64_t events_between(const Checkpoint& after,
                              const Checkpoint& through) const noexcept override {
    return inner_.events_between(after, through);
  }
  bool seals(std::string_view type) const noexcept override {
    return events_.find(type) != nullptr;
  }
  CommitSignal& appended() noexcept override { return inner_.appended(); }

 private:
  Task<void> seal_all(Transaction& transaction, std::vector<NewEvent>& events);
  Task<void> open_all(Transaction& transaction, std::vector<RecordedEvent>& events);
  Task<void> open(Transaction& transaction, RecordedEvent& event);
  Task<Json> seal(Transaction& transaction, std::string subject, std::string context,
                  std::string text);
  Task<std::optional<std::string>> unseal(Transaction& transaction, Json box, std::string context);

  EventLog& inner_;
  const PersonalEvents& events_;
  PersonalKeys& keys_;
};

}  // namespace sinew::store
