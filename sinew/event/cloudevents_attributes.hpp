#pragma once

#include <string>
#include <string_view>

#include "sinew/base/json.hpp"
#include "sinew/event/envelope.hpp"

// The attributes of a CloudEvent as members of an object, between the envelope and the forms that
// carry them: what the JSON format and the HTTP binding have in common.
namespace sinew::event {

// Every attribute but the data. Throws DocumentError for an envelope that validate() refuses.
JsonObject write_attributes(const Envelope& envelope);

// The envelope without its data, not validated yet. `data` and `data_base64` are left to the
// caller. Throws Error unsupported for another specversion, DocumentError for what breaks an
// attribute.
Envelope read_attributes(const JsonObject& attributes);

// Throws DocumentError.
[[noreturn]] void refuse_attribute(std::string_view attribute, std::string_view why);

}  // namespace sinew::event
