#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/config_environment.hpp"
#include "sinew/base/config_yaml.hpp"
#include "sinew/gateway/entities.hpp"

// Kong's declarative format 3.0, read strictly: what would have no effect is an error.
namespace sinew::gateway {

// 5,000 services with a route each take about 1 MiB and 100,000 values.
inline constexpr config::YamlLimits kFileLimits{
    .bytes = 32U << 20U, .depth = 32, .nodes = 1'000'000};
inline constexpr std::size_t kMaxEntities = 100'000;

struct Reading {
  std::optional<Configuration> configuration;  // none where there is an error
  // By line; of many the first 100. Nothing secret is repeated in one.
  std::vector<config::Problem> errors;
  std::size_t error_count = 0;
  // What is allowed and hardly meant, by line; at most 100. None beside errors.
  std::vector<config::Problem> warnings;
  // What `sinew:` objects named by file:, as far as that was found out; absolute.
  std::vector<std::string> files;
};

// Reads a file's text. Everything wrong is found in one pass, whatever it is; text that is not even
// YAML is one error. `environment` and the files named by `sinew:` objects of certificates are
// read. Any text is safe: what it may cost is bounded by `kFileLimits` and `kMaxEntities`.
Reading read_configuration(std::string_view text, const std::string& file,
                           const Environment& environment = process_environment);

// Throws Error not_found or unavailable when the file cannot be read.
Reading read_configuration_file(const std::filesystem::path& path,
                                const Environment& environment = process_environment);

// The options of each kind of entity as Markdown, for docs/reference/gateway.md.
std::string configuration_reference();

}  // namespace sinew::gateway
