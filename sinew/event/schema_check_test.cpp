#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sinew/base/json_reader.hpp"
#include "sinew/event/schema.hpp"

namespace sinew::event {
namespace {

const char* const order = R"({
  "type": "object",
  "properties": {
    "id": {"type": "string", "format": "uuid"},
    "day": {"type": "string", "format": "date"},
    "net": {"type": "string", "format": "decimal", "x-minimum": "0"},
    "size": {"type": "string", "enum": ["s", "m"]},
    "name": {"type": "string", "minLength": 2, "pattern": "^[a-z]+$", "default": "no"},
    "weight": {"type": "number"},
    "note": {"type": "string"},
    "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}, "minItems": 1},
    "tags": {"type": "object", "additionalProperties": {"type": "boolean"}}
  },
  "required": ["id", "lines"],
  "$defs": {"Line": {"type": "object",
    "properties": {"quantity": {"type": "integer", "minimum": 1, "maximum": 9}},
    "required": ["quantity"], "additionalProperties": false}}
})";

std::vector<std::string> paths_of(std::string_view data) {
  std::vector<std::string> paths;
  try {
    Schema::parse_text(order).check(parse_json(data));
  } catch (const DocumentError& error) {
    for (const JsonError& wrong : error.errors())
      paths.push_back(wrong.path);
  }
  return paths;
}

TEST(SchemaCheck, TakesWhatFollowsTheSchema) {
  EXPECT_THAT(paths_of(R"({"id":"01890a5d-ac96-774b-bcce-b302099a8057","day":"2026-05-04",
                           "net":"0.50","size":"m","name":"ab","weight":2,
                           "lines":[{"quantity":1}],"tags":{"new":true},"unknown":[]})"),
              testing::IsEmpty());
}

TEST(SchemaCheck, TakesNullForWhatIsOptionalOnly) {
  EXPECT_THAT(paths_of(R"({"id":"01890a5d-ac96-774b-bcce-b302099a8057","note":null,"name":null,
                           "lines":[{"quantity":null}]})"),
              testing::ElementsAre("name", "lines[0].quantity"));
}

TEST(SchemaCheck, TellsEverythingThatIsWrong) {
  EXPECT_THAT(
      paths_of(R"({"id":"1","day":"2026-02-30","net":"-1","size":"l","name":"A","weight":"2",
                   "lines":[{"quantity":1},{"quantity":10},{"quantity":1.5},{"quantity":1,"x":1}],
                   "tags":{"new":1}})"),
      testing::UnorderedElementsAre("id", "day", "net", "size", "name", "weight",
                                    "lines[1].quantity", "lines[2].quantity", "lines[3].x",
                                    "tags.new"));
  EXPECT_THAT(paths_of("{}"), testing::UnorderedElementsAre("id", "lines"));
  EXPECT_THAT(paths_of("[]"), testing::ElementsAre(""));
}

TEST(SchemaCheck, ExamplesFollowTheirSchema) {
  const Schema schema = Schema::parse_text(order);

  const Json smallest = smallest_example(schema);
  const Json fullest = fullest_example(schema);

  EXPECT_NO_THROW(schema.check(smallest));
  EXPECT_NO_THROW(schema.check(fullest));
  EXPECT_EQ(smallest.as_object().size(), 2U);
  EXPECT_EQ(fullest.as_object().size(), 9U);
}

TEST(SchemaCheck, ExamplesOfADefinitionWithinItselfEnd) {
  const Schema tree = Schema::parse_text(R"({"$ref": "#/$defs/Tree", "$defs": {"Tree": {
    "type": "object", "properties": {"left": {"$ref": "#/$defs/Tree"},
    "right": {"$ref": "#/$defs/Tree"}}}}})");

  EXPECT_NO_THROW(tree.check(fullest_example(tree)));
}

}  // namespace
}  // namespace sinew::event
