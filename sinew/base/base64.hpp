#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sinew {

// Base64 with padding (RFC 4648, section 4).
std::string to_base64(std::string_view bytes);

// Strict: no white space, full padding, no bits behind the last byte; nullopt otherwise.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace sinew
