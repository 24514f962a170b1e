#include "examples/commerce/books/input_lines.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "examples/commerce/books/row_seal.hpp"
#include "sinew/base/error.hpp"

namespace commerce::books {

using sinew::Condition;
using sinew::Error;
using sinew::Task;
using sinew::exchange::CsvReader;
using sinew::exchange::CsvRecord;
using sinew::store::Transaction;

InputLine::InputLine(const CsvReader& reader, std::string file, CsvRecord record)
    : reader_(reader),
      record_(std::move(record)),
      place_(fmt::format("{}:{}", file, record_.line)) {}

const std::string& InputLine::field(std::string_view column) const {
  return record_.fields.at(reader_.column(column));
}

std::string InputLine::optional_text(std::string_view column, std::size_t longest) const {
  const std::string& value = field(column);
  if (value.size() <= longest) return value;
  throw Error(Condition::invalid_input,
              fmt::format("{}: expected at most {} bytes, got {}", column, longest, value.size()));
}

std::string InputLine::text(std::string_view column, std::size_t longest) const {
  std::string value = optional_text(column, longest);
  if (!value.empty()) return value;
  throw Error(Condition::invalid_input, fmt::format("{}: expected a text, got nothing", column));
}

std::int64_t InputLine::integer(std::string_view column, std::int64_t least,
                                std::int64_t most) const {
  const std::string& value = field(column);
  std::int64_t number = 0;
  const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
  const bool whole = read.ec == std::errc() && read.ptr == value.data() + value.size();
  if (whole && number >= least && number <= most) return number;
  throw Error(
      Condition::invalid_input,
      fmt::format("{}: expected an integer from {} to {}, got \"{}\"", column, least, most, value));
}

namespace {

Task<void> refuse(Transaction& tx, std::string place, std::string reason) {
  co_await tx.execute(
      "INSERT INTO refused_lines (place, reason, seal) VALUES (?, ?, ?) "
      "ON CONFLICT (place) DO UPDATE SET reason = excluded.reason, seal = excluded.seal",
      SealedRow{place, reason});
}

Task<void> take_line(Transaction& tx, InputLine line, const TakeLine& take) {
  std::string refusal;
  try {
    co_await take(tx, line);
  } catch (const Error& error) {
    if (error.condition() != Condition::invalid_input) throw;
    refusal = error.detail();
  }
  if (!refusal.empty()) co_await refuse(tx, line.place(), std::move(refusal));
}

}  // namespace

Task<void> take_lines(sinew::exchange::DroppedFile& file,
                      std::initializer_list<std::string_view> columns, TakeLine take) {
  const CsvReader start(file.content(), file.name());
  for (const auto column : columns)
    start.column(column);
  co_await file.commit([&](Transaction& tx) -> Task<void> {
    CsvReader reader = start;
    while (auto record = reader.next()) {
      if (record->error.empty()) {
        co_await take_line(tx, InputLine(reader, file.name(), std::move(*record)), take);
      } else {
        co_await refuse(tx, fmt::format("{}:{}", file.name(), record->line), record->error);
      }
    }
  });
}

Task<void> read_refused_lines(Transaction& tx, ContextAudit& audit) {
  co_await for_each_row(tx,
                        "SELECT place, reason, seal FROM refused_lines WHERE place >= ? "
                        "ORDER BY place LIMIT ?",
                        first_text, [&](const sinew::store::Row& row) {
                          if (!check_seal(row, "refused_lines", audit.problems)) return;
                          audit.refused.push_back({row.text(0), row.text(1)});
                        });
}

}  // namespace commerce::books
