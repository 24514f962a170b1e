#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sinew::exchange {

struct CsvLimits {
  std::size_t max_columns = 256;
  std::size_t max_field_bytes = 64 * 1024;
};

// One line of data, or what is wrong with it.
struct CsvRecord {
  std::size_t line = 0;             // of its first character, from 1; the header is line 1
  std::vector<std::string> fields;  // as many as the header has; empty when there is an error
  std::string error;                // "orders.csv:12: expected 5 fields, got 4"; empty: good
};

// Reads RFC 4180 text with a header, strictly: comma, quotes doubled inside quotes, LF or CRLF.
// A bad line is reported and reading goes on behind it, so one error costs one line. The text must
// end with a line break: without one its last line may be cut, and is refused. Sees no files.
class CsvReader {
 public:
  // `file` is the name used in errors. The text outlives the reader. Throws Error invalid_input
  // when there is no header, or one with empty or repeated names.
  CsvReader(std::string_view text, std::string file, CsvLimits limits = {});

  const std::vector<std::string>& header() const noexcept { return header_; }
  // The index of a column. Throws Error invalid_input naming the file and what it has.
  std::size_t column(std::string_view name) const;
  bool has_column(std::string_view name) const noexcept;

  // The next record, or nothing at the end. Empty lines are skipped.
  std::optional<CsvRecord> next();

  // "orders.csv:12: " + problem
  std::string at(std::size_t line, std::string_view problem) const;

 private:
  CsvRecord read_record();
  bool read_field(std::string& field, std::string& error);
  bool read_quoted(std::string& field, std::string& error);
  void skip_line();
  bool at_line_end() const;

  std::string_view rest_;
  std::string file_;
  CsvLimits limits_;
  std::vector<std::string> header_;
  std::size_t line_ = 1;
};

// One record as a line of CSV with LF: quoted where it must be.
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace sinew::exchange
