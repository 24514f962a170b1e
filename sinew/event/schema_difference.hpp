#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sinew/event/schema.hpp"

namespace sinew::event {

// How a schema can differ from an earlier one. The names and the verdicts are those of the JSON
// Schema compatibility of Confluent's schema registry, as far as the dialect goes; its changes of
// single bounds (MIN_LENGTH_INCREASED) are limit_* here, with the keyword in the path.
enum class Change {
  type_changed,
  type_extended,  // integer to number
  type_narrowed,  // number to integer
  limit_added,    // a bound, format or pattern
  limit_tightened,
  limit_loosened,
  limit_removed,
  limit_changed,  // a format or pattern, to another one
  enum_added,
  enum_extended,
  enum_narrowed,
  enum_changed,
  enum_removed,
  required_added,  // to a property that was optional
  required_removed,
  default_changed,
  property_added_to_open_model,  // what was written under that name was never checked
  any_property_added_to_open_model,
  optional_property_added,
  required_property_added,
  property_added_is_covered,  // by the schema of additional properties
  property_added_not_covered,
  property_removed_from_open_model,
  property_removed_from_closed_model,
  property_removed_is_covered,
  property_removed_not_covered,
  others_allowed,
  others_refused,
  others_narrowed,
  others_extended,
};
std::string_view to_string(Change change) noexcept;

// Whether a reader of the newer schema may fail on data of the older one.
bool breaks_reader(Change change) noexcept;

struct SchemaDifference {
  std::string path;     // `lines[].quantity`; empty: the document itself
  std::string keyword;  // of the schema there, such as minLength; empty: the property itself
  Change change{};
  std::string text;  // for people: `is required, and older data lacks it`

  friend bool operator==(const SchemaDifference&, const SchemaDifference&) = default;
};

// What an object without `additionalProperties` may contain.
enum class ContentModel {
  // As JSON Schema says: anything, in both schemas. Adding an optional property then breaks, since
  // older data may have anything under its name.
  declared,
  // As Sinew's messages are: who writes, writes a struct, and so what `properties` names and
  // nothing
  // else; who reads is tolerant, and ignores the rest.
  described,
};

// Every difference that data written by `written` may make to a reader of `reader`, in the order of
// the members. Definitions are compared where they are referred to first. Throws DocumentError for
// schemas nested deeper than max_schema_depth.
std::vector<SchemaDifference> compare(const Schema& written, const Schema& reader,
                                      ContentModel model = ContentModel::described);
inline constexpr int max_schema_depth = 64;

// Those of them that break the reader.
std::vector<SchemaDifference> breaking(std::vector<SchemaDifference> differences);

}  // namespace sinew::event
