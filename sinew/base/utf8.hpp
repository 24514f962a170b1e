#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace sinew {

// The bytes of the well-formed UTF-8 character at `position` (1 to 4), or 0 where there is none.
// Overlong forms, surrogates and values above U+10FFFF are not well-formed (RFC 3629, section 4).
std::size_t utf8_character_at(std::string_view text, std::size_t position) noexcept;

// The position of the first byte that is not part of a well-formed character.
std::optional<std::size_t> find_malformed_utf8(std::string_view text) noexcept;

// The longest prefix of at most `max_bytes` that does not end inside a character.
std::string_view utf8_prefix(std::string_view text, std::size_t max_bytes) noexcept;

// The number of characters; every byte that is not part of a well-formed one counts as one.
std::size_t count_characters(std::string_view text) noexcept;

// The first `count` characters, counted the same way.
std::string_view first_characters(std::string_view text, std::size_t count) noexcept;

}  // namespace sinew
