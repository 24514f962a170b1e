#include "sinew/wire/path.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "sinew/async/sim/random.hpp"
#include "sinew/wire/chars.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::wire {
namespace {

using namespace std::string_view_literals;
using Escaped = PathRules::Escaped;

// The canonical form, or "refused".
std::string canonical(std::string_view path, const PathRules& rules = {}) {
  std::vector<char> out(3 * path.size() + 1);
  const auto result = canonical_path(path, rules, out);
  if (!result) {
    EXPECT_EQ(result.error(), Fault::bad_target) << path;
    return "refused";
  }
  EXPECT_EQ(result->changed, result->text != path) << path;
  return std::string(result->text);
}

struct PathCase {
  std::string_view path;
  std::string_view canonical;
};

TEST(CanonicalPath, HasOneFormForOneResource) {
  const PathCase cases[] = {
      {"", "/"},
      {"/", "/"},
      {"/a/b", "/a/b"},
      {"/a/b/", "/a/b/"},
      {"/.well-known/x", "/.well-known/x"},
      {"/a/...", "/a/..."},
      {"/a/..b", "/a/..b"},
      {"//a///b//", "/a/b/"},
      {"/a/./b/../c", "/a/c"},
      {"/a/..", "/"},
      {"/a/.", "/a/"},
      {"/a/b/..", "/a/"},
      {"/a/%2e%2E/b", "/b"},
      {"/a/.%2e/b", "/b"},
      {"/%41%7e%2D", "/A~-"},
      {"/%c3%a9%3f", "/%C3%A9%3F"},
      {"/a%20b", "/a%20b"},
      {"/%2541", "/%2541"},
      {"/%252e%252e/x", "/%252e%252e/x"},
      {"/%c0%af%c0%ae", "/%C0%AF%C0%AE"},
      {"/%ff", "/%FF"},
      {"/a;v=1/b;w", "/a;v=1/b;w"},
      {"/a%3bx", "/a%3Bx"},
      {"/a!$&'()*+,=:@b", "/a!$&'()*+,=:@b"},
      {"/\xc3\xa9 {x}|\"<>^`", "/%C3%A9%20%7Bx%7D%7C%22%3C%3E%5E%60"},
      {"/[a]", "/%5Ba%5D"},
  };

  for (const PathCase& example : cases)
    EXPECT_EQ(canonical(example.path), example.canonical) << example.path;
}

TEST(CanonicalPath, RefusesWhatTwoReadersCouldReadInTwoWays) {
  for (const std::string_view path :
       {"a"sv,           "*"sv,       "/.."sv,        "/a/../.."sv,  "/%2e%2e/etc"sv, "//.."sv,
        "/a%2Fb"sv,      "/a%2fb"sv,  "/a%5cb"sv,     "/a\\b"sv,     "/a%00"sv,       "/a\0"sv,
        "/a%0d%0aX:y"sv, "/a%7f"sv,   "/%"sv,         "/%4"sv,       "/%zz"sv,        "/%u002f"sv,
        "/a?b"sv,        "/a#b"sv,    "/..;/admin"sv, "/a/..;x=y"sv, "/.;/a"sv,       "/%2e.;/"sv,
        "/..%3b/a"sv,    "/a/..%3B"sv}) {
    EXPECT_EQ(canonical(path), "refused") << path;
  }
}

TEST(CanonicalPath, KeepsSlashesApartIfToldSo) {
  const PathRules rules = {.merge_slashes = false};

  EXPECT_EQ(canonical("//a//b//", rules), "//a//b//");
  EXPECT_EQ(canonical("/a//../b", rules), "/a/b");
  EXPECT_EQ(canonical("/a//..", rules), "/a/");
  EXPECT_EQ(canonical("//..", rules), "/");
  EXPECT_EQ(canonical("/..//", rules), "refused");
}

TEST(CanonicalPath, KeepsEscapedSeparatorsAsEscapesIfToldSo) {
  const PathRules rules = {.separators = Escaped::keep};

  EXPECT_EQ(canonical("/a%2fb%5c", rules), "/a%2Fb%5C");
  EXPECT_EQ(canonical("/a/..%2f..", rules), "/a/..%2F..");
  EXPECT_EQ(canonical("/a\\b", rules), "refused");
}

TEST(CanonicalPath, RefusesParametersIfToldSo) {
  const PathRules rules = {.parameters = Escaped::refuse};

  EXPECT_EQ(canonical("/admin;x", rules), "refused");
  EXPECT_EQ(canonical("/admin%3Bx", rules), "/admin%3Bx");
}

TEST(CanonicalPath, SaysWhenTheSpanIsTooSmall) {
  std::array<char, 4> out;

  EXPECT_EQ(canonical_path("/abc/./d", {}, out).error(), Fault::no_space);
  EXPECT_EQ(canonical_path("/\xff\xff", {}, out).error(), Fault::no_space);
  EXPECT_EQ(canonical_path("/abcdefgh", {}, out)->text, "/abcdefgh");
}

// Of the pieces of which tricks are made.
std::string random_path(async::sim::Random& random) {
  constexpr std::string_view kPieces[] = {"/",   "//",     ".",        "..", "%2e", "%2E",
                                          "%2f", "%5C",    "a",        "B",  ";",   "%3b",
                                          "%25", "%c3%a9", "\xc3\xa9", " ",  "~"};
  std::string path = "/";
  for (auto count = random.below(12); count > 0; --count)
    path += kPieces[random.below(std::size(kPieces))];
  return path;
}

TEST(CanonicalPath, OfItsOwnResultChangesNothingAndFitsWhereTheInputFitted) {
  tests::for_seeds(3000, [](std::uint64_t seed) {
    async::sim::Random random(seed);
    PathRules rules;
    rules.merge_slashes = random.chance(0.5);
    rules.separators = random.chance(0.5) ? Escaped::keep : Escaped::refuse;
    const std::string path = random_path(random);

    std::vector<char> out(3 * path.size() + 1);
    const auto first = canonical_path(path, rules, out);
    if (!first) return;

    EXPECT_EQ(canonical(first->text, rules), first->text) << path;
    EXPECT_TRUE(first->text.starts_with('/'));
    EXPECT_EQ((std::string(first->text) + "/").find("/../"), std::string::npos) << path;
    EXPECT_TRUE(all(first->text, kPath)) << path;
    if (all(path, kPath)) {
      out.assign(path.size() + 1, '\0');
      EXPECT_TRUE(canonical_path(path, rules, out).has_value()) << path;
    }
  });
}

}  // namespace
}  // namespace sinew::wire
