#include "sinew/base/decimal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "sinew/base/error.hpp"

namespace sinew {
namespace {

__extension__ using Int128 = __int128;

constexpr std::int64_t powers_of_ten[] = {1, 10, 100, 1'000, 10'000, 100'000, 1'000'000};

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr bool fits(Int128 micros) {
  return micros >= std::numeric_limits<std::int64_t>::min() &&
         micros <= std::numeric_limits<std::int64_t>::max();
}

std::int64_t checked(Int128 micros, const char* operation) {
  if (fits(micros)) return static_cast<std::int64_t>(micros);
  throw Error(
      Condition::invalid_input,
      fmt::format("the {} leaves the range of a decimal, +-9223372036854.775807", operation));
}

int checked_scale(int scale) {
  if (scale >= 0 && scale <= Decimal::max_scale) return scale;
  throw Error(Condition::invalid_input,
              fmt::format("a decimal has 0 to {} decimals, not {}", Decimal::max_scale, scale));
}

// The digits of `text` as millionths, or nullopt where the grammar or the scale is left. With 13
// digits before the point it may lie beyond the range of a Decimal, which the caller checks.
std::optional<Int128> read_magnitude(std::string_view text) {
  constexpr std::size_t max_integer_digits = 13;
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  if (whole.empty() || whole.size() > max_integer_digits) return std::nullopt;
  if (whole.size() > 1 && whole.front() == '0') return std::nullopt;
  std::string_view decimals;
  if (point < text.size()) {
    decimals = text.substr(point + 1);
    if (decimals.empty() || decimals.size() > Decimal::max_scale) return std::nullopt;
  }
  Int128 value = 0;
  for (const std::string_view digits : {whole, decimals}) {
    if (!std::ranges::all_of(digits, is_digit)) return std::nullopt;
    for (const char digit : digits)
      value = value * 10 + (digit - '0');
  }
  return value * powers_of_ten[Decimal::max_scale - decimals.size()];
}

}  // namespace

Decimal Decimal::from_integer(std::int64_t value) { return from_micros(micros_per_unit) * value; }

std::optional<Decimal> Decimal::try_parse(std::string_view text) noexcept {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const auto magnitude = read_magnitude(text);
  if (!magnitude) return std::nullopt;
  const Int128 micros = negative ? -*magnitude : *magnitude;
  if (!fits(micros)) return std::nullopt;
  return Decimal(static_cast<std::int64_t>(micros));
}

Decimal Decimal::parse(std::string_view text) {
  if (const auto value = try_parse(text)) return *value;
  throw Error(Condition::invalid_input,
              fmt::format("expected a decimal such as 12.50, with up to {} decimals and within "
                          "+-9223372036854.775807, got \"{}\"",
                          max_scale, text.substr(0, 40)));
}

Decimal Decimal::round_half_even(int scale) const {
  const std::int64_t step = powers_of_ten[max_scale - checked_scale(scale)];
  const std::int64_t rest = micros_ % step;
  const std::int64_t lower = micros_ - rest;
  const std::int64_t twice = 2 * (rest < 0 ? -rest : rest);
  const bool away = twice > step || (twice == step && (lower / step) % 2 != 0);
  if (!away) return Decimal(lower);
  return Decimal(checked(Int128{lower} + (rest < 0 ? -step : step), "rounding"));
}

Decimal Decimal::operator-() const { return Decimal(checked(-Int128{micros_}, "negation")); }

Decimal& Decimal::operator+=(Decimal other) {
  micros_ = checked(Int128{micros_} + other.micros_, "sum");
  return *this;
}

Decimal& Decimal::operator-=(Decimal other) {
  micros_ = checked(Int128{micros_} - other.micros_, "difference");
  return *this;
}

Decimal operator*(Decimal a, Decimal b) {
  const Int128 product = Int128{a.micros_} * b.micros_;
  if (product % Decimal::micros_per_unit != 0) {
    throw Error(Condition::invalid_input,
                fmt::format("{} * {} has more than {} decimals: round a factor first", to_string(a),
                            to_string(b), Decimal::max_scale));
  }
  return Decimal(checked(product / Decimal::micros_per_unit, "product"));
}

Decimal operator*(Decimal a, std::int64_t count) {
  return Decimal(checked(Int128{a.micros_} * count, "product"));
}

std::string to_string(Decimal value, int min_scale) {
  checked_scale(min_scale);
  const std::int64_t whole = value.micros() / Decimal::micros_per_unit;
  const std::int64_t rest = value.micros() % Decimal::micros_per_unit;
  std::string text = fmt::format("{}{}.{:06}", value.is_negative() ? "-" : "",
                                 whole < 0 ? -whole : whole, rest < 0 ? -rest : rest);
  std::size_t removable = static_cast<std::size_t>(Decimal::max_scale - min_scale);
  for (; removable > 0 && text.back() == '0'; --removable)
    text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace sinew
