#include "sinew/store/projection_runner.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <exception>
#include <set>
#include <utility>

#include "sinew/async/runtime.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/id.hpp"
#include "sinew/base/log.hpp"
#include "sinew/store/checkpoint_table.hpp"

namespace sinew::store {
namespace {

constexpr Duration first_pause = std::chrono::milliseconds(50);
constexpr Duration longest_pause = std::chrono::seconds(5);
constexpr std::uint32_t most_doublings = 7;

constexpr int most_preparations = 10;

// Rows of old tables that one transaction removes; about a millisecond.
constexpr std::size_t removed_at_once = 500;

bool is_cancellation(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    return error.condition() == Condition::cancelled;
  } catch (...) {
    return false;
  }
}

}  // namespace

ProjectionRunner::ProjectionRunner(Database& database, Projection& projection,
                                   ProjectionSettings settings)
    : database_(database),
      projection_(projection),
      name_(projection.name()),
      settings_(settings),
      held_(database, name_, settings.max_held_keys, settings.max_held_events) {}

void validate(std::span<Projection* const> projections) {
  std::vector<std::string> problems;
  std::set<std::string_view> names;
  std::set<std::string_view> tables;
  for (const Projection* projection : projections) {
    const std::string_view name = projection->name();
    const auto complain = [&](std::string_view problem) {
      problems.push_back(
          fmt::format("the projection {}: {}", name.substr(0, max_id_length), problem));
    };
    if (name.empty() || name.size() > max_id_length) complain("its name has 1 to 200 bytes");
    if (!names.insert(name).second) complain("another one has this name");
    if (projection->version() < 1) complain("its version is from 1");
    for (const std::string& problem : problems_of(projection->tables()))
      complain(problem);
    for (const ViewTable& table : projection->tables()) {
      if (!tables.insert(table.name).second) {
        complain(fmt::format("the table {} is declared twice", table.name));
      }
    }
  }
  if (!problems.empty()) {
    throw Error(Condition::invalid_input, fmt::format("{}", fmt::join(problems, "; ")));
  }
}

Task<void> ProjectionRunner::prepare() {
  runtime_ = (co_await async::this_context()).runtime;
  // A commit whose answer was lost is found out about by looking again.
  for (int attempt = 1;; ++attempt) {
    try {
      co_return co_await load();
    } catch (const Error& error) {
      if (error.applied() != Applied::unknown || attempt == most_preparations) throw;
    }
  }
}

Task<void> ProjectionRunner::run() {
  runtime_ = (co_await async::this_context()).runtime;
  running_ = restarted_ = true;
  ended_with_.clear();
  loaded_ = false;
  std::exception_ptr failure;
  try {
    co_await follow();
  } catch (...) {
    failure = std::current_exception();
  }
  running_ = false;
  waits_.interrupt();
  if (!is_cancellation(failure)) ended_with_ = describe(failure);
  std::rethrow_exception(failure);
}

Task<void> ProjectionRunner::follow() {
  for (;;) {
    const std::uint64_t seen = database_.event_log().appended().count();
    bool moved = false;
    for (Duty& duty : duties_)
      moved |= co_await attend(duty);
    if (!moved) co_await wait(seen);
  }
}

// A transient failure postpones that duty alone. What its transaction did is unknown, so all is
// loaded again.
Task<bool> ProjectionRunner::attend(Duty& duty) {
  if (runtime_->now() < duty.until) co_return false;
  try {
    if (!loaded_) co_await load();
    const bool moved = co_await (this->*duty.work)();
    duty = {duty.work};
    co_return moved;
  } catch (const Error& error) {
    if (!error.transient()) throw;
    postpone(duty, error.detail());
  }
  co_return false;
}

void ProjectionRunner::postpone(Duty& duty, std::string error) {
  loaded_ = false;
  const Duration pause = first_pause * (1 << std::min(duty.failures++, most_doublings));
  duty.until = runtime_->now() + std::min(pause, longest_pause);
  duty.error = std::move(error);
  log::warn("projection waits for the database", {{"projection", name_}, {"error", duty.error}});
}

Task<void> ProjectionRunner::wait(std::uint64_t seen) {
  async::TaskContext context = co_await async::this_context();
  const Instant own_deadline = context.deadline;
  for (const Duty& duty : duties_) {
    if (duty.failures > 0) context.deadline = std::min(context.deadline, duty.until);
  }
  try {
    Task<void> commit = database_.event_log().appended().beyond(seen);
    co_await commit.under(context);
  } catch (const Error& error) {
    if (error.condition() != Condition::timeout || context.deadline == own_deadline) throw;
  }
}

void ProjectionRunner::wake() noexcept {
  loaded_ = false;
  for (Duty& duty : duties_)
    duty.until = {};
  database_.event_log().appended().committed();
}

Task<void> ProjectionRunner::load() {
  loaded_ = true;  // wake() may say otherwise meanwhile
  ProjectionRecord record;
  const auto read = [&](Transaction& transaction) -> Task<void> {
    record = co_await ProjectionRecord::load(transaction, name_);
    co_await held_.load(transaction);
  };
  co_await database_.read(read);
  if (!is_settled(record, projection_, restarted_)) {
    const Timestamp now = runtime_->wall_now();
    co_await database_.transaction([&](Transaction& transaction) -> Task<void> {
      co_await settle(transaction, database_, projection_, now, restarted_);
      co_await read(transaction);
    });
  }
  restarted_ = false;
  take_up(std::move(record));
}

void ProjectionRunner::take_up(ProjectionRecord record) {
  live_ = std::move(record.live).value();
  leaving_ = record.leaving;
  waits_.reached(live_.position);
  if (!applier_) applier_.emplace(projection_, std::nullopt);
  restart_at(settings_.batch);
  if (!record.building) {
    rebuild_.reset();
  } else {
    rebuild_ = std::make_unique<ProjectionRebuild>(database_, projection_,
                                                   std::move(*record.building), runtime_->now());
  }
}

void ProjectionRunner::restart_at(std::size_t limit) {
  limit_ = limit;
  events_.emplace(database_, live_.position, std::max<std::size_t>(limit, 1));
}

bool ProjectionRunner::frozen() const { return live_.version != projection_.version(); }

Task<bool> ProjectionRunner::advance_live() {
  if (live_.paused() || frozen()) co_return false;
  const std::vector<RecordedEvent> events = co_await events_->next_ready();
  if (events.empty()) co_return false;
  Attempt attempt;
  std::exception_ptr failure;
  try {
    co_await database_.transaction(
        [&](Transaction& transaction) { return apply_all(transaction, attempt, events); });
    held_.added_events(attempt.held);
    moved_to(events.back().position, events.size());
    co_return true;
  } catch (...) {
    failure = std::current_exception();
  }
  if (judge(failure, attempt) != ApplyFailure::refused) std::rethrow_exception(failure);
  if (*attempt.refused > 0) {
    restart_at(*attempt.refused);
  } else if (attempt.full) {
    co_await pause(describe(failure), std::nullopt);
  } else {
    co_await refuse(events.front(), describe(failure));
  }
  co_return true;
}

Task<void> ProjectionRunner::apply_all(Transaction& transaction, Attempt& attempt,
                                       const std::vector<RecordedEvent>& events) {
  attempt = {};
  const bool by_key = projection_.on_refusal() == OnRefusal::pause_key;
  for (std::size_t i = 0; i < events.size(); ++i) {
    attempt.refused = i;
    const std::string key = by_key ? projection_.key_of(events[i]) : "";
    if (!by_key || !held_.contains(key)) {
      co_await applier_->apply(transaction, events[i]);
      continue;
    }
    attempt.full = !held_.has_room(++attempt.held);
    if (attempt.full) {
      throw Error(Condition::invalid_input,
                  fmt::format("{} events wait behind those that cannot be applied, the limit: "
                              "mend or skip these and resume their keys",
                              settings_.max_held_events));
    }
    co_await held_.add_event(transaction, key, events[i]);
  }
  attempt.refused.reset();
  co_await advance_checkpoint(transaction, attempt, events.back().position);
}

Task<void> ProjectionRunner::advance_checkpoint(Transaction& transaction, ApplyAttempt& attempt,
                                                Checkpoint to) {
  attempt.overtaken =
      co_await CheckpointTable::advance(transaction, name_, live_.position, to) != Advance::stored;
  if (!attempt.overtaken) co_return;
  throw Error(Condition::conflict,
              fmt::format("the checkpoint of the projection {} was moved by another runner: run "
                          "one at a time",
                          name_));
}

void ProjectionRunner::moved_to(Checkpoint position, std::size_t events) {
  live_.position = position;
  applied_ += events;
  waits_.reached(position);
  if (limit_ != settings_.batch) restart_at(settings_.batch);
}

Task<void> ProjectionRunner::refuse(const RecordedEvent& event, std::string error) {
  const bool skipped = co_await database_.read(
      [&](Transaction& transaction) { return is_skipped(transaction, name_, event.id); });
  if (skipped) {
    applier_->leave_out(event.id);
    restart_at(settings_.batch);
  } else if (projection_.on_refusal() == OnRefusal::pause_key && held_.has_room_for_key()) {
    co_await hold(event, describe(event, error));
  } else {
    co_await pause(describe(event, error), event.id);
  }
}

Task<void> ProjectionRunner::hold(const RecordedEvent& event, std::string error) {
  const std::string key = projection_.key_of(event);
  const Timestamp now = runtime_->wall_now();
  ApplyAttempt attempt;
  co_await database_.transaction([&](Transaction& transaction) -> Task<void> {
    co_await held_.add_key(transaction, key, event, error, now);
    co_await advance_checkpoint(transaction, attempt, event.position);
  });
  held_.added_key(key);
  moved_to(event.position, 1);
  restart_at(settings_.batch);
  log::error("a key of a projection is held: an event cannot be applied",
             {{"projection", name_}, {"key", key}, {"error", error}});
}

Task<void> ProjectionRunner::pause(std::string reason, std::optional<Uuid> event) {
  co_await database_.transaction([&](Transaction& transaction) {
    return set_pause(transaction, name_, live_.number, reason, event);
  });
  live_.pause_reason = reason;
  live_.paused_event = event;
  waits_.interrupt();
  restart_at(settings_.batch);
  log::error("projection paused: an event cannot be applied",
             {{"projection", name_}, {"error", reason}});
}

Task<bool> ProjectionRunner::release_held() {
  if (frozen()) co_return false;
  co_return co_await held_.release_some(*applier_);
}

Task<bool> ProjectionRunner::advance_rebuild() {
  if (!rebuild_) co_return false;
  switch (co_await rebuild_->step()) {
    case ProjectionRebuild::Step::idle: co_return false;
    case ProjectionRebuild::Step::moved: break;
    case ProjectionRebuild::Step::swapped:
      log::info("projection rebuilt", {{"projection", name_},
                                       {"generation", rebuild_->generation().number},
                                       {"events", rebuild_->generation().applied}});
      applier_.reset();
      loaded_ = false;
      break;
    case ProjectionRebuild::Step::overtaken: loaded_ = false; break;
  }
  co_return true;
}

Task<bool> ProjectionRunner::remove_old() {
  if (!leaving_) co_return false;
  leaving_ = co_await remove_some(database_, name_, removed_at_once);
  co_return leaving_;
}

ProjectionStatus ProjectionRunner::status() const {
  ProjectionStatus status;
  status.position = live_.position;
  status.applied = applied_;
  status.version = live_.version;
  status.held_keys = held_.keys();
  status.held_events = held_.events();
  status.error = ended_with_.empty() ? live_.pause_reason : ended_with_;
  if (!running_) return status;
  const auto& [live, held, rebuild, removal] = duties_;
  status.error = live_.paused() ? live_.pause_reason : live.error + held.error;
  if (live_.paused()) {
    status.state = ProjectionState::paused;
  } else if (!status.error.empty()) {
    status.state = ProjectionState::retrying;
  } else {
    status.state = !restarted_ && frozen() ? ProjectionState::frozen : ProjectionState::running;
  }
  if (rebuild_) {
    status.rebuild = rebuild_->status(runtime_->now());
    if (!status.rebuild->paused) status.rebuild->error = rebuild.error;
  }
  if (!rebuild_ && status.error.empty()) status.error = removal.error;
  return status;
}

}  // namespace sinew::store
