#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/async/channel.hpp"
#include "sinew/store/database.hpp"
#include "sinew/store/event_log.hpp"
#include "sinew/store/event_subscription.hpp"
#include "sinew/store/position_waits.hpp"

namespace sinew::store {

// A read model made of the events of a log. apply() writes the view's tables in the transaction
// that also moves the projection's checkpoint, so each event counts once, whatever crashes.
class Projection {
 public:
  // The checkpoint's name: never changed, unique in the database; 1 to 200 bytes.
  virtual std::string_view name() const noexcept = 0;

  // Takes one event into the view; ignores types that it does not know. It may run again for the
  // same event after a rollback. What it throws stops the projection before that event.
  virtual Task<void> apply(Transaction& transaction, const RecordedEvent& event) = 0;

 protected:
  ~Projection() = default;
};

enum class ProjectionState : std::uint8_t {
  running,   // catching up, or waiting for the next commit
  retrying,  // the database cannot do it now; trying again by itself
  paused,    // an event cannot be applied; waits for resume()
  stopped,   // run() has ended
};

// For health reports and operators.
struct ProjectionStatus {
  ProjectionState state = ProjectionState::stopped;
  Checkpoint position;        // of the last event in the view
  std::string error;          // why it retries or is paused; names the event
  std::uint64_t applied = 0;  // events since this runner was made
};

// Drives one projection: an EventSubscription from its checkpoint, whose pages are applied in one
// transaction each. Lives on the database's worker; database and projection outlive it.
class ProjectionRunner {
 public:
  static constexpr std::size_t default_batch = 256;

  // `batch` in events, 1 to EventLog::max_read.
  ProjectionRunner(Database& database, Projection& projection, std::size_t batch = default_batch)
      : database_(database), projection_(projection), batch_(batch) {}
  ProjectionRunner(const ProjectionRunner&) = delete;
  ProjectionRunner& operator=(const ProjectionRunner&) = delete;

  // Runs until it is cancelled. An event that cannot be applied is never skipped: those before it
  // are committed, then the projection pauses. Errors: conflict when the checkpoint was moved by
  // another runner of the same name; cancelled.
  Task<void> run();

  // Lets a paused projection try its event again.
  void resume() noexcept { resumed_.set(); }

  // Returns once the view holds every event up to and including `position`, which an append gave:
  // what is read afterwards has them. Waits up to `patience` for it. Errors: timeout (says how far
  // the view is), unavailable (it is paused or not running, at once: waiting would not help),
  // invalid_input (no place in this log, or beyond its end), exhausted (PositionWaits::capacity
  // wait already), cancelled, those of Database::read. On the database's worker; the runner
  // outlives it.
  Task<void> reached(Checkpoint position, Duration patience);

  std::string_view name() const noexcept { return projection_.name(); }
  const ProjectionStatus& status() const noexcept { return status_; }

 private:
  enum class Outcome : std::uint8_t { applied, transient, refused };
  struct Attempt;

  Task<void> follow();
  Task<Outcome> step();
  Task<std::vector<RecordedEvent>> next_page();
  Task<Checkpoint> load();
  Task<void> apply_all(Transaction& transaction, Attempt& attempt);
  Task<Outcome> apply(const std::vector<RecordedEvent>& events);
  Task<void> pause();
  Task<void> back_off();
  bool shows(const Checkpoint& position) const noexcept;
  Task<void> wait_for(Checkpoint position);
  void move_to(const Checkpoint& position) noexcept;
  std::string behind(const Checkpoint& position) const;

  Database& database_;
  Projection& projection_;
  std::size_t batch_;
  std::optional<EventSubscription> events_;  // none: to be opened at the stored checkpoint
  std::size_t limit_ = 0;  // events of the next page: fewer than batch_ to stop before a bad one
  std::uint32_t failures_ = 0;  // transient ones in a row
  ProjectionStatus status_;
  async::Event resumed_;
  PositionWaits waits_;
};

}  // namespace sinew::store
