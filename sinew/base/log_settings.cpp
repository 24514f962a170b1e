#include "sinew/base/log_settings.hpp"

#include "sinew/base/config.hpp"

namespace sinew::log {

using config::ByteSize;

void Settings::describe(config::Section<Settings>& section) {
  section.option("level", &Settings::level, "the least that is logged");
  section.option("format", &Settings::format, "of a line: logfmt or JSON");
  section.option("file_size", &Settings::file_size, "of a file, which is renamed then")
      .range(ByteSize{64U << 10U}, ByteSize{16ULL << 30U});
  section.option("files", &Settings::files, "kept beside the current one").range(0, 1'000);
}

void log_to_file(const std::filesystem::path& path, const Settings& settings) {
  root().set_sink(file_sink(path, settings.format,
                            {.bytes = settings.file_size.bytes, .files = settings.files}));
  root().set_level(settings.level);
}

}  // namespace sinew::log
