#include "sinew/proxy/router/route_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "sinew/base/error.hpp"
#include "sinew/wire/chars.hpp"
#include "tests/support/draw.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::proxy {
namespace {

using Host = RouteRule::Host;
using Kind = RouteRule::HostKind;
using testing::HasSubstr;

class Fields final : public RequestHeaders {
 public:
  Fields() = default;
  Fields(std::initializer_list<std::pair<const std::string, std::string>> fields)
      : fields_(fields) {}

  void add(const std::string& name, const std::string& value) { fields_.emplace(name, value); }
  bool has(std::string_view name, std::string_view value) const noexcept override {
    return std::ranges::any_of(fields_, [&](const auto& field) {
      return field.first == name && wire::iequals(field.second, value);
    });
  }

 private:
  std::multimap<std::string, std::string> fields_;
};

RouteTable table_of(std::vector<RouteRule> rules) {
  for (std::uint32_t i = 0; i < rules.size(); ++i)
    rules[i].route = i;
  return RouteTable(rules);
}

RouteQuery get(std::string_view host, std::string_view path) {
  return {.method = "GET", .host = host, .port = 80, .path = path};
}

std::optional<std::uint32_t> route(const RouteTable& table, const RouteQuery& query) {
  const auto match = table.match(query);
  return match ? std::optional(match->route) : std::nullopt;
}

TEST(RouteTable, WithoutRulesMatchesNothing) {
  EXPECT_FALSE(RouteTable().match(get("a.example", "/")));
  EXPECT_FALSE(RouteTable(std::span<const RouteRule>()).match(get("", "")));
}

TEST(RouteTable, TheFirstRuleThatMatchesWins) {
  const auto table = table_of({{.paths = {"/a/b"}, .methods = {"POST"}},
                               {.paths = {"/a"}},
                               {.hosts = {{"x.example"}}, .paths = {"/a/b/c"}},
                               {}});

  EXPECT_EQ(route(table, get("x.example", "/a/b/c")), 1U);
  EXPECT_EQ(route(table, get("x.example", "/b")), 3U);
  auto post = get("x.example", "/a/b/c");
  post.method = "POST";
  EXPECT_EQ(route(table, post), 0U);
}

TEST(RouteTable, SaysHowMuchOfThePathMatched) {
  const auto table = table_of({{.paths = {"/a", "/a/b", "/a/bc"}}, {.hosts = {{"x.example"}}}});

  EXPECT_EQ(table.match(get("", "/a/b/c")), (RouteMatch{0, 4}));
  EXPECT_EQ(table.match(get("", "/ab")), (RouteMatch{0, 2}));
  EXPECT_EQ(table.match(get("x.example", "/c")), (RouteMatch{1, 0}));
}

TEST(RouteTable, WildcardsStandForLabels) {
  const auto table = table_of({{.hosts = {{".example.com", Kind::suffix}}},
                               {.hosts = {{"example.", Kind::prefix}}},
                               {.hosts = {{"a.b", Kind::exact, 8443}}}});

  EXPECT_EQ(route(table, get("a.b.example.com", "/")), 0U);
  EXPECT_EQ(route(table, get("example.com", "/")), 1U);
  EXPECT_EQ(route(table, get("notexample.com", "/")), std::nullopt);
  EXPECT_EQ(route(table, get("example", "/")), std::nullopt);
  EXPECT_EQ(route(table, get("a.b", "/")), std::nullopt);
  auto other_port = get("a.b", "/");
  other_port.port = 8443;
  EXPECT_EQ(route(table, other_port), 2U);
}

TEST(RouteTable, EveryHeaderMustHaveOneOfItsValues) {
  const auto table = table_of({{.headers = {{"x-a", {"1", "2"}}, {"x-b", {"c"}}}}});
  const Fields both = {{"x-a", "3"}, {"x-a", "2"}, {"x-b", "C"}};
  const Fields one = {{"x-a", "2"}};

  auto query = get("", "/");
  EXPECT_EQ(route(table, query), std::nullopt);
  query.headers = &one;
  EXPECT_EQ(route(table, query), std::nullopt);
  query.headers = &both;
  EXPECT_EQ(route(table, query), 0U);
}

TEST(RouteTable, AsksForTheSniOnlyOverTls) {
  const auto table = table_of({{.snis = {"a.example"}}});

  auto query = get("", "/");
  EXPECT_EQ(route(table, query), 0U);
  query.tls = true;
  EXPECT_EQ(route(table, query), std::nullopt);
  query.sni = "a.example";
  EXPECT_EQ(route(table, query), 0U);
}

TEST(RouteTable, AMethodThatNoRuleNamesMatchesRulesWithoutMethods) {
  const auto table = table_of({{.methods = {"GET"}}, {}});

  auto query = get("", "/");
  query.method = "BREW";
  EXPECT_EQ(route(table, query), 1U);
}

TEST(RouteTable, RefusesWhatIsBeyondItsBounds) {
  RouteRule methods;
  for (std::size_t i = 0; i <= RouteTable::kMaxMethods; ++i)
    methods.methods.push_back("M" + std::to_string(i));
  RouteRule host{.hosts = {{.text = std::string(256, 'a')}}};
  RouteRule many;
  for (int i = 0; i < 1'001; ++i) {
    many.hosts.push_back({"h" + std::to_string(i)});
    many.paths.push_back("/p" + std::to_string(i));
  }

  for (const auto& [rule, says] : {std::pair(methods, "63 different methods"),
                                   std::pair(host, "256 bytes"), std::pair(many, "1000000")}) {
    const auto error = tests::error_of([&rule] { RouteTable table(std::span(&rule, 1)); });
    EXPECT_EQ(error.condition(), Condition::invalid_input);
    EXPECT_THAT(error.detail(), HasSubstr(says));
  }
}

// The reference: the rules one after the other, by the words of their comments.
bool host_matches(const Host& host, const RouteQuery& query) {
  if (host.port != 0 && host.port != query.port) return false;
  switch (host.kind) {
    case Kind::exact: return query.host == host.text;
    case Kind::suffix: return query.host.ends_with(host.text);
    case Kind::prefix: return query.host.starts_with(host.text);
  }
  return false;
}

std::optional<RouteMatch> first_match(const std::vector<RouteRule>& rules,
                                      const RouteQuery& query) {
  for (const auto& rule : rules) {
    const auto of_hosts = [&](const Host& host) { return host_matches(host, query); };
    const auto of_header = [&](const RouteRule::Header& header) {
      return std::ranges::any_of(header.values, [&](const std::string& value) {
        return query.headers->has(header.name, value);
      });
    };
    std::optional<std::uint32_t> prefix;
    for (const auto& path : rule.paths) {
      const auto size = static_cast<std::uint32_t>(path.size());
      if (query.path.starts_with(path) && size >= prefix.value_or(0)) prefix = size;
    }
    const auto holds = [](const std::vector<std::string>& texts, std::string_view text) {
      return texts.empty() || std::ranges::find(texts, text) != texts.end();
    };
    if (holds(rule.methods, query.method) && (rule.paths.empty() || prefix) &&
        (rule.hosts.empty() || std::ranges::any_of(rule.hosts, of_hosts)) &&
        std::ranges::all_of(rule.headers, of_header) &&
        (!query.tls || holds(rule.snis, query.sni))) {
      return RouteMatch{rule.route, prefix.value_or(0)};
    }
  }
  return std::nullopt;
}

// Few letters, so that what is drawn meets.
class RandomRules : public tests::Draw {
 public:
  using Draw::Draw;

  std::string name() { return {static_cast<char>('a' + below(3))}; }
  std::string path() {
    std::string path = "/";
    for (std::size_t i = below(4); i > 0; --i)
      path += below(3) == 0 ? "/" : name();
    return path;
  }
  std::string host() {
    std::string host = name();
    for (std::size_t i = below(3); i > 0; --i)
      host += "." + name();
    return host;
  }
  std::string method() { return std::string(1, static_cast<char>('G' + below(4))); }

  RouteRule rule(std::uint32_t number) {
    RouteRule rule{.route = number};
    for (std::size_t i = below(3); i > 0; --i) {
      const auto port = static_cast<std::uint16_t>(below(4) == 0 ? 80 + below(2) : 0);
      const auto kind = below(4);
      if (kind == 0) rule.hosts.push_back({"." + host(), Kind::suffix, port});
      if (kind == 1) rule.hosts.push_back({host() + ".", Kind::prefix, port});
      if (kind >= 2) rule.hosts.push_back({host(), Kind::exact, port});
    }
    for (std::size_t i = below(4); i > 0; --i)
      rule.paths.push_back(path());
    for (std::size_t i = below(3); i > 0; --i)
      rule.methods.push_back(method());
    if (below(4) == 0) rule.headers.push_back({name(), {name(), name()}});
    if (below(6) == 0) rule.snis.push_back(host());
    return rule;
  }
};

TEST(RouteTable, AgreesWithTryingEveryRule) {
  std::size_t found = 0;
  tests::for_seeds(200, [&](std::uint64_t seed) {
    RandomRules draw(seed);
    std::vector<RouteRule> rules;
    for (std::size_t i = draw.below(40); i > 0; --i)
      rules.push_back(draw.rule(static_cast<std::uint32_t>(rules.size())));
    const RouteTable table(rules);
    for (int i = 0; i < 200; ++i) {
      Fields fields;
      fields.add(draw.name(), draw.name());
      const auto method = draw.method();
      const auto host = draw.host();
      const auto path = draw.path();
      const auto sni = draw.host();
      const RouteQuery query{.method = method,
                             .host = host,
                             .port = static_cast<std::uint16_t>(80 + draw.below(2)),
                             .path = path,
                             .tls = draw.below(2) == 0,
                             .sni = sni,
                             .headers = &fields};

      const auto match = table.match(query);

      ASSERT_EQ(match, first_match(rules, query)) << method << " " << host << path;
      found += match ? 1 : 0;
    }
  });
  EXPECT_GT(found, 1'000U);
}

}  // namespace
}  // namespace sinew::proxy
