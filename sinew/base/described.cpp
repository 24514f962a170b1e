#include "sinew/base/described.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sinew::detail {

std::string expected_enum(std::span<const EnumName> names) {
  std::string text = names.size() == 1 ? "" : "one of ";
  for (bool first = true; const EnumName& name : names) {
    text += fmt::format("{}\"{}\"", first ? "" : ", ", name.name);
    first = false;
  }
  return text;
}

const EnumName* read_enum(JsonReader& reader, const Json& json, std::span<const EnumName> names) {
  if (json.is_string()) {
    const auto found = std::ranges::find(names, json.as_string(), &EnumName::name);
    if (found != names.end()) return &*found;
  }
  reader.expected(expected_enum(names), json);
  return nullptr;
}

Json write_enum(std::int64_t value, std::span<const EnumName> names) {
  const auto found = std::ranges::find(names, value, &EnumName::value);
  if (found != names.end()) return found->name;
  throw Error(Condition::invalid_input,
              fmt::format("{} is not the value of {}", value, expected_enum(names)));
}

JsonObject enum_schema(std::span<const EnumName> names) {
  JsonArray values;
  for (const EnumName& name : names)
    values.push_back(name.name);
  return {{"type", "string"}, {"enum", std::move(values)}};
}

JsonObject struct_schema(JsonObject properties, JsonArray required) {
  JsonObject schema{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema.set("required", std::move(required));
  return schema;
}

}  // namespace sinew::detail
