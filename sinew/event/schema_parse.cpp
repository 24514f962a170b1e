#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/base/json_reader.hpp"
#include "sinew/base/pattern.hpp"
#include "sinew/event/schema.hpp"

namespace sinew::event {

namespace {

constexpr std::string_view definitions_prefix = "#/$defs/";

constexpr std::array<std::pair<std::string_view, SchemaType>, 6> types = {{
    {"boolean", SchemaType::boolean},
    {"integer", SchemaType::integer},
    {"number", SchemaType::number},
    {"string", SchemaType::string},
    {"array", SchemaType::array},
    {"object", SchemaType::object},
}};

// They say nothing about data. `default` is read with the property that it belongs to.
bool is_annotation(std::string_view keyword) {
  return keyword == "title" || keyword == "description" || keyword == "default";
}

// Of the document, beside its root's schema.
bool is_of_document(std::string_view keyword) {
  return keyword == "$schema" || keyword == "$id" || keyword == "$defs";
}

bool is_number(const Json& json) {
  return json.kind() == JsonKind::integer || json.kind() == JsonKind::number;
}

long double number_of(const Json& json) {
  if (json.kind() == JsonKind::integer) return static_cast<long double>(json.as_integer());
  return json.as_number();
}

}  // namespace

std::string_view to_string(SchemaType type) noexcept {
  for (const auto& [name, known] : types) {
    if (known == type) return name;
  }
  return "any";
}

const SchemaProperty* SchemaNode::find(std::string_view name) const noexcept {
  const auto found = std::ranges::find(properties, name, &SchemaProperty::name);
  return found == properties.end() ? nullptr : &*found;
}

// Reads a document; everything it finds wrong is reported at the end, together.
class SchemaParser {
 public:
  Schema parse(const Json& document) {
    if (!document.is_object()) {
      reader_.expected("an object", document);
    } else {
      read_definitions(document.as_object());
      schema_.root_ = read_node(document, true);
      read_id(document.as_object());
    }
    reader_.finish();
    check_references();
    reader_.finish();
    return std::move(schema_);
  }

 private:
  using Step = JsonReader::Step;
  using Read = void (SchemaParser::*)(const Json&, SchemaNode&);

  struct Keyword {
    std::string_view name;
    std::vector<SchemaType> types;  // to which it applies
    Read read;
  };

  static const std::vector<Keyword>& keywords() {
    using enum SchemaType;
    static const std::vector<Keyword> all = {
        {"format", {string, integer}, &SchemaParser::read_format},
        {"pattern", {string}, &SchemaParser::read_pattern},
        {"enum", {string}, &SchemaParser::read_enum},
        {"minLength", {string}, &SchemaParser::read_count<&SchemaNode::length, true>},
        {"maxLength", {string}, &SchemaParser::read_count<&SchemaNode::length, false>},
        {"x-minimum", {string}, &SchemaParser::read_decimal<true>},
        {"x-maximum", {string}, &SchemaParser::read_decimal<false>},
        {"minimum", {integer, number}, &SchemaParser::read_bound<true>},
        {"maximum", {integer, number}, &SchemaParser::read_bound<false>},
        {"items", {array}, &SchemaParser::read_items},
        {"minItems", {array}, &SchemaParser::read_count<&SchemaNode::items, true>},
        {"maxItems", {array}, &SchemaParser::read_count<&SchemaNode::items, false>},
        {"properties", {object}, &SchemaParser::read_properties},
        {"required", {object}, &SchemaParser::read_required},
        {"additionalProperties", {object}, &SchemaParser::read_others},
        {"minProperties", {object}, &SchemaParser::read_count<&SchemaNode::members, true>},
        {"maxProperties", {object}, &SchemaParser::read_count<&SchemaNode::members, false>},
    };
    return all;
  }

  SchemaNode read_node(const Json& json, bool is_root = false) {
    SchemaNode node;
    if (!json.is_object()) {
      reader_.expected("a schema, an object", json);
      return node;
    }
    const JsonObject& object = json.as_object();
    read_type(object, node);
    read_reference(object, node);
    refuse_unknown(object, node, is_root);
    // In the table's order: `required` looks at what `properties` has read.
    for (const Keyword& keyword : keywords()) {
      const Json* value = object.find(keyword.name);
      if (value == nullptr || !applies(keyword, node)) continue;
      const Step step(reader_, keyword.name);
      (this->*keyword.read)(*value, node);
    }
    return node;
  }

  static bool applies(const Keyword& keyword, const SchemaNode& node) {
    return std::ranges::find(keyword.types, node.type) != keyword.types.end();
  }

  void refuse_unknown(const JsonObject& object, const SchemaNode& node, bool is_root) {
    for (const JsonMember& member : object.members()) {
      const std::string_view name = member.name;
      if (name == "type" || name == "$ref" || is_annotation(name)) continue;
      if (is_root && is_of_document(name)) continue;
      const Step step(reader_, name);
      const auto known = std::ranges::find(keywords(), name, &Keyword::name);
      if (known == keywords().end()) {
        reader_.fail("is a keyword that is not understood here; its constraint would be lost");
      } else if (!node.reference.empty()) {
        reader_.fail("cannot stand beside $ref");
      } else if (!applies(*known, node)) {
        reader_.fail(fmt::format("says nothing about the type {}", to_string(node.type)));
      }
    }
  }

  void read_type(const JsonObject& object, SchemaNode& node) {
    const Json* type = object.find("type");
    if (type == nullptr) return;
    const Step step(reader_, "type");
    const auto known = std::ranges::find_if(types, [&](const auto& row) {
      return type->is_string() && type->as_string() == row.first;
    });
    if (known == types.end()) {
      reader_.expected("one of boolean, integer, number, string, array, object", *type);
    } else {
      node.type = known->second;
    }
  }

  void read_reference(const JsonObject& object, SchemaNode& node) {
    const Json* reference = object.find("$ref");
    if (reference == nullptr) return;
    const Step step(reader_, "$ref");
    if (!reference->is_string() || !reference->as_string().starts_with(definitions_prefix)) {
      return reader_.expected("a definition of this document, #/$defs/NAME", *reference);
    }
    if (node.type != SchemaType::any) reader_.fail("cannot stand beside type");
    node.reference = reference->as_string().substr(definitions_prefix.size());
    if (!schema_.definitions_.contains(node.reference)) reader_.fail("names no definition");
  }

  void read_format(const Json& json, SchemaNode& node) {
    if (!json.is_string() || json.as_string().empty()) return reader_.expected("a name", json);
    node.format = json.as_string();
    if (node.type != SchemaType::integer) return;
    // int64 is what every integer here is; int32 is a range.
    if (node.format == "int32") {
      node.value.minimum = std::numeric_limits<std::int32_t>::min();
      node.value.maximum = std::numeric_limits<std::int32_t>::max();
    } else if (node.format != "int64") {
      reader_.expected("int32 or int64", json);
    }
    node.format.clear();
  }

  void read_pattern(const Json& json, SchemaNode& node) {
    if (!json.is_string()) return reader_.expected("a regular expression", json);
    try {
      matches_pattern("", json.as_string());
      node.pattern = json.as_string();
    } catch (const Error& error) {
      reader_.fail(error.detail());
    }
  }

  void read_enum(const Json& json, SchemaNode& node) {
    if (!json.is_array() || json.as_array().empty()) return reader_.expected("a list", json);
    for (const Json& name : json.as_array()) {
      if (!name.is_string()) return reader_.expected("a list of strings", json);
      node.names.push_back(name.as_string());
    }
  }

  // A minimum of 0 says nothing.
  template <auto Range, bool Minimum>
  void read_count(const Json& json, SchemaNode& node) {
    if (json.kind() != JsonKind::integer || json.as_integer() < 0) {
      return reader_.expected("an integer from 0", json);
    }
    const auto count = static_cast<std::size_t>(json.as_integer());
    if (!Minimum) {
      (node.*Range).maximum = count;
    } else if (count > 0) {
      (node.*Range).minimum = count;
    }
    refuse_empty(node.*Range);
  }

  template <bool Minimum>
  void read_decimal(const Json& json, SchemaNode& node) {
    const auto bound = json.is_string() ? Decimal::try_parse(json.as_string()) : std::nullopt;
    if (!bound) return reader_.expected("a decimal in a string", json);
    if (node.format != "decimal") return reader_.fail("needs the format decimal");
    (Minimum ? node.decimal.minimum : node.decimal.maximum) = *bound;
    refuse_empty(node.decimal);
  }

  template <bool Minimum>
  void read_bound(const Json& json, SchemaNode& node) {
    if (!is_number(json)) return reader_.expected("a number", json);
    (Minimum ? node.value.minimum : node.value.maximum) = number_of(json);
    refuse_empty(node.value);
  }

  template <class T>
  void refuse_empty(const SchemaRange<T>& range) {
    if (range.minimum && range.maximum && *range.minimum > *range.maximum) {
      reader_.fail("leaves nothing: the minimum is above the maximum");
    }
  }

  void read_items(const Json& json, SchemaNode& node) {
    node.item = std::make_shared<const SchemaNode>(read_node(json));
  }

  void read_properties(const Json& json, SchemaNode& node) {
    if (!json.is_object()) return reader_.expected("an object of schemas", json);
    for (const JsonMember& member : json.as_object().members()) {
      const Step step(reader_, member.name);
      SchemaProperty property{.name = member.name, .schema = read_node(member.value)};
      if (const Json* initial = member.value.find("default")) property.initial = *initial;
      node.properties.push_back(std::move(property));
    }
  }

  void read_required(const Json& json, SchemaNode& node) {
    if (!json.is_array()) return reader_.expected("a list of names", json);
    for (const Json& name : json.as_array()) {
      const auto property =
          std::ranges::find_if(node.properties, [&](const SchemaProperty& candidate) {
            return name.is_string() && candidate.name == name.as_string();
          });
      if (property == node.properties.end()) {
        reader_.expected("names of `properties` only", name);
      } else if (property->initial) {
        reader_.fail(fmt::format("{} has a default and so may be absent", property->name));
      } else {
        property->required = true;
      }
    }
  }

  void read_others(const Json& json, SchemaNode& node) {
    if (json.kind() == JsonKind::boolean) {
      node.others = json.as_bool() ? OtherMembers::allowed : OtherMembers::refused;
    } else {
      node.others = OtherMembers::of_schema;
      node.other = std::make_shared<const SchemaNode>(read_node(json));
    }
  }

  // The names first: definitions refer to each other in any order.
  void read_definitions(const JsonObject& document) {
    const Json* definitions = document.find("$defs");
    if (definitions == nullptr) return;
    const Step step(reader_, "$defs");
    if (!definitions->is_object()) return reader_.expected("an object of schemas", *definitions);
    const auto members = definitions->as_object().members();
    if (members.size() > Schema::max_definitions) {
      return reader_.fail(
          fmt::format("are {}, at most {} are allowed", members.size(), Schema::max_definitions));
    }
    for (const JsonMember& member : members)
      schema_.definitions_.try_emplace(member.name);
    for (const JsonMember& member : members) {
      const Step inner(reader_, member.name);
      schema_.definitions_[member.name] = read_node(member.value);
    }
  }

  void read_id(const JsonObject& document) {
    const Json* id = document.find("$id");
    if (id == nullptr) return;
    const Step step(reader_, "$id");
    if (!id->is_string()) return reader_.expected("a string", *id);
    schema_.id_ = id->as_string();
  }

  // A definition that is only a reference, and comes back to itself, defines nothing.
  void check_references() {
    for (const auto& [name, node] : schema_.definitions_) {
      std::set<std::string_view> seen{name};
      const SchemaNode* at = &node;
      while (!at->reference.empty() && seen.insert(at->reference).second)
        at = &schema_.definitions_.find(at->reference)->second;
      if (!at->reference.empty()) {
        const Step step(reader_, name);
        reader_.fail("refers to itself only");
      }
    }
  }

  JsonReader reader_{ReadMode::strict};
  Schema schema_;
};

Schema Schema::parse(const Json& document) { return SchemaParser().parse(document); }

Schema Schema::parse_text(std::string_view text) { return parse(parse_json(text)); }

const SchemaNode& Schema::resolve(const SchemaNode& node) const {
  const SchemaNode* at = &node;
  while (!at->reference.empty())
    at = &definitions_.find(at->reference)->second;
  return *at;
}

}  // namespace sinew::event
