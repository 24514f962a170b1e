#include "sinew/base/id.hpp"

#include <gtest/gtest.h>

#include <unordered_set>

#include "sinew/base/error.hpp"

namespace sinew {
namespace {

constexpr Timestamp noon = from_micros(1'645'557'742'000'000);

TEST(Uuid, TextGoesBothWays) {
  const Uuid id = Uuid::parse("2ed6657d-E927-568b-95e1-2665a8aea6a2");

  EXPECT_EQ(to_string(id), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
  EXPECT_EQ(id.version(), 5);
  EXPECT_FALSE(id.is_nil());
  EXPECT_TRUE(Uuid().is_nil());
}

TEST(Uuid, RefusesOtherText) {
  for (const char* text :
       {"", "2ed6657de927568b95e12665a8aea6a2", "{2ed6657d-e927-568b-95e1-2665a8aea6a2}",
        "2ed6657d-e927-568b-95e1-2665a8aea6a", "2ed6657d-e927-568b-95e1-2665a8aea6ag",
        "2ed6657d-e927-568b-95e112665a8aea6a2", "-ed6657d-e927-568b-95e1-2665a8aea6a2"}) {
    EXPECT_EQ(Uuid::try_parse(text), std::nullopt) << text;
    EXPECT_THROW(Uuid::parse(text), Error) << text;
  }
}

TEST(Uuid, BytesGoBothWays) {
  const Uuid id = Uuid::parse("2ed6657d-e927-568b-95e1-2665a8aea6a2");

  EXPECT_EQ(id.bytes().size(), 16u);
  EXPECT_EQ(Uuid::from_bytes(id.bytes()), id);
  try {
    Uuid::from_bytes("short");
    FAIL() << "a UUID of five bytes was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::corrupt);
  }
}

// RFC 9562, appendix A.4.
TEST(Uuid, DerivesThePublishedVersion5) {
  const Uuid dns = Uuid::parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8");

  EXPECT_EQ(to_string(derive_uuid(dns, "www.example.com")), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
  EXPECT_NE(derive_uuid(dns, "a"), derive_uuid(dns, "b"));
}

// RFC 9562, appendix A.6.
TEST(Uuid, BuildsThePublishedVersion7) {
  const Uuid id = uuid_v7(noon, 0xcc3, 0x18c4dc0c0c07398f);

  EXPECT_EQ(to_string(id), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

TEST(Uuid, RefusesVersion7OutsideItsRange) {
  EXPECT_THROW(uuid_v7(from_micros(-1), 0, 0), Error);
  EXPECT_THROW(uuid_v7(from_micros((std::int64_t{1} << 48) * 1000), 0, 0), Error);
}

TEST(UuidGenerator, AscendsWithinAMillisecondWhateverTheRandomBits) {
  UuidGenerator generator;
  Uuid previous;

  for (std::uint64_t i = 0; i < 10'000; ++i) {
    const Uuid id = generator.next(noon, ~i, ~i);
    ASSERT_GT(id, previous) << i;
    ASSERT_EQ(id.version(), 7);
    previous = id;
  }
}

TEST(UuidGenerator, AscendsWhenTheClockIsSetBack) {
  UuidGenerator generator;

  const Uuid first = generator.next(noon, 0, ~0ull);
  const Uuid second = generator.next(noon - std::chrono::hours(1), 0, 0);

  EXPECT_GT(second, first);
}

TEST(UuidGenerator, TakesTheClockAgainWhenItMoves) {
  UuidGenerator generator;
  generator.next(noon, 0x7ff, 0);

  const Uuid id = generator.next(noon + std::chrono::milliseconds(1), 5, 0);

  EXPECT_EQ(id, uuid_v7(noon + std::chrono::milliseconds(1), 5, 0));
}

using OrderId = TypedId<struct OrderTag>;
using PaymentId = TypedId<struct PaymentTag, Uuid>;

TEST(TypedId, HoldsTextOrAUuid) {
  const OrderId order = OrderId::parse("10248");
  const PaymentId payment = PaymentId::parse("2ed6657d-e927-568b-95e1-2665a8aea6a2");

  EXPECT_EQ(to_string(order), "10248");
  EXPECT_EQ(to_string(payment), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
  EXPECT_TRUE(OrderId().empty());
  EXPECT_TRUE(PaymentId().empty());
  EXPECT_FALSE(payment.empty());
  EXPECT_LT(OrderId("a"), OrderId("b"));
  EXPECT_EQ((std::unordered_set<OrderId>{OrderId("a"), OrderId("a")}.size()), 1u);
}

TEST(TypedId, RefusesEmptyAndOversizedText) {
  EXPECT_THROW(OrderId::parse(""), Error);
  EXPECT_THROW(OrderId::parse(std::string(max_id_length + 1, 'x')), Error);
  EXPECT_EQ(OrderId::parse(std::string(max_id_length, 'x')).value().size(), max_id_length);
  EXPECT_THROW(PaymentId::parse("10248"), Error);
}

}  // namespace
}  // namespace sinew
