#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sinew::proxy {

// How a text that somebody else chose is written into a line of the access log, so that it can
// neither end the line, nor the value that it stands in, nor speak to a terminal.
enum class LogEscape : std::uint8_t {
  json,    // as JSON text; what is not UTF-8 becomes U+FFFD, control characters \u00XX
  quoted,  // nginx's: `"`, `\` and everything but printable ASCII as \xXX
  bare,    // the same, and spaces too: for values outside of quotes, where a space ends the value
};

// Of each byte, at most.
inline constexpr std::size_t kEscapedBytes = 6;

// Writes `text` at `out`, which has room for kEscapedBytes a byte; returns the place behind it.
char* write_escaped(std::string_view text, LogEscape escape, char* out) noexcept;

}  // namespace sinew::proxy
