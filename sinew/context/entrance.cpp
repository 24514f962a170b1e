#include "sinew/context/entrance.hpp"

#include <fmt/format.h>

#include "sinew/base/error.hpp"
#include "sinew/context/naming.hpp"

namespace sinew::context {

event::Envelope Entrance::header(std::string key, Uuid id) {
  event::Envelope envelope;
  envelope.id = id;
  envelope.ordering_key = std::move(key);
  return envelope;
}

Entrance::Publishing Entrance::publishing(event::Envelope envelope) const {
  if (owner_of(envelope.type) != name_) {
    throw Error(Condition::invalid_input,
                fmt::format("{} publishes {}, an event of another context", name_, envelope.type));
  }
  return {&context_, std::move(envelope)};
}

Task<Uuid> Entrance::Publishing::operator()() {
  return context->publish_alone(std::move(envelope));
}

}  // namespace sinew::context
