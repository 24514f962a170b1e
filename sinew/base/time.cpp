#include "sinew/base/time.hpp"

#include <fmt/format.h>

#include "sinew/base/error.hpp"

namespace sinew {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Consumes text from the left; every method gives false, or nullopt, without a match.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }

  bool skip(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // Exactly `count` decimal digits, of a value up to `maximum`.
  std::optional<int> number(std::size_t count, int maximum) {
    if (rest_.size() < count) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!is_digit(rest_[i])) return std::nullopt;
      value = value * 10 + (rest_[i] - '0');
    }
    if (value > maximum) return std::nullopt;
    rest_.remove_prefix(count);
    return value;
  }

  // 1 to 9 digits of a decimal fraction, as microseconds.
  std::optional<int> fraction() {
    std::size_t count = 0;
    int micros = 0;
    for (; count < rest_.size() && is_digit(rest_[count]); ++count) {
      if (count < 6) micros = micros * 10 + (rest_[count] - '0');
    }
    if (count == 0 || count > 9) return std::nullopt;
    for (std::size_t i = count; i < 6; ++i)
      micros *= 10;
    rest_.remove_prefix(count);
    return micros;
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  std::string_view rest_;
};

std::optional<Date> read_date(Cursor& cursor) {
  const auto year = cursor.number(4, 9999);
  if (!year || !cursor.skip('-')) return std::nullopt;
  const auto month = cursor.number(2, 12);
  if (!month || !cursor.skip('-')) return std::nullopt;
  const auto day = cursor.number(2, 31);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(*month),
                                         std::chrono::day(*day)};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

std::optional<microseconds> read_time_of_day(Cursor& cursor) {
  const auto hour = cursor.number(2, 23);
  if (!hour || !cursor.skip(':')) return std::nullopt;
  const auto minute = cursor.number(2, 59);
  if (!minute || !cursor.skip(':')) return std::nullopt;
  const auto second = cursor.number(2, 59);
  if (!second) return std::nullopt;
  int fraction = 0;
  if (cursor.skip('.')) {
    const auto read = cursor.fraction();
    if (!read) return std::nullopt;
    fraction = *read;
  }
  return hours(*hour) + minutes(*minute) + seconds(*second) + microseconds(fraction);
}

std::optional<minutes> read_offset(Cursor& cursor) {
  if (cursor.skip('Z')) return minutes(0);
  const bool west = cursor.skip('-');
  if (!west && !cursor.skip('+')) return std::nullopt;
  const auto hour = cursor.number(2, 23);
  if (!hour || !cursor.skip(':')) return std::nullopt;
  const auto minute = cursor.number(2, 59);
  if (!minute) return std::nullopt;
  const minutes offset = hours(*hour) + minutes(*minute);
  return west ? -offset : offset;
}

// The days that RFC 3339 can write. Beyond its range year_month_day wraps round, so days are
// compared.
constexpr bool in_four_digits(Date date) noexcept {
  constexpr Date first = std::chrono::year(0) / 1 / 1;
  constexpr Date last = std::chrono::year(9999) / 12 / 31;
  return first <= date && date <= last;
}

std::chrono::year_month_day calendar(Date date) {
  if (!in_four_digits(date)) {
    throw Error(Condition::invalid_input,
                fmt::format("a date {} days from 1970-01-01 lies outside the years 0000 to 9999, "
                            "which RFC 3339 can write",
                            date.time_since_epoch().count()));
  }
  return date;
}

}  // namespace

std::string to_rfc3339(Timestamp time) {
  const Date date = std::chrono::floor<days>(time);
  std::string text = to_iso_date(date);  // refuses the years whose difference below would overflow
  const std::chrono::hh_mm_ss<microseconds> clock(time - date);
  text += fmt::format("T{:02}:{:02}:{:02}", clock.hours().count(), clock.minutes().count(),
                      clock.seconds().count());
  if (clock.subseconds().count() != 0) {
    text += fmt::format(".{:06}", clock.subseconds().count());
  }
  return text + "Z";
}

std::optional<Timestamp> try_parse_rfc3339(std::string_view text) noexcept {
  Cursor cursor(text);
  const auto date = read_date(cursor);
  if (!date || !cursor.skip('T')) return std::nullopt;
  const auto time = read_time_of_day(cursor);
  if (!time) return std::nullopt;
  const auto offset = read_offset(cursor);
  if (!offset || !cursor.at_end()) return std::nullopt;
  const Timestamp utc = *date + *time - *offset;
  if (!in_four_digits(std::chrono::floor<days>(utc))) return std::nullopt;  // by its offset
  return utc;
}

Timestamp parse_rfc3339(std::string_view text) {
  if (const auto time = try_parse_rfc3339(text)) return *time;
  throw Error(Condition::invalid_input,
              fmt::format("expected a time such as 2026-05-04T10:30:00Z (RFC 3339), got \"{}\"",
                          text.substr(0, 40)));
}

std::string to_iso_date(Date date) {
  const auto day = calendar(date);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

std::optional<Date> try_parse_iso_date(std::string_view text) noexcept {
  Cursor cursor(text);
  const auto date = read_date(cursor);
  if (!cursor.at_end()) return std::nullopt;
  return date;
}

Date parse_iso_date(std::string_view text) {
  if (const auto date = try_parse_iso_date(text)) return *date;
  throw Error(
      Condition::invalid_input,
      fmt::format("expected a date such as 2026-05-04 (ISO 8601), got \"{}\"", text.substr(0, 40)));
}

}  // namespace sinew
