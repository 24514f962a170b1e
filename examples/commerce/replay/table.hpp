#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinew/base/decimal.hpp"
#include "sinew/base/time.hpp"
#include "sinew/exchange/csv.hpp"

namespace commerce::replay {

// The whole of a file. Errors: not_found, unauthorized, exhausted (larger than 64 MiB),
// unavailable.
std::string read_file(const std::filesystem::path& path);

// One good line of a table, its fields under their column's names. A field that breaks its form
// throws Error invalid_input which names the column.
class Row {
 public:
  Row(const sinew::exchange::CsvReader& reader, const sinew::exchange::CsvRecord& record,
      std::string place)
      : reader_(reader), record_(record), place_(std::move(place)) {}

  const std::string& place() const noexcept { return place_; }
  // As it stands; empty is "none".
  const std::string& text(std::string_view column) const;
  const std::string& required(std::string_view column, std::size_t max_characters) const;
  // 1 to 40 letters and digits.
  const std::string& key(std::string_view column) const;
  std::int64_t integer(std::string_view column, std::int64_t minimum, std::int64_t maximum) const;
  // At least 0, with at most `decimals` decimals.
  sinew::Decimal amount(std::string_view column, int decimals) const;
  sinew::Date date(std::string_view column) const;
  std::optional<sinew::Date> maybe_date(std::string_view column) const;

  bool has(std::string_view column) const { return reader_.has_column(column); }
  const std::vector<std::string>& fields() const { return record_.fields; }

 private:
  const sinew::exchange::CsvReader& reader_;
  const sinew::exchange::CsvRecord& record_;
  std::string place_;
};

// A line that was not taken.
struct RefusedRow {
  std::string place;  // orders.csv:12
  std::string reason;
  std::string key;  // the field in the key column, as far as it can be told; else empty
};

// A file of the input folder.
class Table {
 public:
  // Errors: those of read_file; invalid_input when a column is missing.
  Table(const std::filesystem::path& folder, std::string file,
        const std::vector<std::string_view>& columns);

  // Hands every good line to `take`, and every other, and each for which `take` throws
  // invalid_input, to `refuse`. `key_column` names the line where it is too broken to be read.
  // Gives how many there were.
  std::size_t each(std::string_view key_column, const std::function<void(const Row&)>& take,
                   const std::function<void(RefusedRow)>& refuse) const;

  const std::string& file() const noexcept { return file_; }
  const std::string& content() const noexcept { return content_; }
  // The first line, with its line break.
  std::string header() const;
  bool has(std::string_view column) const { return reader().has_column(column); }
  std::string place(std::size_t line) const { return file_ + ":" + std::to_string(line); }

 private:
  sinew::exchange::CsvReader reader() const { return {content_, file_}; }
  std::string broken_key(std::size_t line, std::size_t column) const;

  std::string file_;
  std::string content_;
};

}  // namespace commerce::replay
