#include <algorithm>
#include <array>

#include "sinew/base/pattern.hpp"
#include "sinew/base/utf8.hpp"
#include "sinew/event/schema.hpp"

namespace sinew::event {
namespace {

// Definitions may contain themselves: optional members end here.
constexpr int max_depth = 8;

// A text for each format and pattern that the base types have, and a few for patterns of others.
constexpr std::array texts = {"text", "USD", "1", "a", "A", "0.5", "a-1", "A1"};

class Example {
 public:
  Example(const Schema& schema, bool full) : schema_(schema), full_(full) {}

  Json make(const SchemaNode& reference, int depth) {
    const SchemaNode& node = schema_.resolve(reference);
    if (++made_ > max_values) return {};
    switch (node.type) {
      case SchemaType::any: return JsonObject();
      case SchemaType::boolean: return full_;
      case SchemaType::integer: return static_cast<std::int64_t>(number(node));
      case SchemaType::number: return static_cast<double>(number(node));
      case SchemaType::string: return text(node);
      case SchemaType::array: return array(node, depth);
      case SchemaType::object: return object(node, depth);
    }
    return {};
  }

 private:
  static long double number(const SchemaNode& node) {
    long double value = 1;
    if (node.value.minimum) value = std::max(value, *node.value.minimum);
    if (node.value.maximum) value = std::min(value, *node.value.maximum);
    return value;
  }

  static std::string text(const SchemaNode& node) {
    if (!node.names.empty()) return node.names.front();
    if (node.format == "uuid") return "01890a5d-ac96-774b-bcce-b302099a8057";
    if (node.format == "date") return "2026-05-04";
    if (node.format == "date-time") return "2026-05-04T10:30:00Z";
    if (node.format == "decimal") return decimal(node);
    for (std::string candidate : texts) {
      candidate = fitted(std::move(candidate), node.length);
      if (node.pattern.empty() || matches_pattern(candidate, node.pattern)) return candidate;
    }
    return texts.front();
  }

  static std::string decimal(const SchemaNode& node) {
    Decimal value;
    if (node.decimal.minimum) value = std::max(value, *node.decimal.minimum);
    if (node.decimal.maximum) value = std::min(value, *node.decimal.maximum);
    return to_string(value);
  }

  static std::string fitted(std::string text, const SchemaRange<std::size_t>& length) {
    if (length.minimum && text.size() < *length.minimum) {
      text.append(*length.minimum - text.size(), text.back());
    }
    if (length.maximum) text = first_characters(text, *length.maximum);
    return text;
  }

  Json array(const SchemaNode& node, int depth) {
    std::size_t count = node.items.minimum.value_or(0);
    if (full_ && depth < max_depth) count = std::max<std::size_t>(count, 1);
    if (node.items.maximum) count = std::min(count, *node.items.maximum);
    JsonArray items;
    for (std::size_t i = 0; i < std::min<std::size_t>(count, max_items) && depth < 2 * max_depth;
         ++i)
      items.push_back(node.item == nullptr ? Json(JsonObject()) : make(*node.item, depth + 1));
    return items;
  }

  Json object(const SchemaNode& node, int depth) {
    JsonObject object;
    for (const SchemaProperty& property : node.properties) {
      const bool wanted = property.required || (full_ && depth < max_depth);
      // A required member that contains itself has no finite example.
      if (wanted && depth < 2 * max_depth) {
        object.append(property.name, make(property.schema, depth + 1));
      }
    }
    if (full_ && depth < max_depth && node.others == OtherMembers::of_schema) {
      object.set("another", make(*node.other, depth + 1));
    }
    return object;
  }

  static constexpr std::size_t max_items = 64;
  // Definitions that refer to each other widely would grow without end.
  static constexpr std::size_t max_values = 10'000;

  const Schema& schema_;
  bool full_;
  std::size_t made_ = 0;
};

}  // namespace

Json smallest_example(const Schema& schema) {
  return Example(schema, false).make(schema.root(), 0);
}

Json fullest_example(const Schema& schema) { return Example(schema, true).make(schema.root(), 0); }

}  // namespace sinew::event
