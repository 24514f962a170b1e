#include "examples/commerce/books/value.hpp"

#include <algorithm>
#include <cstddef>

namespace commerce::books {
namespace {

using sinew::Decimal;

constexpr int cents = 2;
constexpr std::size_t group = 3;  // digits between two commas

std::string grouped(std::string digits) {
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  const std::size_t point = std::min(digits.find('.'), digits.size());
  for (std::size_t at = point; at > first + group;) {
    at -= group;
    digits.insert(at, 1, ',');
  }
  return digits;
}

bool is_number(const Value& value) { return !std::holds_alternative<std::string>(value); }

Decimal as_decimal(const Value& value) {
  if (const auto* count = std::get_if<std::int64_t>(&value)) return Decimal::from_integer(*count);
  return std::get<Decimal>(value);
}

bool are_counts(const Value& a, const Value& b) {
  return std::holds_alternative<std::int64_t>(a) && std::holds_alternative<std::int64_t>(b);
}

}  // namespace

sinew::Json json_of(const Value& value) {
  if (const auto* count = std::get_if<std::int64_t>(&value)) return *count;
  if (const auto* amount = std::get_if<Decimal>(&value)) return sinew::to_string(*amount, cents);
  return std::get<std::string>(value);
}

Value value_of(const sinew::Json& json) {
  if (json.kind() == sinew::JsonKind::integer) return json.as_integer();
  const std::string& text = json.as_string();
  if (const auto amount = Decimal::try_parse(text)) return *amount;
  return text;
}

std::string to_text(const Value& value) {
  if (const auto* count = std::get_if<std::int64_t>(&value)) return grouped(std::to_string(*count));
  if (const auto* amount = std::get_if<Decimal>(&value)) {
    return grouped(sinew::to_string(*amount, cents));
  }
  return std::get<std::string>(value);
}

Value difference(const Value& a, const Value& b) {
  if (are_counts(a, b)) return std::get<std::int64_t>(a) - std::get<std::int64_t>(b);
  if (is_number(a) && is_number(b)) return as_decimal(a) - as_decimal(b);
  return a == b ? Value(std::string()) : Value(to_text(a));
}

Value sum(const Value& a, const Value& b) {
  if (are_counts(a, b)) return std::get<std::int64_t>(a) + std::get<std::int64_t>(b);
  if (is_number(a) && is_number(b)) return as_decimal(a) + as_decimal(b);
  return a;
}

bool is_zero(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return text->empty();
  return as_decimal(value).is_zero();
}

}  // namespace commerce::books
