#include "sinew/base/config_scalar.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace sinew::config {
namespace {

using namespace std::chrono_literals;

TEST(ConfigScalar, ReadsDurations) {
  struct Row {
    std::string_view text;
    std::optional<Duration> expected;
  };
  const Row rows[] = {
      {"250ms", 250ms},
      {"10s", 10s},
      {"1h30m", 90min},
      {"2d", 48h},
      {"1s1ms1us1ns", 1'001'001'001ns},
      {"0", 0s},
      {"0s", 0s},
      {"106751d", 106751 * 24h},
      {"", std::nullopt},
      {"10", std::nullopt},
      {"s", std::nullopt},
      {"1.5s", std::nullopt},
      {"-1s", std::nullopt},
      {"+1s", std::nullopt},
      {"1S", std::nullopt},
      {"1m1h", std::nullopt},
      {"1s1s", std::nullopt},
      {"1s ", std::nullopt},
      {"106752d", std::nullopt},
      {"99999999999999999999s", std::nullopt},
      {"9223372036s999999999999ns", std::nullopt},
  };
  for (const auto& row : rows)
    EXPECT_EQ(parse_duration(row.text), row.expected) << row.text;
}

TEST(ConfigScalar, DurationsSurviveTheRoundTrip) {
  for (const Duration duration :
       {Duration(0), Duration(1), Duration(90min), Duration(1'500ms), Duration::max()}) {
    EXPECT_EQ(parse_duration(format_duration(duration)), duration) << format_duration(duration);
  }
  EXPECT_EQ(format_duration(90min), "1h30m");
  EXPECT_EQ(format_duration(0s), "0s");
}

TEST(ConfigScalar, ReadsByteSizes) {
  struct Row {
    std::string_view text;
    std::optional<ByteSize> expected;
  };
  const Row rows[] = {
      {"512B", ByteSize{512}},
      {"64KiB", ByteSize{65'536}},
      {"1GiB", ByteSize{1'073'741'824}},
      {"10kB", ByteSize{10'000}},
      {"2MB", ByteSize{2'000'000}},
      {"64", std::nullopt},
      {"64K", std::nullopt},
      {"64kib", std::nullopt},
      {"-1B", std::nullopt},
      {"17179869184GiB", std::nullopt},
  };
  for (const auto& row : rows)
    EXPECT_EQ(parse_byte_size(row.text), row.expected) << row.text;
  EXPECT_EQ(format_byte_size({65'536}), "64KiB");
  EXPECT_EQ(format_byte_size({1'000}), "1000B");
  EXPECT_EQ(format_byte_size({0}), "0B");
}

TEST(ConfigScalar, IntegersKeepTheirTypesRange) {
  EXPECT_EQ(Scalar<std::uint16_t>::parse("65535"), 65'535);
  EXPECT_EQ(Scalar<std::uint16_t>::parse("65536"), std::nullopt);
  EXPECT_EQ(Scalar<unsigned>::parse("-1"), std::nullopt);
  EXPECT_EQ(Scalar<int>::parse("-7"), -7);
  EXPECT_EQ(Scalar<int>::parse("1.0"), std::nullopt);
  EXPECT_EQ(Scalar<int>::parse("0x10"), std::nullopt);
  EXPECT_EQ(Scalar<int>::parse(" 1"), std::nullopt);
  EXPECT_EQ(Scalar<int>::parse(""), std::nullopt);
  EXPECT_EQ(Scalar<std::uint64_t>::parse("18446744073709551615"),
            std::numeric_limits<std::uint64_t>::max());
}

TEST(ConfigScalar, NumbersAreFinite) {
  EXPECT_EQ(parse_number("0.25"), 0.25);
  EXPECT_EQ(parse_number("1e3"), 1000.0);
  EXPECT_EQ(parse_number("inf"), std::nullopt);
  EXPECT_EQ(parse_number("nan"), std::nullopt);
  EXPECT_EQ(parse_number("1e999"), std::nullopt);
}

TEST(ConfigScalar, BooleansAreNotWords) {
  EXPECT_EQ(parse_boolean("true"), true);
  EXPECT_EQ(parse_boolean("false"), false);
  EXPECT_EQ(parse_boolean("yes"), std::nullopt);
  EXPECT_EQ(parse_boolean("True"), std::nullopt);
}

}  // namespace
}  // namespace sinew::config
