#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sinew/store/checkpoint.hpp"

namespace sinew::store {

enum class ProjectionState : std::uint8_t {
  running,   // catching up, or waiting for the next commit
  retrying,  // the database cannot do it now; trying again by itself
  paused,    // an event cannot be applied; waits for an operator
  frozen,    // the view is of another version of the projection: read as it is until the rebuild
  stopped,   // run() has ended
};

struct RebuildStatus {
  std::int64_t generation = 0;
  std::int64_t version = 0;
  std::int64_t applied = 0;        // events, since it was begun
  Checkpoint position;             // of the last of them
  bool paused = false;             // an event cannot be applied; waits for an operator
  std::string error;               // why it is paused, or why it tries again
  double events_per_second = 0.0;  // since this runner took it up
};

// For health reports and operators.
struct ProjectionStatus {
  ProjectionState state = ProjectionState::stopped;
  Checkpoint position;          // of the last event in the view
  std::string error;            // why it retries or is paused; names the event
  std::uint64_t applied = 0;    // events since this runner was made
  std::int64_t version = 0;     // of the projection that made the view
  std::size_t held_keys = 0;    // whose events wait behind one that cannot be applied
  std::size_t held_events = 0;  // that wait so
  std::optional<RebuildStatus> rebuild = std::nullopt;
};

}  // namespace sinew::store
