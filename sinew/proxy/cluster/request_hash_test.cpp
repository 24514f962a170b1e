#include "sinew/proxy/cluster/request_hash.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sinew/base/hash.hpp"
#include "sinew/proxy/cluster/mix.hpp"
#include "sinew/wire/request_parser.hpp"

namespace sinew::proxy {
namespace {

using Source = HashKey::Source;

struct Case {
  std::string name;
  HashKey key;
  std::string request;                // target and field lines
  std::optional<std::string> hashed;  // what the hash is of; nothing: there is none
};

std::optional<std::uint64_t> hash(const ClusterSettings& settings, const std::string& text) {
  wire::RequestParser parser;
  const auto received = "GET " + text + "\r\n";
  EXPECT_EQ(parser.parse(wire::as_bytes(received)), wire::Progress::complete) << text;
  return hash_of(settings, parser.head(), wire::as_bytes(received), "/canonical",
                 *wire::parse_ip("10.1.2.3"));
}

std::string request(const std::string& target, const std::string& fields = {}) {
  return target + " HTTP/1.1\r\nHost: a\r\n" + fields;
}

TEST(RequestHash, IsOfWhatTheKeyNames) {
  const HashKey header{Source::header, "x-user"};
  const HashKey cookie{Source::cookie, "id"};
  const HashKey query{Source::query, "a b"};
  const std::vector<Case> cases = {
      {"none", {}, request("/"), std::nullopt},
      {"path", {Source::path}, request("/x"), "/canonical"},
      {"client", {Source::client_address}, request("/"), std::string("\x0a\x01\x02\x03")},
      {"header", header, request("/", "X-User: 7\r\n"), "7"},
      {"every value of it", header, request("/", "X-User: 7\r\nA: b\r\nx-user: 8\r\n"), "78"},
      {"no such header", header, request("/", "X-Users: 7\r\n"), std::nullopt},
      {"header without a value", header, request("/", "X-User:\r\n"), std::nullopt},
      {"cookie", cookie, request("/", "Cookie: a=b; id=7=8; id=9\r\n"), "7=8"},
      {"cookie in the second line", cookie, request("/", "Cookie: a=b\r\nCookie: id=7\r\n"), "7"},
      {"cookie of another case", cookie, request("/", "Cookie: ID=7; xid=8\r\n"), std::nullopt},
      {"cookie without a value", cookie, request("/", "Cookie: id\r\n"), std::nullopt},
      {"parameter", query, request("/?x=1&a%20b=7%2f&y"), "7/"},
      {"parameter, written otherwise", query, request("/?a+b=%37%2F"), "7/"},
      {"every value of it", query, request("/?a+b=1&a+b=2"), "12"},
      {"malformed escapes", query, request("/?a+b=%7&%a+b=1"), "%7"},
      {"a longer name", query, request("/?a+bc=1&a+=2"), std::nullopt},
      {"no query", query, request("/"), std::nullopt},
      {"parameter without a value", query, request("/?a+b"), std::nullopt},
  };
  for (const auto& [name, key, text, hashed] : cases) {
    const auto expected =
        hashed ? std::optional(mix(stable_hash(*hashed))) : std::optional<std::uint64_t>();
    EXPECT_EQ(hash({.hash = key}, text), expected) << name;
  }
}

TEST(RequestHash, FallsBackWhereTheRequestLacksTheKey) {
  const ClusterSettings settings{.hash = {Source::header, "x-user"},
                                 .hash_fallback = {Source::path}};

  EXPECT_EQ(hash(settings, request("/", "X-User: 7\r\n")), mix(stable_hash("7")));
  EXPECT_EQ(hash(settings, request("/")), mix(stable_hash("/canonical")));
}

}  // namespace
}  // namespace sinew::proxy
