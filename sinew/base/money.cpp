#include "sinew/base/money.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sinew/base/error.hpp"

namespace sinew {
namespace {

void require_same(Currency a, Currency b) {
  if (a == b) return;
  throw Error(Condition::invalid_input,
              fmt::format("{} and {} cannot be added or compared: convert one of them first",
                          a.view(), b.view()));
}

}  // namespace

std::optional<Currency> Currency::try_parse(std::string_view text) noexcept {
  Currency currency;
  if (text.size() != currency.code_.size()) return std::nullopt;
  if (!std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; })) return std::nullopt;
  std::ranges::copy(text, currency.code_.begin());
  return currency;
}

Currency Currency::parse(std::string_view text) {
  if (const auto currency = try_parse(text)) return *currency;
  throw Error(Condition::invalid_input,
              fmt::format("expected a currency of three upper-case letters such as EUR, got \"{}\"",
                          text.substr(0, 40)));
}

std::string to_string(Currency currency) { return std::string(currency.view()); }

Money Money::parse(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) {
    throw Error(Condition::invalid_input,
                fmt::format("expected an amount and a currency such as 12.50 EUR, got \"{}\"",
                            text.substr(0, 40)));
  }
  return {Decimal::parse(text.substr(0, space)), Currency::parse(text.substr(space + 1))};
}

Money& Money::operator+=(const Money& other) {
  require_same(currency_, other.currency_);
  amount_ += other.amount_;
  return *this;
}

Money& Money::operator-=(const Money& other) {
  require_same(currency_, other.currency_);
  amount_ -= other.amount_;
  return *this;
}

std::strong_ordering operator<=>(const Money& a, const Money& b) {
  require_same(a.currency_, b.currency_);
  return a.amount_ <=> b.amount_;
}

std::string to_string(const Money& money) {
  return fmt::format("{} {}", to_string(money.amount(), 2), money.currency().view());
}

}  // namespace sinew
