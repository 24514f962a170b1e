#pragma once

#include <string>
#include <string_view>

#include "sinew/event/envelope.hpp"

namespace sinew::event {

// The form in which queues, topics and retry tables keep an envelope: every attribute and the data,
// length-prefixed, behind a format byte. For Sinew's own tables only; what others read is
// CloudEvents JSON (cloudevents.hpp).
std::string encode(const Envelope& envelope);

// Throws Error corrupt for anything that encode() did not write, unsupported for a later format.
Envelope decode(std::string_view bytes);

}  // namespace sinew::event
