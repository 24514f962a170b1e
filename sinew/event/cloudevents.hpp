#pragma once

#include <string>
#include <string_view>

#include "sinew/event/envelope.hpp"

namespace sinew::event {

// CloudEvents 1.0.2 in structured JSON (content type application/cloudevents+json): what leaves and
// enters the world of Sinew.
//
// Beside the standard's attributes: correlationid, causationid, traceparent, partitionkey, hops and
// replyto are extensions; dataschema is `urn:sinew:<type>:<version>`. JSON data stands inline, all
// other data in data_base64. A foreign producer's id that is no canonical UUID becomes a UUID
// derived from source and id, the same wherever it is read; the original is kept as the extension
// `foreignid`, a foreign dataschema as `foreignschema`, and both are written back as they came.
inline constexpr std::string_view cloudevents_content_type = "application/cloudevents+json";

// Whether a content type is that of a CloudEvent in structured JSON, whatever its parameters.
bool is_cloudevent(std::string_view content_type) noexcept;

// Throws DocumentError for an envelope that validate() refuses.
std::string to_cloudevent(const Envelope& envelope);

// Throws Error unsupported for another specversion; DocumentError for what breaks the format, the
// attribute being the path, and for an envelope that validate() refuses. JSON data is taken over as
// a value: integers beyond 64 bits lose digits, so send such numbers as strings.
Envelope from_cloudevent(std::string_view text);

}  // namespace sinew::event
