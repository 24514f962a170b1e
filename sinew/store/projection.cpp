#include "sinew/store/projection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <span>

#include "sinew/async/runtime.hpp"
#include "sinew/base/log.hpp"
#include "sinew/store/checkpoint_table.hpp"

namespace sinew::store {

// One page on its way into the view. Its fields are set by the last run of the transaction's body,
// which may run several times.
struct ProjectionRunner::Attempt {
  Attempt(std::span<const RecordedEvent> page, const Checkpoint& after)
      : events(page), from(after) {}

  std::span<const RecordedEvent> events;
  Checkpoint from;
  std::optional<std::size_t> refused;  // index of the event whose apply() threw
  std::optional<Advance> advance;      // how moving the checkpoint ended
  std::exception_ptr failure;
};

namespace {

constexpr Duration first_pause = std::chrono::milliseconds(50);
constexpr Duration longest_pause = std::chrono::seconds(5);

std::string describe(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    return error.detail();
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "unknown exception";
  }
}

bool is_condition(const std::exception_ptr& failure, auto predicate) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    return predicate(error);
  } catch (...) {
    return false;
  }
}

bool is_cancellation(const std::exception_ptr& failure) {
  return is_condition(failure,
                      [](const Error& error) { return error.condition() == Condition::cancelled; });
}

bool is_transient(const std::exception_ptr& failure) {
  return is_condition(failure, [](const Error& error) { return error.transient(); });
}

}  // namespace

Task<void> ProjectionRunner::run() {
  status_.state = ProjectionState::running;
  std::exception_ptr failure;
  try {
    co_await follow();
  } catch (...) {
    failure = std::current_exception();
  }
  status_.state = ProjectionState::stopped;
  waits_.interrupt();
  if (!is_cancellation(failure)) status_.error = describe(failure);
  std::rethrow_exception(failure);
}

Task<Checkpoint> ProjectionRunner::load() {
  return database_.read([this](Transaction& transaction) {
    return CheckpointTable::load(transaction, std::string(projection_.name()));
  });
}

Task<std::vector<RecordedEvent>> ProjectionRunner::next_page() {
  if (!events_) {
    move_to(co_await load());
    status_.state = ProjectionState::running;
    status_.error.clear();
    events_.emplace(database_, status_.position, limit_);
  }
  co_return co_await events_->next();
}

Task<void> ProjectionRunner::follow() {
  events_.reset();
  limit_ = batch_;
  for (;;) {
    switch (co_await step()) {
      case Outcome::applied: break;
      case Outcome::transient: co_await back_off(); break;
      case Outcome::refused:
        if (limit_ == 0) co_await pause();
        break;
    }
  }
}

Task<ProjectionRunner::Outcome> ProjectionRunner::step() {
  std::vector<RecordedEvent> events;
  try {
    events = co_await next_page();
  } catch (const Error& error) {
    if (!error.transient()) throw;
    events_.reset();
    status_.error = error.detail();
    co_return Outcome::transient;
  }
  co_return co_await apply(events);
}

Task<void> ProjectionRunner::apply_all(Transaction& transaction, Attempt& attempt) {
  attempt.refused.reset();
  attempt.advance.reset();
  for (std::size_t i = 0; i < attempt.events.size(); ++i) {
    attempt.refused = i;
    co_await projection_.apply(transaction, attempt.events[i]);
  }
  attempt.refused.reset();
  attempt.advance = co_await CheckpointTable::advance(transaction, std::string(projection_.name()),
                                                      attempt.from, attempt.events.back().position);
  if (attempt.advance != Advance::stored) {
    throw Error(Condition::conflict,
                fmt::format("the checkpoint of the projection {} was moved by another runner: run "
                            "one at a time",
                            projection_.name()));
  }
}

Task<ProjectionRunner::Outcome> ProjectionRunner::apply(const std::vector<RecordedEvent>& events) {
  Attempt attempt(events, status_.position);
  try {
    co_await database_.transaction(
        [&](Transaction& transaction) { return apply_all(transaction, attempt); });
    move_to(events.back().position);
    status_.applied += events.size();
    failures_ = 0;
    if (limit_ != batch_) events_.reset();
    limit_ = batch_;
    co_return Outcome::applied;
  } catch (...) {
    attempt.failure = std::current_exception();
  }
  if (is_cancellation(attempt.failure)) std::rethrow_exception(attempt.failure);
  if (attempt.advance && attempt.advance != Advance::stored) {
    std::rethrow_exception(attempt.failure);
  }
  events_.reset();  // a commit whose outcome is unknown may have moved the checkpoint
  status_.error = describe(attempt.failure);
  if (!attempt.refused || is_transient(attempt.failure)) co_return Outcome::transient;
  const RecordedEvent& event = events[*attempt.refused];
  status_.error = fmt::format("event {} (type {}, stream {}, version {}): {}", to_string(event.id),
                              event.type, event.stream, event.stream_version, status_.error);
  limit_ = *attempt.refused;
  co_return Outcome::refused;
}

Task<void> ProjectionRunner::pause() {
  status_.state = ProjectionState::paused;
  log::error("projection paused: an event cannot be applied",
             {{"projection", projection_.name()}, {"error", status_.error}});
  waits_.interrupt();
  resumed_.reset();
  co_await resumed_.wait();
  limit_ = batch_;
  status_.state = ProjectionState::running;
}

Task<void> ProjectionRunner::back_off() {
  constexpr std::uint32_t most_doublings = 7;
  const Duration pause = first_pause * (1 << std::min(failures_++, most_doublings));
  status_.state = ProjectionState::retrying;
  log::warn("projection waits for the database",
            {{"projection", projection_.name()}, {"error", status_.error}});
  co_await async::Sleep(std::min(pause, longest_pause));
}

void ProjectionRunner::move_to(const Checkpoint& position) noexcept {
  status_.position = position;
  waits_.reached(position);
}

// One of another length was made elsewhere, where its order means nothing: the log refuses it.
bool ProjectionRunner::shows(const Checkpoint& position) const noexcept {
  if (position.at_start()) return true;
  return position.bytes().size() == status_.position.bytes().size() && position <= status_.position;
}

std::string ProjectionRunner::behind(const Checkpoint& position) const {
  const std::string here =
      status_.position.at_start() ? "before the first event" : "at " + to_string(status_.position);
  const std::string where =
      fmt::format("the view {} stands {} and {} was asked for", name(), here, to_string(position));
  switch (status_.state) {
    case ProjectionState::running: return where + ": it is still catching up";
    case ProjectionState::retrying:
      return fmt::format("{}: it tries again: {}", where, status_.error);
    case ProjectionState::paused: return fmt::format("{}: it is paused: {}", where, status_.error);
    case ProjectionState::stopped: break;
  }
  return fmt::format("{}: it is not running{}{}", where, status_.error.empty() ? "" : ": ",
                     status_.error);
}

Task<void> ProjectionRunner::wait_for(Checkpoint position) {
  while (!shows(position)) {
    if (status_.state == ProjectionState::paused || status_.state == ProjectionState::stopped) {
      throw Error(Condition::unavailable, behind(position));
    }
    co_await waits_.wait(position);
  }
}

Task<void> ProjectionRunner::reached(Checkpoint position, Duration patience) {
  if (shows(position)) co_return;
  co_await database_.read([this, position](Transaction& transaction) -> Task<void> {
    co_await database_.event_log().read_all(transaction, position, 1);  // refuses a foreign one
  });
  const Instant now = (co_await async::this_context()).runtime->now();
  const Instant deadline = now + std::min(patience, Instant::max() - now);
  try {
    co_await async::with_deadline(deadline, wait_for(position));
  } catch (const Error& error) {
    if (error.condition() != Condition::timeout) throw;
    if (!shows(position)) throw Error(Condition::timeout, behind(position));
  }
}

}  // namespace sinew::store
