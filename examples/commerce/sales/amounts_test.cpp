#include "examples/commerce/sales/amounts.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sinew/base/error.hpp"

namespace commerce::sales {
namespace {

using sinew::Decimal;

struct AmountsCase {
  const char* name;
  std::vector<Line> lines;
  const char* freight;
  const char* gross;
  const char* net;
  const char* net_by_line;
  const char* payable;
};

Line line(std::int64_t quantity, const char* price, const char* discount) {
  return {1, quantity, Decimal::parse(price), Decimal::parse(discount)};
}

class AmountsOf : public testing::TestWithParam<AmountsCase> {};

TEST_P(AmountsOf, AreExactAndRoundedOnce) {
  const AmountsCase& row = GetParam();

  const Amounts amounts = amounts_of(row.lines, Decimal::parse(row.freight));

  EXPECT_EQ(to_string(amounts.gross), row.gross);
  EXPECT_EQ(to_string(amounts.net), row.net);
  EXPECT_EQ(to_string(amounts.net_by_line), row.net_by_line);
  EXPECT_EQ(to_string(amounts.payable), row.payable);
}

INSTANTIATE_TEST_SUITE_P(
    All, AmountsOf,
    testing::Values(
        AmountsCase{"Plain", {line(12, "14", "0")}, "32.38", "168", "168", "168", "200.38"},
        AmountsCase{
            "FiveDecimals", {line(1, "0.333", "0.15")}, "0", "0.333", "0.28305", "0.28", "0.28"},
        AmountsCase{"HalfToEven",
                    {line(1, "0.045", "0"), line(1, "0.06", "0")},
                    "0.02",
                    "0.105",
                    "0.105",
                    "0.1",
                    "0.12"},
        AmountsCase{"OnceAnOrder",
                    {line(1, "0.005", "0"), line(1, "0.005", "0")},
                    "0",
                    "0.01",
                    "0.01",
                    "0",
                    "0.01"},
        AmountsCase{"Free", {line(3, "5", "1")}, "0", "15", "0", "0", "0"}),
    [](const auto& row) { return row.param.name; });

TEST(AmountsOf, RefusesWhatNoDecimalHolds) {
  const std::vector<Line> lines(20, line(1'000'000, "1000000", "0"));
  EXPECT_THROW(amounts_of(lines, Decimal()), sinew::Error);
}

}  // namespace
}  // namespace commerce::sales
