#include "sinew/exchange/csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sinew/base/error.hpp"
#include "sinew/base/utf8.hpp"

namespace sinew::exchange {

CsvReader::CsvReader(std::string_view text, std::string file, CsvLimits limits)
    : rest_(text), file_(std::move(file)), limits_(limits) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (rest_.starts_with(byte_order_mark)) rest_.remove_prefix(byte_order_mark.size());
  if (rest_.empty()) throw Error(Condition::invalid_input, at(1, "the file is empty"));
  CsvRecord record = read_record();
  if (!record.error.empty()) throw Error(Condition::invalid_input, record.error);
  std::set<std::string> names;
  for (const auto& name : record.fields) {
    if (name.empty() || !names.insert(name).second) {
      throw Error(Condition::invalid_input,
                  at(1, fmt::format("the column name \"{}\" is empty or repeated", name)));
    }
  }
  header_ = std::move(record.fields);
}

std::size_t CsvReader::column(std::string_view name) const {
  const auto found = std::ranges::find(header_, name);
  if (found != header_.end()) return static_cast<std::size_t>(found - header_.begin());
  throw Error(Condition::invalid_input, at(1, fmt::format("there is no column {}; there are {}",
                                                          name, fmt::join(header_, ", "))));
}

bool CsvReader::has_column(std::string_view name) const noexcept {
  return std::ranges::find(header_, name) != header_.end();
}

std::optional<CsvRecord> CsvReader::next() {
  while (!rest_.empty() && at_line_end())
    skip_line();
  if (rest_.empty()) return std::nullopt;
  CsvRecord record = read_record();
  if (record.error.empty() && record.fields.size() != header_.size()) {
    record.error = at(record.line, fmt::format("expected {} fields, got {}", header_.size(),
                                               record.fields.size()));
  }
  if (!record.error.empty()) record.fields.clear();
  return record;
}

CsvRecord CsvReader::read_record() {
  CsvRecord record;
  record.line = line_;
  std::string error;
  for (;;) {
    std::string field;
    if (!read_field(field, error)) break;
    record.fields.push_back(std::move(field));
    if (record.fields.size() > limits_.max_columns) {
      error = fmt::format("more than {} fields", limits_.max_columns);
      break;
    }
    if (rest_.empty()) {
      error = "the file ends in the middle of a line; was it cut?";
      break;
    }
    if (rest_.front() != ',') break;
    rest_.remove_prefix(1);
  }
  if (!error.empty()) record.error = at(record.line, error);
  skip_line();
  return record;
}

bool CsvReader::at_line_end() const { return rest_.starts_with('\n') || rest_.starts_with("\r\n"); }

// Leaves rest_ at the comma, the line's end or the text's end behind the field.
bool CsvReader::read_field(std::string& field, std::string& error) {
  if (rest_.starts_with('"')) {
    if (!read_quoted(field, error)) return false;
  } else {
    const std::size_t end = std::min(rest_.find_first_of(",\n"), rest_.size());
    std::string_view raw = rest_.substr(0, end);
    if (end < rest_.size() && rest_[end] == '\n' && raw.ends_with('\r')) raw.remove_suffix(1);
    rest_.remove_prefix(raw.size());
    field = raw;
    if (raw.find_first_of("\"\r") != raw.npos) error = "a quote or carriage return inside a field";
  }
  if (!error.empty()) return false;
  if (field.size() > limits_.max_field_bytes) {
    error = fmt::format("a field of more than {} bytes", limits_.max_field_bytes);
  } else if (field.find('\0') != field.npos || find_malformed_utf8(field)) {
    error = "a field is not UTF-8 text";
  } else if (!rest_.empty() && rest_.front() != ',' && !at_line_end()) {
    error = "text behind a closing quote";
  }
  return error.empty();
}

bool CsvReader::read_quoted(std::string& field, std::string& error) {
  rest_.remove_prefix(1);
  for (;;) {
    const std::size_t quote = rest_.find('"');
    if (quote == rest_.npos) {
      error = "a quote is opened and never closed";
      rest_ = {};
      return false;
    }
    const std::string_view part = rest_.substr(0, quote);
    line_ += static_cast<std::size_t>(std::ranges::count(part, '\n'));
    field += part;
    rest_.remove_prefix(quote + 1);
    if (!rest_.starts_with('"')) return true;
    field += '"';
    rest_.remove_prefix(1);
  }
}

void CsvReader::skip_line() {
  const std::size_t end = rest_.find('\n');
  rest_.remove_prefix(end == rest_.npos ? rest_.size() : end + 1);
  ++line_;
}

std::string CsvReader::at(std::size_t line, std::string_view problem) const {
  return fmt::format("{}:{}: {}", file_, line, problem);
}

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) {
    if (&field != &fields.front()) line += ',';
    if (field.find_first_of(",\"\r\n") == field.npos) {
      line += field;
      continue;
    }
    line += '"';
    for (const char c : field) {
      if (c == '"') line += '"';
      line += c;
    }
    line += '"';
  }
  return line + '\n';
}

}  // namespace sinew::exchange
