#include "sinew/base/money.hpp"

#include <gtest/gtest.h>

#include "sinew/base/error.hpp"

namespace sinew {
namespace {

Money m(std::string_view text) { return Money::parse(text); }

TEST(Currency, TakesThreeUpperCaseLetters) {
  EXPECT_EQ(to_string(Currency::parse("EUR")), "EUR");
  EXPECT_EQ(to_string(Currency()), "XXX");
  for (const char* text : {"", "EU", "EURO", "eur", "E R", "E1R"}) {
    EXPECT_EQ(Currency::try_parse(text), std::nullopt) << text;
    EXPECT_THROW(Currency::parse(text), Error) << text;
  }
}

TEST(Money, TextGoesBothWays) {
  EXPECT_EQ(to_string(m("12.5 USD")), "12.50 USD");
  EXPECT_EQ(to_string(m("2.5327 USD")), "2.5327 USD");
  EXPECT_EQ(m("12.5 USD").amount(), Decimal::parse("12.5"));
  for (const char* text : {"", "12.5", "12.5 ", "12.5  USD", "12.5 usd", "USD 12.5", "12.5 USD "}) {
    EXPECT_THROW(m(text), Error) << text;
  }
}

TEST(Money, CalculatesWithinOneCurrency) {
  EXPECT_EQ(m("1.10 EUR") + m("2.20 EUR"), m("3.30 EUR"));
  EXPECT_EQ(m("1.10 EUR") - m("2.20 EUR"), m("-1.10 EUR"));
  EXPECT_EQ(m("1.10 EUR") * 3, m("3.30 EUR"));
  EXPECT_EQ(m("1.10 EUR") * Decimal::parse("0.5"), m("0.55 EUR"));
  EXPECT_EQ(m("1.015 EUR").round_half_even(2), m("1.02 EUR"));
  EXPECT_LT(m("1 EUR"), m("2 EUR"));
}

TEST(Money, RefusesToMixCurrencies) {
  EXPECT_THROW(m("1 EUR") + m("1 USD"), Error);
  EXPECT_THROW(m("1 EUR") - m("1 USD"), Error);
  EXPECT_THROW((void)(m("1 EUR") < m("2 USD")), Error);
  EXPECT_NE(m("1 EUR"), m("1 USD"));
}

}  // namespace
}  // namespace sinew
