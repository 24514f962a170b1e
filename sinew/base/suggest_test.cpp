#include "sinew/base/suggest.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sinew {
namespace {

TEST(Suggest, FindsTheNearestWithinAThird) {
  const std::vector<std::string> known = {"attempts", "timeout", "port", "first_delay"};
  struct Row {
    std::string word;
    std::string_view expected;
  };
  const Row rows[] = {
      {"atempts", "attempts"},
      {"attempst", "attempts"},
      {"timout", "timeout"},
      {"prot", "port"},
      {"first-delay", "first_delay"},
      {"p", ""},
      {"colour", ""},
      {"", ""},
      {std::string(65, 'a'), ""},
  };
  for (const auto& row : rows)
    EXPECT_EQ(suggestion(row.word, known), row.expected) << row.word;
}

TEST(Suggest, WritesTheHintOrNothing) {
  const std::vector<std::string> known = {"port"};

  EXPECT_EQ(did_you_mean("prot", known), " (did you mean `port`?)");
  EXPECT_EQ(did_you_mean("timeout", known), "");
}

}  // namespace
}  // namespace sinew
