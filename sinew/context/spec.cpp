#include "sinew/context/spec.hpp"

#include <fmt/format.h>

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
