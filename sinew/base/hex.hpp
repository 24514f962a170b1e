#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sinew {

// Two lower-case digits a byte.
std::string to_hex(std::string_view bytes);

// The bytes that `digits` spell, in either case; nullopt for an odd count or another character.
std::optional<std::string> from_hex(std::string_view digits);

// The value of one hexadecimal digit, -1 for any other character.
constexpr int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace sinew
