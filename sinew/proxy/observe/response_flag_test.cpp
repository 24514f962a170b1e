#include "sinew/proxy/observe/response_flag.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace sinew::proxy {
namespace {

TEST(ResponseFlagTest, EveryFlagHasACodeAndANameOfItsOwn) {
  std::set<std::string_view> texts;
  for (std::size_t index = 0; index < kResponseFlags; ++index) {
    const auto flag = static_cast<ResponseFlag>(index);
    EXPECT_TRUE(texts.insert(code_of(flag)).second) << code_of(flag);
    EXPECT_TRUE(texts.insert(to_string(flag)).second) << to_string(flag);
    EXPECT_FALSE(code_of(flag).empty());
  }
}

TEST(ResponseFlagTest, SeveralAreWrittenInTheirOrder) {
  ResponseFlags flags;
  flags.set(ResponseFlag::retries_exhausted);
  flags.set(ResponseFlag::connect_failed);
  std::array<char, 16> out;
  EXPECT_EQ(write_codes(flags, out), "UF,URX");
}

TEST(ResponseFlagTest, ACodeThatDoesNotFitIsLeftOutWhole) {
  ResponseFlags flags;
  flags.set(ResponseFlag::connect_failed);
  flags.set(ResponseFlag::retries_exhausted);
  std::array<char, 5> out;
  EXPECT_EQ(write_codes(flags, out), "UF");
}

}  // namespace
}  // namespace sinew::proxy
