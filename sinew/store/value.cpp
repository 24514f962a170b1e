#include "sinew/store/value.hpp"

#include <fmt/format.h>

#include "sinew/base/error.hpp"

namespace sinew::store {
namespace {

template <class T>
const T& column_as(const Value& value, std::size_t column, const char* wanted) {
  if (const T* typed = std::get_if<T>(&value)) return *typed;
  throw Error(Condition::corrupt, fmt::format("column {} of a row is not {}", column, wanted));
}

}  // namespace

Parameter::Parameter(const Value& value) noexcept {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    value_ = *integer;
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    value_ = std::string_view(*text);
  } else if (const auto* blob = std::get_if<Blob>(&value)) {
    value_ = Bytes(std::as_bytes(std::span(blob->bytes)));
  }
}

const Value& Row::value(std::size_t column) const {
  if (column >= columns_.size()) {
    throw Error(Condition::invalid_input,
                fmt::format("column {} asked of a row of {}", column, columns_.size()));
  }
  return columns_[column];
}

bool Row::is_null(std::size_t column) const {
  return std::holds_alternative<std::monostate>(value(column));
}

std::int64_t Row::integer(std::size_t column) const {
  return column_as<std::int64_t>(value(column), column, "an integer");
}

const std::string& Row::text(std::size_t column) const {
  return column_as<std::string>(value(column), column, "text");
}

const std::string& Row::blob(std::size_t column) const {
  return column_as<Blob>(value(column), column, "bytes").bytes;
}

Uuid Row::uuid(std::size_t column) const { return Uuid::from_bytes(blob(column)); }

Timestamp Row::timestamp(std::size_t column) const { return from_micros(integer(column)); }

Decimal Row::decimal(std::size_t column) const { return Decimal::from_micros(integer(column)); }

std::optional<std::int64_t> Row::maybe_integer(std::size_t column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

std::optional<std::string> Row::maybe_text(std::size_t column) const {
  if (is_null(column)) return std::nullopt;
  return text(column);
}

Row Rows::operator[](std::size_t row) const {
  if (row >= size()) {
    throw Error(Condition::not_found, fmt::format("row {} asked of a result of {}", row, size()));
  }
  return Row(std::span(values_).subspan(row * columns_, columns_));
}

}  // namespace sinew::store
