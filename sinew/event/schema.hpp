#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/decimal.hpp"
#include "sinew/base/json.hpp"

namespace sinew::event {

enum class SchemaType { any, boolean, integer, number, string, array, object };
std::string_view to_string(SchemaType type) noexcept;

template <class T>
struct SchemaRange {
  std::optional<T> minimum{};
  std::optional<T> maximum{};
};

// What a schema says of members that `properties` does not name.
enum class OtherMembers { unsaid, allowed, refused, of_schema };

struct SchemaProperty;

// A schema within a document; which members count depends on its type.
struct SchemaNode {
  SchemaType type = SchemaType::any;
  std::string reference;  // the definition that stands for this one; empty: none
  std::string format;
  std::string pattern;
  SchemaRange<long double> value;  // of numbers; holds every 64-bit integer and double exactly
  SchemaRange<Decimal> decimal;    // x-minimum and x-maximum, of decimals
  SchemaRange<std::size_t> length;
  SchemaRange<std::size_t> items;
  SchemaRange<std::size_t> members;
  std::vector<std::string> names;          // of an enum; empty: any string
  std::shared_ptr<const SchemaNode> item;  // null: any
  std::vector<SchemaProperty> properties;
  OtherMembers others = OtherMembers::unsaid;
  std::shared_ptr<const SchemaNode> other;  // for OtherMembers::of_schema

  const SchemaProperty* find(std::string_view name) const noexcept;
};

struct SchemaProperty {
  std::string name;
  SchemaNode schema;
  bool required = false;
  std::optional<Json> initial{};  // `default`: what a reader has without the member
};

// A JSON Schema (draft 2020-12) in the dialect in which json_schema<T>() writes described structs:
// one type a schema, constraints of that type, enums of strings, nested structs under `$defs`. A
// value; immutable. Patterns are compiled once a thread and kept for its life.
class Schema {
 public:
  static constexpr std::size_t max_definitions = 256;

  // Throws DocumentError with everything that is not of the dialect, each keyword by name: what is
  // not understood must not be taken for no constraint.
  static Schema parse(const Json& document);
  // Also Error invalid_input for text that is not JSON.
  static Schema parse_text(std::string_view text);

  const std::string& id() const noexcept { return id_; }  // `$id`, or empty
  const SchemaNode& root() const noexcept { return root_; }

  // The definition that `node` refers to, or itself.
  const SchemaNode& resolve(const SchemaNode& node) const;

  // Throws DocumentError with everything in which `data` breaks the schema, as a tolerant reader of
  // the struct would: members that are not named are ignored unless the schema refuses them, and an
  // optional member may be null. Of formats it knows uuid, date, date-time and decimal.
  void check(const Json& data) const;

 private:
  friend class SchemaParser;

  std::string id_;
  SchemaNode root_;
  std::map<std::string, SchemaNode, std::less<>> definitions_;
};

// Data that follows the schema: with required members and least items only, or with all. What
// nobody can make up, text of a pattern it has no example of, is left as it is; check() says where.
Json smallest_example(const Schema& schema);
Json fullest_example(const Schema& schema);

}  // namespace sinew::event
