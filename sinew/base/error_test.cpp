#include "sinew/base/error.hpp"

#include <gtest/gtest.h>

namespace sinew {
namespace {

TEST(Error, CarriesConditionAndApplied) {
  const Error error(Condition::timeout, "no answer in 3 s", Applied::unknown);

  EXPECT_EQ(error.condition(), Condition::timeout);
  EXPECT_EQ(error.applied(), Applied::unknown);
  EXPECT_EQ(error.detail(), "no answer in 3 s");
  EXPECT_EQ(error.code(), Condition::timeout);
  EXPECT_TRUE(error.transient());
}

TEST(Error, InvalidInputIsNotTransient) {
  EXPECT_FALSE(Error(Condition::invalid_input, "x").transient());
}

}  // namespace
}  // namespace sinew
