#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "sinew/gateway/configuration.hpp"

namespace sinew::gateway {

inline const std::string kHeading = "_format_version: \"3.0\"\n";

inline Reading read_text(const std::string& text) {
  return read_configuration(text, "kong.yaml",
                            [](const std::string&) { return std::optional<std::string>(); });
}

// One line a problem.
inline std::string lines_of(const std::vector<config::Problem>& problems) {
  std::string out;
  for (const auto& problem : problems)
    out += to_string(problem) + "\n";
  return out;
}

// A file without errors; it begins with kHeading, so its first line is 2.
inline Configuration valid(const std::string& text) {
  auto reading = read_text(kHeading + text);
  EXPECT_EQ(lines_of(reading.errors), "");
  return reading.configuration.value_or(Configuration());
}

inline std::string errors_of(const std::string& text) {
  const auto reading = read_text(kHeading + text);
  EXPECT_EQ(reading.configuration.has_value(), reading.errors.empty());
  return lines_of(reading.errors);
}

inline std::string warnings_of(const std::string& text) {
  const auto reading = read_text(kHeading + text);
  EXPECT_EQ(lines_of(reading.errors), "");
  return lines_of(reading.warnings);
}

}  // namespace sinew::gateway
