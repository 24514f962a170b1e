#pragma once

#include "sinew/event/payload_codec.hpp"

namespace commerce {

// What commerce's programs give their host: events that travel as Protobuf do so by the .proto
// files committed beside their contracts.
sinew::event::Codecs event_codecs();

}  // namespace commerce
