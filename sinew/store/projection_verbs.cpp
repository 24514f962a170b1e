#include "sinew/store/projection_verbs.hpp"

#include <fmt/format.h>

#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/store/event_log.hpp"

namespace sinew::store {
namespace {

Task<ProjectionRecord> find(Transaction& tx, std::string name) {
  ProjectionRecord record = co_await ProjectionRecord::load(tx, name);
  if (record.live) co_return record;
  throw Error(Condition::not_found, fmt::format("there is no projection {}", name));
}

Task<bool> is_rebuildable(Transaction& tx, std::string name) {
  const Rows rows =
      co_await tx.execute("SELECT 1 FROM projection_tables WHERE projection = ? LIMIT 1", {name});
  co_return !rows.empty();
}

// Clears the pause of a generation; false when there was none.
Task<bool> clear_pause(Transaction& tx, std::string name, const std::optional<Generation>& of) {
  if (!of || !of->paused()) co_return false;
  co_await set_pause(tx, name, of->number, "", std::nullopt);
  co_return true;
}

Task<void> release_key(Transaction& tx, std::string name, std::string key) {
  const Rows changed = co_await tx.execute(
      "UPDATE projection_held_keys SET released = 1 WHERE projection = ? AND held_key = ?",
      {name, key});
  if (changed.changed() == 1) co_return;
  throw Error(Condition::not_found,
              fmt::format("the projection {} holds no key \"{}\"", name, key));
}

Task<void> keep_skip(Transaction& tx, std::string name, SkippedEvent skip) {
  co_await tx.execute(
      "INSERT INTO projection_skips (projection, event_id, error, reason, actor, skipped_at) "
      "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      {name, skip.event, skip.error, skip.reason, skip.actor, skip.at});
}

bool stands_at(const std::optional<Generation>& generation, const Uuid& event) {
  return generation && generation->paused_event == event;
}

}  // namespace

Task<std::vector<std::string>> projection_names(Transaction& transaction) {
  const Rows rows = co_await transaction.execute(
      "SELECT projection FROM projection_generations WHERE state = ? ORDER BY projection",
      {static_cast<std::int64_t>(GenerationState::live)});
  std::vector<std::string> names;
  for (const Row row : rows)
    names.push_back(row.text(0));
  co_return names;
}

Task<ProjectionReport> report_projection(Transaction& transaction, EventLog& log,
                                         std::string name) {
  ProjectionRecord record = co_await find(transaction, name);
  ProjectionReport report;
  report.name = name;
  report.live = std::move(*record.live);
  report.building = std::move(record.building);
  report.rebuildable = co_await is_rebuildable(transaction, name);
  const Checkpoint head = co_await log.head(transaction);
  report.behind = log.events_between(report.live.position, head);
  if (report.building) {
    report.rebuild_behind = log.events_between(report.building->position, head);
  }
  const auto next = co_await log.read_all(transaction, report.live.position, 1);
  if (!next.empty()) report.since = next.front().recorded_at;
  const Rows held = co_await transaction.execute(
      "SELECT (SELECT COUNT(*) FROM projection_held_keys WHERE projection = ?), "
      "(SELECT COUNT(*) FROM projection_held_events WHERE projection = ?)",
      {name, name});
  report.held_keys = held[0].integer(0);
  report.held_events = held[0].integer(1);
  co_return report;
}

Task<ViewsAtWork> views_at_work(Transaction& transaction, EventLog& log) {
  ViewsAtWork all;
  for (const std::string& name : co_await projection_names(transaction)) {
    const ProjectionReport view = co_await report_projection(transaction, log, name);
    // A view of another version stays as it is until its rebuild takes its place.
    const bool frozen = view.building && view.building->version != view.live.version;
    const bool rebuilds = view.building && !view.building->paused();
    if (!frozen && !view.live.paused()) all.behind += view.behind;
    if (rebuilds) all.behind += view.rebuild_behind;
    if (view.live.paused() || (view.building && !rebuilds) || view.held_keys > 0) ++all.stalled;
  }
  co_return all;
}

Task<std::vector<HeldKey>> held_keys(Transaction& transaction, std::string name,
                                     std::size_t limit) {
  const Rows rows = co_await transaction.execute(
      "SELECT k.held_key, k.event_id, k.reason, k.held_at, k.released, (SELECT COUNT(*) FROM "
      "projection_held_events e WHERE e.projection = k.projection AND e.held_key = k.held_key) "
      "FROM projection_held_keys k WHERE k.projection = ? ORDER BY k.held_key LIMIT ?",
      {name, limit});
  std::vector<HeldKey> keys;
  for (const Row row : rows) {
    keys.push_back(
        {row.text(0), row.uuid(1), row.text(2), row.timestamp(3), row.boolean(4), row.integer(5)});
  }
  co_return keys;
}

Task<std::vector<SkippedEvent>> skipped_events(Transaction& transaction, std::string name,
                                               std::size_t limit) {
  const Rows rows = co_await transaction.execute(
      "SELECT event_id, error, reason, actor, skipped_at FROM projection_skips "
      "WHERE projection = ? ORDER BY skipped_at DESC, event_id LIMIT ?",
      {name, limit});
  std::vector<SkippedEvent> skips;
  for (const Row row : rows)
    skips.push_back({row.uuid(0), row.text(1), row.text(2), row.text(3), row.timestamp(4)});
  co_return skips;
}

Task<void> resume_projection(Transaction& transaction, std::string name,
                             std::optional<std::string> key) {
  const ProjectionRecord record = co_await find(transaction, name);
  if (key) {
    co_await release_key(transaction, name, *key);
    co_return;
  }
  const bool live = co_await clear_pause(transaction, name, record.live);
  const bool building = co_await clear_pause(transaction, name, record.building);
  if (live || building) co_return;
  throw Error(
      Condition::conflict,
      fmt::format("the projection {} is not paused; name a key to resume one that it holds", name));
}

Task<void> skip_event(Transaction& transaction, std::string name, SkippedEvent skip) {
  const ProjectionRecord record = co_await find(transaction, name);
  const Rows key = co_await transaction.execute(
      "SELECT held_key, reason FROM projection_held_keys WHERE projection = ? AND event_id = ?",
      {name, skip.event});
  bool found = !key.empty();
  if (found) {
    skip.error = key[0].text(1);
    co_await release_key(transaction, name, key[0].text(0));
  }
  for (const auto& generation : {record.live, record.building}) {
    if (!stands_at(generation, skip.event)) continue;
    found = true;
    skip.error = generation->pause_reason;
    co_await clear_pause(transaction, name, generation);
  }
  if (!found) {
    throw Error(Condition::conflict,
                fmt::format("the projection {} does not stand at the event {}: only one that "
                            "cannot be applied, and that nothing comes before, can be skipped",
                            name, to_string(skip.event)));
  }
  co_await keep_skip(transaction, name, std::move(skip));
}

Task<void> ask_for_rebuild(Transaction& transaction, std::string name) {
  const ProjectionRecord record = co_await find(transaction, name);
  if (!co_await is_rebuildable(transaction, name)) {
    throw Error(Condition::unsupported,
                fmt::format("the projection {} declares no tables, so it cannot be rebuilt", name));
  }
  if (record.building) {
    throw Error(Condition::conflict,
                fmt::format("a rebuild of the projection {} is under way: generation {}, {} events",
                            name, record.building->number, record.building->applied));
  }
  const Rows asked = co_await transaction.execute(
      "UPDATE projection_generations SET rebuild_asked = 1 WHERE projection = ? AND generation = ? "
      "AND rebuild_asked = 0",
      {name, record.live->number});
  if (asked.changed() == 1) co_return;
  throw Error(Condition::conflict,
              fmt::format("a rebuild of the projection {} was asked for already", name));
}

Task<void> cancel_rebuild(Transaction& transaction, std::string name) {
  const ProjectionRecord record = co_await find(transaction, name);
  if (record.building && record.building->version != record.live->version) {
    throw Error(Condition::conflict,
                fmt::format("the live view of the projection {} is of version {}, the rebuild of "
                            "version {}: without it the view would stay as it is for ever",
                            name, record.live->version, record.building->version));
  }
  if (!record.building && !record.live->rebuild_asked) {
    throw Error(Condition::conflict,
                fmt::format("no rebuild of the projection {} is under way", name));
  }
  co_await abandon_building(transaction, name);
  co_await transaction.execute(
      "UPDATE projection_generations SET rebuild_asked = 0 WHERE projection = ?", {name});
}

}  // namespace sinew::store
