#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sinew/base/id.hpp"
#include "sinew/base/money.hpp"
#include "sinew/base/time.hpp"

namespace sinew {

struct TextInfo {
  std::string_view expected;  // `a UUID`
  std::string_view format;    // JSON Schema's name for it, or empty
  std::string_view pattern;   // what the schema says beyond the format, or empty
};

// How a value type is written as text, in a JSON string or elsewhere. A type of your own takes part
// by specialising it.
template <class T>
struct TextForm;
//   static constexpr TextInfo info;
//   static std::optional<T> parse(std::string_view text);
//   static std::string write(const T& value);

template <>
struct TextForm<Uuid> {
  static constexpr TextInfo info{"a UUID", "uuid", {}};
  static std::optional<Uuid> parse(std::string_view text) { return Uuid::try_parse(text); }
  static std::string write(const Uuid& value) { return to_string(value); }
};

template <>
struct TextForm<Timestamp> {
  static constexpr TextInfo info{"a time such as \"2026-05-04T10:30:00Z\"", "date-time", {}};
  static std::optional<Timestamp> parse(std::string_view text) { return try_parse_rfc3339(text); }
  static std::string write(Timestamp value) { return to_rfc3339(value); }
};

template <>
struct TextForm<Date> {
  static constexpr TextInfo info{"a date such as \"2026-05-04\"", "date", {}};
  static std::optional<Date> parse(std::string_view text) { return try_parse_iso_date(text); }
  static std::string write(Date value) { return to_iso_date(value); }
};

template <>
struct TextForm<Currency> {
  static constexpr TextInfo info{"a currency such as \"EUR\"", {}, "^[A-Z]{3}$"};
  static std::optional<Currency> parse(std::string_view text) { return Currency::try_parse(text); }
  static std::string write(Currency value) { return to_string(value); }
};

template <class Tag>
struct TextForm<TypedId<Tag, Uuid>> {
  using Id = TypedId<Tag, Uuid>;
  static constexpr TextInfo info = TextForm<Uuid>::info;
  static std::optional<Id> parse(std::string_view text) {
    const auto uuid = Uuid::try_parse(text);
    return uuid ? std::optional(Id(*uuid)) : std::nullopt;
  }
  static std::string write(const Id& value) { return to_string(value); }
};

}  // namespace sinew
