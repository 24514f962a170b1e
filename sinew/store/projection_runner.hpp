#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sinew/base/instant.hpp"
#include "sinew/store/database.hpp"
#include "sinew/store/event_subscription.hpp"
#include "sinew/store/position_waits.hpp"
#include "sinew/store/projection.hpp"
#include "sinew/store/projection_applier.hpp"
#include "sinew/store/projection_held.hpp"
#include "sinew/store/projection_rebuild.hpp"
#include "sinew/store/projection_record.hpp"
#include "sinew/store/projection_status.hpp"

namespace sinew::async {
class Runtime;
}

namespace sinew::store {

// Throws Error invalid_input that names all that is wrong with what the projections of a database
// say of themselves, two that share a name or a table included.
void validate(std::span<Projection* const> projections);

struct ProjectionSettings {
  std::size_t batch = 256;  // events of one transaction of the live view, 1 to EventLog::max_read
  // With pause_key: keys that are held, and events that wait in all of them. Beyond either the
  // whole projection pauses. From 1; one transaction may delete all of them.
  std::size_t max_held_keys = 1000;
  std::size_t max_held_events = 10'000;
};

// Drives one projection: brings pages of events into its live view, each in one transaction with
// the checkpoint, and, between two pages, takes a step of a rebuild, of held keys that were
// released, and of the removal of old tables. Lives on the database's worker; database and
// projection outlive it.
class ProjectionRunner {
 public:
  ProjectionRunner(Database& database, Projection& projection, ProjectionSettings settings = {});
  ProjectionRunner(const ProjectionRunner&) = delete;
  ProjectionRunner& operator=(const ProjectionRunner&) = delete;

  // Makes tables and rows that are missing, so that queries find them; begins a rebuild that is due
  // without a step of it. run() does the same. Errors: invalid_input (the view is of another
  // version and its projection has no tables()), those of the database.
  Task<void> prepare();

  // Runs until it is cancelled. An event that cannot be applied is never skipped: those before it
  // are committed, then the projection pauses, or the event's key is held. Errors: conflict when
  // the checkpoint was moved by another runner of the same name; invalid_input as
  // from prepare(); cancelled.
  Task<void> run();

  // An operator's verb was committed: looks at what it changed.
  void wake() noexcept;

  // Returns once the view holds every event up to and including `position`, which an append gave:
  // what is read afterwards has them. Waits up to `patience` for it. Errors: timeout (says how far
  // the view is), unavailable (it is paused or not running, or holds the event back with its key,
  // at once: waiting would not help), invalid_input (no place in this log, or beyond its end),
  // exhausted (PositionWaits::capacity wait already), cancelled, those of Database::read. On the
  // database's worker; the runner outlives it.
  Task<void> reached(Checkpoint position, Duration patience);

  std::string_view name() const noexcept { return name_; }
  ProjectionStatus status() const;
  const Projection& projection() const noexcept { return projection_; }

 private:
  // One of the runner's works, in turn; what went wrong in it and when it is tried again.
  struct Duty {
    Task<bool> (ProjectionRunner::*work)();  // whether there was something to do
    std::uint32_t failures = 0;              // in a row
    Instant until{};
    std::string error = {};
  };
  struct Attempt : ApplyAttempt {
    std::size_t held = 0;  // events that were held instead
    bool full = false;     // more cannot be held
  };

  Task<void> follow();
  Task<void> load();
  void take_up(ProjectionRecord record);
  Task<bool> attend(Duty& duty);
  void postpone(Duty& duty, std::string error);
  Task<void> wait(std::uint64_t seen);

  Task<bool> advance_live();
  Task<bool> release_held();
  Task<bool> advance_rebuild();
  Task<bool> remove_old();

  Task<void> apply_all(Transaction& transaction, Attempt& attempt,
                       const std::vector<RecordedEvent>& events);
  Task<void> advance_checkpoint(Transaction& transaction, ApplyAttempt& attempt, Checkpoint to);
  void moved_to(Checkpoint position, std::size_t events);
  void restart_at(std::size_t limit);
  Task<void> refuse(const RecordedEvent& event, std::string error);
  Task<void> hold(const RecordedEvent& event, std::string error);
  Task<void> pause(std::string reason, std::optional<Uuid> event);
  bool frozen() const;
  bool shows(const Checkpoint& position) const noexcept;
  Task<void> wait_for(Checkpoint position);
  Task<void> check_not_held(Checkpoint position);
  std::string behind(const Checkpoint& position) const;

  Database& database_;
  Projection& projection_;
  std::string name_;
  ProjectionSettings settings_;
  async::Runtime* runtime_ = nullptr;  // while it runs
  bool running_ = false;
  bool restarted_ = true;  // nothing was loaded since run() began
  bool loaded_ = false;    // false: what is below is to be read from the database
  Generation live_;
  bool leaving_ = false;  // old tables are to be removed
  std::optional<EventSubscription> events_;
  std::size_t limit_ = 0;  // events of the next page: fewer than a batch to stop before a bad one
  std::optional<ProjectionApplier> applier_;
  HeldKeys held_;
  std::unique_ptr<ProjectionRebuild> rebuild_;
  std::array<Duty, 4> duties_{{{&ProjectionRunner::advance_live},
                               {&ProjectionRunner::release_held},
                               {&ProjectionRunner::advance_rebuild},
                               {&ProjectionRunner::remove_old}}};
  std::string ended_with_;  // what run() threw
  std::uint64_t applied_ = 0;
  PositionWaits waits_;
};

}  // namespace sinew::store
