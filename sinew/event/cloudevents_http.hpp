#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/event/envelope.hpp"

namespace sinew::event {

// CloudEvents over HTTP, as the HTTP protocol binding 1.0.2 has it, for requests and answers alike.
//
// In binary mode the data is the body, its content type is Content-Type, and each other attribute
// is a header field `ce-<name>`; in structured mode the body is the whole event (cloudevents.hpp).
// Batches are refused. Pure: it sees fields and bodies, no socket.
enum class HttpMode { binary, structured };

// A header field; names compare without regard to case.
struct HttpField {
  std::string name;
  std::string value;
  friend bool operator==(const HttpField&, const HttpField&) = default;
};

struct HttpContent {
  std::vector<HttpField> fields;  // Content-Type among them
  std::string body;
  friend bool operator==(const HttpContent&, const HttpContent&) = default;
};

// Bounds of what is read, beside those of Envelope: `ce-` fields, and the bytes of each value,
// which percent-encoding can make three times as long as the attribute.
inline constexpr std::size_t max_http_fields = Envelope::max_extensions + 16;
inline constexpr std::size_t max_http_value_bytes = 3 * Envelope::max_attribute_bytes;

// Throws DocumentError for an envelope that validate() refuses, and in binary mode for data whose
// content type is itself that of a CloudEvent: its reader would take it for the event.
HttpContent to_http(const Envelope& envelope, HttpMode mode);

// In which mode a message with these fields is. Throws Error unsupported for a batch and for
// another format than JSON; DocumentError, path specversion, for what is no CloudEvent.
HttpMode http_mode(std::span<const HttpField> fields);

// Throws as http_mode() and from_cloudevent(). In binary mode also DocumentError, the field being
// the path, for a field that comes twice, a name that no attribute has, a value with a wrong escape
// or escaped bytes that are not UTF-8, ce-datacontenttype (it is Content-Type), too many or too
// long fields. Data without a Content-Type is application/octet-stream.
Envelope from_http(std::span<const HttpField> fields, std::string_view body);

// The fields that matter to a CloudEvent of any list of headers with `name` and `value`:
// Content-Type and what begins with `ce-`.
template <class Headers>
std::vector<HttpField> cloudevent_fields(const Headers& headers);

bool is_cloudevent_field(std::string_view name) noexcept;

template <class Headers>
std::vector<HttpField> cloudevent_fields(const Headers& headers) {
  std::vector<HttpField> fields;
  for (const auto& header : headers) {
    if (is_cloudevent_field(header.name)) fields.push_back({header.name, header.value});
  }
  return fields;
}

}  // namespace sinew::event
