#include "sinew/store/projection_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/store/checkpoint_table.hpp"

namespace sinew::store {
namespace {

constexpr auto live = static_cast<std::int64_t>(GenerationState::live);
constexpr auto building = static_cast<std::int64_t>(GenerationState::building);
constexpr auto leaving = static_cast<std::int64_t>(GenerationState::leaving);

Generation read_generation(const Row& row) {
  Generation generation;
  generation.number = row.integer(0);
  generation.version = row.integer(1);
  generation.state = static_cast<GenerationState>(row.integer(2));
  generation.position = Checkpoint::from_bytes(row.blob(3));
  generation.applied = row.integer(4);
  generation.started_at = row.timestamp(5);
  generation.rebuild_asked = row.boolean(6);
  generation.pause_reason = row.text(7);
  if (!row.is_null(8)) generation.paused_event = row.uuid(8);
  return generation;
}

Task<void> insert(Transaction& tx, std::string projection, Generation generation,
                  std::span<const ViewTable> tables) {
  co_await tx.execute(
      "INSERT INTO projection_generations (projection, generation, version, state, position, "
      "applied, started_at, rebuild_asked, pause_reason, paused_event) "
      "VALUES (?, ?, ?, ?, ?, 0, ?, 0, '', NULL)",
      {projection, generation.number, generation.version,
       static_cast<std::int64_t>(generation.state), Parameter::bytes(generation.position.bytes()),
       generation.started_at});
  for (const ViewTable& table : tables) {
    const std::string physical = generation.state == GenerationState::live
                                     ? std::string(table.name)
                                     : shadow_name(table.name, generation.number);
    co_await tx.execute(
        "INSERT INTO projection_tables (projection, generation, name, physical, row_key) "
        "VALUES (?, ?, ?, ?, ?)",
        {projection, generation.number, table.name, physical, table.key});
  }
}

// A view that has a checkpoint but no row was made before generations were counted: by the first
// version of its projection.
Task<Generation> adopt(Transaction& tx, const Database& database, const Projection& projection,
                       Timestamp now) {
  const std::string name(projection.name());
  Generation generation;
  const Checkpoint position = co_await CheckpointTable::load(tx, name);
  generation.version = position.at_start() ? projection.version() : 1;
  generation.started_at = now;
  co_await create_tables(tx, database, projection.tables(), std::nullopt);
  co_await insert(tx, name, generation, projection.tables());
  co_return generation;
}

Task<void> begin_building(Transaction& tx, const Database& database, const Projection& projection,
                          Timestamp now) {
  const std::string name(projection.name());
  const Rows highest = co_await tx.execute(
      "SELECT MAX(generation) FROM projection_generations WHERE projection = ?", {name});
  Generation generation;
  generation.number = highest[0].integer(0) + 1;
  generation.version = projection.version();
  generation.state = GenerationState::building;
  generation.started_at = now;
  co_await create_tables(tx, database, projection.tables(), generation.number);
  co_await insert(tx, name, generation, projection.tables());
  co_await tx.execute(
      "UPDATE projection_generations SET rebuild_asked = 0 WHERE projection = ? AND state = ?",
      {name, live});
}

void check_rebuildable(const Projection& projection, const Generation& generation) {
  if (!projection.tables().empty()) return;
  throw Error(Condition::invalid_input,
              fmt::format("the view {} is of version {} and its projection of version {}: without "
                          "tables() it cannot be rebuilt",
                          projection.name(), generation.version, projection.version()));
}

// The tables of `generation` get the names that `physical` gives to (name, generation).
Task<void> rename_tables(Transaction& tx, std::string projection, std::int64_t generation,
                         std::string (*physical)(std::string_view, std::int64_t)) {
  const Rows tables = co_await tx.execute(
      "SELECT name, physical FROM projection_tables WHERE projection = ? AND generation = ? "
      "ORDER BY name",
      {projection, generation});
  for (const Row table : tables) {
    const std::string to = physical(table.text(0), generation);
    const std::string sql = fmt::format("ALTER TABLE {} RENAME TO {}", table.text(1), to);
    co_await tx.execute(Statement::dynamic(sql));
    co_await tx.execute(
        "UPDATE projection_tables SET physical = ? WHERE projection = ? AND generation = ? AND "
        "name = ?",
        {to, projection, generation, table.text(0)});
  }
}

std::string own_name(std::string_view table, std::int64_t) { return std::string(table); }

struct Leftover {
  std::int64_t generation;
  std::string name;
  std::string physical;
  std::string key;
};

Task<std::optional<Leftover>> find_leftover(Transaction& tx, std::string projection) {
  const Rows rows = co_await tx.execute(
      "SELECT t.generation, t.name, t.physical, t.row_key FROM projection_tables t JOIN "
      "projection_generations g ON g.projection = t.projection AND g.generation = t.generation "
      "WHERE t.projection = ? AND g.state = ? ORDER BY t.generation, t.name LIMIT 1",
      {projection, leaving});
  if (rows.empty()) co_return std::nullopt;
  co_return Leftover{rows[0].integer(0), rows[0].text(1), rows[0].text(2), rows[0].text(3)};
}

Task<void> forget_generations(Transaction& tx, std::string projection) {
  co_await tx.execute("DELETE FROM projection_generations WHERE projection = ? AND state = ?",
                      {projection, leaving});
}

// A table is emptied bit by bit, since dropping a full one frees, and overwrites, all its pages in
// one transaction.
Task<void> remove_from(Transaction& tx, std::string projection, const Leftover& leftover,
                       std::size_t rows) {
  const std::string deletion =
      fmt::format("DELETE FROM {0} WHERE ({1}) IN (SELECT {1} FROM {0} LIMIT ?)", leftover.physical,
                  leftover.key);
  const Rows removed = co_await tx.execute(Statement::dynamic(deletion), {rows});
  if (removed.changed() == static_cast<std::int64_t>(rows)) co_return;
  const std::string drop = fmt::format("DROP TABLE {}", leftover.physical);
  co_await tx.execute(Statement::dynamic(drop));
  co_await tx.execute(
      "DELETE FROM projection_tables WHERE projection = ? AND generation = ? AND name = ?",
      {projection, leftover.generation, leftover.name});
}

}  // namespace

Task<ProjectionRecord> ProjectionRecord::load(Transaction& transaction, std::string projection) {
  const Rows rows = co_await transaction.execute(
      "SELECT generation, version, state, position, applied, started_at, rebuild_asked, "
      "pause_reason, paused_event FROM projection_generations WHERE projection = ? "
      "ORDER BY generation",
      {projection});
  ProjectionRecord record;
  for (const Row row : rows) {
    Generation generation = read_generation(row);
    switch (generation.state) {
      case GenerationState::live: record.live = std::move(generation); break;
      case GenerationState::building: record.building = std::move(generation); break;
      case GenerationState::leaving: record.leaving = true; break;
    }
  }
  if (record.live) record.live->position = co_await CheckpointTable::load(transaction, projection);
  co_return record;
}

bool is_settled(const ProjectionRecord& record, const Projection& projection, bool restarted) {
  if (!record.live) return false;
  if (restarted && record.live->paused()) return false;
  if (!record.building) {
    return record.live->version == projection.version() && !record.live->rebuild_asked;
  }
  return record.building->version == projection.version() &&
         !(restarted && record.building->paused());
}

Task<void> settle(Transaction& transaction, const Database& database, const Projection& projection,
                  Timestamp now, bool restarted) {
  const std::string name(projection.name());
  ProjectionRecord record = co_await ProjectionRecord::load(transaction, name);
  if (!record.live) record.live = co_await adopt(transaction, database, projection, now);
  if (restarted) {
    co_await transaction.execute(
        "UPDATE projection_generations SET pause_reason = '', paused_event = NULL "
        "WHERE projection = ?",
        {name});
  }
  if (record.building && record.building->version != projection.version()) {
    co_await abandon_building(transaction, name);
    record.building.reset();
  }
  if (record.building) co_return;
  if (record.live->version == projection.version() && !record.live->rebuild_asked) co_return;
  check_rebuildable(projection, *record.live);
  co_await begin_building(transaction, database, projection, now);
}

Task<bool> advance_building(Transaction& transaction, std::string projection,
                            const Generation& from, Checkpoint to, std::size_t events) {
  const Rows moved = co_await transaction.execute(
      "UPDATE projection_generations SET position = ?, applied = applied + ? "
      "WHERE projection = ? AND generation = ? AND state = ? AND position = ?",
      {Parameter::bytes(to.bytes()), events, projection, from.number, building,
       Parameter::bytes(from.position.bytes())});
  co_return moved.changed() == 1;
}

Task<void> swap_generations(Transaction& transaction, std::string projection,
                            const Generation& next, Checkpoint end) {
  const ProjectionRecord record = co_await ProjectionRecord::load(transaction, projection);
  const Generation& old = record.live.value();
  co_await rename_tables(transaction, projection, old.number, shadow_name);
  co_await rename_tables(transaction, projection, next.number, own_name);
  co_await transaction.execute(
      "UPDATE projection_generations SET state = ? WHERE projection = ? AND generation = ?",
      {leaving, projection, old.number});
  co_await transaction.execute(
      "UPDATE projection_generations SET state = ?, pause_reason = '', paused_event = NULL "
      "WHERE projection = ? AND generation = ?",
      {live, projection, next.number});
  co_await transaction.execute("DELETE FROM projection_held_events WHERE projection = ?",
                               {projection});
  co_await transaction.execute("DELETE FROM projection_held_keys WHERE projection = ?",
                               {projection});
  if (old.position == end) co_return;
  const Advance advance =
      co_await CheckpointTable::advance(transaction, projection, old.position, end);
  if (advance == Advance::stored) co_return;
  throw Error(Condition::conflict,
              fmt::format("the checkpoint of the projection {} was moved by another runner: run "
                          "one at a time",
                          projection));
}

Task<void> set_pause(Transaction& transaction, std::string projection, std::int64_t generation,
                     std::string reason, std::optional<Uuid> event) {
  co_await transaction.execute(
      "UPDATE projection_generations SET pause_reason = ?, paused_event = ? "
      "WHERE projection = ? AND generation = ?",
      {reason, event, projection, generation});
}

Task<void> abandon_building(Transaction& transaction, std::string projection) {
  co_await transaction.execute(
      "UPDATE projection_generations SET state = ? WHERE projection = ? AND state = ?",
      {leaving, projection, building});
}

Task<bool> remove_some(Database& database, std::string projection, std::size_t rows) {
  bool any = false;
  co_await database.transaction([&](Transaction& tx) -> Task<void> {
    const auto leftover = co_await find_leftover(tx, projection);
    any = leftover.has_value();
    if (any) {
      co_await remove_from(tx, projection, *leftover, rows);
    } else {
      co_await forget_generations(tx, projection);
    }
  });
  co_return any;
}

Task<bool> is_skipped(Transaction& transaction, std::string projection, Uuid event) {
  const Rows rows = co_await transaction.execute(
      "SELECT 1 FROM projection_skips WHERE projection = ? AND event_id = ?", {projection, event});
  co_return !rows.empty();
}

}  // namespace sinew::store
