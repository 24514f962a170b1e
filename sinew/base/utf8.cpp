#include "sinew/base/utf8.hpp"

#include <algorithm>

namespace sinew {
namespace {

constexpr unsigned char byte_at(std::string_view text, std::size_t position) noexcept {
  return position < text.size() ? static_cast<unsigned char>(text[position]) : 0;
}

constexpr bool continues(unsigned char byte) noexcept { return (byte & 0xC0U) == 0x80U; }

// RFC 3629 narrows the second byte after these leads; that excludes overlong forms and surrogates.
constexpr bool second_fits(unsigned char lead, unsigned char second) noexcept {
  switch (lead) {
    case 0xE0: return second >= 0xA0 && second <= 0xBF;
    case 0xED: return second >= 0x80 && second <= 0x9F;
    case 0xF0: return second >= 0x90 && second <= 0xBF;
    case 0xF4: return second >= 0x80 && second <= 0x8F;
    default: return continues(second);
  }
}

}  // namespace

std::size_t utf8_character_at(std::string_view text, std::size_t position) noexcept {
  if (position >= text.size()) return 0;
  const auto lead = byte_at(text, position);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  if (!second_fits(lead, byte_at(text, position + 1))) return 0;
  if (lead < 0xE0) return 2;
  if (!continues(byte_at(text, position + 2))) return 0;
  if (lead < 0xF0) return 3;
  return continues(byte_at(text, position + 3)) ? 4 : 0;
}

namespace {

std::size_t step(std::string_view text, std::size_t position) noexcept {
  return std::max<std::size_t>(utf8_character_at(text, position), 1);
}

}  // namespace

std::optional<std::size_t> find_malformed_utf8(std::string_view text) noexcept {
  for (std::size_t position = 0; position < text.size();) {
    const auto size = utf8_character_at(text, position);
    if (size == 0) return position;
    position += size;
  }
  return std::nullopt;
}

std::string_view utf8_prefix(std::string_view text, std::size_t max_bytes) noexcept {
  if (text.size() <= max_bytes) return text;
  std::size_t end = max_bytes;
  // A character has at most three continuation bytes; more of them are not UTF-8, cut anywhere.
  for (int steps = 0; steps < 3 && end > 0 && continues(byte_at(text, end)); ++steps)
    --end;
  return text.substr(0, end);
}

std::size_t count_characters(std::string_view text) noexcept {
  std::size_t count = 0;
  for (std::size_t position = 0; position < text.size(); ++count)
    position += step(text, position);
  return count;
}

std::string_view first_characters(std::string_view text, std::size_t count) noexcept {
  std::size_t end = 0;
  for (; count > 0 && end < text.size(); --count)
    end += step(text, end);
  return text.substr(0, end);
}

}  // namespace sinew
