#include "sinew/store/checkpoint.hpp"

#include <gtest/gtest.h>

#include "sinew/base/error.hpp"

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

}  // namespace
}  // namespace sinew::store
