#include "sinew/store/checkpoint.hpp"

#include <gtest/gtest.h>

#include "sinew/async/sim/random.hpp"
#include "sinew/base/described.hpp"
#include "sinew/base/error.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::store {
namespace {

TEST(Checkpoint, OrdersAsPositionsDo) {
  const std::uint64_t positions[] = {0, 1, 255, 256, 65'535, 1ULL << 40, ~0ULL};

  for (std::size_t i = 1; i < std::size(positions); ++i) {
    EXPECT_LT(Checkpoint::from_position(positions[i - 1]), Checkpoint::from_position(positions[i]));
  }
}

TEST(Checkpoint, GivesItsPositionAndBytesBack) {
  for (const std::uint64_t position : {0ULL, 1ULL, 1234567ULL, ~0ULL}) {
    const Checkpoint checkpoint = Checkpoint::from_position(position);

    EXPECT_EQ(checkpoint.position(), position);
    EXPECT_EQ(Checkpoint::from_bytes(checkpoint.bytes()), checkpoint);
  }
}

TEST(Checkpoint, StartsBeforeTheFirstRecord) {
  EXPECT_TRUE(Checkpoint().at_start());
  EXPECT_EQ(Checkpoint(), Checkpoint::from_position(0));
  EXPECT_FALSE(Checkpoint::from_position(1).at_start());
}

TEST(Checkpoint, RefusesMoreThanItsBytes) {
  EXPECT_NO_THROW(Checkpoint::from_bytes(std::string(Checkpoint::max_bytes, 'x')));
  EXPECT_THROW(Checkpoint::from_bytes(std::string(Checkpoint::max_bytes + 1, 'x')), Error);
}

TEST(Checkpoint, IsHexForPeople) {
  EXPECT_EQ(to_string(Checkpoint::from_position(0x1a2b)), "0000000000001a2b");
  EXPECT_EQ(to_string(Checkpoint()), "");
}

TEST(Checkpoint, HasOneTextAndIsReadFromNoOther) {
  const std::string longest(2 * Checkpoint::max_bytes, 'f');
  EXPECT_EQ(to_string(Checkpoint::parse(longest)), longest);
  EXPECT_EQ(Checkpoint::parse(""), Checkpoint());

  for (const std::string& text : {std::string("1"), std::string("0g"), std::string("1A"),
                                  std::string(" 1a"), std::string("1a "), std::string("0x1a"),
                                  std::string("+1"), std::string("1a\0", 3), longest + "ff"}) {
    EXPECT_THROW(Checkpoint::parse(text), Error) << text;
    EXPECT_EQ(TextForm<Checkpoint>::parse(text), std::nullopt) << text;
  }
}

TEST(Checkpoint, ReadsWhatItWritesAndNothingElse) {
  tests::for_seeds(2000, [](std::uint64_t seed) {
    async::sim::Random random(seed);
    std::string bytes(random.next() % (Checkpoint::max_bytes + 1), '\0');
    for (char& byte : bytes)
      byte = static_cast<char>(random.next());
    const Checkpoint checkpoint = Checkpoint::from_bytes(bytes);
    std::string text = to_string(checkpoint);

    EXPECT_EQ(Checkpoint::parse(text), checkpoint);
    if (text.empty()) return;
    text[random.next() % text.size()] = static_cast<char>(random.next());
    try {
      EXPECT_EQ(to_string(Checkpoint::parse(text)), text);
    } catch (const Error& error) {
      EXPECT_EQ(error.condition(), Condition::invalid_input);
    }
  });
}

// A reply to a command of another context may say where its events stand.
struct Stored {
  std::string order;
  Checkpoint position;
};
BOOST_DESCRIBE_STRUCT(Stored, (), (order, position))

TEST(Checkpoint, IsAMemberOfReplies) {
  const Stored stored{"1", Checkpoint::from_position(7)};
  const std::string text = to_text(to_json(stored));

  EXPECT_EQ(text, R"({"order":"1","position":"0000000000000007"})");
  EXPECT_EQ(from_json<Stored>(parse_json(text)).position, stored.position);
  EXPECT_THROW(from_json<Stored>(parse_json(R"({"order":"1","position":"7"})")), DocumentError);
}

}  // namespace
}  // namespace sinew::store
