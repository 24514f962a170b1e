#pragma once

#include <functional>
#include <optional>
#include <string>

namespace sinew {

// Answers an environment variable's value, or nothing when it is not set. For tests to replace.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

// The process's own.
std::optional<std::string> process_environment(const std::string& name);

}  // namespace sinew
