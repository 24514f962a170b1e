#include "sinew/event/payload_codec.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "sinew/base/error.hpp"
#include "sinew/event/typed.hpp"

namespace shop {

inline constexpr std::string_view backwards = "application/backwards";

struct Shipped {
  static constexpr sinew::event::EventType type{"shop.shipped", 2, backwards};
  std::string order_id;
  std::int64_t parcels = 0;
};
BOOST_DESCRIBE_STRUCT(Shipped, (), (order_id, parcels))

}  // namespace shop

namespace sinew::event {
namespace {

// JSON read from the end, of shop.shipped alone.
class Backwards final : public PayloadCodec {
 public:
  bool reads(std::string_view content_type) const noexcept override {
    return content_type == shop::backwards;
  }
  bool knows(std::string_view type, std::int32_t) const noexcept override {
    return type == "shop.shipped";
  }
  std::string encode(std::string_view, std::int32_t, const JsonObject& data) const override {
    std::string text = to_text(data);
    std::ranges::reverse(text);
    return text;
  }
  JsonObject decode(std::string_view, std::int32_t, std::string_view bytes) const override {
    return parse_json(std::string(bytes.rbegin(), bytes.rend())).as_object();
  }
};

Codecs both() { return std::move(Codecs().add(std::make_shared<Backwards>())); }

Envelope header() {
  return {.id = Uuid::parse("01890a5d-ac96-774b-bcce-b302099a8057"), .source = "/shop"};
}

JsonObject count_parcels(JsonObject data) { return std::move(data.set("parcels", 1)); }

template <class F>
Condition condition_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.condition();
  }
  return {};
}

TEST(Codecs, WriteAnEventAsItsTypeSays) {
  const Envelope envelope = seal(shop::Shipped{"7", 2}, header(), both());

  EXPECT_EQ(envelope.content_type, shop::backwards);
  EXPECT_EQ(envelope.data.view(), R"(}2:"slecrap","7":"di_redro"{)");
  EXPECT_EQ(open<shop::Shipped>(envelope, {}, both()).parcels, 2);
}

TEST(Codecs, ReadEitherEncodingByTheContentTypeOfTheMessage) {
  Envelope envelope = seal(shop::Shipped{"7", 2}, header(), both());
  envelope.content_type = "application/json";
  envelope.data = SharedBytes(std::string(R"({"order_id":"8","parcels":3})"));

  EXPECT_EQ(open<shop::Shipped>(envelope, {}, both()).order_id, "8");
}

TEST(Codecs, LiftOlderVersionsInAnyEncoding) {
  const Upcasters upcasters = Upcasters().add("shop.shipped", 1, count_parcels);
  Envelope old = seal(shop::Shipped{"7", 0}, header(), both());
  old.version = 1;
  old.data = SharedBytes(both().encode(shop::Shipped::type, {{"order_id", "7"}}));

  EXPECT_EQ(open<shop::Shipped>(old, upcasters, both()).parcels, 1);
}

TEST(Codecs, RefuseAnEncodingThatIsNotThere) {
  const Envelope envelope = seal(shop::Shipped{"7", 2}, header(), both());

  EXPECT_EQ(condition_of([&] { open<shop::Shipped>(envelope); }), Condition::unsupported);
  EXPECT_EQ(condition_of([] { seal(shop::Shipped{}, header()); }), Condition::unsupported);
  EXPECT_EQ(condition_of([] { json_only().check(shop::Shipped::type); }), Condition::invalid_input);
  EXPECT_EQ(condition_of([] { both().check({"other", 1, shop::backwards}); }),
            Condition::invalid_input);
  EXPECT_EQ(condition_of([] { Codecs().add(nullptr); }), Condition::invalid_input);
  EXPECT_NO_THROW(both().check(shop::Shipped::type));
  EXPECT_NO_THROW(json_only().check({"other", 1}));
}

}  // namespace
}  // namespace sinew::event
