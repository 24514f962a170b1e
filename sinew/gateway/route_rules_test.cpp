#include "sinew/gateway/route_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "sinew/gateway/test_configuration.hpp"
#include "sinew/proxy/snapshot.hpp"
#include "sinew/wire/chars.hpp"
#include "tests/support/counted_allocations.hpp"
#include "tests/support/draw.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::gateway {
namespace {

using proxy::RouteQuery;
using proxy::RouteTable;
using testing::ElementsAre;

class OneField final : public proxy::RequestHeaders {
 public:
  OneField(std::string name, std::string value)
      : name_(std::move(name)), value_(std::move(value)) {}

  bool has(std::string_view name, std::string_view value) const noexcept override {
    return name == name_ && wire::iequals(value, value_);
  }

 private:
  std::string name_;
  std::string value_;
};

RouteQuery get(std::string_view host, std::string_view path) {
  return {.method = "GET", .host = host, .port = 80, .path = path};
}

// The names of the routes in the order in which they are tried.
std::vector<std::string> order_of(const std::string& routes) {
  const auto read = valid("services: [{name: s, host: x}]\nroutes:\n" + routes);
  std::vector<std::string> names;
  for (const auto& rule : route_rules(read))
    names.push_back(read.routes[rule.route].name.text);
  return names;
}

TEST(RouteRules, MoreKindsOfCriteriaGoFirst) {
  EXPECT_THAT(order_of(R"(
- {name: one, service: s, paths: [/a/very/long/path]}
- {name: three, service: s, paths: [/], methods: [GET], headers: {x-a: [b]}}
- {name: two, service: s, paths: [/], hosts: [a.example]}
)"),
              ElementsAre("three", "two", "one"));
}

TEST(RouteRules, ThenPlainHostsThenHeadersThenLongPathsThenAgeThenPlace) {
  EXPECT_THAT(order_of(R"(
- {name: later, service: s, paths: [/a], hosts: [x.example], created_at: 5}
- {name: earlier, service: s, paths: [/b], hosts: [x.example], created_at: 4}
- {name: wildcard, service: s, paths: [/long/path], hosts: [x.example, "*.example"]}
- {name: long, service: s, paths: [/ab], hosts: [x.example], created_at: 9}
- {name: place, service: s, paths: [/c], hosts: [x.example], created_at: 5}
- {name: headers, service: s, hosts: ["*.example"], headers: {x-a: [b], x-b: [c]}}
- {name: header, service: s, hosts: ["*.example"], headers: {x-a: [b]}}
)"),
              ElementsAre("long", "earlier", "later", "place", "headers", "header", "wildcard"));
}

TEST(RouteRules, ARouteIsOneRuleALength) {
  EXPECT_THAT(order_of(R"(
- {name: a, service: s, paths: [/1, /22, /333, /444]}
- {name: b, service: s, paths: [/55]}
)"),
              ElementsAre("a", "a", "b", "a"));
}

TEST(RouteRules, OfADisabledServiceThereAreNone) {
  const auto read =
      valid("services: [{name: s, host: x, enabled: false, routes: [{paths: [/]}]}]\n");

  EXPECT_TRUE(route_rules(read).empty());
}

TEST(RouteRules, RouteARequestAsKongDoes) {
  const auto read = valid(R"(
services: [{name: s, host: x}]
routes:
- {name: v2, service: s, paths: [/api], headers: {x-version: ["2"]}}
- {name: api, service: s, paths: [/api]}
- {name: shop, service: s, hosts: ["*.shop.example:8443", "shop.*"]}
)");
  const RouteTable table(route_rules(read));
  const auto named = [&](const RouteQuery& query) {
    const auto match = table.match(query);
    return match ? read.routes[match->route].name.text : "none";
  };

  EXPECT_EQ(named(get("a.example", "/apis")), "api");
  const OneField version("x-version", "2");
  auto query = get("a.example", "/api/x");
  query.headers = &version;
  EXPECT_EQ(named(query), "v2");
  EXPECT_EQ(named(get("a.shop.example", "/")), "none");
  auto other_port = get("a.shop.example", "/");
  other_port.port = 8443;
  EXPECT_EQ(named(other_port), "shop");
  EXPECT_EQ(named(get("shop.test", "/")), "shop");
}

// Kong's priority as its traditional_compatible router packs it into 64 bits, of a route that has
// paths of one length only: the reference for the order of the rules.
std::uint64_t packed_priority(const Route& route) {
  std::uint64_t kinds = 0;
  for (const bool given : {!route.methods.empty(), !route.hosts.empty(), !route.headers.empty(),
                           !route.paths.empty(), !route.snis.empty()})
    kinds += given ? 1 : 0;
  const auto wild = [](const HostPattern& host) { return host.text.contains('*'); };
  const std::uint64_t plain =
      !route.hosts.empty() && std::ranges::none_of(route.hosts, wild) ? 1 : 0;
  const std::uint64_t length = route.paths.empty() ? 0 : route.paths.front().text.size();
  return kinds << 61U | plain << 60U | std::uint64_t{route.headers.size()} << 52U | length;
}

Route random_route(tests::Draw& draw) {
  Route route;
  if (draw.below(2) == 0) route.methods.push_back({"GET"});
  if (draw.below(2) == 0) route.hosts.push_back({draw.below(2) == 0 ? "a.example" : "*.example"});
  if (draw.below(3) == 0) route.hosts.push_back({"b.example"});
  for (std::size_t i = draw.below(3); i > 0; --i)
    route.headers[std::string(i, 'x')] = {{"v"}};
  if (draw.below(2) == 0) route.paths.push_back({"/" + std::string(draw.below(4), 'p')});
  if (draw.below(3) == 0) route.snis.push_back({"a.example"});
  route.created_at = static_cast<std::int64_t>(draw.below(3));
  return route;
}

TEST(RouteRules, AreInTheOrderOfKongsPackedPriority) {
  tests::for_seeds(200, [](std::uint64_t seed) {
    tests::Draw draw(seed);
    Configuration configuration;
    configuration.services.emplace_back();
    while (configuration.routes.size() < 30)
      configuration.routes.push_back(random_route(draw));

    const auto rules = route_rules(configuration);

    ASSERT_EQ(rules.size(), 30U);
    for (std::size_t i = 1; i < rules.size(); ++i) {
      const auto& first = configuration.routes[rules[i - 1].route];
      const auto& second = configuration.routes[rules[i].route];
      ASSERT_GE(packed_priority(first), packed_priority(second));
      if (packed_priority(first) != packed_priority(second)) continue;
      ASSERT_LE(std::pair(first.created_at, rules[i - 1].route),
                std::pair(second.created_at, rules[i].route));
    }
  });
}

TEST(RouteTable, MatchesWithoutAllocation) {
  const auto read = valid(R"(
services: [{name: s, host: x}]
routes:
- {name: v2, service: s, paths: [/api/and/a/path/that/is/long], headers: {x-version: ["2"]}}
- {name: shop, service: s, hosts: ["*.a-name-that-is-long.shop.example", "shop.*"], methods: [GET]}
)");
  const RouteTable table(route_rules(read));
  const OneField version("x-version", "2");
  auto query = get("www.a-name-that-is-long.shop.example", "/api/and/a/path/that/is/long/x");
  const auto before = test::allocations.load();

  const auto shop = table.match(query);
  query.headers = &version;
  const auto with_header = table.match(query);
  const auto none = table.match(get("a.example", "/"));
  const auto after = test::allocations.load();

  EXPECT_EQ(after, before);
  EXPECT_EQ(shop->route, 1U);
  EXPECT_EQ(with_header->route, 0U);  // both have two kinds and no plain host
  EXPECT_FALSE(none);
}

struct PathCase {
  std::string_view service_path;
  std::string_view path;
  std::size_t prefix;
  bool strip_path;
  std::string_view sent;
};

// The rows of Kong's documentation of path_handling v0, and the corners of its code.
TEST(UpstreamPath, JoinsWithOneSlash) {
  for (const auto& row :
       std::initializer_list<PathCase>{{"/s", "/fv0/req", 4, true, "/s/req"},
                                       {"/s", "/fv0/req", 4, false, "/s/fv0/req"},
                                       {"/s/", "/fv0/req", 4, true, "/s/req"},
                                       {"/s/", "/fv0/req", 4, false, "/s/fv0/req"},
                                       {"/s", "/fv0req", 4, true, "/s/req"},
                                       {"/s/", "/fv0req", 4, true, "/s/req"},
                                       {"/s", "/fv0/", 5, true, "/s/"},
                                       {"/s", "/fv0", 4, true, "/s"},
                                       {"/s/", "/fv0", 4, true, "/s"},
                                       {"/s/", "/fv0/", 5, true, "/s/"},
                                       {"/", "/fv0", 4, true, "/"},
                                       {"/", "/fv0/x", 4, true, "/x"},
                                       {"/", "/", 1, true, "/"},
                                       {"/", "/x", 0, true, "/x"},
                                       {"/s", "/x", 0, true, "/s/x"},
                                       {"/s", "/", 0, true, "/s"},
                                       {"/s", "/", 1, true, "/s"},
                                       {"/s", "/", 1, false, "/s"},
                                       {"/s/", "/", 1, false, "/s/"},
                                       {"/", "/", 1, false, "/"}}) {
    const auto [a, b, c] = proxy::join_path(row.service_path, row.path, row.prefix, row.strip_path);

    EXPECT_EQ(std::string(a) + std::string(b) + std::string(c), row.sent)
        << row.service_path << " " << row.path << " " << row.prefix << " " << row.strip_path;
  }
}

}  // namespace
}  // namespace sinew::gateway
