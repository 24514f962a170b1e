#include "sinew/base/json.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "sinew/base/error.hpp"

namespace sinew {
namespace {

// What parse_json says of `text`, or "" when it takes it.
std::string refusal(std::string_view text, const JsonLimits& limits = {}) {
  try {
    parse_json(text, limits);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::invalid_input);
    return error.detail();
  }
}

TEST(Json, ReadsAndWritesEveryKind) {
  for (const char* text : {"null",
                           "true",
                           "false",
                           "0",
                           "-1",
                           "9223372036854775807",
                           "-9223372036854775808",
                           "1.5",
                           "-0.001",
                           "1e+30",
                           "1.0",
                           "5e-324",
                           "0.1",
                           "1.7976931348623157e+308",
                           "\"\"",
                           "\"a\\\"b\\\\\"",
                           "\"\\n\\r\\t\\u0000\\u001f\"",
                           "\"h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
                           "[]",
                           "[1,[2,[]],\"x\"]",
                           "{}",
                           "{\"b\":1,\"a\":{\"\":null}}"}) {
    EXPECT_EQ(to_text(parse_json(text)), text);
  }
}

TEST(Json, ReadsOtherSpellings) {
  EXPECT_EQ(parse_json(" \t\r\n[ 1 , 2 ] \n"), Json(JsonArray{1, 2}));
  EXPECT_EQ(parse_json("\"\\u00e9\\/\\b\\f\\ud83d\\ude00\""),
            Json("\xc3\xa9/\b\f\xf0\x9f\x98\x80"));
  EXPECT_EQ(parse_json("1E2"), Json(100.0));
  EXPECT_EQ(parse_json("-0"), Json(0));
  EXPECT_EQ(parse_json("1e-400"), Json(0.0));
  EXPECT_EQ(parse_json("18446744073709551615"), Json(18446744073709551615.0));
  EXPECT_EQ(parse_json("123456789012345678901234567890"), Json(123456789012345678901234567890.0));
}

TEST(Json, ReadsDoublesExactly) {
  for (const double value : {0.1, 1.0 / 3, 2.2250738585072011e-308, 8.98846567431158e307, 1e23,
                             123456.789e-7, 9007199254740993.0}) {
    EXPECT_EQ(parse_json(to_text(Json(value))).as_number(), value);
  }
}

TEST(Json, RefusesBadTextWithItsPlace) {
  const struct {
    const char* text;
    const char* refusal;
  } rows[] = {
      {"", "line 1, column 1: the text ends before its value is complete"},
      {"{\"a\": 1,\n \"b\" 2}", "line 2, column 6: unexpected \"2\""},
      {"[1,]", "line 1, column 4: unexpected \"]\""},
      {"{\"a\":1,}", "line 1, column 8: unexpected \"}\""},
      {"[1", "line 1, column 3: the text ends before its value is complete"},
      {"1 2", "line 1, column 3: expected the end of the text after its value"},
      {"01", "line 1, column 2: expected the end of the text after its value"},
      {"+1", "line 1, column 1: unexpected \"+\""},
      {"nul", "line 1, column 4: the text ends before its value is complete"},
      {"NaN", "line 1, column 1: unexpected \"N\""},
      {"// x\n1", "line 1, column 1: unexpected \"/\""},
      {"'a'", "line 1, column 1: unexpected \"'\""},
      {"\"a\nb\"", "line 1, column 3: unexpected \"\\n\""},
      {"\"\\x\"", "line 1, column 3: unexpected \"x\""},
      {"\xef\xbb\xbf"
       "1",
       "line 1, column 1: unexpected \"\xef\xbb\xbf\""},
      {"\"\xc3\x28\"", "line 1, column 2: a byte that is not UTF-8"},
      {"[\"\xc3\xa9\", \"\xed\xa0\x80\"]", "line 1, column 8: a byte that is not UTF-8"},
      {"\"\xff\"", "line 1, column 2: a byte that is not UTF-8"},
      {"1e400", "line 1, column 6: the number is beyond a double's range"},
      {"{\"a\":1,\"b\":2,\"a\":3}", "line 1, column 16: the name \"a\" is there twice"},
      {"{\"a\":1,\"\\u0061\":3}", "line 1, column 15: the name \"a\" is there twice"},
  };
  for (const auto& row : rows)
    EXPECT_EQ(refusal(row.text), row.refusal) << row.text;
}

TEST(Json, RefusesDuplicateNamesInLargeObjects) {
  std::string text = "{";
  for (int i = 0; i < 1000; ++i)
    text += "\"name" + std::to_string(i) + "\":1,";

  EXPECT_EQ(refusal(text + "\"other\":1}"), "");
  EXPECT_NE(refusal(text + "\"name7\":1}"), "");
  EXPECT_NE(refusal(text + "\"name999\":1}"), "");
}

TEST(Json, RefusesBeyondItsLimits) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };

  EXPECT_EQ(refusal(nested(32)), "");
  EXPECT_EQ(refusal(nested(33)), "line 1, column 33: nested deeper than 32 levels");
  EXPECT_EQ(refusal("[1]", {.max_bytes = 3}), "");
  EXPECT_EQ(refusal("[10]", {.max_bytes = 3}), "the JSON text has 4 bytes; up to 3 are taken here");
}

TEST(Json, WritesOverLines) {
  const Json value = JsonObject{{"a", 1}, {"b", JsonArray{true, nullptr}}, {"c", JsonObject()}};

  EXPECT_EQ(to_pretty_text(value),
            "{\n  \"a\": 1,\n  \"b\": [\n    true,\n    null\n  ],\n  \"c\": {}\n}\n");
}

TEST(Json, WritesInvalidBytesAsReplacement) {
  EXPECT_EQ(to_text(Json("a\xff"
                         "b\xc3")),
            "\"a\xef\xbf\xbd"
            "b\xef\xbf\xbd\"");
}

TEST(Json, RefusesNumbersItCannotWrite) {
  EXPECT_THROW(Json(std::nan("")), Error);
  EXPECT_THROW(Json{std::numeric_limits<double>::infinity()}, Error);
  EXPECT_THROW(Json(18446744073709551615ull), Error);
  EXPECT_EQ(Json(9223372036854775807ull).as_integer(), 9223372036854775807);
}

TEST(Json, ObjectsKeepTheirOrderAndReplaceByName) {
  JsonObject object{{"b", 1}, {"a", 2}};

  object.set("b", 3).set("c", 4);

  EXPECT_EQ(to_text(object), "{\"b\":3,\"a\":2,\"c\":4}");
  EXPECT_TRUE(object.erase("a"));
  EXPECT_FALSE(object.erase("a"));
  EXPECT_EQ(to_text(object), "{\"b\":3,\"c\":4}");
}

TEST(Json, EqualityIgnoresTheOrderOfMembersOnly) {
  EXPECT_EQ(parse_json("{\"a\":1,\"b\":2}"), parse_json("{\"b\":2,\"a\":1}"));
  EXPECT_NE(parse_json("[1,2]"), parse_json("[2,1]"));
  EXPECT_NE(parse_json("1"), parse_json("1.0"));
  EXPECT_NE(parse_json("{\"a\":1}"), parse_json("{\"a\":1,\"b\":2}"));
}

TEST(Json, AccessorsSayWhatIsThereInstead) {
  const Json value = parse_json("{\"a\":\"x\"}");

  EXPECT_EQ(value.at("a").as_string(), "x");
  EXPECT_EQ(value.find("b"), nullptr);
  EXPECT_EQ(value.at("a").find("b"), nullptr);
  EXPECT_EQ(parse_json("2").as_number(), 2.0);
  try {
    value.at("a").as_integer();
    FAIL() << "a string was taken for an integer";
  } catch (const Error& error) {
    EXPECT_EQ(error.detail(), "expected an integer, got \"x\"");
  }
  EXPECT_THROW(value.at("b"), Error);
}

TEST(Json, BriefCutsLongStrings) {
  EXPECT_EQ(brief(Json(std::string(100, 'x'))), "\"" + std::string(40, 'x') + "\"...");
  EXPECT_EQ(brief(Json("x")), "\"x\"");
  EXPECT_EQ(brief(JsonArray{1}), "a list");
  EXPECT_EQ(brief(JsonObject()), "an object");
  EXPECT_EQ(brief(Json(1.5)), "1.5");
}

}  // namespace
}  // namespace sinew
