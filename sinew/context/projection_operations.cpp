#include "sinew/context/projection_operations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "sinew/base/described.hpp"
#include "sinew/base/error.hpp"
#include "sinew/messaging/audit.hpp"
#include "sinew/store/projection_verbs.hpp"

namespace sinew::context {

using store::ProjectionReport;
using store::ProjectionRunner;
using store::ProjectionState;
using store::Transaction;

namespace {

struct ProjectionArguments {
  std::string projection;
  std::optional<std::string> key;
  std::optional<Uuid> event;
  std::string reason;
  bool cancel = false;
  std::int64_t limit = 20;
};
BOOST_DESCRIBE_STRUCT(ProjectionArguments, (), (projection, key, event, reason, cancel, limit))
constexpr auto constraints(const ProjectionArguments*) {
  return sinew::constraints(field(&ProjectionArguments::projection, length(0, 200), defaulted()),
                            field(&ProjectionArguments::key, length(1, 1024)),
                            field(&ProjectionArguments::reason, length(0, 500), defaulted()),
                            field(&ProjectionArguments::cancel, defaulted()),
                            field(&ProjectionArguments::limit, between(1, 1000), defaulted()));
}

const ProjectionRunner* find(ProjectionRunners runners, std::string_view name) {
  const auto found = std::ranges::find(runners, name, [](const auto& one) { return one->name(); });
  return found == runners.end() ? nullptr : found->get();
}

std::string_view name_of(ProjectionState state) {
  switch (state) {
    case ProjectionState::running: return "running";
    case ProjectionState::retrying: return "retrying";
    case ProjectionState::paused: return "paused";
    case ProjectionState::frozen: return "frozen";
    case ProjectionState::stopped: return "stopped";
  }
  return "";
}

// Of a running one what it says itself; of one in a stopped folder what its rows say.
std::string_view state_of(const ProjectionReport& report, const ProjectionRunner* runner) {
  if (runner != nullptr) return name_of(runner->status().state);
  return report.live.paused() ? "paused" : "stopped";
}

std::int64_t seconds_behind(const ProjectionReport& report, Timestamp now) {
  if (!report.since) return 0;
  const auto behind = std::chrono::duration_cast<std::chrono::seconds>(now - *report.since);
  return std::max<std::int64_t>(behind.count(), 0);
}

Json rebuild_of(const ProjectionReport& report, const ProjectionRunner* runner) {
  if (!report.building) return {};
  const store::Generation& building = *report.building;
  JsonObject object;
  object.set("generation", building.number);
  object.set("version", building.version);
  object.set("started_at", to_rfc3339(building.started_at));
  object.set("events", building.applied);
  object.set("left", report.rebuild_behind);
  object.set("state", std::string(building.paused() ? "paused" : "building"));
  object.set("error", building.pause_reason);
  if (building.paused_event) object.set("event", to_string(*building.paused_event));
  if (runner == nullptr) return Json(std::move(object));
  const auto status = runner->status();
  if (status.rebuild) {
    object.set("events_per_second", static_cast<std::int64_t>(status.rebuild->events_per_second));
    if (!building.paused()) object.set("error", status.rebuild->error);
  }
  return Json(std::move(object));
}

Json summary_of(const ProjectionReport& report, const ProjectionRunner* runner, Timestamp now) {
  JsonObject object;
  object.set("projection", report.name);
  object.set("state", std::string(state_of(report, runner)));
  object.set("version", report.live.version);
  object.set("generation", report.live.number);
  object.set("rebuildable", report.rebuildable);
  object.set("behind", report.behind);
  object.set("seconds", seconds_behind(report, now));
  object.set("held_keys", report.held_keys);
  object.set("held_events", report.held_events);
  object.set("error", runner != nullptr ? runner->status().error : report.live.pause_reason);
  if (report.live.paused_event) object.set("event", to_string(*report.live.paused_event));
  object.set("rebuild_asked", report.live.rebuild_asked);
  object.set("rebuild", rebuild_of(report, runner));
  return Json(std::move(object));
}

Json held_of(const store::HeldKey& held) {
  JsonObject object;
  object.set("key", held.key);
  object.set("events", held.events);
  object.set("event", to_string(held.event));
  object.set("state", std::string(held.released ? "catching up" : "held"));
  object.set("held_at", to_rfc3339(held.held_at));
  object.set("reason", held.reason);
  return Json(std::move(object));
}

Json skipped_of(const store::SkippedEvent& skipped) {
  JsonObject object;
  object.set("event", to_string(skipped.event));
  object.set("at", to_rfc3339(skipped.at));
  object.set("actor", skipped.actor);
  object.set("reason", skipped.reason);
  object.set("error", skipped.error);
  return Json(std::move(object));
}

Task<Json> list(Call call, ProjectionRunners runners) {
  std::vector<ProjectionReport> reports;
  co_await call.database.read([&](Transaction& tx) -> Task<void> {
    reports.clear();
    for (const std::string& name : co_await store::projection_names(tx))
      reports.push_back(co_await store::report_projection(tx, call.database.event_log(), name));
  });
  JsonArray rows;
  for (const auto& report : reports)
    rows.push_back(summary_of(report, find(runners, report.name), call.runtime.wall_now()));
  co_return Json(JsonObject{{"projections", std::move(rows)}});
}

Task<JsonObject> summary(Call call, std::string name, ProjectionRunners runners) {
  const auto report = co_await call.database.read([&](Transaction& tx) {
    return store::report_projection(tx, call.database.event_log(), name);
  });
  JsonObject answer;
  answer.set("projection", summary_of(report, find(runners, name), call.runtime.wall_now()));
  co_return answer;
}

Task<Json> show(Call call, ProjectionArguments arguments, ProjectionRunners runners) {
  JsonObject answer = co_await summary(call, arguments.projection, runners);
  std::vector<store::HeldKey> keys;
  std::vector<store::SkippedEvent> skips;
  const auto limit = static_cast<std::size_t>(arguments.limit);
  co_await call.database.read([&](Transaction& tx) -> Task<void> {
    keys = co_await store::held_keys(tx, arguments.projection, limit);
    skips = co_await store::skipped_events(tx, arguments.projection, limit);
  });
  JsonArray held;
  for (const auto& key : keys)
    held.push_back(held_of(key));
  JsonArray skipped;
  for (const auto& skip : skips)
    skipped.push_back(skipped_of(skip));
  answer.set("held", std::move(held));
  answer.set("skipped", std::move(skipped));
  co_return Json(std::move(answer));
}

Task<void> perform(Transaction& tx, std::string what, ProjectionArguments arguments,
                   messaging::AuditEntry entry) {
  const std::string& name = arguments.projection;
  if (what == "resume") {
    co_await store::resume_projection(tx, name, arguments.key);
    if (arguments.key) entry.target += "/" + *arguments.key;
  } else if (what == "skip") {
    co_await store::skip_event(tx, name,
                               {*arguments.event, "", arguments.reason, entry.actor, entry.at});
    entry.target += "/" + to_string(*arguments.event);
  } else if (arguments.cancel) {
    co_await store::cancel_rebuild(tx, name);
    entry.verb += " --cancel";
  } else {
    co_await store::ask_for_rebuild(tx, name);
  }
  co_await messaging::audit(tx, std::move(entry));
}

Task<Json> change(Call call, std::string what, ProjectionArguments arguments,
                  ProjectionRunners runners) {
  if (what == "skip" && (!arguments.event || arguments.reason.empty())) {
    throw Error(Condition::invalid_input,
                "event, reason: a skip names the event and says why it may be missing");
  }
  const messaging::AuditEntry entry{
      call.runtime.new_id(), call.runtime.wall_now(), call.actor,
      "projection." + what,  arguments.projection,    arguments.reason};
  co_await call.database.transaction(
      [&](Transaction& tx) { return perform(tx, what, arguments, entry); });
  for (const auto& runner : runners) {
    if (runner->name() == arguments.projection) runner->wake();
  }
  co_return Json(co_await summary(call, arguments.projection, runners));
}

}  // namespace

Task<Json> operate_on_projections(Call call, std::string what, ProjectionRunners runners) {
  auto arguments = from_json<ProjectionArguments>(call.arguments, ReadMode::strict);
  if (what == "list") co_return co_await list(std::move(call), runners);
  if (what == "show") co_return co_await show(std::move(call), std::move(arguments), runners);
  if (what == "resume" || what == "skip" || what == "rebuild") {
    co_return co_await change(std::move(call), what, std::move(arguments), runners);
  }
  throw Error(Condition::not_found, fmt::format("there is no operation projection.{}", what));
}

std::vector<std::string> problems_of(const ProjectionRunner& runner) {
  const store::ProjectionStatus status = runner.status();
  std::vector<std::string> problems;
  const auto add = [&](const std::string& problem) {
    problems.push_back(fmt::format("projection {}: {}", runner.name(), problem));
  };
  if (!status.error.empty()) {
    add(fmt::format("{}: {}", name_of(status.state), status.error));
  }
  if (status.state == ProjectionState::frozen) {
    add(fmt::format("frozen: the view is of version {} until its rebuild is done", status.version));
  }
  if (status.held_keys > 0) {
    add(fmt::format("{} keys are held, {} events wait", status.held_keys, status.held_events));
  }
  if (status.rebuild && !status.rebuild->error.empty()) {
    add(fmt::format("rebuild {}: {}", status.rebuild->paused ? "paused" : "retrying",
                    status.rebuild->error));
  }
  return problems;
}

Task<void> measure_projections(std::string context, async::Runtime& runtime,
                               store::Database& database, ProjectionRunners runners,
                               metrics::Registry& metrics) {
  auto& events = metrics.gauges("sinew_projection_events",
                                "Events that a view has not seen, that wait in held keys, and of a "
                                "rebuild those applied and left.",
                                {"context", "projection", "state"});
  auto& seconds =
      metrics.gauges("sinew_projection_lag_seconds",
                     "Age of the first event that a view has not seen.", {"context", "projection"});
  auto& keys =
      metrics.gauges("sinew_projection_held_keys", "Keys of a view that wait for an operator.",
                     {"context", "projection"});
  auto& states = metrics.gauges("sinew_projection_state", "1 for the state that a view is in.",
                                {"context", "projection", "state"});
  for (const auto& runner : runners) {
    const std::string name(runner->name());
    const auto report = co_await database.read(
        [&](Transaction& tx) { return store::report_projection(tx, database.event_log(), name); });
    events.with({context, name, "behind"}).set(static_cast<double>(report.behind));
    events.with({context, name, "held"}).set(static_cast<double>(report.held_events));
    const auto applied = report.building ? report.building->applied : 0;
    events.with({context, name, "rebuilt"}).set(static_cast<double>(applied));
    events.with({context, name, "rebuild_left"}).set(static_cast<double>(report.rebuild_behind));
    const auto age = seconds_behind(report, runtime.wall_now());
    seconds.with({context, name}).set(static_cast<double>(age));
    keys.with({context, name}).set(static_cast<double>(report.held_keys));
    const ProjectionState now = runner->status().state;
    for (const auto state :
         {ProjectionState::running, ProjectionState::retrying, ProjectionState::paused,
          ProjectionState::frozen, ProjectionState::stopped}) {
      states.with({context, name, std::string(name_of(state))}).set(state == now ? 1 : 0);
    }
  }
}

}  // namespace sinew::context
