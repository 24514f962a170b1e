#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sinew/base/described.hpp"
#include "sinew/base/json_reader.hpp"
#include "sinew/event/schema.hpp"

namespace shop {

enum class Colour { red, blue };
BOOST_DESCRIBE_ENUM(Colour, red, blue)

struct Line {
  std::int64_t product = 0;
  sinew::Decimal price;
};
BOOST_DESCRIBE_STRUCT(Line, (), (product, price))
constexpr auto constraints(const Line*) {
  return sinew::constraints(sinew::field(&Line::product, sinew::between(1, 9)),
                            sinew::field(&Line::price, sinew::at_least(0)));
}

// One member of every kind that has a codec.
struct Everything {
  bool paid = false;
  std::int32_t small = 0;
  std::uint16_t port = 0;
  double ratio = 0;
  std::string name = "none";
  sinew::Uuid id;
  sinew::Date day{};
  sinew::Timestamp at{};
  sinew::Money sum;
  Colour colour = Colour::red;
  std::optional<Line> first;
  std::vector<Line> lines;
  std::map<std::string, std::int64_t> counts;
  sinew::Json any;
};
BOOST_DESCRIBE_STRUCT(Everything, (),
                      (paid, small, port, ratio, name, id, day, at, sum, colour, first, lines,
                       counts, any))
constexpr auto constraints(const Everything*) {
  return sinew::constraints(
      sinew::field(&Everything::name, sinew::length(1, 10), sinew::pattern("^[a-z]+$"),
                   sinew::defaulted(), "what it is called"),
      sinew::field(&Everything::lines, sinew::items(1, 3)),
      sinew::field(&Everything::counts, sinew::items(0, 2)));
}

}  // namespace shop

namespace sinew::event {
namespace {

std::string refusal_of(std::string_view text) {
  try {
    Schema::parse_text(text);
  } catch (const Error& error) {
    return error.detail();
  }
  return {};
}

TEST(SchemaParse, ReadsWhatADescribedStructWrites) {
  const Schema schema = Schema::parse(json_schema<shop::Everything>("urn:sinew:everything:1"));

  EXPECT_EQ(schema.id(), "urn:sinew:everything:1");
  const SchemaNode& root = schema.root();
  EXPECT_EQ(root.type, SchemaType::object);
  ASSERT_EQ(root.properties.size(), 14U);
  EXPECT_TRUE(root.find("paid")->required);
  EXPECT_FALSE(root.find("first")->required);
  EXPECT_FALSE(root.find("name")->required);
  EXPECT_EQ(root.find("name")->initial, Json("none"));
  EXPECT_EQ(root.find("name")->schema.length.maximum, 10U);
  EXPECT_EQ(root.find("port")->schema.value.maximum, 65535);
  EXPECT_EQ(root.find("small")->schema.value.minimum, -2147483648.0L);
  EXPECT_THAT(root.find("colour")->schema.names, testing::ElementsAre("red", "blue"));
  EXPECT_EQ(root.find("counts")->schema.others, OtherMembers::of_schema);
  EXPECT_EQ(root.find("any")->schema.type, SchemaType::any);
  const SchemaNode& line = schema.resolve(*root.find("lines")->schema.item);
  EXPECT_EQ(line.find("price")->schema.decimal.minimum, Decimal());
}

TEST(SchemaParse, TellsEveryKeywordItDoesNotUnderstandAtOnce) {
  const std::string refusal = refusal_of(R"({
    "type": "object", "unevaluatedProperties": false,
    "properties": {"a": {"type": "string", "contentEncoding": "base64"},
                   "b": {"anyOf": [{"type": "string"}]},
                   "c": {"type": "integer", "multipleOf": 2}}})");

  for (const char* keyword : {"unevaluatedProperties", "properties.a.contentEncoding",
                              "properties.b.anyOf", "properties.c.multipleOf"}) {
    EXPECT_THAT(refusal, testing::HasSubstr(keyword));
  }
}

struct Refusal {
  const char* name;
  const char* text;
  const char* mention;
};

class RefusedSchema : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedSchema, SaysWhere) {
  EXPECT_THAT(refusal_of(GetParam().text), testing::HasSubstr(GetParam().mention));
}

INSTANTIATE_TEST_SUITE_P(
    SchemaParse, RefusedSchema,
    testing::Values(
        Refusal{"NoObject", "[]", "an object"}, Refusal{"BooleanSchema", "true", "an object"},
        Refusal{"SeveralTypes", R"({"type": ["string", "null"]})", "type"},
        Refusal{"KeywordOfAnotherType", R"({"type": "integer", "minLength": 1})", "minLength"},
        Refusal{"KeywordBesideReference",
                R"({"type":"object","properties":{"a":{"$ref":"#/$defs/A","minLength":1}},
                    "$defs":{"A":{"type":"string"}}})",
                "beside $ref"},
        Refusal{"ReferenceOutside", R"({"$ref": "https://example.org/x"})", "$ref"},
        Refusal{"ReferenceToNothing", R"({"$ref": "#/$defs/A"})", "names no definition"},
        Refusal{"ReferenceToItself", R"({"$ref":"#/$defs/A","$defs":{"A":{"$ref":"#/$defs/A"}}})",
                "itself only"},
        Refusal{"NegativeLength", R"({"type": "string", "minLength": -1})", "from 0"},
        Refusal{"EmptyRange", R"({"type": "integer", "minimum": 2, "maximum": 1})",
                "leaves nothing"},
        Refusal{"BrokenPattern", R"({"type": "string", "pattern": "("})", "regular expression"},
        Refusal{"EnumOfNumbers", R"({"type": "string", "enum": [1]})", "strings"},
        Refusal{"RequiredUnknown", R"({"type": "object", "required": ["a"]})", "properties"},
        Refusal{"RequiredWithDefault",
                R"({"type":"object","properties":{"a":{"type":"string","default":""}},
                    "required":["a"]})",
                "default"},
        Refusal{"NestedIdentifier", R"({"type":"array","items":{"$id":"x"}})", "[\"$id\"]"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace sinew::event
