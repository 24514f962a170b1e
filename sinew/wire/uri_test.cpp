#include "sinew/wire/uri.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sinew::wire {
namespace {

using namespace std::string_view_literals;

struct PathCase {
  std::string_view path;
  const char* normal;  // nullptr: refused
};

TEST(NormalizePath, ResolvesOrRefuses) {
  const PathCase cases[] = {
      {"", "/"},
      {"/", "/"},
      {"/a/b", "/a/b"},
      {"/a/b/", "/a/b/"},
      {"//a///b", "/a/b"},
      {"/a/./b/../c", "/a/c"},
      {"/a/..", "/"},
      {"/a/.", "/a/"},
      {"/a/%2e%2E/b", "/b"},
      {"/%41%c3%a9", "/A\xc3\xa9"},
      {"/a%20b", "/a b"},
      {"/..", nullptr},
      {"/a/../..", nullptr},
      {"/%2e%2e/etc/passwd", nullptr},
      {"/a%2Fb", nullptr},
      {"/a%5cb", nullptr},
      {"/a%00", nullptr},
      {"/a%0a", nullptr},
      {"/%", nullptr},
      {"/%4", nullptr},
      {"/%zz", nullptr},
      {"/%c3", nullptr},
      {"/%c0%af", nullptr},
      {"/%ed%a0%80", nullptr},
      {"a", nullptr},
      {"*", nullptr},
  };

  for (const PathCase& example : cases) {
    const auto normal = normalize_path(example.path);
    ASSERT_EQ(normal.has_value(), example.normal != nullptr) << example.path;
    if (normal) {
      EXPECT_EQ(*normal, example.normal);
    }
  }
}

TEST(NormalizePath, DecodesOnceOnly) { EXPECT_EQ(*normalize_path("/%2541"), "/%41"); }

TEST(ParseQuery, KeepsOrderAndRepetition) {
  const auto parameters = parse_query("b=2&a=x+y%26&&b=&c");

  ASSERT_TRUE(parameters);
  EXPECT_EQ(*parameters,
            (std::vector<QueryParameter>{{"b", "2"}, {"a", "x y&"}, {"b", ""}, {"c", ""}}));
  EXPECT_TRUE(parse_query("")->empty());
}

TEST(ParseQuery, RefusesMalformedAndTooMany) {
  std::string many;
  for (std::size_t i = 0; i < kMaxQueryParameters; ++i)
    many += "a=1&";

  EXPECT_TRUE(parse_query(many));
  for (const auto query : {"a=%"sv, "a=%0"sv, "a=%00"sv, "=b"sv, "a=%ff"sv}) {
    EXPECT_EQ(parse_query(query).error(), Fault::bad_query) << query;
  }
  EXPECT_EQ(parse_query(many + "b").error(), Fault::bad_query);
}

TEST(PercentEncode, IsUndoneByDecode) {
  const std::string text = "a/b c%d\xc3\xa9-._~";

  EXPECT_EQ(percent_encode(text), "a%2Fb%20c%25d%C3%A9-._~");
  EXPECT_EQ(*percent_decode(percent_encode(text)), text);
}

TEST(ParseUrl, GivesWhatAClientNeeds) {
  const auto plain = parse_url("http://Shop.Example/a/../b?x=1#f");
  const auto secure = parse_url("https://[::1]:8443");

  ASSERT_TRUE(plain && secure);
  EXPECT_EQ(plain->scheme, "http");
  EXPECT_EQ(plain->host, "shop.example");
  EXPECT_EQ(plain->port, 80);
  EXPECT_EQ(plain->target, "/b?x=1");
  EXPECT_EQ(plain->authority(), "shop.example");
  EXPECT_EQ(secure->host, "::1");
  EXPECT_EQ(secure->target, "/");
  EXPECT_EQ(secure->authority(), "[::1]:8443");
}

TEST(ParseUrl, RefusesWhatIsNoHttpUrl) {
  for (const auto text :
       {""sv, "/path"sv, "ftp://h/"sv, "http://"sv, "http:///x"sv, "http://u:p@h/"sv,
        "http://h:0/"sv, "http://h:99999/"sv, "http://h/ x"sv}) {
    EXPECT_EQ(parse_url(text).error(), Fault::bad_url) << text;
  }
}

}  // namespace
}  // namespace sinew::wire
