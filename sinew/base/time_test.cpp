#include "sinew/base/time.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "sinew/base/error.hpp"

namespace sinew {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp at(Date date, std::chrono::microseconds time) { return date + time; }
constexpr Date leap_day = std::chrono::year(2024) / 2 / 29;

TEST(Time, WritesRfc3339) {
  EXPECT_EQ(to_rfc3339(from_micros(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(to_rfc3339(from_micros(-1)), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(to_rfc3339(at(leap_day, 10h + 5min + 9s + 120ms)), "2024-02-29T10:05:09.120000Z");
}

TEST(Time, ReadsRfc3339) {
  const struct {
    const char* text;
    Timestamp time;
  } rows[] = {
      {"1970-01-01T00:00:00Z", from_micros(0)},
      {"2024-02-29T10:05:09.12Z", at(leap_day, 10h + 5min + 9s + 120ms)},
      {"2024-02-29T10:05:09.123456789Z", at(leap_day, 10h + 5min + 9s + 123456us)},
      {"2024-02-29T10:05:09+02:30", at(leap_day, 7h + 35min + 9s)},
      {"2024-02-29T23:05:09-02:00", at(leap_day, 25h + 5min + 9s)},
      {"2024-02-29T10:05:09-00:00", at(leap_day, 10h + 5min + 9s)},
  };
  for (const auto& row : rows)
    EXPECT_EQ(parse_rfc3339(row.text), row.time) << row.text;
}

TEST(Time, RefusesWhatIsNotRfc3339) {
  for (const char* text : {"",
                           "2024",
                           "2024-02-29",
                           "2024-02-29T10:05:09",
                           "2024-02-29 10:05:09Z",
                           "2024-02-29t10:05:09z",
                           "2023-02-29T10:05:09Z",
                           "2024-13-01T10:05:09Z",
                           "2024-00-01T10:05:09Z",
                           "2024-02-29T24:00:00Z",
                           "2024-02-29T10:60:09Z",
                           "2024-02-29T10:05:60Z",
                           "2024-02-29T10:05:09.Z",
                           "2024-02-29T10:05:09.1234567890Z",
                           "2024-02-29T10:05:09+0230",
                           "2024-02-29T10:05:09+24:00",
                           "2024-02-29T10:05:09Z ",
                           " 2024-02-29T10:05:09Z",
                           "+024-02-29T10:05:09Z",
                           "0000-01-01T00:00:00+00:01",
                           "9999-12-31T23:59:59-00:01",
                           "2024-2-29T10:05:09Z"}) {
    EXPECT_EQ(try_parse_rfc3339(text), std::nullopt) << text;
    EXPECT_THROW(parse_rfc3339(text), Error) << text;
  }
}

TEST(Time, DatesGoBothWays) {
  EXPECT_EQ(to_iso_date(leap_day), "2024-02-29");
  EXPECT_EQ(parse_iso_date("2024-02-29"), leap_day);
  EXPECT_EQ(to_iso_date(parse_iso_date("0000-01-01")), "0000-01-01");
  EXPECT_EQ(to_iso_date(parse_iso_date("9999-12-31")), "9999-12-31");
}

TEST(Time, RefusesWhatIsNoDate) {
  for (const char* text : {"", "2023-02-29", "2024-02-30", "2024-2-9", "20240229", "2024-02-29T",
                           "-024-02-29", "2024/02/29"}) {
    EXPECT_EQ(try_parse_iso_date(text), std::nullopt) << text;
    EXPECT_THROW(parse_iso_date(text), Error) << text;
  }
}

TEST(Time, RefusesToWriteYearsOfFiveDigits) {
  EXPECT_THROW(to_rfc3339(from_micros(std::numeric_limits<std::int64_t>::max())), Error);
  EXPECT_THROW(to_rfc3339(from_micros(std::numeric_limits<std::int64_t>::min())), Error);
}

TEST(Time, MicrosGoBothWays) {
  EXPECT_EQ(to_micros(from_micros(1'234'567)), 1'234'567);
  EXPECT_EQ(to_micros(leap_day), 1'709'164'800'000'000);
}

}  // namespace
}  // namespace sinew
