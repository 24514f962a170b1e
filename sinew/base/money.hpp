#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sinew/base/decimal.hpp"

namespace sinew {

// A currency's code: three upper-case letters (ISO 4217). Default-constructed it is XXX, ISO's code
// for "no currency".
class Currency {
 public:
  constexpr Currency() noexcept = default;

  // Throws Error invalid_input, or gives nullopt.
  static Currency parse(std::string_view text);
  static std::optional<Currency> try_parse(std::string_view text) noexcept;

  constexpr std::string_view view() const noexcept { return {code_.data(), code_.size()}; }

  friend constexpr auto operator<=>(const Currency&, const Currency&) noexcept = default;

 private:
  std::array<char, 3> code_{'X', 'X', 'X'};
};

std::string to_string(Currency currency);

// An amount in a currency, exact to six decimals. To add or compare two currencies is Error
// invalid_input: conversion needs a rate and a date, which no operator knows. Equality alone
// answers for any pair.
class Money {
 public:
  constexpr Money() noexcept = default;
  constexpr Money(Decimal amount, Currency currency) noexcept
      : amount_(amount), currency_(currency) {}

  // `12.50 USD`, as to_string writes it. Throws Error invalid_input.
  static Money parse(std::string_view text);

  constexpr Decimal amount() const noexcept { return amount_; }
  constexpr Currency currency() const noexcept { return currency_; }

  Money round_half_even(int scale) const { return {amount_.round_half_even(scale), currency_}; }

  Money operator-() const { return {-amount_, currency_}; }
  Money& operator+=(const Money& other);
  Money& operator-=(const Money& other);
  friend Money operator+(Money a, const Money& b) { return a += b; }
  friend Money operator-(Money a, const Money& b) { return a -= b; }
  friend Money operator*(const Money& a, Decimal factor) {
    return {a.amount_ * factor, a.currency_};
  }
  friend Money operator*(const Money& a, std::int64_t count) {
    return {a.amount_ * count, a.currency_};
  }

  friend constexpr bool operator==(const Money&, const Money&) noexcept = default;
  friend std::strong_ordering operator<=>(const Money& a, const Money& b);

 private:
  Decimal amount_;
  Currency currency_;
};

// `12.50 USD`: at least two decimals, never fewer than the amount has.
std::string to_string(const Money& money);

}  // namespace sinew
