#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sinew/base/id.hpp"
#include "sinew/base/time.hpp"
#include "sinew/store/projection_record.hpp"

namespace sinew::store {

// What an operator can see of a projection and do to it: rows of its database, so that a stopped
// system answers as well. After a verb's commit ProjectionRunner::wake() has a running one look.
//
// Errors of all: not_found (no such projection, key or event of it), conflict (its state refuses
// the verb; the detail says why), unsupported (it declares no tables).

struct HeldKey {
  std::string key;
  Uuid event;          // the first that waits: it could not be applied
  std::string reason;  // why; names the event
  Timestamp held_at{};
  bool released = false;  // resumed, and catching up
  std::int64_t events = 0;
};

struct SkippedEvent {
  Uuid event;
  std::string error;   // why it could not be applied
  std::string reason;  // why it may be missing
  std::string actor;
  Timestamp at{};
};

struct ProjectionReport {
  std::string name;
  Generation live;
  std::optional<Generation> building;
  bool rebuildable = false;
  std::int64_t behind = 0;          // events of the log that the live view has not seen
  std::optional<Timestamp> since;   // when the first of them was recorded
  std::int64_t rebuild_behind = 0;  // events that a rebuild has yet to apply
  std::int64_t held_keys = 0;
  std::int64_t held_events = 0;
};

Task<std::vector<std::string>> projection_names(Transaction& transaction);
Task<ProjectionReport> report_projection(Transaction& transaction, EventLog& log, std::string name);

// What the views of a database have to do.
struct ViewsAtWork {
  std::int64_t behind = 0;   // events that they take by themselves
  std::int64_t stalled = 0;  // views that wait for an operator, whole or with some of their keys
};
Task<ViewsAtWork> views_at_work(Transaction& transaction, EventLog& log);

// The first ones by key, and the latest; 1 to 1000 each.
Task<std::vector<HeldKey>> held_keys(Transaction& transaction, std::string name, std::size_t limit);
Task<std::vector<SkippedEvent>> skipped_events(Transaction& transaction, std::string name,
                                               std::size_t limit);

// Has what paused, the view, its rebuild or both, try its event again; with `key` the events that
// are held of it, in their order.
Task<void> resume_projection(Transaction& transaction, std::string name,
                             std::optional<std::string> key);

// Lets the event that paused the view, its rebuild or a key be missing from every generation that
// cannot apply it, and resumes. `skip.error` is filled in.
Task<void> skip_event(Transaction& transaction, std::string name, SkippedEvent skip);

// Has the view made anew, beside the live one.
Task<void> ask_for_rebuild(Transaction& transaction, std::string name);

// Gives up the rebuild that is under way or asked for; the live view stays as it is.
Task<void> cancel_rebuild(Transaction& transaction, std::string name);

}  // namespace sinew::store
