#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sinew {

// An exact decimal number: a 64-bit count of millionths, so six decimals between
// -9223372036854.775808 and 9223372036854.775807. Nothing ever rounds by itself: a result that does
// not fit, in range or in decimals, is Error invalid_input; where rounding is wanted it is asked
// for by name.
class Decimal {
 public:
  static constexpr int max_scale = 6;
  static constexpr std::int64_t micros_per_unit = 1'000'000;

  constexpr Decimal() noexcept = default;

  // A whole number. Throws beyond the range.
  static Decimal from_integer(std::int64_t value);

  // Millionths: the form in which databases store and sum it.
  static constexpr Decimal from_micros(std::int64_t micros) noexcept { return Decimal(micros); }
  constexpr std::int64_t micros() const noexcept { return micros_; }

  // Reads `12`, `-0.005`: JSON's grammar for a number without exponent, up to six decimals (zeros
  // count as well). Throws Error invalid_input, or gives nullopt.
  static Decimal parse(std::string_view text);
  static std::optional<Decimal> try_parse(std::string_view text) noexcept;

  // The nearest value with `scale` decimals, 0 to 6; halfway goes to the even digit.
  Decimal round_half_even(int scale) const;

  constexpr bool is_zero() const noexcept { return micros_ == 0; }
  constexpr bool is_negative() const noexcept { return micros_ < 0; }

  Decimal operator-() const;
  Decimal& operator+=(Decimal other);
  Decimal& operator-=(Decimal other);
  friend Decimal operator+(Decimal a, Decimal b) { return a += b; }
  friend Decimal operator-(Decimal a, Decimal b) { return a -= b; }

  // The exact product; throws when it has more than six decimals (0.000001 * 0.1).
  friend Decimal operator*(Decimal a, Decimal b);
  friend Decimal operator*(Decimal a, std::int64_t count);
  friend Decimal operator*(std::int64_t count, Decimal a) { return a * count; }

  friend constexpr auto operator<=>(Decimal, Decimal) noexcept = default;

 private:
  constexpr explicit Decimal(std::int64_t micros) noexcept : micros_(micros) {}

  std::int64_t micros_ = 0;
};

// With as few decimals as say it exactly, but at least `min_scale` (0 to 6): 12.5 is `12.5`, or
// `12.50` with two; 12.345 keeps its three.
std::string to_string(Decimal value, int min_scale = 0);

}  // namespace sinew
