#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "sinew/base/config_tree.hpp"

namespace sinew::config {

struct YamlLimits {
  std::size_t bytes = 1U << 20U;
  std::size_t depth = 32;
  std::size_t nodes = 100'000;  // after aliases are expanded
};

// One YAML 1.2 document as a tree; JSON is YAML. Scalars stay text: what they mean is the type's
// business, so `no` is no boolean by accident. Anchors and aliases are expanded. Duplicate keys are
// reported and the first one kept; broken syntax, tags, merge keys, keys that are not scalars,
// text that is not UTF-8, and what exceeds a limit end the reading with one problem.
// `file` is the name that problems show. An empty text is a null node.
Node parse_yaml(std::string_view text, const std::string& file, Problems& problems,
                const YamlLimits& limits = {});

// Reads the file. Throws Error not_found or unavailable when it cannot be read.
Node read_yaml(const std::filesystem::path& path, Problems& problems,
               const YamlLimits& limits = {});

}  // namespace sinew::config
