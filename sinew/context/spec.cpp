#include "sinew/context/spec.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sinew/base/error.hpp"

namespace sinew::context {

ContextSpec& ContextSpec::migrations(std::span<const store::Migration> migrations) {
  migrations_ = migrations;
  return *this;
}

ContextSpec& ContextSpec::add_event(std::string_view type, Dispatcher::Function function) {
  const std::string owner(owner_of(type));
  auto topic = topics_.try_emplace(owner, Dispatcher::Unknown::ignore).first;
  topic->second.add(type, std::move(function));
  return *this;
}

ContextSpec& ContextSpec::add_command(std::string_view type, Dispatcher::Function function) {
  if (owner_of(type) != self_.name()) {
    throw Error(Condition::invalid_input,
                fmt::format("{} answers {}, a command to another context", self_.name(), type));
  }
  has_commands_ = true;
  commands_.add(type, std::move(function));
  return *this;
}

ContextSpec& ContextSpec::add_question(std::string_view type) {
  if (owner_of(type) == self_.name()) {
    throw Error(Condition::invalid_input,
                fmt::format("{} asks {}, which it answers itself", self_.name(), type));
  }
  has_questions_ = true;
  return *this;
}

ContextSpec& ContextSpec::add_view_route(http::Method method, std::string pattern,
                                         http::Handler handler, const store::Projection& view) {
  read_views_.push_back(&view);
  router_.add(method, std::move(pattern),
              [&self = self_, &view,
               handler = std::move(handler)](const http::Request& request) -> Task<http::Response> {
                co_await self.wait_as_requested(request, std::string(view.name()));
                co_return co_await handler(request);
              });
  return *this;
}

void ContextSpec::check_views() const {
  for (const store::Projection* view : read_views_) {
    if (std::ranges::find(projections_, view) != projections_.end()) continue;
    throw Error(Condition::invalid_input,
                fmt::format("a route of {} reads from the view {}, which it does not describe: add "
                            "spec.projection()",
                            self_.name(), view->name()));
  }
}

void ContextSpec::check_locks() const {
  if (!locks_ || unlocks_) return;
  throw Error(
      Condition::invalid_input,
      fmt::format("{} locks what no command of it unlocks: add saga::unlocks() to those that "
                  "confirm and compensate",
                  self_.name()));
}

saga::Locks::Command ContextSpec::locked(const event::Envelope& message, saga::LockUse use,
                                         std::string resource) const {
  return {message, use, std::move(resource), self_.runtime().new_id(), self_.runtime().wall_now()};
}

Task<bool> ContextSpec::enter_lock(store::Transaction& tx, const saga::Locks::Command& command) {
  saga::Locks locks(consumer_of(self_.name(), commands_of(self_.name())));
  const auto turn = co_await locks.enter(tx, command);
  if (const auto* no = std::get_if<messaging::Rejection>(&turn)) {
    co_await self_.send_reply(tx, command.message, {std::nullopt, *no});
    co_return false;
  }
  co_return std::get<saga::Locks::Turn>(turn) == saga::Locks::Turn::run;
}

Task<void> ContextSpec::leave_lock(store::Transaction& tx, const saga::Locks::Command& command,
                                   bool accepted) {
  saga::Locks locks(consumer_of(self_.name(), commands_of(self_.name())));
  const bool unstashed = co_await locks.leave(tx, command, accepted);
  if (unstashed && unstashed_ != nullptr) tx.after_commit(*unstashed_);
}

ContextSpec& ContextSpec::saga(saga::Definition definition) {
  sagas_.push_back(std::move(definition));
  return *this;
}

ContextSpec& ContextSpec::projection(store::Projection& projection) {
  projections_.push_back(&projection);
  return *this;
}

ContextSpec& ContextSpec::add_drop(std::string name, DropHandler handler) {
  if (!drops_.emplace(name, std::move(handler)).second) {
    throw Error(Condition::conflict, fmt::format("the drop folder {} is described twice", name));
  }
  return *this;
}

ContextSpec& ContextSpec::keeps_events(messaging::Retention retention) {
  retention_ = retention;
  return *this;
}

ContextSpec& ContextSpec::retry(messaging::RetrySettings settings) {
  retry_ = settings;
  return *this;
}

}  // namespace sinew::context
