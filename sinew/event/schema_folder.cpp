#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>

#include "sinew/base/error.hpp"
#include "sinew/base/json_reader.hpp"
#include "sinew/event/schema_catalog.hpp"

namespace sinew::event {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view ending = ".schema.json";
constexpr std::size_t max_file_bytes = JsonLimits().max_bytes;

std::vector<fs::path> schema_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
    if (entry->path().filename().string().ends_with(ending)) files.push_back(entry->path());
  }
  if (error) {
    throw Error(Condition::not_found,
                fmt::format("{} cannot be read: {}", folder.string(), error.message()));
  }
  if (files.empty()) {
    throw Error(Condition::not_found,
                fmt::format("{} holds no schema, <type>.v<version>{}", folder.string(), ending));
  }
  std::ranges::sort(files);
  return files;
}

std::string content(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error || size > max_file_bytes) {
    throw Error(Condition::invalid_input,
                error ? error.message() : fmt::format("has more than {} bytes", max_file_bytes));
  }
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file) throw Error(Condition::invalid_input, "cannot be read");
  return text;
}

// Of `sales.order.placed.v1.schema.json`.
EventType type_of(std::string_view file) {
  file.remove_suffix(ending.size());
  const std::size_t mark = file.rfind(".v");
  std::int32_t version = 0;
  if (mark != std::string_view::npos && mark > 0) {
    const char* end = file.data() + file.size();
    const auto read = std::from_chars(file.data() + mark + 2, end, version);
    if (read.ec != std::errc() || read.ptr != end) version = 0;
  }
  if (version < 1) {
    throw Error(Condition::invalid_input,
                fmt::format("is no name of a schema: expected <type>.v<version>{}", ending));
  }
  return {file.substr(0, mark), version};
}

void add_file(SchemaCatalog& catalog, const fs::path& path) {
  const std::string name = path.filename().string();
  const EventType type = type_of(name);
  CommittedSchema committed{.type = std::string(type.name),
                            .version = type.version,
                            .context = path.parent_path().parent_path().filename().string(),
                            .schema = Schema::parse_text(content(path))};
  const std::string expected = fmt::format("urn:sinew:{}:{}", type.name, type.version);
  if (committed.schema.id() != expected) {
    throw Error(Condition::invalid_input,
                fmt::format("$id: expected {}, got \"{}\"", expected, committed.schema.id()));
  }
  if (path.parent_path().filename() == "reads") {
    catalog.add_reader(std::move(committed));
  } else {
    catalog.add_written(std::move(committed));
  }
}

}  // namespace

void add_schema_folder(SchemaCatalog& catalog, const fs::path& folder) {
  std::vector<JsonError> errors;
  for (const fs::path& path : schema_files(folder)) {
    try {
      add_file(catalog, path);
    } catch (const Error& error) {
      errors.push_back({path.string(), error.detail()});
    }
  }
  if (!errors.empty()) throw DocumentError(std::move(errors));
}

}  // namespace sinew::event
