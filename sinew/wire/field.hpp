#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "sinew/wire/bytes.hpp"

namespace sinew::wire {

// The fields which a codec, a server or a proxy acts upon, recognised once while parsing.
enum class FieldId : std::uint8_t {
  other,
  accept,
  accept_encoding,
  authorization,
  cache_control,
  connection,
  content_encoding,
  content_length,
  content_range,
  content_type,
  cookie,
  date,
  expect,
  forwarded,
  host,
  keep_alive,
  location,
  proxy_authenticate,
  proxy_authorization,
  proxy_connection,
  server,
  set_cookie,
  te,
  traceparent,
  tracestate,
  trailer,
  transfer_encoding,
  upgrade,
  user_agent,
  via,
  www_authenticate,
  x_forwarded_for,
  x_forwarded_host,
  x_forwarded_proto,
  x_request_id,
};

// Without regard to case; `other` for every name that is not in the list.
FieldId identify_field(std::string_view name) noexcept;

// One field line. No member initialisers: arrays of them stay untouched until a message fills them.
struct Field {
  Slice name;
  Slice value;  // without the white space around it; may be empty
  FieldId id;
};

using Fields = std::span<const Field>;

// The first of that name, or nullptr. By id it is a scan of bytes; by name it compares text.
const Field* find(Fields fields, FieldId id) noexcept;
const Field* find(Fields fields, std::string_view name, std::string_view buffer) noexcept;

// Calls `visit(token)` for each element of a comma separated list of tokens (RFC 9110, section
// 5.6.1; empty elements are skipped). Returns false at an element that is no token, or when `visit`
// returned false.
template <typename Visit>
bool for_each_token(std::string_view list, Visit visit);

// Whether the list (a value of Connection, TE, Trailer, ...) has `token`, without regard to case.
bool lists_token(std::string_view list, std::string_view token) noexcept;

namespace detail {
bool next_list_element(std::string_view& list, std::string_view& element) noexcept;
bool is_list_token(std::string_view element) noexcept;
}  // namespace detail

template <typename Visit>
bool for_each_token(std::string_view list, Visit visit) {
  std::string_view element;
  while (detail::next_list_element(list, element)) {
    if (element.empty()) continue;
    if (!detail::is_list_token(element) || !visit(element)) return false;
  }
  return true;
}

}  // namespace sinew::wire
