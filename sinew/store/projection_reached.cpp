#include <fmt/format.h>

#include <algorithm>

#include "sinew/async/runtime.hpp"
#include "sinew/base/error.hpp"
#include "sinew/store/projection_runner.hpp"

namespace sinew::store {

// One of another length was made elsewhere, where its order means nothing: the log refuses it.
bool ProjectionRunner::shows(const Checkpoint& position) const noexcept {
  if (position.at_start()) return true;
  return position.bytes().size() == live_.position.bytes().size() && position <= live_.position;
}

std::string ProjectionRunner::behind(const Checkpoint& position) const {
  const ProjectionStatus now = status();
  const std::string here =
      now.position.at_start() ? "before the first event" : "at " + to_string(now.position);
  const std::string where =
      fmt::format("the view {} stands {} and {} was asked for", name(), here, to_string(position));
  switch (now.state) {
    case ProjectionState::running: return where + ": it is still catching up";
    case ProjectionState::retrying: return fmt::format("{}: it tries again: {}", where, now.error);
    case ProjectionState::paused: return fmt::format("{}: it is paused: {}", where, now.error);
    case ProjectionState::frozen:
      return fmt::format("{}: it is of version {} until it is rebuilt", where, now.version);
    case ProjectionState::stopped: break;
  }
  return fmt::format("{}: it is not running{}{}", where, now.error.empty() ? "" : ": ", now.error);
}

Task<void> ProjectionRunner::wait_for(Checkpoint position) {
  while (!shows(position)) {
    if (!running_ || live_.paused()) throw Error(Condition::unavailable, behind(position));
    co_await waits_.wait(position);
  }
}

Task<void> ProjectionRunner::check_not_held(Checkpoint position) {
  if (held_.events() == 0) co_return;
  const Rows held = co_await database_.read(
      [this, position](Transaction& transaction) { return held_.find(transaction, position); });
  if (held.empty()) co_return;
  throw Error(Condition::unavailable,
              fmt::format("the view {} holds this event back with its key \"{}\": {}", name(),
                          held[0].text(0), held[0].text(1)));
}

Task<void> ProjectionRunner::reached(Checkpoint position, Duration patience) {
  if (!shows(position)) {
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
  co_await check_not_held(position);
}

}  // namespace sinew::store
