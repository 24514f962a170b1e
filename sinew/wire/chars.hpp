#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sinew::wire {

// Character classes of RFC 9110 and RFC 3986, one bit each, so that a test is one load.
enum CharClass : std::uint8_t {
  kToken = 1,  // tchar, RFC 9110, section 5.6.2
  kPath = 2,   // pchar and "/", RFC 3986, section 3.3
  kQuery = 4,  // RFC 3986's query, and []{}|^`\ which browsers send unescaped
  // reg-name without ",", which joined Host lines would contain, and without escapes, which some
  // decode before they compare
  kHost = 8,
  kUnreserved = 16,
  kDigit = 32,
  kHex = 64,
  kField = 128,  // field-vchar, SP, HTAB, RFC 9110, section 5.5
};

namespace detail {

constexpr void mark(std::array<std::uint8_t, 256>& table, std::string_view chars, int bits) {
  for (const char c : chars)
    table[static_cast<unsigned char>(c)] |= static_cast<std::uint8_t>(bits);
}

constexpr std::array<std::uint8_t, 256> make_char_table() {
  std::array<std::uint8_t, 256> table{};
  constexpr std::string_view kDigits = "0123456789";
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  constexpr int kUri = kPath | kQuery | kHost;
  mark(table, kDigits, kToken | kUri | kUnreserved | kDigit | kHex);
  mark(table, kLetters, kToken | kUri | kUnreserved);
  mark(table, "abcdefABCDEF", kHex);
  mark(table, "!#$%&'*+-.^_`|~", kToken);
  mark(table, "-._~", kUri | kUnreserved);
  mark(table, "!$&'()*+;=", kUri);
  mark(table, ",:@/%", kPath | kQuery);
  mark(table, "?[]{}|^`\\", kQuery);
  for (int c = 0x20; c < 0x100; ++c) {
    if (c != 0x7f) table[static_cast<std::size_t>(c)] |= kField;
  }
  table['\t'] |= kField;
  return table;
}

}  // namespace detail

inline constexpr std::array<std::uint8_t, 256> kCharTable = detail::make_char_table();

constexpr bool is(char c, CharClass kind) noexcept {
  return (kCharTable[static_cast<unsigned char>(c)] & kind) != 0;
}

constexpr bool all(std::string_view text, CharClass kind) noexcept {
  for (const char c : text) {
    if (!is(c, kind)) return false;
  }
  return true;
}

constexpr bool is_token(std::string_view text) noexcept {
  return !text.empty() && all(text, kToken);
}

// The length of the run of `kind` at the start of `text`.
constexpr std::size_t run(std::string_view text, CharClass kind) noexcept {
  std::size_t length = 0;
  while (length < text.size() && is(text[length], kind))
    ++length;
  return length;
}

// The value of a hexadecimal digit; `c` is one.
constexpr unsigned hex_value(char c) noexcept {
  const auto code = static_cast<unsigned char>(c);
  return code <= '9' ? code - '0' : (code | 0x20U) - 'a' + 10U;
}

// Equality without regard to ASCII case.
constexpr bool iequals(std::string_view left, std::string_view right) noexcept {
  constexpr auto kLower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  };
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (kLower(left[i]) != kLower(right[i])) return false;
  }
  return true;
}

// Whether every byte may stand in a field value, eight bytes a step (values are the bulk of a
// head).
inline bool is_field_text(std::string_view text) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighs = 0x8080808080808080;
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    // Bit 7 of a byte is set where it is below 0x20 or is 0x7f. A borrow can set it for a byte
    // above such a one only, and HTAB is below 0x20: then the table decides.
    const std::uint64_t below = (word - kOnes * 0x20) & ~word;
    const std::uint64_t is_delete = ((word ^ (kOnes * 0x7f)) - kOnes) & ~(word ^ (kOnes * 0x7f));
    if (((below | is_delete) & kHighs) != 0 && !all(text.substr(at, 8), kField)) return false;
  }
  return all(text.substr(at), kField);
}

}  // namespace sinew::wire
