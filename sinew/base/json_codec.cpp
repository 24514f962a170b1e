#include "sinew/base/json_codec.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sinew/base/pattern.hpp"
#include "sinew/base/suggest.hpp"
#include "sinew/base/utf8.hpp"

namespace sinew {
namespace {

std::string bound_text(const Bound& bound) {
  if (const auto* decimal = std::get_if<Decimal>(&bound)) return to_string(*decimal);
  if (const auto* real = std::get_if<double>(&bound)) return fmt::format("{}", *real);
  return std::to_string(std::get<std::int64_t>(bound));
}

double as_double(const Bound& bound) {
  if (const auto* decimal = std::get_if<Decimal>(&bound)) {
    return static_cast<double>(decimal->micros()) / Decimal::micros_per_unit;
  }
  if (const auto* real = std::get_if<double>(&bound)) return *real;
  return static_cast<double>(std::get<std::int64_t>(bound));
}

// Exact for whole and decimal bounds, which are the ones a whole or decimal value has.
bool less(const Bound& a, const Bound& b) {
  const auto* whole_a = std::get_if<std::int64_t>(&a);
  const auto* whole_b = std::get_if<std::int64_t>(&b);
  if (whole_a != nullptr && whole_b != nullptr) return *whole_a < *whole_b;
  const auto* decimal_a = std::get_if<Decimal>(&a);
  const auto* decimal_b = std::get_if<Decimal>(&b);
  if (decimal_a != nullptr && decimal_b != nullptr) return *decimal_a < *decimal_b;
  if (decimal_a != nullptr && whole_b != nullptr)
    return *decimal_a < Decimal::from_integer(*whole_b);
  if (whole_a != nullptr && decimal_b != nullptr)
    return Decimal::from_integer(*whole_a) < *decimal_b;
  return as_double(a) < as_double(b);
}

bool within(const Bound& value, const FieldRules& rules) {
  return !(rules.minimum && less(value, *rules.minimum)) &&
         !(rules.maximum && less(*rules.maximum, value));
}

std::string with_range(std::string_view noun, const FieldRules& rules) {
  std::string text(noun);
  if (rules.minimum) text += " from " + bound_text(*rules.minimum);
  if (rules.maximum) text += (rules.minimum ? " to " : " up to ") + bound_text(*rules.maximum);
  return text;
}

std::string with_count(std::string_view noun, std::optional<std::size_t> min,
                       std::optional<std::size_t> max, std::string_view unit) {
  if (min && max) return fmt::format("{} of {} to {} {}", noun, *min, *max, unit);
  if (min) return fmt::format("{} of at least {} {}", noun, *min, unit);
  if (max) return fmt::format("{} of up to {} {}", noun, *max, unit);
  return std::string(noun);
}

bool count_fits(std::size_t count, std::optional<std::size_t> min, std::optional<std::size_t> max) {
  return !(min && count < *min) && !(max && count > *max);
}

Json bound_json(const Bound& bound) {
  if (const auto* decimal = std::get_if<Decimal>(&bound)) return to_string(*decimal);
  if (const auto* real = std::get_if<double>(&bound)) return *real;
  return std::get<std::int64_t>(bound);
}

template <class T>
void set_if(JsonObject& schema, std::string_view keyword, const std::optional<T>& value) {
  if (value) schema.set(keyword, Json(*value));
}

// Decimals are strings, for which JSON Schema has no bounds: these are annotations of ours.
JsonObject decimal_schema(const FieldRules& rules) {
  JsonObject schema{{"type", "string"}, {"format", "decimal"}};
  schema.set("pattern", "^-?(0|[1-9][0-9]{0,12})(\\.[0-9]{1,6})?$");
  if (rules.minimum) schema.set("x-minimum", bound_text(*rules.minimum));
  if (rules.maximum) schema.set("x-maximum", bound_text(*rules.maximum));
  return schema;
}

}  // namespace

namespace detail {

std::string expected_integer(const FieldRules& rules) { return with_range("an integer", rules); }

std::optional<std::int64_t> read_integer(JsonReader& reader, const Json& json,
                                         const FieldRules& rules, std::int64_t min,
                                         std::int64_t max) {
  if (json.kind() == JsonKind::integer) {
    const std::int64_t value = json.as_integer();
    if (value >= min && value <= max && within(value, rules)) return value;
    if (value < min || value > max) {
      FieldRules limits = rules;
      limits.minimum = rules.minimum.value_or(min);
      limits.maximum = rules.maximum.value_or(max);
      reader.expected(expected_integer(limits), json);
      return std::nullopt;
    }
  }
  reader.expected(expected_integer(rules), json);
  return std::nullopt;
}

JsonObject integer_schema(const FieldRules& rules, std::int64_t min, std::int64_t max) {
  JsonObject schema{{"type", "integer"}};
  const bool is_int64 = min == std::numeric_limits<std::int64_t>::min();
  const bool is_int32 = min == std::numeric_limits<std::int32_t>::min();
  if (is_int64 || is_int32) {
    schema.set("format", is_int64 ? "int64" : "int32");
  } else {
    schema.set("minimum", min).set("maximum", max);
  }
  if (rules.minimum) schema.set("minimum", bound_json(*rules.minimum));
  if (rules.maximum) schema.set("maximum", bound_json(*rules.maximum));
  return schema;
}

const std::string* read_text(JsonReader& reader, const Json& json, std::string_view expected) {
  if (json.is_string()) return &json.as_string();
  reader.expected(expected, json);
  return nullptr;
}

JsonObject text_schema(const TextInfo& info) {
  JsonObject schema{{"type", "string"}};
  if (!info.format.empty()) schema.set("format", info.format);
  if (!info.pattern.empty()) schema.set("pattern", info.pattern);
  return schema;
}

std::string expected_container(std::string_view noun, const FieldRules& rules) {
  return with_count(noun, rules.min_items, rules.max_items, noun == "a list" ? "items" : "members");
}

const JsonArray* read_array(JsonReader& reader, const Json& json, const FieldRules& rules) {
  if (!json.is_array()) {
    reader.expected(expected_container("a list", rules), json);
    return nullptr;
  }
  const JsonArray& array = json.as_array();
  if (count_fits(array.size(), rules.min_items, rules.max_items)) return &array;
  reader.fail(
      fmt::format("expected {}, got {}", expected_container("a list", rules), array.size()));
  return nullptr;
}

const JsonObject* read_map(JsonReader& reader, const Json& json, const FieldRules& rules) {
  if (!json.is_object()) {
    reader.expected(expected_container("an object", rules), json);
    return nullptr;
  }
  const JsonObject& object = json.as_object();
  if (count_fits(object.size(), rules.min_items, rules.max_items)) return &object;
  reader.fail(
      fmt::format("expected {}, got {}", expected_container("an object", rules), object.size()));
  return nullptr;
}

JsonObject array_schema(const FieldRules& rules, JsonObject item) {
  JsonObject schema{{"type", "array"}, {"items", std::move(item)}};
  set_if(schema, "minItems", rules.min_items);
  set_if(schema, "maxItems", rules.max_items);
  return schema;
}

JsonObject map_schema(const FieldRules& rules, JsonObject value) {
  JsonObject schema{{"type", "object"}, {"additionalProperties", std::move(value)}};
  set_if(schema, "minProperties", rules.min_items);
  set_if(schema, "maxProperties", rules.max_items);
  return schema;
}

void report_unknown(JsonReader& reader, const JsonObject& object,
                    std::span<const std::string_view> known) {
  if (reader.mode() == ReadMode::tolerant) return;
  for (const JsonMember& member : object.members()) {
    if (std::ranges::find(known, member.name) != known.end()) continue;
    const std::vector<std::string> names(known.begin(), known.end());
    const JsonReader::Step step(reader, member.name);
    reader.fail("not known here" + did_you_mean(member.name, names));
  }
}

}  // namespace detail

std::string JsonCodec<bool>::expected(const FieldRules&) { return "true or false"; }
void JsonCodec<bool>::read(JsonReader& reader, const Json& json, const FieldRules& rules,
                           bool& value) {
  if (json.kind() != JsonKind::boolean) return reader.expected(expected(rules), json);
  value = json.as_bool();
}

Json JsonCodec<bool>::write(bool value) { return value; }

JsonObject JsonCodec<bool>::schema(SchemaWriter&, const FieldRules&) {
  return {{"type", "boolean"}};
}

std::string JsonCodec<double>::expected(const FieldRules& rules) {
  return with_range("a number", rules);
}
void JsonCodec<double>::read(JsonReader& reader, const Json& json, const FieldRules& rules,
                             double& value) {
  const bool is_number = json.kind() == JsonKind::number || json.kind() == JsonKind::integer;
  if (!is_number || !within(json.as_number(), rules)) return reader.expected(expected(rules), json);
  value = json.as_number();
}

Json JsonCodec<double>::write(double value) { return value; }

JsonObject JsonCodec<double>::schema(SchemaWriter&, const FieldRules& rules) {
  JsonObject schema{{"type", "number"}};
  if (rules.minimum) schema.set("minimum", bound_json(*rules.minimum));
  if (rules.maximum) schema.set("maximum", bound_json(*rules.maximum));
  return schema;
}

std::string JsonCodec<std::string>::expected(const FieldRules& rules) {
  std::string text = with_count("a string", rules.min_length, rules.max_length, "characters");
  if (!rules.pattern.empty()) text += fmt::format(" matching {}", rules.pattern);
  return text;
}
void JsonCodec<std::string>::read(JsonReader& reader, const Json& json, const FieldRules& rules,
                                  std::string& value) {
  if (!json.is_string()) return reader.expected(expected(rules), json);
  const std::string& text = json.as_string();
  const bool counted = rules.min_length || rules.max_length;
  // The length first: it bounds what the pattern has to look at.
  if ((counted && !count_fits(count_characters(text), rules.min_length, rules.max_length)) ||
      (!rules.pattern.empty() && !matches_pattern(text, rules.pattern))) {
    return reader.expected(expected(rules), json);
  }
  value = text;
}

Json JsonCodec<std::string>::write(const std::string& value) { return value; }

JsonObject JsonCodec<std::string>::schema(SchemaWriter&, const FieldRules& rules) {
  JsonObject schema{{"type", "string"}};
  set_if(schema, "minLength", rules.min_length);
  set_if(schema, "maxLength", rules.max_length);
  if (!rules.pattern.empty()) schema.set("pattern", rules.pattern);
  return schema;
}

std::string JsonCodec<Decimal>::expected(const FieldRules& rules) {
  return with_range("a decimal", rules) + " in a string such as \"12.50\"";
}
void JsonCodec<Decimal>::read(JsonReader& reader, const Json& json, const FieldRules& rules,
                              Decimal& value) {
  if (json.is_string()) {
    const auto read = Decimal::try_parse(json.as_string());
    if (read && within(*read, rules)) {
      value = *read;
      return;
    }
  }
  reader.expected(expected(rules), json);
}

Json JsonCodec<Decimal>::write(Decimal value) { return to_string(value); }

JsonObject JsonCodec<Decimal>::schema(SchemaWriter&, const FieldRules& rules) {
  return decimal_schema(rules);
}

std::string JsonCodec<Money>::expected(const FieldRules&) {
  return "an object with amount and currency";
}
void JsonCodec<Money>::read(JsonReader& reader, const Json& json, const FieldRules& rules,
                            Money& value) {
  if (!json.is_object()) return reader.expected(expected(rules), json);
  static constexpr std::string_view members[] = {"amount", "currency"};
  Decimal amount;
  Currency currency;
  detail::read_member(reader, json.as_object(), "amount", rules, amount);
  detail::read_member(reader, json.as_object(), "currency", rules, currency);
  detail::report_unknown(reader, json.as_object(), members);
  value = Money(amount, currency);
}

Json JsonCodec<Money>::write(const Money& value) {
  return JsonObject{{"amount", to_string(value.amount(), 2)},
                    {"currency", to_string(value.currency())}};
}

JsonObject JsonCodec<Money>::schema(SchemaWriter&, const FieldRules& rules) {
  return {{"type", "object"},
          {"properties", JsonObject{{"amount", decimal_schema(rules)},
                                    {"currency", detail::text_schema(TextForm<Currency>::info)}}},
          {"required", JsonArray{"amount", "currency"}}};
}

std::string JsonCodec<Json>::expected(const FieldRules&) { return "a value"; }
void JsonCodec<Json>::read(JsonReader&, const Json& json, const FieldRules&, Json& value) {
  value = json;
}

Json JsonCodec<Json>::write(const Json& value) { return value; }

JsonObject JsonCodec<Json>::schema(SchemaWriter&, const FieldRules&) { return {}; }

}  // namespace sinew
