#pragma once

#include <boost/describe/enum.hpp>
#include <filesystem>

#include "sinew/base/config_fwd.hpp"
#include "sinew/base/config_scalar.hpp"
#include "sinew/base/log.hpp"
#include "sinew/base/log_sink.hpp"

namespace sinew::log {

BOOST_DESCRIBE_ENUM(Level, debug, info, warn, error, off)
BOOST_DESCRIBE_ENUM(Format, text, json)

// How a process logs, for its configuration.
struct Settings {
  Level level = Level::info;
  Format format = Format::text;
  config::ByteSize file_size{FileLimits{}.bytes};
  std::size_t files = FileLimits{}.files;

  static void describe(config::Section<Settings>& section);
};

// Has root() log so, into a file. Throws Error unavailable when it cannot be opened.
void log_to_file(const std::filesystem::path& path, const Settings& settings);

}  // namespace sinew::log
