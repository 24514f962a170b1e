#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sinew {

// A moment in UTC, and a calendar day. Both are plain chrono types: a Date converts to its first
// moment, and the two never mix by accident. Business time is data; where a clock is meant, the
// Runtime is asked.
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;
using Date = std::chrono::sys_days;

// Microseconds since 1970-01-01T00:00:00Z: the form in which databases store a Timestamp.
constexpr std::int64_t to_micros(Timestamp time) noexcept {
  return time.time_since_epoch().count();
}
constexpr Timestamp from_micros(std::int64_t micros) noexcept {
  return Timestamp(std::chrono::microseconds(micros));
}

// RFC 3339 in UTC: `2026-05-04T10:30:00Z`, with six decimals when there is a fraction of a second.
// Throws Error invalid_input outside the years 0000 to 9999, which the format cannot write.
std::string to_rfc3339(Timestamp time);

// Reads RFC 3339, strictly: upper-case T and Z, or an offset, which is applied; 1 to 9 decimals, of
// which those beyond the sixth are dropped. A leap second (:60) is refused: UTC without a table
// cannot hold it; so is a time that in UTC lies outside the years 0000 to 9999. Throws Error
// invalid_input, or gives nullopt.
Timestamp parse_rfc3339(std::string_view text);
std::optional<Timestamp> try_parse_rfc3339(std::string_view text) noexcept;

// ISO 8601 calendar day, `2026-05-04`; years 0000 to 9999, as above.
std::string to_iso_date(Date date);
Date parse_iso_date(std::string_view text);
std::optional<Date> try_parse_iso_date(std::string_view text) noexcept;

}  // namespace sinew
