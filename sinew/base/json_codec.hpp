#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinew/base/field_rules.hpp"
#include "sinew/base/json.hpp"
#include "sinew/base/json_reader.hpp"
#include "sinew/base/text_form.hpp"

// How types stand in JSON. A type takes part by a JsonCodec, or, when it is a string in JSON, by
// the shorter TextForm (text_form.hpp). Structs and enums get theirs from Boost.Describe: see
// described.hpp.
namespace sinew {

class SchemaWriter;

template <class T>
struct JsonCodec;
//   static std::string expected(const FieldRules&);                     // `an integer from 1`
//   static void read(JsonReader&, const Json&, const FieldRules&, T&);  // or reports to the reader
//   static Json write(const T&);
//   static JsonObject schema(SchemaWriter&, const FieldRules&);         // JSON Schema 2020-12

// The parts that no template parameter changes: each checks kind and rules, and reports.
namespace detail {

std::string expected_integer(const FieldRules& rules);
std::optional<std::int64_t> read_integer(JsonReader& reader, const Json& json,
                                         const FieldRules& rules, std::int64_t min,
                                         std::int64_t max);
JsonObject integer_schema(const FieldRules& rules, std::int64_t min, std::int64_t max);

const std::string* read_text(JsonReader& reader, const Json& json, std::string_view expected);
JsonObject text_schema(const TextInfo& info);

std::string expected_container(std::string_view noun, const FieldRules& rules);
const JsonArray* read_array(JsonReader& reader, const Json& json, const FieldRules& rules);
const JsonObject* read_map(JsonReader& reader, const Json& json, const FieldRules& rules);
JsonObject array_schema(const FieldRules& rules, JsonObject item);
JsonObject map_schema(const FieldRules& rules, JsonObject value);

template <std::integral I>
constexpr std::int64_t greatest() {
  constexpr auto limit = std::numeric_limits<std::int64_t>::max();
  return std::cmp_less(std::numeric_limits<I>::max(), limit)
             ? static_cast<std::int64_t>(std::numeric_limits<I>::max())
             : limit;
}

// Reports the members that are not `known`, unless the reader is tolerant.
void report_unknown(JsonReader& reader, const JsonObject& object,
                    std::span<const std::string_view> known);

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
void read_member(JsonReader& reader, const JsonObject& object, std::string_view name,
                 const FieldRules& rules, T& value) {
  const JsonReader::Step step(reader, name);
  if (const Json* json = object.find(name)) {
    JsonCodec<T>::read(reader, *json, rules, value);
  } else if (!is_optional<T> && !rules.may_be_absent) {
    reader.missing(JsonCodec<T>::expected(rules));
  }
}

}  // namespace detail

template <>
struct JsonCodec<bool> {
  static std::string expected(const FieldRules& rules);
  static void read(JsonReader& reader, const Json& json, const FieldRules& rules, bool& value);
  static Json write(bool value);
  static JsonObject schema(SchemaWriter& writer, const FieldRules& rules);
};

template <>
struct JsonCodec<double> {
  static std::string expected(const FieldRules& rules);
  static void read(JsonReader& reader, const Json& json, const FieldRules& rules, double& value);
  static Json write(double value);
  static JsonObject schema(SchemaWriter& writer, const FieldRules& rules);
};

template <>
struct JsonCodec<std::string> {
  static std::string expected(const FieldRules& rules);
  static void read(JsonReader& reader, const Json& json, const FieldRules& rules,
                   std::string& value);
  static Json write(const std::string& value);
  static JsonObject schema(SchemaWriter& writer, const FieldRules& rules);
};

// A string, `"12.5"`: as a JSON number it would turn binary on its way.
template <>
struct JsonCodec<Decimal> {
  static std::string expected(const FieldRules& rules);
  static void read(JsonReader& reader, const Json& json, const FieldRules& rules, Decimal& value);
  static Json write(Decimal value);
  static JsonObject schema(SchemaWriter& writer, const FieldRules& rules);
};

// `{"amount":"12.50","currency":"USD"}`; bounds hold for the amount.
template <>
struct JsonCodec<Money> {
  static std::string expected(const FieldRules& rules);
  static void read(JsonReader& reader, const Json& json, const FieldRules& rules, Money& value);
  static Json write(const Money& value);
  static JsonObject schema(SchemaWriter& writer, const FieldRules& rules);
};

// Any value, as it is.
template <>
struct JsonCodec<Json> {
  static std::string expected(const FieldRules& rules);
  static void read(JsonReader& reader, const Json& json, const FieldRules& rules, Json& value);
  static Json write(const Json& value);
  static JsonObject schema(SchemaWriter& writer, const FieldRules& rules);
};

template <std::integral I>
struct JsonCodec<I> {
  static constexpr std::int64_t min = std::numeric_limits<I>::min();
  static constexpr std::int64_t max = detail::greatest<I>();

  static std::string expected(const FieldRules& rules) { return detail::expected_integer(rules); }
  static void read(JsonReader& reader, const Json& json, const FieldRules& rules, I& value) {
    if (const auto read = detail::read_integer(reader, json, rules, min, max)) {
      value = static_cast<I>(*read);
    }
  }
  static Json write(I value) { return value; }
  static JsonObject schema(SchemaWriter&, const FieldRules& rules) {
    return detail::integer_schema(rules, min, max);
  }
};

template <class T>
  requires requires { TextForm<T>::info; }
struct JsonCodec<T> {
  static std::string expected(const FieldRules&) { return std::string(TextForm<T>::info.expected); }
  static void read(JsonReader& reader, const Json& json, const FieldRules&, T& value) {
    const std::string* text = detail::read_text(reader, json, TextForm<T>::info.expected);
    if (text == nullptr) return;
    if (auto read = TextForm<T>::parse(*text)) {
      value = *std::move(read);
    } else {
      reader.expected(TextForm<T>::info.expected, json);
    }
  }
  static Json write(const T& value) { return TextForm<T>::write(value); }
  static JsonObject schema(SchemaWriter&, const FieldRules&) {
    return detail::text_schema(TextForm<T>::info);
  }
};

// An id of text obeys a string's rules; without a length of its own it has 1 to max_id_length.
template <class Tag>
struct JsonCodec<TypedId<Tag, std::string>> {
  static FieldRules with_length(FieldRules rules) {
    if (!rules.min_length) rules.min_length = 1;
    if (!rules.max_length) rules.max_length = max_id_length;
    return rules;
  }
  static std::string expected(const FieldRules& rules) {
    return JsonCodec<std::string>::expected(with_length(rules));
  }
  static void read(JsonReader& reader, const Json& json, const FieldRules& rules,
                   TypedId<Tag, std::string>& value) {
    std::string text;
    JsonCodec<std::string>::read(reader, json, with_length(rules), text);
    value = TypedId<Tag, std::string>(std::move(text));
  }
  static Json write(const TypedId<Tag, std::string>& value) { return value.value(); }
  static JsonObject schema(SchemaWriter& writer, const FieldRules& rules) {
    return JsonCodec<std::string>::schema(writer, with_length(rules));
  }
};

// Absent or null without a value; as a member it is left out when written.
template <class T>
struct JsonCodec<std::optional<T>> {
  static std::string expected(const FieldRules& rules) { return JsonCodec<T>::expected(rules); }
  static void read(JsonReader& reader, const Json& json, const FieldRules& rules,
                   std::optional<T>& value) {
    value.reset();
    if (!json.is_null()) JsonCodec<T>::read(reader, json, rules, value.emplace());
  }
  static Json write(const std::optional<T>& value) {
    return value ? JsonCodec<T>::write(*value) : Json();
  }
  static JsonObject schema(SchemaWriter& writer, const FieldRules& rules) {
    return JsonCodec<T>::schema(writer, rules);
  }
};

template <class T>
struct JsonCodec<std::vector<T>> {
  static std::string expected(const FieldRules& rules) {
    return detail::expected_container("a list", rules);
  }
  static void read(JsonReader& reader, const Json& json, const FieldRules& rules,
                   std::vector<T>& value) {
    const JsonArray* array = detail::read_array(reader, json, rules);
    if (array == nullptr) return;
    value.clear();
    value.reserve(array->size());
    for (std::size_t i = 0; i < array->size(); ++i) {
      const JsonReader::Step step(reader, i);
      T item{};
      JsonCodec<T>::read(reader, (*array)[i], rules, item);
      value.push_back(std::move(item));
    }
  }
  static Json write(const std::vector<T>& value) {
    JsonArray array;
    array.reserve(value.size());
    for (const auto& item : value)
      array.push_back(JsonCodec<T>::write(item));
    return array;
  }
  static JsonObject schema(SchemaWriter& writer, const FieldRules& rules) {
    return detail::array_schema(rules, JsonCodec<T>::schema(writer, rules));
  }
};

template <class T, class Less>
struct JsonCodec<std::map<std::string, T, Less>> {
  using Map = std::map<std::string, T, Less>;

  static std::string expected(const FieldRules& rules) {
    return detail::expected_container("an object", rules);
  }
  static void read(JsonReader& reader, const Json& json, const FieldRules& rules, Map& value) {
    const JsonObject* object = detail::read_map(reader, json, rules);
    if (object == nullptr) return;
    value.clear();
    for (const JsonMember& member : object->members()) {
      const JsonReader::Step step(reader, member.name);
      JsonCodec<T>::read(reader, member.value, rules, value[member.name]);
    }
  }
  static Json write(const Map& value) {
    JsonObject object;
    for (const auto& [name, item] : value)
      object.append(name, JsonCodec<T>::write(item));
    return object;
  }
  static JsonObject schema(SchemaWriter& writer, const FieldRules& rules) {
    return detail::map_schema(rules, JsonCodec<T>::schema(writer, rules));
  }
};

}  // namespace sinew
