#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "sinew/base/decimal.hpp"
#include "sinew/base/json.hpp"

namespace commerce::books {

// What a figure amounts to: a count, an exact amount, or a text such as a date.
using Value = std::variant<std::int64_t, sinew::Decimal, std::string>;

// Counts are numbers; amounts strings with at least two decimals, as in totals.json.
sinew::Json json_of(const Value& value);
// Throws Error invalid_input for what is neither number nor string. A string that reads as a
// decimal is an amount.
Value value_of(const sinew::Json& json);

// For people: 1,265,793.0395.
std::string to_text(const Value& value);

// `a - b` of numbers; of texts nothing (empty) when they are equal, else `a`.
Value difference(const Value& a, const Value& b);
Value sum(const Value& a, const Value& b);
bool is_zero(const Value& value);

}  // namespace commerce::books
