#include "examples/commerce/replay/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <sstream>
#include <system_error>

#include "sinew/base/error.hpp"
#include "sinew/base/utf8.hpp"

namespace commerce::replay {
namespace {

using sinew::Condition;
using sinew::Error;

constexpr std::uintmax_t max_file_bytes = 64U << 20U;

[[noreturn]] void refuse(std::string_view column, std::string_view expected,
                         std::string_view text) {
  throw Error(Condition::invalid_input,
              fmt::format("{}: expected {}, got \"{}\"", column, expected, text.substr(0, 60)));
}

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

}  // namespace

std::string read_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error == std::errc::no_such_file_or_directory) {
    throw Error(Condition::not_found,
                fmt::format("{} does not exist: is it the right folder? docs/reference/"
                            "input-format.md says what belongs in it",
                            path.string()));
  }
  if (!error && size > max_file_bytes) {
    throw Error(Condition::exhausted,
                fmt::format("{} is larger than 64 MiB; split the input", path.string()));
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  if (file && size > 0) content << file.rdbuf();
  if (error || !file || !content) {
    if (!error) error.assign(errno == 0 ? EIO : errno, std::generic_category());
    throw Error(
        error == std::errc::permission_denied ? Condition::unauthorized : Condition::unavailable,
        fmt::format("{} cannot be read: {}; check what it is and who may read it", path.string(),
                    error.message()));
  }
  return std::move(content).str();
}

const std::string& Row::text(std::string_view column) const {
  return record_.fields[reader_.column(column)];
}

const std::string& Row::required(std::string_view column, std::size_t max_characters) const {
  const std::string& value = text(column);
  const std::size_t characters = sinew::count_characters(value);
  if (characters == 0 || characters > max_characters) {
    refuse(column, fmt::format("1 to {} characters", max_characters), value);
  }
  return value;
}

const std::string& Row::key(std::string_view column) const {
  constexpr std::size_t max_key = 40;
  const std::string& value = text(column);
  if (value.empty() || value.size() > max_key || !std::ranges::all_of(value, is_alphanumeric)) {
    refuse(column, "1 to 40 letters and digits", value);
  }
  return value;
}

std::int64_t Row::integer(std::string_view column, std::int64_t minimum,
                          std::int64_t maximum) const {
  const std::string& value = text(column);
  std::int64_t number = 0;
  const char* end = value.data() + value.size();
  const auto read = std::from_chars(value.data(), end, number);
  if (read.ec != std::errc() || read.ptr != end || number < minimum || number > maximum) {
    refuse(column, fmt::format("an integer from {} to {}", minimum, maximum), value);
  }
  return number;
}

sinew::Decimal Row::amount(std::string_view column, int decimals) const {
  const std::string& value = text(column);
  const auto number = sinew::Decimal::try_parse(value);
  if (!number || number->is_negative() || number->round_half_even(decimals) != *number) {
    refuse(column, fmt::format("a decimal from 0 with at most {} decimals", decimals), value);
  }
  return *number;
}

sinew::Date Row::date(std::string_view column) const {
  const auto date = maybe_date(column);
  if (!date) refuse(column, "a date such as 1998-05-06", "");
  return *date;
}

std::optional<sinew::Date> Row::maybe_date(std::string_view column) const {
  const std::string& value = text(column);
  if (value.empty()) return std::nullopt;
  const auto date = sinew::try_parse_iso_date(value);
  if (!date) refuse(column, "a date such as 1998-05-06", value);
  return date;
}

Table::Table(const std::filesystem::path& folder, std::string file,
             const std::vector<std::string_view>& columns)
    : file_(std::move(file)), content_(read_file(folder / file_)) {
  const auto reader = this->reader();
  for (const auto column : columns)
    reader.column(column);
}

std::size_t Table::each(std::string_view key_column, const std::function<void(const Row&)>& take,
                        const std::function<void(RefusedRow)>& refuse) const {
  auto reader = this->reader();
  const std::size_t key = reader.column(key_column);
  std::size_t lines = 0;
  while (const auto record = reader.next()) {
    ++lines;
    if (!record->error.empty()) {
      const std::string at = place(record->line) + ": ";
      const std::string_view error = record->error;
      const auto reason = error.substr(error.starts_with(at) ? at.size() : 0);
      refuse({place(record->line), std::string(reason), broken_key(record->line, key)});
      continue;
    }
    try {
      take(Row(reader, *record, place(record->line)));
    } catch (const Error& error) {
      if (error.condition() != Condition::invalid_input) throw;
      refuse({place(record->line), error.detail(), record->fields[key]});
    }
  }
  return lines;
}

std::string Table::header() const { return content_.substr(0, content_.find('\n') + 1); }

// Only what a comma ends is certainly whole: a cut line may have been cut within the key.
std::string Table::broken_key(std::size_t line, std::size_t column) const {
  std::string_view rest = content_;
  for (std::size_t skipped = 1; skipped < line && !rest.empty(); ++skipped) {
    rest.remove_prefix(std::min(rest.find('\n'), rest.size() - 1) + 1);
  }
  rest = rest.substr(0, rest.find('\n'));
  for (std::size_t skipped = 0; skipped < column; ++skipped) {
    const auto comma = rest.find(',');
    if (comma == std::string_view::npos) return {};
    rest.remove_prefix(comma + 1);
  }
  const auto end = rest.find(',');
  const auto field = end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
  return std::ranges::all_of(field, is_alphanumeric) ? std::string(field) : std::string();
}

}  // namespace commerce::replay
