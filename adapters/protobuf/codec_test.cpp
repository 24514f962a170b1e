#include "adapters/protobuf/codec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "adapters/protobuf/test_messages.pb.h"
#include "sinew/base/described.hpp"
#include "sinew/base/error.hpp"
#include "sinew/event/typed.hpp"

namespace sinew::protobuf {
namespace {

using testing::HasSubstr;

constexpr std::string_view order = "shop.order";

std::shared_ptr<Codec> make_codec() {
  auto codec = std::make_shared<Codec>();
  codec->add(order, 1, test::Order::default_instance());
  return codec;
}

const Codec& codec() {
  static const std::shared_ptr<Codec> codec = make_codec();
  return *codec;
}

const char* const full = R"({"id":"7","paid":true,"small":-5,"large":9007199254740993,"port":443,
  "ratio":0.1,"colour":"red","note":"","first":{"product":1,"price":"2.50"},
  "lines":[{"product":2,"price":"0.000001"},{"product":0,"price":""}],"numbers":[1,-2],
  "counts":{"a":1,"b":0},"colours":["red","none"],"children":[],"named":{"x":{"product":1,
  "price":"1"}},"flags":[true,false],"ratios":[1.5],"tags":["t"],"small_numbers":[3],"ports":[4]})";

JsonObject parsed(std::string_view text) { return parse_json(text).as_object(); }

std::string refusal_to_encode(std::string_view text) {
  try {
    codec().encode(order, 1, parsed(text));
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::invalid_input);
    return error.detail();
  }
  return {};
}

Condition condition_of_decoding(std::string_view bytes) {
  try {
    codec().decode(order, 1, bytes);
  } catch (const Error& error) {
    return error.condition();
  }
  return {};
}

TEST(ProtobufCodec, GivesBackEveryKindOfMember) {
  const std::string bytes = codec().encode(order, 1, parsed(full));

  EXPECT_EQ(Json(codec().decode(order, 1, bytes)), parse_json(full));
}

TEST(ProtobufCodec, WritesWhatOtherProgramsRead) {
  test::Order message;

  ASSERT_TRUE(message.ParseFromString(codec().encode(order, 1, parsed(full))));

  EXPECT_EQ(message.large(), 9007199254740993);
  EXPECT_EQ(message.colour(), test::red);
  EXPECT_TRUE(message.has_note());
  EXPECT_EQ(message.lines(0).price(), "0.000001");
  EXPECT_EQ(message.counts().at("a"), 1);
}

TEST(ProtobufCodec, WritesTheSameBytesForTheSameData) {
  EXPECT_EQ(codec().encode(order, 1, parsed(R"({"counts":{"a":1,"b":2,"c":3}})")),
            codec().encode(order, 1, parsed(R"({"counts":{"c":3,"b":2,"a":1}})")));
}

TEST(ProtobufCodec, HasFieldsWithoutPresenceAlwaysAndOthersWhenTheyAreThere) {
  const JsonObject read = codec().decode(order, 1, "");

  EXPECT_EQ(*read.find("large"), Json(0));
  EXPECT_EQ(*read.find("id"), Json(""));
  EXPECT_EQ(*read.find("lines"), Json(JsonArray()));
  EXPECT_EQ(*read.find("colour"), Json("none"));
  EXPECT_EQ(read.find("note"), nullptr);
  EXPECT_EQ(read.find("first"), nullptr);
}

TEST(ProtobufCodec, IgnoresFieldsOfALaterProgram) {
  test::LaterOrder later;
  later.set_id("7");
  later.set_added("new");

  const JsonObject read = codec().decode(order, 1, later.SerializeAsString());

  EXPECT_EQ(*read.find("id"), Json("7"));
  EXPECT_EQ(read.find("added"), nullptr);
}

TEST(ProtobufCodec, RefusesMembersThatTheMessageCannotCarry) {
  EXPECT_THAT(refusal_to_encode(R"({"id":"7","unknown":1})"), HasSubstr("unknown: has no field"));
  EXPECT_THAT(refusal_to_encode(R"({"lines":[{"product":1},{"size":1}]})"),
              HasSubstr("lines[1].size"));
  const std::pair<const char*, const char*> rows[] = {
      {R"({"small":2147483648})", "small"},   {R"({"port":-1})", "port"},
      {R"({"large":1.5})", "large"},          {R"({"paid":1})", "paid"},
      {R"({"ratio":"1"})", "ratio"},          {R"({"id":7})", "id"},
      {R"({"colour":"green"})", "colour"},    {R"({"first":[]})", "first"},
      {R"({"numbers":1})", "numbers"},        {R"({"counts":[]})", "counts"},
      {R"({"counts":{"a":"x"}})", "counts.a"}};
  for (const auto& [text, path] : rows) {
    EXPECT_THAT(refusal_to_encode(text), HasSubstr(std::string(path) + ": expected")) << text;
  }
}

TEST(ProtobufCodec, TakesNullForAbsent) {
  EXPECT_EQ(codec().encode(order, 1, parsed(R"({"note":null,"first":null})")), "");
}

TEST(ProtobufCodec, RefusesBytesThatAreNoMessage) {
  const std::string bytes = codec().encode(order, 1, parsed(full));
  for (const std::string& broken :
       {std::string("\xff"), std::string("\x0a\x05x"), bytes.substr(0, bytes.size() - 1),
        std::string("\x0a\x01\xff", 3), std::string("\x0c")}) {
    EXPECT_EQ(condition_of_decoding(broken), Condition::invalid_input);
  }
  test::LaterOrder unnamed;
  unnamed.set_colour(static_cast<test::Colour>(99));
  EXPECT_EQ(condition_of_decoding(unnamed.SerializeAsString()), Condition::invalid_input);
  test::Order infinite;
  infinite.set_ratio(std::numeric_limits<double>::infinity());
  EXPECT_EQ(condition_of_decoding(infinite.SerializeAsString()), Condition::invalid_input);
}

TEST(ProtobufCodec, IsBoundedInDepthAndValues) {
  test::Order deep;
  test::Order* at = &deep;
  for (int i = 0; i < Codec::max_depth + 1; ++i)
    at = at->add_children();
  EXPECT_EQ(condition_of_decoding(deep.SerializeAsString()), Condition::invalid_input);

  test::Order wide;
  for (std::size_t i = 0; i <= Codec::max_values; ++i)
    wide.add_flags(true);
  EXPECT_EQ(condition_of_decoding(wide.SerializeAsString()), Condition::invalid_input);
}

TEST(ProtobufCodec, TellsTypesAndVersionsThatItDoesNotKnow) {
  EXPECT_TRUE(codec().knows(order, 1));
  EXPECT_FALSE(codec().knows(order, 2));
  try {
    codec().decode(order, 2, "");
    FAIL() << "was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::unsupported);
  }
}

TEST(ProtobufCodec, IsChosenByItsContentTypes) {
  for (const char* type : {"application/protobuf", "application/x-protobuf",
                           "Application/Protobuf; messageType=a.B"}) {
    EXPECT_TRUE(codec().reads(type)) << type;
  }
  for (const char* type : {"application/json", "application/protobuf2", ""}) {
    EXPECT_FALSE(codec().reads(type)) << type;
  }
}

TEST(ProtobufCodec, RefusesMessagesThatNoObjectCanStandForAtOnce) {
  try {
    Codec().add("x", 1, test::Unmappable::default_instance());
    FAIL() << "was taken";
  } catch (const DocumentError& error) {
    EXPECT_EQ(error.errors().size(), 5U) << error.detail();
    for (const char* field : {"raw", "ratio", "big", "keys", "Timestamp"}) {
      EXPECT_THAT(error.detail(), HasSubstr(field));
    }
  }
  EXPECT_THROW(make_codec()->add(order, 1, test::Line::default_instance()), Error);
}

struct Placed {
  static constexpr event::EventType type{order, 1, event::protobuf_content_type};
  std::string id;
  std::int64_t large = 0;
  std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(Placed, (), (id, large, note))

TEST(ProtobufCodec, CarriesATypedEvent) {
  event::Codecs codecs;
  codecs.add(make_codec());

  const event::Envelope envelope = event::seal(Placed{"7", 3, "x"}, {.source = "/shop"}, codecs);

  EXPECT_EQ(envelope.content_type, "application/protobuf");
  EXPECT_EQ(event::open<Placed>(envelope, {}, codecs).note, "x");
}

}  // namespace
}  // namespace sinew::protobuf
