#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "sinew/base/instant.hpp"
#include "sinew/store/database.hpp"
#include "sinew/store/event_subscription.hpp"
#include "sinew/store/projection_applier.hpp"
#include "sinew/store/projection_record.hpp"
#include "sinew/store/projection_status.hpp"

namespace sinew::store {

// Makes a new generation of a view beside the live one: batch by batch from the first event, then,
// in one transaction, the last events and the swap. A part of ProjectionRunner, which takes its
// steps between those of the live view.
class ProjectionRebuild {
 public:
  // Small, so that a batch, which holds the worker, is over in a few milliseconds.
  static constexpr std::size_t batch = 64;

  enum class Step : std::uint8_t {
    idle,      // it is paused
    moved,     // a batch was applied, or the next will be shorter
    swapped,   // it is the live one now
    overtaken  // an operator gave it up: load the record again
  };

  // Goes on with `generation`, a row of state building.
  ProjectionRebuild(Database& database, Projection& projection, Generation generation, Instant now);

  // Errors: those of the database, after which it is made anew; conflict when another runner moved
  // this generation; cancelled.
  Task<Step> step();

  const Generation& generation() const noexcept { return generation_; }
  RebuildStatus status(Instant now) const;

 private:
  Task<void> advance(Transaction& transaction, ApplyAttempt& attempt,
                     const std::vector<RecordedEvent>& events, Generation& reached);
  Task<bool> finish(Transaction& transaction, ApplyAttempt& attempt,
                    std::vector<RecordedEvent>& events, Generation& reached);
  Task<Step> refuse(const RecordedEvent& event, std::string error);
  void restart_at(std::size_t limit);

  Database& database_;
  std::string name_;
  Generation generation_;
  ProjectionApplier applier_;
  std::optional<EventSubscription> events_;
  std::size_t limit_ = batch;  // events of the next step: fewer to stop before a bad one
  std::int64_t applied_before_;
  Instant begun_;
};

}  // namespace sinew::store
