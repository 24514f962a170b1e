#pragma once

#include <array>
#include <boost/describe.hpp>
#include <boost/mp11.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "sinew/base/json_codec.hpp"
#include "sinew/base/json_schema.hpp"

// JSON both ways, and JSON Schema, for structs and enums that Boost.Describe knows:
//
//   const auto line = from_json<OrderLine>(parse_json(body), ReadMode::strict);
//   const std::string text = to_text(to_json(line));
//
// Members are required but for std::optional ones (absent or null) and those with the rule
// defaulted(). Enumerators are strings. A trailing underscore, which keeps a word of C++ from being
// one, is no part of a name. Supported are also bool, integers, double, std::string, std::vector,
// std::map with text as key, Uuid, TypedId, Decimal, Money, Currency, Timestamp, Date, Json itself,
// and what specialises JsonCodec or TextForm. Constraints: see field_rules.hpp.
namespace sinew {

// Reads a T. Throws DocumentError (invalid_input) with everything that is wrong, each with its
// path.
template <class T>
T from_json(const Json& json, ReadMode mode = ReadMode::tolerant) {
  JsonReader reader(mode);
  T value{};
  JsonCodec<T>::read(reader, json, {}, value);
  reader.finish();
  return value;
}

// Throws Error invalid_input for what JSON cannot hold: a double that is no finite number, an
// integer beyond 64 bits, a year of five digits.
template <class T>
Json to_json(const T& value) {
  return JsonCodec<T>::write(value);
}

namespace detail {

struct EnumName {
  std::string_view name;
  std::int64_t value;
};

std::string expected_enum(std::span<const EnumName> names);
const EnumName* read_enum(JsonReader& reader, const Json& json, std::span<const EnumName> names);
Json write_enum(std::int64_t value, std::span<const EnumName> names);
JsonObject enum_schema(std::span<const EnumName> names);

constexpr std::string_view plain_name(std::string_view name) {
  if (name.ends_with('_')) name.remove_suffix(1);
  return name;
}

// The full name of a type, cut out of the name of this very function.
template <class T>
constexpr std::string_view type_name() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("T = ") + 4);
  return text.substr(0, text.find_first_of(";]"));
}

template <class T>
using Members = boost::describe::describe_members<T, boost::describe::mod_public |
                                                         boost::describe::mod_inherited>;

template <class T, class Descriptor>
constexpr std::string_view member_name() {
  constexpr std::string_view given = rules_of<T, Descriptor>.name;
  return given.empty() ? plain_name(Descriptor::name) : given;
}

template <class T, class List = Members<T>>
inline constexpr std::array<std::string_view, 0> member_names{};
template <class T, template <class...> class List, class... Descriptors>
inline constexpr std::array<std::string_view, sizeof...(Descriptors)>
    member_names<T, List<Descriptors...>>{member_name<T, Descriptors>()...};

template <class E, class List = boost::describe::describe_enumerators<E>>
inline constexpr std::array<EnumName, 0> enum_names{};
template <class E, template <class...> class List, class... Descriptors>
inline constexpr std::array<EnumName, sizeof...(Descriptors)> enum_names<E, List<Descriptors...>>{
    EnumName{plain_name(Descriptors::name), static_cast<std::int64_t>(Descriptors::value)}...};

template <class T, class Descriptor>
void write_member(JsonObject& object, const T& value) {
  const auto& member = value.*Descriptor::pointer;
  using Member = std::remove_cvref_t<decltype(member)>;
  if constexpr (is_optional<Member>) {
    if (!member) return;
  }
  object.append(member_name<T, Descriptor>(), JsonCodec<Member>::write(member));
}

template <class T, class Descriptor>
void add_member_schema(SchemaWriter& writer, JsonObject& properties, JsonArray& required) {
  constexpr const FieldRules& rules = rules_of<T, Descriptor>;
  using Member = std::remove_cvref_t<decltype(std::declval<T&>().*Descriptor::pointer)>;
  JsonObject schema = JsonCodec<Member>::schema(writer, rules);
  if (!rules.text.empty()) schema.set("description", rules.text);
  if (rules.may_be_absent) schema.set("default", to_json(T{}.*Descriptor::pointer));
  properties.append(member_name<T, Descriptor>(), std::move(schema));
  if (!is_optional<Member> && !rules.may_be_absent) {
    required.push_back(member_name<T, Descriptor>());
  }
}

JsonObject struct_schema(JsonObject properties, JsonArray required);

template <class T>
JsonObject build_struct_schema(SchemaWriter& writer) {
  JsonObject properties;
  JsonArray required;
  boost::mp11::mp_for_each<Members<T>>(
      [&]<class D>(D) { add_member_schema<T, D>(writer, properties, required); });
  return struct_schema(std::move(properties), std::move(required));
}

}  // namespace detail

template <class T>
  requires(std::is_class_v<T> && boost::describe::has_describe_members<T>::value)
struct JsonCodec<T> {
  static std::string expected(const FieldRules&) { return "an object"; }

  static void read(JsonReader& reader, const Json& json, const FieldRules& rules, T& value) {
    if (!json.is_object()) return reader.expected(expected(rules), json);
    const JsonObject& object = json.as_object();
    boost::mp11::mp_for_each<detail::Members<T>>([&]<class D>(D) {
      detail::read_member(reader, object, detail::member_name<T, D>(), rules_of<T, D>,
                          value.*D::pointer);
    });
    detail::report_unknown(reader, object, detail::member_names<T>);
  }

  static Json write(const T& value) {
    JsonObject object;
    boost::mp11::mp_for_each<detail::Members<T>>(
        [&]<class D>(D) { detail::write_member<T, D>(object, value); });
    return object;
  }

  static JsonObject schema(SchemaWriter& writer, const FieldRules&) {
    const auto [name, is_new] = writer.enter(detail::type_name<T>());
    if (is_new) writer.define(name, detail::build_struct_schema<T>(writer));
    return writer.reference(name);
  }
};

template <class E>
  requires(std::is_enum_v<E> && boost::describe::has_describe_enumerators<E>::value)
struct JsonCodec<E> {
  static std::string expected(const FieldRules&) {
    return detail::expected_enum(detail::enum_names<E>);
  }
  static void read(JsonReader& reader, const Json& json, const FieldRules&, E& value) {
    if (const auto* found = detail::read_enum(reader, json, detail::enum_names<E>)) {
      value = static_cast<E>(found->value);
    }
  }
  static Json write(E value) {
    return detail::write_enum(static_cast<std::int64_t>(value), detail::enum_names<E>);
  }
  static JsonObject schema(SchemaWriter&, const FieldRules&) {
    return detail::enum_schema(detail::enum_names<E>);
  }
};

// The schema of T as a document that stands alone: draft 2020-12, nested structs under `$defs`.
// Equal declarations give equal text, so it can be committed and compared.
template <class T>
Json json_schema(std::string_view id = {}) {
  SchemaWriter writer;
  const JsonObject root = detail::build_struct_schema<T>(writer);
  return schema_document(id, last_name(detail::type_name<T>()), root, writer.definitions());
}

}  // namespace sinew
