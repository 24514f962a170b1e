#include "sinew/wire/host.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace sinew::wire {
namespace {

using namespace std::string_view_literals;

// The canonical form, or "refused".
std::string canonical(std::string_view host) {
  std::array<char, kMaxHostBytes> out;
  const auto result = canonical_host(host, out);
  if (!result) {
    EXPECT_EQ(result.error(), Fault::bad_host);
    return "refused";
  }
  return std::string(*result);
}

TEST(Host, IsSplitFromItsPort) {
  EXPECT_EQ(split_authority("h").host, "h");
  EXPECT_FALSE(split_authority("h").port);
  EXPECT_EQ(split_authority("h:8080").host, "h");
  EXPECT_EQ(split_authority("h:8080").port, 8080);
  EXPECT_EQ(split_authority("[::1]").host, "[::1]");
  EXPECT_FALSE(split_authority("[::1]").port);
  EXPECT_EQ(split_authority("[::1]:443").host, "[::1]");
  EXPECT_EQ(split_authority("[::1]:443").port, 443);
}

TEST(Host, HasOneForm) {
  EXPECT_EQ(canonical("shop.example"), "shop.example");
  EXPECT_EQ(canonical("Shop.EXAMPLE."), "shop.example");
  EXPECT_EQ(canonical("[2001:DB8:0:0::1]"), "[2001:db8::1]");
  EXPECT_EQ(canonical("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(canonical("a_b.example"), "a_b.example");
  EXPECT_EQ(canonical(std::string(253, 'a') + "."), std::string(253, 'a'));
}

TEST(Host, WithEmptyLabelsOrTooLongIsRefused) {
  for (const std::string_view host :
       {""sv, "."sv, "a.."sv, ".a"sv, "a..b"sv, "[::1"sv, "[]"sv, "[1.2.3.4]"sv, "[::1]x"sv}) {
    EXPECT_EQ(canonical(host), "refused") << host;
  }
  EXPECT_EQ(canonical(std::string(254, 'a')), "refused");
}

TEST(Host, PatternsHaveOneWildcardAtAnEnd) {
  for (const std::string_view good :
       {"a.example"sv, "*.example"sv, "a.*"sv, "[::1]"sv, "*.a.example"sv})
    EXPECT_TRUE(is_host_pattern(good)) << good;
  for (const std::string_view bad : {"*"sv, "*.*"sv, "a*.example"sv, "*a.example"sv, "a.*.b"sv,
                                     "*.example."sv, "*.EXAMPLE"sv, "*."sv, ""sv, "a/b"sv})
    EXPECT_FALSE(is_host_pattern(bad)) << bad;
}

TEST(Host, PatternsMatchWholeLabels) {
  EXPECT_TRUE(host_matches("a.example", "a.example"));
  EXPECT_FALSE(host_matches("a.example", "b.a.example"));
  EXPECT_TRUE(host_matches("*.example", "a.example"));
  EXPECT_TRUE(host_matches("*.example", "b.a.example"));
  EXPECT_FALSE(host_matches("*.example", "example"));
  EXPECT_FALSE(host_matches("*.example", "aexample"));
  EXPECT_FALSE(host_matches("*.example", ".example"));
  EXPECT_TRUE(host_matches("shop.*", "shop.de"));
  EXPECT_TRUE(host_matches("shop.*", "shop.co.uk"));
  EXPECT_FALSE(host_matches("shop.*", "shop"));
  EXPECT_FALSE(host_matches("shop.*", "shops.de"));
}

}  // namespace
}  // namespace sinew::wire
