#include "sinew/messaging/allowed_senders.hpp"

#include <fmt/format.h>

#include <utility>

namespace sinew::messaging {

AllowedSenders::AllowedSenders(SourcesByType sources_by_type)
    : sources_by_type_(std::move(sources_by_type)) {}

Task<AllowedSenders::Passed> AllowedSenders::around(Incoming incoming, Next next) {
  const event::Envelope& message = incoming.message;
  const auto allowed = sources_by_type_.find(message.type);
  if (allowed != sources_by_type_.end() && !allowed->second.contains(message.source)) {
    throw Refused("unauthorized", fmt::format("{} may not send {} to {}", message.source,
                                              message.type, incoming.consumer));
  }
  co_return co_await next();
}

}  // namespace sinew::messaging
