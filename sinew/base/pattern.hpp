#pragma once

#include <string_view>

namespace sinew {

// True when the regular expression (ECMAScript, over bytes; `^` and `$` are the ends of the text)
// is found in `text`, as JSON Schema's `pattern` means it. False when the search would take too
// many steps. An expression is compiled once a thread and kept, so it must be a constant of the
// program. Throws Error invalid_input for what is no regular expression.
bool matches_pattern(std::string_view text, std::string_view expression);

}  // namespace sinew
