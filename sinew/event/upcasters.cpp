#include "sinew/event/upcasters.hpp"

#include <fmt/format.h>

#include "sinew/base/error.hpp"

namespace sinew::event {

Upcasters& Upcasters::add(std::string_view type, std::int32_t from, Step step) {
  if (type.empty() || from < 1 || step == nullptr) {
    throw Error(Condition::invalid_input, "an upcaster needs a type, a version from 1 and a step");
  }
  const auto [entry, is_new] = chains_.try_emplace(std::string(type));
  Chain& chain = entry->second;
  if (is_new) chain.oldest = from;
  if (from != chain.newest()) {
    throw Error(Condition::invalid_input,
                fmt::format("the upcaster of {} from version {} is out of order: the next one "
                            "starts from version {}",
                            type, from, chain.newest()));
  }
  chain.steps.push_back(step);
  return *this;
}

Upcasters& Upcasters::include(const Upcasters& other) {
  for (const auto& [type, chain] : other.chains_) {
    if (!chains_.emplace(type, chain).second) {
      throw Error(Condition::invalid_input, fmt::format("{} has upcasters already", type));
    }
  }
  return *this;
}

bool Upcasters::reach(std::string_view type, std::int32_t from, std::int32_t to) const {
  if (from == to) return true;
  const auto entry = chains_.find(type);
  return entry != chains_.end() && from < to && from >= entry->second.oldest &&
         to <= entry->second.newest();
}

void Upcasters::check(const EventType& type) const {
  const auto chain = chains_.find(type.name);
  if (chain == chains_.end() || chain->second.newest() == type.version) return;
  throw Error(Condition::invalid_input,
              fmt::format("the upcasters of {} end at version {}, the struct has version {}: add "
                          "the missing step",
                          type.name, chain->second.newest(), type.version));
}

JsonObject Upcasters::lift(std::string_view type, std::int32_t from, std::int32_t to,
                           JsonObject data) const {
  if (from == to) return data;
  if (from > to) {
    throw Error(Condition::unsupported,
                fmt::format("{} has version {}, this program reads up to {}: install the newer "
                            "one, then replay the message",
                            type, from, to));
  }
  if (!reach(type, from, to)) {
    throw Error(Condition::unsupported,
                fmt::format("{} has version {}, which nothing registered turns into version {}: "
                            "add the upcasters",
                            type, from, to));
  }
  const Chain& chain = chains_.find(type)->second;
  for (std::int32_t version = from; version < to; ++version) {
    data = chain.steps[static_cast<std::size_t>(version - chain.oldest)](std::move(data));
  }
  return data;
}

}  // namespace sinew::event
