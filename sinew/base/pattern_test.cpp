#include "sinew/base/pattern.hpp"

#include <gtest/gtest.h>

#include <string>

#include "sinew/base/error.hpp"

namespace sinew {
namespace {

TEST(Pattern, IsFoundAnywhereUnlessAnchored) {
  EXPECT_TRUE(matches_pattern("xaby", "ab"));
  EXPECT_FALSE(matches_pattern("xaby", "^ab$"));
  EXPECT_TRUE(matches_pattern("AB-12", "^[A-Z]+-\\d{2}$"));
}

TEST(Pattern, AnchorsAreTheEndsOfTheText) {
  EXPECT_FALSE(matches_pattern("evil\nab", "^ab$"));
  EXPECT_FALSE(matches_pattern("ab\nevil", "^ab$"));
  EXPECT_FALSE(matches_pattern("a\nb", "^a.b$"));
}

TEST(Pattern, GivesUpOnARunawaySearch) {
  EXPECT_FALSE(matches_pattern(std::string(2000, 'a') + "b", "^(a|aa)+$"));
}

TEST(Pattern, RefusesABadExpression) { EXPECT_THROW(matches_pattern("a", "("), Error); }

}  // namespace
}  // namespace sinew
