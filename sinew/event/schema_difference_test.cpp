#include "sinew/event/schema_difference.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include "sinew/base/json_reader.hpp"

namespace sinew::event {
namespace {

std::vector<std::string> changes_of(std::string_view written, std::string_view reader,
                                    ContentModel model) {
  std::vector<std::string> changes;
  for (const SchemaDifference& found :
       compare(Schema::parse_text(written), Schema::parse_text(reader), model))
    changes.push_back(fmt::format("{} {}{}{}", to_string(found.change), found.path,
                                  found.path.empty() || found.keyword.empty() ? "" : "/",
                                  found.keyword));
  return changes;
}

bool is_compatible(std::string_view written, std::string_view reader, ContentModel model) {
  return breaking(compare(Schema::parse_text(written), Schema::parse_text(reader), model)).empty();
}

// A known case of the schema registry's JSON Schema comparison, in this dialect.
struct Vector {
  const char* name;
  const char* original;
  const char* update;
  std::vector<const char*> changes;
  bool compatible;
};

std::ostream& operator<<(std::ostream& out, const Vector& vector) { return out << vector.name; }

class RegistryVectors : public testing::TestWithParam<Vector> {};

TEST_P(RegistryVectors, AreJudgedAsThere) {
  const Vector& vector = GetParam();

  EXPECT_THAT(changes_of(vector.original, vector.update, ContentModel::declared),
              testing::UnorderedElementsAreArray(vector.changes));
  EXPECT_EQ(is_compatible(vector.original, vector.update, ContentModel::declared),
            vector.compatible);
}

constexpr const char* foo = R"({"type":"object","properties":{"foo":{"type":"string"}}})";
constexpr const char* foo_closed =
    R"({"type":"object","properties":{"foo":{"type":"string"}},"additionalProperties":false})";
constexpr const char* foo_of_strings =
    R"({"type":"object","properties":{"foo":{"type":"string"}},
        "additionalProperties":{"type":"string"}})";

INSTANTIATE_TEST_SUITE_P(
    Values, RegistryVectors,
    testing::Values(
        Vector{"TypeChanged",
               R"({"type":"object"})",
               R"({"type":"array"})",
               {"type_changed type"},
               false},
        Vector{"MinLengthIncreased",
               R"({"type":"string","minLength":10})",
               R"({"type":"string","minLength":11})",
               {"limit_tightened minLength"},
               false},
        Vector{"MinLengthDecreased",
               R"({"type":"string","minLength":11})",
               R"({"type":"string","minLength":10})",
               {"limit_loosened minLength"},
               true},
        Vector{"MaxLengthIncreased",
               R"({"type":"string","maxLength":10})",
               R"({"type":"string","maxLength":12})",
               {"limit_loosened maxLength"},
               true},
        Vector{"MaxLengthDecreased",
               R"({"type":"string","maxLength":12})",
               R"({"type":"string","maxLength":10})",
               {"limit_tightened maxLength"},
               false},
        Vector{"PatternRemoved",
               R"({"type":"string","pattern":"uuid"})",
               R"({"type":"string"})",
               {"limit_removed pattern"},
               true},
        Vector{"PatternAdded",
               R"({"type":"string"})",
               R"({"type":"string","pattern":"uuid"})",
               {"limit_added pattern"},
               false},
        Vector{"PatternChanged",
               R"({"type":"string","pattern":"date-time"})",
               R"({"type":"string","pattern":"uuid"})",
               {"limit_changed pattern"},
               false},
        Vector{"PatternSame",
               R"({"type":"string","pattern":"uuid"})",
               R"({"type":"string","pattern":"uuid"})",
               {},
               true},
        Vector{"MaximumRemoved",
               R"({"type":"number","maximum":10})",
               R"({"type":"number"})",
               {"limit_removed maximum"},
               true},
        Vector{"MaximumIncreased",
               R"({"type":"number","maximum":10})",
               R"({"type":"number","maximum":11})",
               {"limit_loosened maximum"},
               true},
        Vector{"MaximumDecreased",
               R"({"type":"number","maximum":11})",
               R"({"type":"number","maximum":10})",
               {"limit_tightened maximum"},
               false},
        Vector{"MinimumIncreased",
               R"({"type":"number","minimum":10})",
               R"({"type":"number","minimum":11})",
               {"limit_tightened minimum"},
               false},
        Vector{"MinimumDecreased",
               R"({"type":"number","minimum":11})",
               R"({"type":"number","minimum":10})",
               {"limit_loosened minimum"},
               true},
        Vector{"MinimumAdded",
               R"({"type":"number"})",
               R"({"type":"number","minimum":10})",
               {"limit_added minimum"},
               false},
        Vector{"TypeNarrowed",
               R"({"type":"number"})",
               R"({"type":"integer"})",
               {"type_narrowed type"},
               false},
        Vector{"TypeExtended",
               R"({"type":"integer"})",
               R"({"type":"number"})",
               {"type_extended type"},
               true},
        Vector{"ToAnything", R"({"type":"integer"})", "{}", {}, true},
        Vector{"FromAnything", "{}", R"({"type":"integer"})", {"type_changed type"}, false},
        Vector{"EnumExtended",
               R"({"type":"string","enum":["red"]})",
               R"({"type":"string","enum":["blue","red"]})",
               {"enum_extended enum"},
               true},
        Vector{"EnumNarrowed",
               R"({"type":"string","enum":["red","blue"]})",
               R"({"type":"string","enum":["blue"]})",
               {"enum_narrowed enum"},
               false},
        Vector{"EnumChanged",
               R"({"type":"string","enum":["red"]})",
               R"({"type":"string","enum":["blue"]})",
               {"enum_changed enum"},
               false},
        Vector{"EnumRemoved",
               R"({"type":"string","enum":["red"]})",
               R"({"type":"string"})",
               {"enum_removed enum"},
               true},
        Vector{"MaxItemsDecreased",
               R"({"type":"array","maxItems":12})",
               R"({"type":"array","maxItems":10})",
               {"limit_tightened maxItems"},
               false},
        Vector{"MinItemsDecreased",
               R"({"type":"array","minItems":12})",
               R"({"type":"array","minItems":10})",
               {"limit_loosened minItems"},
               true},
        Vector{"ItemsChanged",
               R"({"type":"array","items":{"type":"string"}})",
               R"({"type":"array","items":{"type":"number"}})",
               {"type_changed []/type"},
               false},
        Vector{"MaxPropertiesAdded",
               R"({"type":"object"})",
               R"({"type":"object","maxProperties":10})",
               {"limit_added maxProperties"},
               false},
        Vector{"MinPropertiesRemoved",
               R"({"type":"object","minProperties":1})",
               R"({"type":"object"})",
               {"limit_removed minProperties"},
               true}),
    [](const auto& row) { return std::string(row.param.name); });

INSTANTIATE_TEST_SUITE_P(
    ContentModels, RegistryVectors,
    testing::Values(
        Vector{"PropertyReplacedInOpenModel",
               foo,
               R"({"type":"object","properties":{"bar":{"type":"string"}}})",
               {"property_added_to_open_model bar", "property_removed_from_open_model foo"},
               false},
        Vector{"PropertyTypeChanged",
               foo,
               R"({"type":"object","properties":{"foo":{"type":"number"}}})",
               {"type_changed foo/type"},
               false},
        Vector{"OptionalAddedToClosedModel",
               foo_closed,
               R"({"type":"object","properties":{"foo":{"type":"string"},"bar":{"type":"number"}},
                   "additionalProperties":false})",
               {"optional_property_added bar"},
               true},
        Vector{"RequiredAddedToClosedModel",
               foo_closed,
               R"({"type":"object","properties":{"foo":{"type":"string"},"bar":{"type":"number"}},
                   "required":["bar"],"additionalProperties":false})",
               {"required_property_added bar"},
               false},
        Vector{"AnyAddedToOpenModel",
               foo,
               R"({"type":"object","properties":{"foo":{"type":"string"},"bar":{}}})",
               {"any_property_added_to_open_model bar"},
               true},
        Vector{"AddedToPartiallyOpenModel",
               foo_of_strings,
               R"({"type":"object","properties":{"foo":{"type":"string"},"bar":{"type":"string"}},
                   "additionalProperties":{"type":"string"}})",
               {"property_added_is_covered bar", "optional_property_added bar"},
               true},
        Vector{"AddedToPartiallyOpenModelNotCovered",
               foo_of_strings,
               R"({"type":"object","properties":{"foo":{"type":"string"},"bar":{"type":"number"}},
                   "additionalProperties":{"type":"string"}})",
               {"type_changed bar/type", "property_added_not_covered bar",
                "optional_property_added bar"},
               false},
        Vector{"RequiredAddedToPartiallyOpenModel",
               foo_of_strings,
               R"({"type":"object","properties":{"foo":{"type":"string"},"bar":{"type":"string"}},
                   "required":["bar"],"additionalProperties":{"type":"string"}})",
               {"property_added_is_covered bar", "required_property_added bar"},
               false},
        Vector{"RemovedIsCovered",
               R"({"type":"object","properties":{"foo":{"type":"string"},"bar":{"type":"string"}},
                   "additionalProperties":false})",
               foo_of_strings,
               {"property_removed_is_covered bar", "others_allowed additionalProperties"},
               true},
        Vector{"RemovedIsNotCovered",
               R"({"type":"object","properties":{"foo":{"type":"string"},"bar":{"type":"number"}},
                   "additionalProperties":false})",
               foo_of_strings,
               {"type_changed bar/type", "property_removed_not_covered bar",
                "others_allowed additionalProperties"},
               false},
        Vector{"RemovedFromClosedModel",
               R"({"type":"object","properties":{"foo":{"type":"string"},"bar":{"type":"number"}},
                   "additionalProperties":false})",
               foo_closed,
               {"property_removed_from_closed_model bar"},
               false},
        Vector{"ModelClosed", foo, foo_closed, {"others_refused additionalProperties"}, false},
        Vector{"ModelOpened", foo_closed, foo, {"others_allowed additionalProperties"}, true},
        Vector{
            "ModelNarrowed", foo, foo_of_strings, {"others_narrowed additionalProperties"}, false},
        Vector{
            "ModelExtended", foo_of_strings, foo, {"others_extended additionalProperties"}, true},
        Vector{"RequiredAddedToProperty",
               foo,
               R"({"type":"object","properties":{"foo":{"type":"string"}},"required":["foo"]})",
               {"required_added foo/required"},
               false},
        Vector{"RequiredRemovedFromProperty",
               R"({"type":"object","properties":{"foo":{"type":"string"}},"required":["foo"]})",
               foo,
               {"required_removed foo/required"},
               true}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(SchemaDifference, OfDescribedStructsKnowsWhatWasWritten) {
  const char* more =
      R"({"type":"object","properties":{"foo":{"type":"string"},"bar":{"type":"number"}}})";

  EXPECT_THAT(changes_of(foo, more, ContentModel::described),
              testing::ElementsAre("optional_property_added bar"));
  EXPECT_TRUE(is_compatible(more, foo, ContentModel::described));
  EXPECT_THAT(changes_of(foo, foo, ContentModel::described), testing::IsEmpty());
}

TEST(SchemaDifference, NamesTheMemberWithinDefinitionsThatContainThemselves) {
  const char* tree = R"({"type":"object","properties":{"root":{"$ref":"#/$defs/N"}},
    "$defs":{"N":{"type":"object","properties":{"weight":{"type":"integer"},
      "children":{"type":"array","items":{"$ref":"#/$defs/N"}}}}}})";
  const char* other = R"({"type":"object","properties":{"root":{"$ref":"#/$defs/N"}},
    "$defs":{"N":{"type":"object","properties":{"weight":{"type":"string"},
      "children":{"type":"array","items":{"$ref":"#/$defs/N"},"maxItems":2}}}}})";

  EXPECT_THAT(changes_of(tree, other, ContentModel::described),
              testing::UnorderedElementsAre("type_changed root.weight/type",
                                            "limit_added root.children/maxItems"));
}

// Knuth's linear congruence: the same schemas for the same seed, everywhere.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : state_(seed) {}
  int below(int limit) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<int>((state_ >> 33) % static_cast<std::uint64_t>(limit));
  }

 private:
  std::uint64_t state_;
};

// A schema of members a to d.
class RandomSchema {
 public:
  explicit RandomSchema(Draw& draw) : draw_(draw) {}

  Json object(int depth) {
    JsonObject properties;
    JsonArray required;
    for (const char* name : {"a", "b", "c", "d"}) {
      if (below(3) == 0) continue;
      properties.set(name, value(depth));
      if (below(2) == 0) required.push_back(name);
    }
    JsonObject schema{{"type", "object"}, {"properties", std::move(properties)}};
    if (!required.empty()) schema.set("required", std::move(required));
    if (below(4) == 0) schema.set("additionalProperties", JsonObject{{"type", "integer"}});
    if (below(6) == 0) schema.set("additionalProperties", false);
    return schema;
  }

 private:
  Json value(int depth) {
    switch (below(depth > 0 ? 7 : 5)) {
      case 0: return JsonObject{{"type", "integer"}, {"minimum", below(3)}, {"maximum", 3}};
      case 1: return JsonObject{{"type", "number"}};
      case 2: return JsonObject{{"type", "string"}, {"minLength", below(4)}};
      case 3: return JsonObject{{"type", "string"}, {"enum", JsonArray{"x", below(2) ? "y" : "z"}}};
      case 4: return JsonObject();
      case 5: return JsonObject{{"type", "array"}, {"items", value(depth - 1)}};
      default: return object(depth - 1);
    }
  }
  int below(int limit) { return draw_.below(limit); }

  Draw& draw_;
};

// What is called compatible is read: the examples of one schema follow the other.
TEST(SchemaDifference, WhatIsCompatibleIsReadByRandomSchemas) {
  Draw draw(20261121);
  int compatible = 0;

  for (int round = 0; round < 4000; ++round) {
    const Schema written = Schema::parse(RandomSchema(draw).object(1));
    const Json reader_text = RandomSchema(draw).object(1);
    const Schema reader = Schema::parse(reader_text);
    if (!breaking(compare(written, reader)).empty()) continue;
    ++compatible;
    for (const Json& data : {smallest_example(written), fullest_example(written)}) {
      EXPECT_NO_THROW(reader.check(data)) << "round " << round << ": " << to_text(data)
                                          << " is not read by " << to_text(reader_text);
    }
  }

  EXPECT_GT(compatible, 50);
}

}  // namespace
}  // namespace sinew::event
