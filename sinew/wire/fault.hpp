#pragma once

#include <cstdint>
#include <string_view>
#include <system_error>

namespace sinew::wire {

// Why the HTTP/1.1 codec refuses a message. What two implementations might read in two ways is
// refused, never repaired: that is what request smuggling lives on (RFC 9112, section 11.2).
enum class Fault : std::uint8_t {
  none = 0,
  // start line
  start_line_too_long,
  bad_request_line,
  bad_method,
  bad_target,
  bad_status_line,
  bad_version,
  unsupported_version,
  // field lines
  bare_line_feed,
  bare_carriage_return,
  folded_field,
  bad_field_name,
  space_before_colon,
  bad_field_value,
  fields_too_large,
  too_many_fields,
  // the authority a request is for
  missing_host,
  repeated_host,
  bad_host,
  differing_host,
  // how long the body is
  length_and_coding,
  bad_content_length,
  repeated_content_length,
  bad_transfer_coding,
  repeated_transfer_coding,
  unsupported_transfer_coding,
  transfer_coding_in_http_1_0,
  body_not_allowed,
  // other fields with a grammar the codec acts upon
  bad_connection,
  unsupported_expectation,
  // body
  body_too_large,
  bad_chunk_size,
  bad_chunk_extension,
  chunk_extensions_too_large,
  bad_chunk_end,
  forbidden_trailer,
  trailers_too_large,
  truncated,
  // answers
  too_many_interim_answers,
  // the PROXY protocol's header before the first byte of HTTP
  not_proxy_protocol,
  bad_proxy_header,
  proxy_header_too_long,
  bad_proxy_checksum,
  // writing, and addresses in text
  no_space,
  bad_url,
  bad_query,
};

std::string_view to_string(Fault fault) noexcept;

// The status a server answers when a request is refused for `fault`, before it closes the
// connection: 400, 413, 414, 417, 431, 501 or 505; 500 for the faults of writing. A connection
// without its PROXY header is closed without an answer: nobody knows what its peer speaks.
int status_for(Fault fault) noexcept;

const std::error_category& wire_category() noexcept;
std::error_code make_error_code(Fault fault) noexcept;

}  // namespace sinew::wire

template <>
struct std::is_error_code_enum<sinew::wire::Fault> : std::true_type {};
