#include "sinew/base/decimal.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "sinew/base/error.hpp"

namespace sinew {
namespace {

constexpr Decimal greatest = Decimal::from_micros(std::numeric_limits<std::int64_t>::max());
constexpr Decimal least = Decimal::from_micros(std::numeric_limits<std::int64_t>::min());

Decimal d(std::string_view text) { return Decimal::parse(text); }

TEST(Decimal, TextGoesBothWays) {
  const struct {
    const char* text;
    std::int64_t micros;
    const char* written;
  } rows[] = {
      {"0", 0, "0"},
      {"-0", 0, "0"},
      {"12", 12'000'000, "12"},
      {"12.50", 12'500'000, "12.5"},
      {"-0.005", -5'000, "-0.005"},
      {"0.000001", 1, "0.000001"},
      {"100", 100'000'000, "100"},
      {"9223372036854.775807", std::numeric_limits<std::int64_t>::max(), "9223372036854.775807"},
      {"-9223372036854.775808", std::numeric_limits<std::int64_t>::min(), "-9223372036854.775808"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(d(row.text).micros(), row.micros) << row.text;
    EXPECT_EQ(to_string(d(row.text)), row.written) << row.text;
  }
}

TEST(Decimal, RefusesOtherText) {
  for (const char* text : {"",
                           "-",
                           ".",
                           "1.",
                           ".5",
                           "-.5",
                           "+1",
                           "01",
                           "00",
                           "1,5",
                           "1e3",
                           " 1",
                           "1 ",
                           "1.0000000",
                           "0x1",
                           "1.2.3",
                           "--1",
                           "1.-2",
                           "9223372036854.775808",
                           "-9223372036854.775809",
                           "10000000000000",
                           "99999999999999999999999999999999999999999999"}) {
    EXPECT_EQ(Decimal::try_parse(text), std::nullopt) << text;
    EXPECT_THROW(d(text), Error) << text;
  }
}

TEST(Decimal, WritesAtLeastTheScaleAskedFor) {
  EXPECT_EQ(to_string(d("12.5"), 2), "12.50");
  EXPECT_EQ(to_string(d("12"), 2), "12.00");
  EXPECT_EQ(to_string(d("12.345"), 2), "12.345");
  EXPECT_EQ(to_string(d("-7"), 6), "-7.000000");
  EXPECT_THROW(to_string(d("1"), 7), Error);
  EXPECT_THROW(to_string(d("1"), -1), Error);
}

TEST(Decimal, AddsAndSubtractsExactly) {
  EXPECT_EQ(d("0.1") + d("0.2"), d("0.3"));
  EXPECT_EQ(d("0.1") - d("0.2"), d("-0.1"));
  EXPECT_EQ(-d("0.1"), d("-0.1"));
}

TEST(Decimal, MultipliesExactlyOrNotAtAll) {
  EXPECT_EQ(d("14.4") * d("0.85"), d("12.24"));
  EXPECT_EQ(d("2.666") * d("0.95"), d("2.5327"));
  EXPECT_EQ(d("-1.5") * 3, d("-4.5"));
  EXPECT_EQ(3 * d("1.5"), d("4.5"));
  EXPECT_THROW(d("0.000001") * d("0.1"), Error);
}

TEST(Decimal, RefusesToLeaveItsRange) {
  EXPECT_THROW(greatest + d("0.000001"), Error);
  EXPECT_THROW(least - d("0.000001"), Error);
  EXPECT_THROW(-least, Error);
  EXPECT_THROW(greatest * 2, Error);
  EXPECT_THROW(greatest * d("2"), Error);
  EXPECT_THROW(least * -1, Error);
  EXPECT_THROW(Decimal::from_integer(9'223'372'036'855), Error);
  EXPECT_THROW(greatest.round_half_even(0), Error);
  EXPECT_THROW(least.round_half_even(0), Error);
}

TEST(Decimal, AFailedSumLeavesTheValueAlone) {
  Decimal value = greatest;

  EXPECT_THROW(value += d("1"), Error);

  EXPECT_EQ(value, greatest);
}

TEST(Decimal, RoundsHalfToEven) {
  const struct {
    const char* value;
    int scale;
    const char* rounded;
  } rows[] = {
      {"0.5", 0, "0"},        {"1.5", 0, "2"},
      {"2.5", 0, "2"},        {"-0.5", 0, "0"},
      {"-1.5", 0, "-2"},      {"-2.5", 0, "-2"},
      {"2.500001", 0, "3"},   {"-2.500001", 0, "-3"},
      {"2.499999", 0, "2"},   {"1.005", 2, "1"},
      {"1.015", 2, "1.02"},   {"1.0151", 2, "1.02"},
      {"-1.015", 2, "-1.02"}, {"0.123456", 6, "0.123456"},
      {"0.000005", 5, "0"},   {"7", 2, "7"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(d(row.value).round_half_even(row.scale), d(row.rounded)) << row.value;
  }
  EXPECT_THROW(d("1").round_half_even(7), Error);
}

TEST(Decimal, Compares) {
  EXPECT_LT(d("-1"), d("0.999999"));
  EXPECT_EQ(d("1.10"), d("1.1"));
  EXPECT_TRUE(d("-0").is_zero());
  EXPECT_TRUE(d("-1").is_negative());
}

}  // namespace
}  // namespace sinew
