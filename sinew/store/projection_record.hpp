#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sinew/base/id.hpp"
#include "sinew/base/time.hpp"
#include "sinew/store/database.hpp"
#include "sinew/store/projection.hpp"

namespace sinew::store {

enum class GenerationState : std::uint8_t {
  live,      // what queries read
  building,  // a rebuild is under way; at most one of a projection
  leaving,   // replaced or given up: its tables are to be removed
};

// One making of a view, a durable row.
struct Generation {
  std::int64_t number = 1;
  std::int64_t version = 1;  // of the projection that makes it
  GenerationState state = GenerationState::live;
  Checkpoint position;       // of the last event in it
  std::int64_t applied = 0;  // events in it while it was building
  Timestamp started_at{};
  bool rebuild_asked = false;             // of the live one: by an operator, not yet begun
  std::string pause_reason;               // empty: it goes on
  std::optional<Uuid> paused_event = {};  // that cannot be applied; pauses have other reasons too

  bool paused() const noexcept { return !pause_reason.empty(); }
};

// What the database knows of one projection.
struct ProjectionRecord {
  std::optional<Generation> live;  // none: never run
  std::optional<Generation> building;
  bool leaving = false;  // tables are to be removed

  static Task<ProjectionRecord> load(Transaction& transaction, std::string projection);
};

// Whether settle() would change anything. `restarted`: its runner has only begun, so that what
// paused is tried again.
bool is_settled(const ProjectionRecord& record, const Projection& projection, bool restarted);

// Brings the rows, and the tables, to where the projection's code wants them: the live tables
// exist; a rebuild is under way when the live ones are of another version or an operator asked for
// it; one of another version is given up. Error invalid_input: another version, but no tables.
Task<void> settle(Transaction& transaction, const Database& database, const Projection& projection,
                  Timestamp now, bool restarted);

// Moves the generation that is building, by compare-and-set. False: it stands elsewhere.
Task<bool> advance_building(Transaction& transaction, std::string projection,
                            const Generation& from, Checkpoint to, std::size_t events);

// Makes the generation that is building, which stands at `end`, the live one: tables change places,
// the old ones are left aside. Error conflict when another runner moved the live one backwards.
Task<void> swap_generations(Transaction& transaction, std::string projection,
                            const Generation& building, Checkpoint end);

Task<void> set_pause(Transaction& transaction, std::string projection, std::int64_t generation,
                     std::string reason, std::optional<Uuid> event);

// Gives up the generation that is building.
Task<void> abandon_building(Transaction& transaction, std::string projection);

// Removes up to `rows` rows, or an empty table, of generations that are leaving. False: there was
// nothing left to remove.
Task<bool> remove_some(Database& database, std::string projection, std::size_t rows);

// Whether an operator said that the event may be missing.
Task<bool> is_skipped(Transaction& transaction, std::string projection, Uuid event);

}  // namespace sinew::store
