#include "sinew/base/described.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace shop {

using sinew::at_least;
using sinew::between;
using sinew::defaulted;
using sinew::field;
using sinew::items;
using sinew::length;
using sinew::named;
using sinew::pattern;

enum class Priority { normal, express, default_ };
BOOST_DESCRIBE_ENUM(Priority, normal, express, default_)

using OrderId = sinew::TypedId<struct OrderTag>;
using PaymentId = sinew::TypedId<struct PaymentTag, sinew::Uuid>;

struct Line {
  std::string sku;
  int quantity = 0;
  std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(Line, (), (sku, quantity, note))
constexpr auto constraints(const Line*) {
  return sinew::constraints(field(&Line::sku, length(1, 8), pattern("^[A-Z0-9-]+$")),
                            field(&Line::quantity, at_least(1), "units ordered"));
}

struct Order {
  OrderId id;
  std::vector<Line> lines;
  sinew::Money total;
  Priority priority = Priority::normal;
};
BOOST_DESCRIBE_STRUCT(Order, (), (id, lines, total, priority))
constexpr auto constraints(const Order*) {
  return sinew::constraints(field(&Order::lines, items(1, 3)),
                            field(&Order::total, at_least(0), "what the customer pays"),
                            field(&Order::priority, defaulted()));
}

struct Everything {
  bool flag = false;
  std::uint8_t small = 0;
  std::int64_t large = 0;
  std::uint64_t count = 0;
  double ratio = 0;
  sinew::Decimal rate;
  sinew::Uuid uuid;
  PaymentId payment;
  sinew::Timestamp at;
  sinew::Date day;
  sinew::Currency currency;
  std::map<std::string, std::vector<int>> groups;
  sinew::Json extra;
  std::optional<Line> line;
  std::string class_;
  std::string kind;
};
BOOST_DESCRIBE_STRUCT(Everything, (),
                      (flag, small, large, count, ratio, rate, uuid, payment, at, day, currency,
                       groups, extra, line, class_, kind))
constexpr auto constraints(const Everything*) {
  return sinew::constraints(
      field(&Everything::ratio, between(0.0, 1.0)), field(&Everything::rate, between(0, 5)),
      field(&Everything::groups, between(1, 9)), field(&Everything::kind, named("x-kind")));
}

struct Base {
  int a = 0;
};
BOOST_DESCRIBE_STRUCT(Base, (), (a))
constexpr auto constraints(const Base*) { return sinew::constraints(field(&Base::a, at_least(1))); }
struct Derived : Base {
  int b = 0;
};
BOOST_DESCRIBE_STRUCT(Derived, (Base), (b))

struct Tree {
  std::string name;
  std::vector<Tree> children;
};
BOOST_DESCRIBE_STRUCT(Tree, (), (name, children))

}  // namespace shop

namespace sinew {
namespace {

using shop::Order;

constexpr const char* good_order =
    R"({"id":"10248","lines":[{"sku":"A-1","quantity":2}],)"
    R"("total":{"amount":"12.50","currency":"USD"},"priority":"express"})";

// The errors of reading `text`, joined; empty when it is taken.
template <class T>
std::string errors(std::string_view text, ReadMode mode = ReadMode::tolerant) {
  try {
    from_json<T>(parse_json(text), mode);
    return "";
  } catch (const DocumentError& error) {
    EXPECT_EQ(error.condition(), Condition::invalid_input);
    return error.detail();
  }
}

// The errors of one member of Everything, whose other members are good.
std::string member_error(std::string_view name, const Json& value) {
  Json json = to_json(shop::Everything{});
  json.as_object().set("groups", JsonObject());
  json.as_object().set(name, value);
  return errors<shop::Everything>(to_text(json));
}

TEST(Described, StructsGoBothWays) {
  const Order order = from_json<Order>(parse_json(good_order), ReadMode::strict);

  EXPECT_EQ(order.id, shop::OrderId("10248"));
  EXPECT_EQ(order.lines.at(0).quantity, 2);
  EXPECT_EQ(order.lines.at(0).note, std::nullopt);
  EXPECT_EQ(to_string(order.total), "12.50 USD");
  EXPECT_EQ(order.priority, shop::Priority::express);
  EXPECT_EQ(to_text(to_json(order)), good_order);
}

TEST(Described, EveryTypeGoesBothWays) {
  const char* text =
      R"({"flag":true,"small":255,"large":-9223372036854775808,"count":9223372036854775807,)"
      R"("ratio":0.5,"rate":"0.0625","uuid":"2ed6657d-e927-568b-95e1-2665a8aea6a2",)"
      R"("payment":"017f22e2-79b0-7cc3-98c4-dc0c0c07398f","at":"2024-02-29T10:05:09.120000Z",)"
      R"("day":"2024-02-29","currency":"EUR","groups":{"a":[1,2],"b":[]},"extra":[{"x":null}],)"
      R"("line":{"sku":"A","quantity":1,"note":"n"},"class":"c","x-kind":"k"})";

  const auto value = from_json<shop::Everything>(parse_json(text), ReadMode::strict);

  EXPECT_EQ(to_text(to_json(value)), text);
}

TEST(Described, ReportsEverythingAtOnceWithItsPath) {
  const char* text =
      R"({"id":"","lines":[{"sku":"A","quantity":1},{"sku":"a b"},{"sku":7,"quantity":"x"}],)"
      R"("total":{"amount":12.5,"currency":"usd"},"priority":"urgent"})";
  const std::vector<JsonError> expected = {
      {"id", "expected a string of 1 to 200 characters, got \"\""},
      {"lines[1].sku", "expected a string of 1 to 8 characters matching ^[A-Z0-9-]+$, got \"a b\""},
      {"lines[1].quantity", "expected an integer from 1, but it is missing"},
      {"lines[2].sku", "expected a string of 1 to 8 characters matching ^[A-Z0-9-]+$, got 7"},
      {"lines[2].quantity", "expected an integer from 1, got \"x\""},
      {"total.amount", "expected a decimal from 0 in a string such as \"12.50\", got 12.5"},
      {"total.currency", "expected a currency such as \"EUR\", got \"usd\""},
      {"priority", "expected one of \"normal\", \"express\", \"default\", got \"urgent\""},
  };

  try {
    from_json<Order>(parse_json(text));
    FAIL() << "the document was accepted";
  } catch (const DocumentError& error) {
    EXPECT_EQ(error.errors(), expected);
    EXPECT_NE(error.detail().find("; lines[2].quantity: expected an integer from 1, got \"x\"; "),
              std::string::npos);
  }
}

TEST(Described, ChecksEachConstraint) {
  const auto order = [](std::string_view name, const char* value) {
    Json json = parse_json(good_order);
    json.as_object().set(name, parse_json(value));
    return errors<Order>(to_text(json));
  };

  EXPECT_EQ(order("lines", "[]"), "lines: expected a list of 1 to 3 items, got 0");
  EXPECT_EQ(order("lines", "[0,0,0,0]"), "lines: expected a list of 1 to 3 items, got 4");
  EXPECT_EQ(order("lines", "{}"), "lines: expected a list of 1 to 3 items, got an object");
  EXPECT_EQ(order("lines", R"([{"sku":"A","quantity":0}])"),
            "lines[0].quantity: expected an integer from 1, got 0");
  EXPECT_EQ(order("lines", R"([{"sku":"TOO-LONG-1","quantity":1}])"),
            "lines[0].sku: expected a string of 1 to 8 characters matching ^[A-Z0-9-]+$, got "
            "\"TOO-LONG-1\"");
  EXPECT_EQ(order("total", R"({"amount":"-0.01","currency":"USD"})"),
            "total.amount: expected a decimal from 0 in a string such as \"12.50\", got \"-0.01\"");
  EXPECT_EQ(order("total", "7"), "total: expected an object with amount and currency, got 7");
  EXPECT_EQ(order("lines", "[7]"), "lines[0]: expected an object, got 7");
}

TEST(Described, ChecksTheRangeOfEachType) {
  EXPECT_EQ(member_error("small", 256), "small: expected an integer from 0 to 255, got 256");
  EXPECT_EQ(member_error("small", -1), "small: expected an integer from 0 to 255, got -1");
  EXPECT_EQ(member_error("count", -1),
            "count: expected an integer from 0 to 9223372036854775807, got -1");
  EXPECT_EQ(member_error("large", 1.0), "large: expected an integer, got 1.0");
  EXPECT_EQ(member_error("large", 1e19), "large: expected an integer, got 1e+19");
  EXPECT_EQ(member_error("ratio", 1.01), "ratio: expected a number from 0 to 1, got 1.01");
  EXPECT_EQ(member_error("ratio", 1), "");
  EXPECT_EQ(member_error("ratio", "1"), "ratio: expected a number from 0 to 1, got \"1\"");
  EXPECT_EQ(member_error("rate", "5.000001"),
            "rate: expected a decimal from 0 to 5 in a string such as \"12.50\", got \"5.000001\"");
  EXPECT_EQ(member_error("flag", 1), "flag: expected true or false, got 1");
  EXPECT_EQ(member_error("uuid", "x"), "uuid: expected a UUID, got \"x\"");
  EXPECT_EQ(member_error("payment", nullptr), "payment: expected a UUID, got null");
  EXPECT_EQ(member_error("at", "2024-02-30T00:00:00Z"),
            "at: expected a time such as \"2026-05-04T10:30:00Z\", got \"2024-02-30T00:00:00Z\"");
  EXPECT_EQ(member_error("day", 7), "day: expected a date such as \"2026-05-04\", got 7");
  EXPECT_EQ(member_error("groups", parse_json(R"({"a":[1],"b c":[10]})")),
            "groups[\"b c\"][0]: expected an integer from 1 to 9, got 10");
}

TEST(Described, OptionalMembersAreAbsentOrNull) {
  EXPECT_EQ(member_error("line", nullptr), "");
  EXPECT_EQ(member_error("line", parse_json(R"({"sku":"A","quantity":1,"note":null})")), "");
  EXPECT_EQ(member_error("line", 7), "line: expected an object, got 7");
  EXPECT_EQ(to_json(shop::Everything{}).find("line"), nullptr);
}

TEST(Described, DefaultedMembersKeepTheirInitialValue) {
  Json json = parse_json(good_order);
  json.as_object().erase("priority");

  EXPECT_EQ(from_json<Order>(json).priority, shop::Priority::normal);
}

TEST(Described, UnknownMembersAreReportedInStrictModeOnly) {
  const char* text = R"({"sku":"A","quantity":1,"quantiti":2})";

  EXPECT_EQ(errors<shop::Line>(text), "");
  EXPECT_EQ(errors<shop::Line>(text, ReadMode::strict),
            "quantiti: not known here (did you mean `quantity`?)");
  EXPECT_EQ(errors<Money>(R"({"amount":"1","currency":"EUR","rate":1})", ReadMode::strict),
            "rate: not known here");
}

TEST(Described, ErrorsAreBounded) {
  std::string text = "[";
  for (int i = 0; i < 1000; ++i)
    text += "\"x\",";
  text += "1]";

  try {
    from_json<std::vector<int>>(parse_json(text));
    FAIL() << "the document was accepted";
  } catch (const DocumentError& error) {
    EXPECT_EQ(error.errors().size(), JsonReader::max_errors + 1);
    EXPECT_EQ(error.errors().back().message, "and 900 more errors");
  }
}

TEST(Described, InheritedMembersKeepTheirConstraints) {
  EXPECT_EQ(errors<shop::Derived>(R"({"a":1,"b":2})", ReadMode::strict), "");
  EXPECT_EQ(errors<shop::Derived>(R"({"a":0,"b":2})"), "a: expected an integer from 1, got 0");
}

TEST(Described, RefusesToWriteWhatJsonCannotHold) {
  EXPECT_THROW(to_json(static_cast<shop::Priority>(9)), Error);
  EXPECT_THROW(to_json(std::numeric_limits<double>::quiet_NaN()), Error);
  EXPECT_THROW(to_json(std::numeric_limits<std::uint64_t>::max()), Error);
}

TEST(JsonSchema, ComesFromTheSameDeclarations) {
  const Json expected = parse_json(R"({
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://shop.example/order/1",
    "title": "Order",
    "type": "object",
    "properties": {
      "id": {"type": "string", "minLength": 1, "maxLength": 200},
      "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}, "minItems": 1, "maxItems": 3},
      "total": {
        "type": "object",
        "properties": {
          "amount": {"type": "string", "format": "decimal",
                     "pattern": "^-?(0|[1-9][0-9]{0,12})(\\.[0-9]{1,6})?$", "x-minimum": "0"},
          "currency": {"type": "string", "pattern": "^[A-Z]{3}$"}
        },
        "required": ["amount", "currency"],
        "description": "what the customer pays"
      },
      "priority": {"type": "string", "enum": ["normal", "express", "default"],
                   "default": "normal"}
    },
    "required": ["id", "lines", "total"],
    "$defs": {
      "Line": {
        "type": "object",
        "properties": {
          "sku": {"type": "string", "minLength": 1, "maxLength": 8, "pattern": "^[A-Z0-9-]+$"},
          "quantity": {"type": "integer", "format": "int32", "minimum": 1,
                       "description": "units ordered"},
          "note": {"type": "string"}
        },
        "required": ["sku", "quantity"]
      }
    }
  })");

  EXPECT_EQ(to_pretty_text(json_schema<Order>("https://shop.example/order/1")),
            to_pretty_text(expected));
}

TEST(JsonSchema, DescribesEveryType) {
  const Json schema = json_schema<shop::Everything>();
  const auto property = [&](std::string_view name) {
    return to_text(schema.at("properties").at(name));
  };

  EXPECT_EQ(property("flag"), R"({"type":"boolean"})");
  EXPECT_EQ(property("small"), R"({"type":"integer","minimum":0,"maximum":255})");
  EXPECT_EQ(property("large"), R"({"type":"integer","format":"int64"})");
  EXPECT_EQ(property("ratio"), R"({"type":"number","minimum":0.0,"maximum":1.0})");
  EXPECT_EQ(property("uuid"), R"({"type":"string","format":"uuid"})");
  EXPECT_EQ(property("at"), R"({"type":"string","format":"date-time"})");
  EXPECT_EQ(property("day"), R"({"type":"string","format":"date"})");
  EXPECT_EQ(property("extra"), "{}");
  EXPECT_EQ(property("groups"),
            R"({"type":"object","additionalProperties":{"type":"array","items":)"
            R"({"type":"integer","format":"int32","minimum":1,"maximum":9}}})");
  EXPECT_NE(schema.at("properties").find("x-kind"), nullptr);
  EXPECT_NE(schema.at("properties").find("class"), nullptr);
}

TEST(JsonSchema, TakesRecursiveTypes) {
  EXPECT_EQ(
      to_text(json_schema<shop::Tree>().at("$defs").at("Tree").at("properties").at("children")),
      R"({"type":"array","items":{"$ref":"#/$defs/Tree"}})");
}

TEST(SchemaWriter, NamesTwoTypesOfOneNameApart) {
  SchemaWriter writer("#/components/schemas/");

  EXPECT_EQ(writer.enter("a::Line").name, "Line");
  EXPECT_EQ(writer.enter("b::Line").name, "Line2");
  EXPECT_FALSE(writer.enter("a::Line").is_new);
  EXPECT_EQ(to_text(writer.reference("Line")), R"({"$ref":"#/components/schemas/Line"})");
}

}  // namespace
}  // namespace sinew
