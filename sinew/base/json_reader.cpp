#include "sinew/base/json_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sinew {
namespace {

constexpr std::size_t max_name_in_path = 64;

std::string join(const std::vector<JsonError>& errors) {
  std::string text;
  for (const JsonError& error : errors) {
    if (!text.empty()) text += "; ";
    text += to_string(error);
  }
  return text;
}

// Names that would be misread in a path, as the keys of a map may be, stand in brackets.
bool is_plain(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  };
  return !name.empty() && name.size() <= max_name_in_path && std::ranges::all_of(name, plain);
}

}  // namespace

std::string to_string(const JsonError& error) {
  return error.path.empty() ? error.message : error.path + ": " + error.message;
}

DocumentError::DocumentError(std::vector<JsonError> errors)
    : Error(Condition::invalid_input, join(errors)), errors_(std::move(errors)) {}

void JsonReader::fail(std::string message) {
  if (errors_.size() < max_errors) {
    errors_.push_back({path_, std::move(message)});
  } else {
    ++dropped_;
  }
}

void JsonReader::expected(std::string_view what, const Json& got) {
  fail(fmt::format("expected {}, got {}", what, brief(got)));
}

void JsonReader::missing(std::string_view what) {
  fail(fmt::format("expected {}, but it is missing", what));
}

void JsonReader::finish() {
  if (errors_.empty()) return;
  if (dropped_ > 0) errors_.push_back({"", fmt::format("and {} more errors", dropped_)});
  throw DocumentError(std::move(errors_));
}

JsonReader::Step::Step(JsonReader& reader, std::string_view name)
    : reader_(reader), previous_length_(reader.path_.size()) {
  if (!is_plain(name)) {
    reader.path_ += fmt::format("[{}]", brief(Json(name)));
    return;
  }
  if (!reader.path_.empty()) reader.path_ += '.';
  reader.path_ += name;
}

JsonReader::Step::Step(JsonReader& reader, std::size_t index)
    : reader_(reader), previous_length_(reader.path_.size()) {
  reader.path_ += fmt::format("[{}]", index);
}

}  // namespace sinew
