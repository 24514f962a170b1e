#include "sinew/store/projection_rebuild.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "sinew/base/crash_point.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"

namespace sinew::store {

ProjectionRebuild::ProjectionRebuild(Database& database, Projection& projection,
                                     Generation generation, Instant now)
    : database_(database),
      name_(projection.name()),
      generation_(std::move(generation)),
      applier_(projection, generation_.number),
      applied_before_(generation_.applied),
      begun_(now) {
  restart_at(batch);
}

RebuildStatus ProjectionRebuild::status(Instant now) const {
  RebuildStatus status;
  status.generation = generation_.number;
  status.version = generation_.version;
  status.applied = generation_.applied;
  status.position = generation_.position;
  status.paused = generation_.paused();
  status.error = generation_.pause_reason;
  const double seconds = std::chrono::duration<double>(now - begun_).count();
  if (seconds > 0) {
    status.events_per_second = static_cast<double>(generation_.applied - applied_before_) / seconds;
  }
  return status;
}

void ProjectionRebuild::restart_at(std::size_t limit) {
  limit_ = limit;
  events_.emplace(database_, generation_.position, limit_);
}

Task<void> ProjectionRebuild::advance(Transaction& transaction, ApplyAttempt& attempt,
                                      const std::vector<RecordedEvent>& events,
                                      Generation& reached) {
  attempt = {};
  reached = generation_;
  for (std::size_t i = 0; i < events.size(); ++i) {
    attempt.refused = i;
    co_await applier_.apply(transaction, events[i]);
  }
  attempt.refused.reset();
  if (events.empty()) co_return;
  reached.position = events.back().position;
  reached.applied += static_cast<std::int64_t>(events.size());
  if (co_await advance_building(transaction, name_, generation_, reached.position, events.size())) {
    co_return;
  }
  attempt.overtaken = true;
  throw Error(Condition::conflict,
              fmt::format("the rebuild of the projection {} was moved by another runner or given "
                          "up by an operator",
                          name_));
}

// True: the view was at the end of the log and is the live one. Who appends meanwhile comes after.
Task<bool> ProjectionRebuild::finish(Transaction& transaction, ApplyAttempt& attempt,
                                     std::vector<RecordedEvent>& events, Generation& reached) {
  events = co_await database_.event_log().read_all(transaction, generation_.position, limit_);
  co_await advance(transaction, attempt, events, reached);
  if (events.size() == limit_) co_return false;
  const ProjectionRecord record = co_await ProjectionRecord::load(transaction, name_);
  attempt.overtaken = !record.building || record.building->number != generation_.number;
  if (attempt.overtaken) {
    throw Error(Condition::conflict,
                fmt::format("the rebuild of the projection {} was given up", name_));
  }
  co_await swap_generations(transaction, name_, generation_, reached.position);
  co_return true;
}

Task<ProjectionRebuild::Step> ProjectionRebuild::step() {
  if (generation_.paused()) co_return Step::idle;
  std::vector<RecordedEvent> events = co_await events_->next_ready();
  const bool near_end = events.size() < limit_;
  if (near_end) SINEW_CRASH_POINT("projection.before_swap");
  ApplyAttempt attempt;
  Generation reached;
  bool swapped = false;
  std::exception_ptr failure;
  try {
    co_await database_.transaction([&](Transaction& transaction) -> Task<void> {
      if (near_end) {
        swapped = co_await finish(transaction, attempt, events, reached);
      } else {
        co_await advance(transaction, attempt, events, reached);
      }
    });
    generation_ = reached;
    if (swapped) SINEW_CRASH_POINT("projection.after_swap");
    if (near_end || limit_ != batch) restart_at(batch);
    co_return swapped ? Step::swapped : Step::moved;
  } catch (...) {
    failure = std::current_exception();
  }
  switch (judge(failure, attempt)) {
    case ApplyFailure::foreign:
      if (attempt.overtaken) co_return Step::overtaken;
      std::rethrow_exception(failure);
    case ApplyFailure::transient: std::rethrow_exception(failure);
    case ApplyFailure::refused: break;
  }
  const RecordedEvent& event = events[*attempt.refused];
  if (*attempt.refused > 0) {
    restart_at(*attempt.refused);
    co_return Step::moved;
  }
  co_return co_await refuse(event, describe(event, describe(failure)));
}

Task<ProjectionRebuild::Step> ProjectionRebuild::refuse(const RecordedEvent& event,
                                                        std::string error) {
  const bool skipped = co_await database_.read(
      [&](Transaction& transaction) { return is_skipped(transaction, name_, event.id); });
  restart_at(batch);
  if (skipped) {
    applier_.leave_out(event.id);
    co_return Step::moved;
  }
  co_await database_.transaction([&](Transaction& transaction) {
    return set_pause(transaction, name_, generation_.number, error, event.id);
  });
  generation_.pause_reason = error;
  generation_.paused_event = event.id;
  log::error("rebuild of a projection paused: an event cannot be applied",
             {{"projection", name_}, {"error", error}});
  co_return Step::moved;
}

}  // namespace sinew::store
