#include "sinew/proxy/observe/log_escape.hpp"

#include <array>
#include <cstdint>
#include <cstring>

#include "sinew/base/utf8.hpp"

namespace sinew::proxy {
namespace {

// Whether a byte goes as it is, by escape.
using Plain = std::array<bool, 256>;

constexpr Plain plain_bytes(LogEscape escape) {
  Plain plain{};
  for (unsigned byte = escape == LogEscape::bare ? 0x21 : 0x20; byte < 0x7f; ++byte)
    plain[byte] = byte != '"' && byte != '\\';
  return plain;
}
constexpr std::array<Plain, 3> kPlain = {
    plain_bytes(LogEscape::json), plain_bytes(LogEscape::quoted), plain_bytes(LogEscape::bare)};

char* put(std::string_view text, char* out) noexcept { return out + text.copy(out, text.size()); }

char* put_hex(unsigned byte, std::string_view prefix, char* out) noexcept {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out = put(prefix, out);
  *out++ = kDigits[byte >> 4U];
  *out++ = kDigits[byte & 15U];
  return out;
}

// U+0080 to U+009F: control characters to some terminals.
bool is_control(std::string_view character) noexcept {
  return character.size() == 2 && character[0] == '\xc2' &&
         static_cast<unsigned char>(character[1]) < 0xa0;
}

// One character that cannot go as it is; `at` moves behind it.
char* put_json(std::string_view text, std::size_t& at, char* out) noexcept {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x80) {
    ++at;
    if (byte == '"') return put("\\\"", out);
    if (byte == '\\') return put("\\\\", out);
    return put_hex(byte, "\\u00", out);
  }
  const std::size_t length = utf8_character_at(text, at);
  if (length == 0) {
    ++at;
    return put("\\ufffd", out);
  }
  const auto character = text.substr(at, length);
  at += length;
  return is_control(character) ? put_hex(static_cast<unsigned char>(character[1]), "\\u00", out)
                               : put(character, out);
}

// Eight bytes at a time, for escapes that let a space pass: whether all of them go as they are. May
// say no where a byte behind the first that does not is plain.
bool are_plain(std::uint64_t bytes) noexcept {
  constexpr std::uint64_t kEach = 0x0101010101010101;
  constexpr std::uint64_t kHigh = 0x8080808080808080;
  const auto below = [](std::uint64_t word, std::uint64_t least) {
    return (word - kEach * least) & ~word;
  };
  const std::uint64_t other = bytes | below(bytes, 0x20) | below(bytes ^ (kEach * '"'), 1) |
                              below(bytes ^ (kEach * '\\'), 1) | below(bytes ^ (kEach * 0x7f), 1);
  return (other & kHigh) == 0;
}

// As many of the bytes at the front as go as they are, or nearly.
std::size_t put_plain(std::string_view text, char* out) noexcept {
  std::size_t size = 0;
  for (std::uint64_t bytes = 0; size + sizeof bytes <= text.size(); size += sizeof bytes) {
    std::memcpy(&bytes, text.data() + size, sizeof bytes);
    if (!are_plain(bytes)) break;
    std::memcpy(out + size, &bytes, sizeof bytes);
  }
  return size;
}

}  // namespace

char* write_escaped(std::string_view text, LogEscape escape, char* out) noexcept {
  const Plain& plain = kPlain[static_cast<std::size_t>(escape)];
  std::size_t at = 0;
  while (at < text.size()) {
    if (escape != LogEscape::bare) {
      const std::size_t size = put_plain(text.substr(at), out);
      at += size;
      out += size;
    }
    while (at < text.size() && plain[static_cast<unsigned char>(text[at])])
      *out++ = text[at++];
    if (at == text.size()) break;
    if (escape == LogEscape::json) {
      out = put_json(text, at, out);
    } else {
      out = put_hex(static_cast<unsigned char>(text[at++]), "\\x", out);
    }
  }
  return out;
}

}  // namespace sinew::proxy
