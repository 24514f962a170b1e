#include "sinew/base/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sinew {
namespace {

TEST(Utf8, FindsTheFirstMalformedByte) {
  struct Row {
    const char* name;
    std::string_view text;
    std::optional<std::size_t> position;
  };
  const Row rows[] = {
      {"empty", "", std::nullopt},
      {"one to four bytes", "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", std::nullopt},
      {"lone continuation", "ab\x80", 2},
      {"overlong slash", "\xC0\xAF", 0},
      {"overlong three bytes", "\xE0\x80\xAF", 0},
      {"surrogate", "a\xED\xA0\x80", 1},
      {"above U+10FFFF", "\xF4\x90\x80\x80", 0},
      {"cut off", "ok\xE2\x82", 2},
      {"five-byte lead", "\xF8\x88\x80\x80\x80", 0},
  };
  for (const auto& row : rows)
    EXPECT_EQ(find_malformed_utf8(row.text), row.position) << row.name;
}

TEST(Utf8, PrefixNeverSplitsACharacter) {
  const std::string text = "a\xE2\x82\xAC!";

  EXPECT_EQ(utf8_prefix(text, 9), text);
  EXPECT_EQ(utf8_prefix(text, 4), "a\xE2\x82\xAC");
  EXPECT_EQ(utf8_prefix(text, 3), "a");
  EXPECT_EQ(utf8_prefix(text, 2), "a");
  EXPECT_EQ(utf8_prefix(text, 0), "");
}

TEST(Utf8, CountsAndCutsByCharacter) {
  const std::string_view text =
      "a\xe2\x82\xac\xff"
      "b";

  EXPECT_EQ(count_characters(text), 4u);
  EXPECT_EQ(first_characters(text, 2), "a\xe2\x82\xac");
  EXPECT_EQ(first_characters(text, 3), "a\xe2\x82\xac\xff");
  EXPECT_EQ(first_characters(text, 9), text);
  EXPECT_EQ(first_characters(text, 0), "");
}

}  // namespace
}  // namespace sinew
