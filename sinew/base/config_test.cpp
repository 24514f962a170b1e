#include "sinew/base/config.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "sinew/base/error.hpp"

namespace sinew::config {
namespace {

using namespace std::chrono_literals;

enum class Mode { strict, lenient };
BOOST_DESCRIBE_ENUM(Mode, strict, lenient)

struct Retry {
  int attempts = 3;
  Duration first_delay = 100ms;
  Duration max_delay = 10s;

  static void describe(Section<Retry>& section) {
    section.option("attempts", &Retry::attempts, "tries in all").range(1, 10);
    section.option("first_delay", &Retry::first_delay, "before the second").range(1ms, 1h);
    section.option("max_delay", &Retry::max_delay, "never longer").range(1ms, 1h);
  }
  std::vector<std::string> violations() const {
    if (first_delay <= max_delay) return {};
    return {"first_delay (" + format_duration(first_delay) + ") is above max_delay (" +
            format_duration(max_delay) + ")"};
  }
};

struct Route {
  std::string path;
  Retry retry{.attempts = 1};

  static void describe(Section<Route>& section) {
    section.option("path", &Route::path, "prefix").required().length(1, 5);
    section.option("retry", &Route::retry, "of calls");
  }
};

struct Shop {
  std::uint16_t port = 8080;
  bool tls = false;
  double ratio = 0.5;
  std::string name = "shop";
  Mode mode = Mode::strict;
  ByteSize body{65'536};
  Secret token;
  Retry retry;
  std::optional<Duration> idle;
  std::vector<int> weights = {1, 2};
  std::vector<Route> routes;
  std::map<std::string, Retry> calls;

  static void describe(Section<Shop>& section) {
    section.option("port", &Shop::port, "listens here").range(1, 65'535);
    section.option("tls", &Shop::tls, "on or off");
    section.option("ratio", &Shop::ratio, "a share").range(0, 1);
    section.option("name", &Shop::name, "shown | to people");
    section.option("mode", &Shop::mode, "how strict");
    section.option("body", &Shop::body, "largest").range(ByteSize{1}, ByteSize{1U << 20U});
    section.option("token", &Shop::token, "of the operator").required();
    section.option("retry", &Shop::retry, "of all");
    section.option("idle", &Shop::idle, "closes after").range(1s, 1h);
    section.option("weights", &Shop::weights, "of targets").range(1, 9).items(1, 3);
    section.option("routes", &Shop::routes, "served");
    section.option("calls", &Shop::calls, "by name");
  }
};

std::optional<std::string> environment(const std::string& name) {
  return name == "TOKEN" ? std::optional<std::string>("s3cret") : std::nullopt;
}

struct Bound {
  Shop shop;
  std::vector<std::string> problems;
};

Bound bind_text(std::string_view text) {
  Problems problems;
  const auto root = parse_yaml(text, "a.yaml", problems);
  Bound bound{.shop = read<Shop>(root, problems, environment), .problems = {}};
  for (const auto& problem : problems.kept())
    bound.problems.push_back(to_string(problem));
  return bound;
}

using Lines = std::vector<std::string>;

TEST(Config, DefaultsAreTheInitialisers) {
  const auto [shop, problems] = bind_text("token: env:TOKEN\n");

  EXPECT_EQ(problems, Lines{});
  EXPECT_EQ(shop.port, 8080);
  EXPECT_EQ(shop.retry.attempts, 3);
  EXPECT_EQ(shop.weights, (std::vector{1, 2}));
  EXPECT_EQ(shop.token.reveal(), "s3cret");
}

TEST(Config, ReadsEveryType) {
  const auto [shop, problems] = bind_text(R"(
port: 9000
tls: true
ratio: 0.25
name: no
mode: lenient
body: 1MiB
token: env:TOKEN
retry: {attempts: 5}
idle: 30s
weights: [3]
routes:
  - path: /a
  - path: /b
    retry: {first_delay: 1s}
calls:
  charge: {attempts: 2}
)");

  EXPECT_EQ(problems, Lines{});
  EXPECT_EQ(shop.port, 9000);
  EXPECT_TRUE(shop.tls);
  EXPECT_EQ(shop.ratio, 0.25);
  EXPECT_EQ(shop.name, "no");
  EXPECT_EQ(shop.mode, Mode::lenient);
  EXPECT_EQ(shop.body, ByteSize{1U << 20U});
  EXPECT_EQ(shop.retry.attempts, 5);
  EXPECT_EQ(shop.retry.first_delay, 100ms);
  EXPECT_EQ(shop.idle, 30s);
  EXPECT_EQ(shop.weights, std::vector{3});
  ASSERT_EQ(shop.routes.size(), 2U);
  EXPECT_EQ(shop.routes[0].retry.attempts, 1);
  EXPECT_EQ(shop.routes[1].retry.first_delay, 1s);
  EXPECT_EQ(shop.calls.at("charge").attempts, 2);
}

TEST(Config, ReportsEverythingAtOnceWithFileAndLine) {
  const auto [shop, problems] = bind_text(R"(port: 0
prot: 1
tls: yes
ratio: 1.5
mode: strickt
body: 64
retry:
  attempts: eleven
  atempts: 3
weights: [1, 10, x]
routes:
  - retry: {attempts: 0}
  - path: /toolong
calls: [1]
idle: 0s
port: 1
)");

  const std::string size = "a size (like 512B, 64KiB, 20MiB) from 1B to 1MiB";
  const std::string calls = "a map by name of at most 1000, each a map of options";
  const std::string duration = "a duration (like 250ms, 10s, 1h30m) from 1s to 1h";
  EXPECT_EQ(problems,
            (Lines{
                "a.yaml:16: the key `port` is given twice, first in line 1",
                "a.yaml:1: port: got \"0\", expected an integer from 1 to 65535",
                "a.yaml:2: prot: there is no such option (did you mean `port`?)",
                "a.yaml:3: tls: got \"yes\", expected true or false",
                "a.yaml:4: ratio: got \"1.5\", expected a number from 0 to 1",
                "a.yaml:5: mode: got \"strickt\", expected one of strict, lenient",
                "a.yaml:6: body: got \"64\", expected " + size,
                "a.yaml:8: retry.attempts: got \"eleven\", expected an integer from 1 to 10",
                "a.yaml:9: retry.atempts: there is no such option (did you mean `attempts`?)",
                "a.yaml:10: weights[1]: got \"10\", expected an integer from 1 to 9",
                "a.yaml:10: weights[2]: got \"x\", expected an integer from 1 to 9",
                "a.yaml:12: routes[0].retry.attempts: got \"0\", expected an integer from 1 to 10",
                "a.yaml:12: routes[0].path: is required: a text of 1 to 5 bytes",
                "a.yaml:13: routes[1].path: got \"/toolong\", expected a text of 1 to 5 bytes",
                "a.yaml:14: calls: got a list, expected " + calls,
                "a.yaml:15: idle: got \"0s\", expected " + duration,
                "a.yaml:1: token: is required: a reference to a secret (env:NAME, file:/path)",
            }));
}

TEST(Config, RefusesTheWrongShape) {
  struct Row {
    std::string_view text;
    std::string expected;
  };
  const Row rows[] = {
      {"[1]", "a.yaml:1: got a list, expected a map of options"},
      {"token: env:TOKEN\nport: [1]",
       "a.yaml:2: port: got a list, expected an integer from 1 to 65535"},
      {"token: env:TOKEN\nname:", "a.yaml:2: name: got nothing, expected a text"},
      {"token: env:TOKEN\nretry: 3", "a.yaml:2: retry: got a value, expected a map of options"},
      {"token: env:TOKEN\nweights: []",
       "a.yaml:2: weights: got 0 items, expected a list of 1 to 3, each an integer from 1 to 9"},
      {"token: {a: 1}",
       "a.yaml:1: token: got a map, expected a reference to a secret (env:NAME, file:/path)"},
  };
  for (const auto& row : rows)
    EXPECT_EQ(bind_text(row.text).problems, Lines{row.expected});
}

TEST(Config, OptionsThatContradictEachOtherAreReportedAtTheirSection) {
  const auto bound = bind_text("token: env:TOKEN\nretry:\n  first_delay: 20s\n");

  EXPECT_EQ(bound.problems, Lines{"a.yaml:2: retry: first_delay (20s) is above max_delay (10s)"});
}

TEST(Config, ASecretIsNeverShown) {
  const auto bound = bind_text("token: hunter2\n");

  ASSERT_EQ(bound.problems.size(), 1U);
  EXPECT_EQ(bound.problems[0].find("hunter2"), std::string::npos) << bound.problems[0];
}

TEST(Config, AnEmptyOptionalAndAnEmptySectionKeepTheirDefaults) {
  const auto [shop, problems] = bind_text("token: env:TOKEN\nidle:\nretry:\n");

  EXPECT_EQ(problems, Lines{});
  EXPECT_EQ(shop.idle, std::nullopt);
  EXPECT_EQ(shop.retry.attempts, 3);
}

TEST(Config, SettingsMadeByCodeAreCheckedAgainstTheSameRanges) {
  const Retry retry{.attempts = 0, .first_delay = 0s};
  try {
    require_valid(retry, "the retry policy");
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::invalid_input);
    EXPECT_EQ(error.detail(),
              "the retry policy is not usable:\n"
              "  attempts: got 0, expected an integer from 1 to 10\n"
              "  first_delay: got 0s, expected a duration (like 250ms, 10s, 1h30m) from 1ms to 1h");
  }
  EXPECT_NO_THROW(require_valid(Retry{}, "the retry policy"));
  EXPECT_THROW(require_valid(Retry{.first_delay = 20s}, "x"), Error);
}

TEST(Config, ElementsOfContainersAreCheckedToo) {
  Shop shop;
  shop.weights = {1, 100};
  shop.calls["charge"].attempts = 99;
  shop.idle = 0s;
  shop.routes = {Route{.path = ""}};
  try {
    require_valid(shop, "the shop");
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    for (const auto* path : {"weights[1]: got 100", "calls.charge.attempts: got 99", "idle: got 0s",
                             "routes[0].path: got \"\""}) {
      EXPECT_NE(error.detail().find(path), std::string::npos) << path << error.detail();
    }
  }
}

TEST(Config, ListsTheReference) {
  const auto text = to_markdown(reference<Shop>());

  EXPECT_EQ(
      text,
      "| option | accepts | default | meaning |\n"
      "|---|---|---|---|\n"
      "| `port` | an integer from 1 to 65535 | `8080` | listens here |\n"
      "| `tls` | true or false | `false` | on or off |\n"
      "| `ratio` | a number from 0 to 1 | `0.5` | a share |\n"
      "| `name` | a text | `\"shop\"` | shown \\| to people |\n"
      "| `mode` | one of strict, lenient | `strict` | how strict |\n"
      "| `body` | a size (like 512B, 64KiB, 20MiB) from 1B to 1MiB | `64KiB` | largest |\n"
      "| `token` | a reference to a secret (env:NAME, file:/path) | required | of the operator "
      "|\n"
      "| `retry.attempts` | an integer from 1 to 10 | `3` | tries in all |\n"
      "| `retry.first_delay` | a duration (like 250ms, 10s, 1h30m) from 1ms to 1h | `100ms` | "
      "before the second |\n"
      "| `retry.max_delay` | a duration (like 250ms, 10s, 1h30m) from 1ms to 1h | `10s` | "
      "never longer |\n"
      "| `idle` | a duration (like 250ms, 10s, 1h30m) from 1s to 1h | `none` | closes after |\n"
      "| `weights` | a list of 1 to 3, each an integer from 1 to 9 | `[1, 2]` | of targets |\n"
      "| `routes[].path` | a text of 1 to 5 bytes | required | prefix |\n"
      "| `routes[].retry.attempts` | an integer from 1 to 10 | `1` | tries in all |\n"
      "| `routes[].retry.first_delay` | a duration (like 250ms, 10s, 1h30m) from 1ms to 1h | "
      "`100ms` | before the second |\n"
      "| `routes[].retry.max_delay` | a duration (like 250ms, 10s, 1h30m) from 1ms to 1h | "
      "`10s` | never longer |\n"
      "| `calls.<name>.attempts` | an integer from 1 to 10 | `3` | tries in all |\n"
      "| `calls.<name>.first_delay` | a duration (like 250ms, 10s, 1h30m) from 1ms to 1h | "
      "`100ms` | before the second |\n"
      "| `calls.<name>.max_delay` | a duration (like 250ms, 10s, 1h30m) from 1ms to 1h | `10s` "
      "| never longer |\n");
}

TEST(Config, LoadThrowsOneErrorWithAllProblems) {
  const auto path = testing::TempDir() + "sinew_load_" + std::to_string(::getpid()) + ".yaml";
  std::ofstream(path) << "attempts: 0\nfirst: 1s\n";
  try {
    load<Retry>(path);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.detail(), "the configuration is not usable:\n  " + path +
                                  ":1: attempts: got \"0\", expected an integer from 1 to 10\n  " +
                                  path + ":2: first: there is no such option");
  }
  std::ofstream(path) << "attempts: 4\n";
  EXPECT_EQ(load<Retry>(path).attempts, 4);
  std::ofstream(path) << "attempts: [\n";
  EXPECT_THROW(load<Shop>(path), Error);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace sinew::config
