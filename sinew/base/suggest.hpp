#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sinew {

// The one of `known` that `word` is most likely a misspelling of, or an empty view. The distance is
// that of optimal string alignment (insert, delete, replace, swap neighbours) and at most a third
// of the word, at least 1. Words over 64 bytes have no suggestion.
std::string_view suggestion(std::string_view word, std::span<const std::string> known);

// " (did you mean `x`?)", or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string> known);

}  // namespace sinew
