#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sinew/base/instant.hpp"
#include "sinew/proxy/observe/exchange_record.hpp"
#include "sinew/wire/field.hpp"

namespace sinew::proxy {

// What a line of the access log can say of an exchange.
enum class LogVariable : std::uint8_t {
  time,
  request_id,
  trace_id,
  span_id,
  client,
  peer,
  listener,
  tls_version,
  server_name,
  method,
  host,
  path,
  query,
  target,
  protocol,
  status,
  duration,
  head_duration,
  connect_duration,
  upstream_duration,
  answer_duration,
  bytes_received,
  bytes_sent,
  body_bytes_received,
  body_bytes_sent,
  route,
  service,
  cluster,
  upstream,
  upstream_host,
  upstream_status,
  attempts,
  reused,
  upgraded,
  flags,
  reason,
  request_header,   // http_NAME
  response_header,  // sent_http_NAME
};

// A variable as a format names it: with the field's name for the last two.
struct LogVariableUse {
  LogVariable variable;
  std::string field = {};  // in lower case
  wire::FieldId field_id = wire::FieldId::other;
};

// `name` without the dollar sign. Nothing: there is none of that name.
std::optional<LogVariableUse> find_log_variable(std::string_view name);
// http_authorization, http_cookie and the like: whoever reads a log must not be able to log in.
bool carries_credentials(const LogVariableUse& use) noexcept;
// All names, with http_NAME and sent_http_NAME at the end.
std::span<const std::string_view> log_variable_names() noexcept;

// One variable's value in one record.
struct LogValue {
  enum class Kind : std::uint8_t {
    absent,  // there was none
    text,    // anybody's
    number,
    seconds,  // `number` nanoseconds
    time,     // `number` microseconds since 1970
    truth,    // `number` is 0 or 1
  };
  Kind kind = Kind::absent;
  std::uint64_t number = 0;
  std::string_view text = {};
};

// `scratch` holds what has to be put together; the value is good as long as it and the record are.
using LogScratch = std::array<char, 96>;
LogValue value_of(const LogVariableUse& use, const ExchangeRecord& record,
                  LogScratch& scratch) noexcept;

}  // namespace sinew::proxy
