#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sinew/base/id.hpp"
#include "sinew/base/time.hpp"
#include "sinew/store/database.hpp"
#include "sinew/store/projection_applier.hpp"

namespace sinew::store {

// The keys of a projection whose events wait behind one that cannot be applied. The events stay in
// the log; a row each names its place there. A part of ProjectionRunner.
class HeldKeys {
 public:
  // `max_keys` and `max_events`: beyond them the whole projection pauses.
  HeldKeys(Database& database, std::string projection, std::size_t max_keys, std::size_t max_events)
      : database_(database),
        projection_(std::move(projection)),
        max_keys_(max_keys),
        max_events_(max_events) {}

  Task<void> load(Transaction& transaction);

  bool contains(const std::string& key) const { return keys_.contains(key); }
  std::size_t keys() const noexcept { return keys_.size(); }
  std::size_t events() const noexcept { return events_; }
  bool has_room(std::size_t events) const noexcept { return events_ + events <= max_events_; }
  bool has_room_for_key() const noexcept { return keys() < max_keys_ && has_room(1); }

  // Holds one event of a key that is held.
  Task<void> add_event(Transaction& transaction, std::string key, const RecordedEvent& event) const;
  // Holds a key, `event` being its first one.
  Task<void> add_key(Transaction& transaction, std::string key, const RecordedEvent& event,
                     std::string error, Timestamp now) const;
  // The key that holds the event at `position` and its reason, a row; none when it is not held.
  Task<Rows> find(Transaction& transaction, Checkpoint position) const;
  // What the commits of the two come to here.
  void added_events(std::size_t count) noexcept { events_ += count; }
  void added_key(const std::string& key);

  // Applies a batch of a key that an operator released, in order, and forgets it after the last.
  // False: none is released. Errors: those of the database, after which load() must follow.
  Task<bool> release_some(ProjectionApplier& applier);

 private:
  struct Batch {
    std::vector<RecordedEvent> events;
    bool last = false;  // nothing of the key is left
  };

  Task<Batch> take(Transaction& transaction, std::string key) const;
  Task<void> release(Transaction& transaction, std::string key, ProjectionApplier& applier,
                     ApplyAttempt& attempt, Batch& batch);
  Task<void> refuse(std::string key, ProjectionApplier& applier, const RecordedEvent& event,
                    std::string error);

  Database& database_;
  std::string projection_;
  std::size_t max_keys_;
  std::size_t max_events_;
  std::map<std::string, bool> keys_;  // whether it is released
  std::size_t events_ = 0;
  std::size_t limit_ = release_batch;
  static constexpr std::size_t release_batch = 64;
};

}  // namespace sinew::store
