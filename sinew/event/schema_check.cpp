#include <fmt/format.h>

#include <algorithm>

#include "sinew/base/json_reader.hpp"
#include "sinew/base/pattern.hpp"
#include "sinew/base/text_form.hpp"
#include "sinew/base/utf8.hpp"
#include "sinew/event/schema.hpp"

namespace sinew::event {
namespace {

template <class T>
bool is_within(const T& value, const SchemaRange<T>& range) {
  return (!range.minimum || value >= *range.minimum) && (!range.maximum || value <= *range.maximum);
}

// Formats that are not ours say nothing to us.
bool has_format(std::string_view text, std::string_view format) {
  if (format == "uuid") return TextForm<Uuid>::parse(text).has_value();
  if (format == "date") return TextForm<Date>::parse(text).has_value();
  if (format == "date-time") return TextForm<Timestamp>::parse(text).has_value();
  if (format == "decimal") return Decimal::try_parse(text).has_value();
  return true;
}

// Data against one schema; recursion follows the data, whose depth its parser has bounded.
class Check {
 public:
  explicit Check(const Schema& schema) : schema_(schema) {}

  void run(const Json& data) {
    check(data, schema_.root());
    reader_.finish();
  }

 private:
  using Step = JsonReader::Step;

  void check(const Json& data, const SchemaNode& reference) {
    const SchemaNode& node = schema_.resolve(reference);
    switch (node.type) {
      case SchemaType::any: return;
      case SchemaType::boolean: return check_boolean(data);
      case SchemaType::integer:
      case SchemaType::number: return check_number(data, node);
      case SchemaType::string: return check_string(data, node);
      case SchemaType::array: return check_array(data, node);
      case SchemaType::object: return check_object(data, node);
    }
  }

  void check_boolean(const Json& data) {
    if (data.kind() != JsonKind::boolean) reader_.expected("true or false", data);
  }

  void check_number(const Json& data, const SchemaNode& node) {
    const bool whole = data.kind() == JsonKind::integer;
    if (!whole && (node.type == SchemaType::integer || data.kind() != JsonKind::number)) {
      const bool integer = node.type == SchemaType::integer;
      return reader_.expected(integer ? "an integer" : "a number", data);
    }
    const long double value =
        whole ? static_cast<long double>(data.as_integer()) : data.as_number();
    if (!is_within(value, node.value)) reader_.expected("a number within its bounds", data);
  }

  void check_string(const Json& data, const SchemaNode& node) {
    if (!data.is_string()) return reader_.expected("a string", data);
    const std::string& text = data.as_string();
    if (!is_within(count_characters(text), node.length)) {
      return reader_.expected("a string of another length", data);
    }
    if (!node.names.empty() && std::ranges::find(node.names, text) == node.names.end()) {
      return reader_.expected(fmt::format("one of {}", fmt::join(node.names, ", ")), data);
    }
    if (!has_format(text, node.format)) {
      return reader_.expected(fmt::format("the format {}", node.format), data);
    }
    if (!node.pattern.empty() && !matches_pattern(text, node.pattern)) {
      return reader_.expected(fmt::format("a string matching {}", node.pattern), data);
    }
    const bool bounded = node.decimal.minimum || node.decimal.maximum;
    if (bounded && !is_within(Decimal::parse(text), node.decimal)) {
      reader_.expected("a decimal within its bounds", data);
    }
  }

  void check_array(const Json& data, const SchemaNode& node) {
    if (!data.is_array()) return reader_.expected("a list", data);
    const JsonArray& array = data.as_array();
    if (!is_within(array.size(), node.items)) {
      return reader_.fail(fmt::format("has {} items, which is out of bounds", array.size()));
    }
    if (node.item == nullptr) return;
    for (std::size_t i = 0; i < array.size(); ++i) {
      const Step step(reader_, i);
      check(array[i], *node.item);
    }
  }

  void check_object(const Json& data, const SchemaNode& node) {
    if (!data.is_object()) return reader_.expected("an object", data);
    const JsonObject& object = data.as_object();
    if (!is_within(object.size(), node.members)) {
      return reader_.fail(fmt::format("has {} members, which is out of bounds", object.size()));
    }
    for (const SchemaProperty& property : node.properties) {
      const Step step(reader_, property.name);
      check_property(object.find(property.name), property);
    }
    if (node.others == OtherMembers::refused || node.others == OtherMembers::of_schema) {
      check_others(object, node);
    }
  }

  void check_property(const Json* value, const SchemaProperty& property) {
    if (value == nullptr) {
      if (property.required) reader_.missing("a member");
      return;
    }
    const bool is_optional = !property.required && !property.initial;
    if (is_optional && value->is_null()) return;
    check(*value, property.schema);
  }

  void check_others(const JsonObject& object, const SchemaNode& node) {
    for (const JsonMember& member : object.members()) {
      if (node.find(member.name) != nullptr) continue;
      const Step step(reader_, member.name);
      if (node.others == OtherMembers::refused) {
        reader_.fail("is not known here");
      } else {
        check(member.value, *node.other);
      }
    }
  }

  const Schema& schema_;
  JsonReader reader_{ReadMode::tolerant};
};

}  // namespace

void Schema::check(const Json& data) const { Check(*this).run(data); }

}  // namespace sinew::event
