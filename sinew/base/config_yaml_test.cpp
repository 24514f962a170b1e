#include "sinew/base/config_yaml.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "sinew/base/error.hpp"

namespace sinew::config {
namespace {

// The tree in one line: scalars in quotes, then @line.
std::string sketch(const Node& node) {
  const auto line = "@" + std::to_string(node.position().line);
  std::string out;
  switch (node.kind()) {
    case Node::Kind::null: return "null" + line;
    case Node::Kind::scalar: return "'" + node.text() + "'" + line;
    case Node::Kind::list:
      for (const auto& item : node.children())
        out += (out.empty() ? "" : ", ") + sketch(item);
      return "[" + out + "]";
    case Node::Kind::map:
      for (const auto& child : node.children()) {
        out += (out.empty() ? "" : ", ") + child.key().name + ": " + sketch(child);
      }
      return "{" + out + "}";
  }
  return out;
}

std::string first_problem(std::string_view text, const YamlLimits& limits = {}) {
  Problems problems;
  parse_yaml(text, "a.yaml", problems, limits);
  return problems.empty() ? "" : to_string(problems.kept().front());
}

TEST(ConfigYaml, KeepsTextAndLines) {
  struct Row {
    std::string_view text;
    std::string_view expected;
  };
  const Row rows[] = {
      {"", "null@1"},
      {"# only a comment\n", "null@1"},
      {"a: 1\nb:\n  - no\n  - \"2\"\nc:\n", "{a: '1'@1, b: ['no'@3, '2'@4], c: null@5}"},
      {"{\"a\": [true, null, 1.50]}", "{a: ['true'@1, null@1, '1.50'@1]}"},
      {"x: |\n  two\n  lines\n", "{x: 'two\nlines\n'@1}"},
      {"base: &b {p: 1}\nuse: *b\n", "{base: {p: '1'@1}, use: {p: '1'@1}}"},
  };
  for (const auto& row : rows) {
    Problems problems;
    EXPECT_EQ(sketch(parse_yaml(row.text, "a.yaml", problems)), row.expected);
    EXPECT_TRUE(problems.empty()) << row.text;
  }
}

TEST(ConfigYaml, FindsByKey) {
  Problems problems;
  const auto root = parse_yaml("a: 1\n", "a.yaml", problems);

  ASSERT_NE(root.find("a"), nullptr);
  EXPECT_EQ(to_string(root.find("a")->position()), "a.yaml:1");
  EXPECT_EQ(root.find("b"), nullptr);
}

TEST(ConfigYaml, RefusesWithTheLine) {
  struct Row {
    std::string_view text;
    std::string_view expected;
  };
  const Row rows[] = {
      {"a: 1\nb: 2\na: 3\n", "a.yaml:3: the key `a` is given twice, first in line 1"},
      {"a: 1\n b: 2\n", "a.yaml:2: not valid YAML: illegal map value"},
      {"a: [1, 2\n", "a.yaml:2: not valid YAML: end of sequence flow not found"},
      {"a: 1\n---\nb: 2\n", "a.yaml:2: a second document begins; one is expected"},
      {"a: !ruby/object 1\n", "a.yaml:1: tags are not supported: !ruby/object"},
      {"b: &x {c: 1}\na:\n  <<: *x\n", "a.yaml:3: merge keys (<<) are not supported"},
      {"[1, 2]: x\n", "a.yaml:1: a key is a name, not a list"},
      {"a: &x [*x]\n", "a.yaml:1: an alias stands inside of its own anchor"},
      {"a: *nobody\n", "a.yaml:1: not valid YAML: the referenced anchor is not defined"},
      {"a: 1\nb: \xFF\n", "a.yaml:2: a byte is not UTF-8; save the file in that encoding"},
      {std::string_view("a: 1\nb: \0\n", 10), "a.yaml:2: a NUL byte; this is not a text file"},
  };
  for (const auto& row : rows)
    EXPECT_EQ(first_problem(row.text), row.expected);
}

TEST(ConfigYaml, HoldsItsLimits) {
  const YamlLimits limits{.bytes = 200, .depth = 3, .nodes = 10};

  EXPECT_EQ(first_problem(std::string(201, ' '), limits),
            "a.yaml:1: the file has 201 bytes, 200 are allowed");
  EXPECT_EQ(first_problem("[[[1]]]", limits), "");
  EXPECT_EQ(first_problem("[[[[1]]]]", limits), "a.yaml:1: nested more than 3 levels deep");
  EXPECT_EQ(first_problem("a: &x [[1]]\nb: [[*x]]", {.depth = 3}),
            "a.yaml:2: nested more than 3 levels deep");
  EXPECT_EQ(first_problem("[1,2,3,4,5,6,7,8,9]", limits), "");
  EXPECT_EQ(first_problem("[1,2,3,4,5,6,7,8,9,10]", limits),
            "a.yaml:1: more than 10 values, aliases included");
}

TEST(ConfigYaml, ABillionLaughsIsRefused) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const auto name = std::to_string(i);
    const auto alias = "*a" + std::to_string(i - 1);
    text += "a" + name + ": &a" + name + " [" + alias;
    for (int n = 1; n < 10; ++n)
      text += ", " + alias;
    text += "]\n";
  }

  EXPECT_TRUE(first_problem(text).ends_with("more than 100000 values, aliases included"));
}

TEST(ConfigYaml, DeepNestingEndsEarly) {
  EXPECT_EQ(first_problem(std::string(500'000, '[')), "a.yaml:1: nested more than 32 levels deep");
}

TEST(ConfigYaml, ReadsAFileOrSaysWhyNot) {
  const auto path = testing::TempDir() + "sinew_config_" + std::to_string(::getpid()) + ".yaml";
  std::ofstream(path) << "a: 1\n";
  Problems problems;

  EXPECT_EQ(sketch(read_yaml(path, problems)), "{a: '1'@1}");
  std::filesystem::remove(path);

  const auto condition_of = [&](const std::string& name) {
    try {
      read_yaml(name, problems);
    } catch (const Error& error) {
      return error.condition();
    }
    return Condition::conflict;
  };
  EXPECT_EQ(condition_of(path), Condition::not_found);
  EXPECT_EQ(condition_of(testing::TempDir()), Condition::unavailable);
}

TEST(ConfigProblems, AreBounded) {
  Problems problems;
  for (int i = 0; i < 1'000; ++i)
    problems.add({{}, "p", "wrong"});

  EXPECT_EQ(problems.count(), 1'000U);
  EXPECT_EQ(problems.kept().size(), Problems::kMaxKept);
  try {
    problems.throw_if_any("shop.yaml is not usable:");
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::invalid_input);
    EXPECT_TRUE(error.detail().starts_with("shop.yaml is not usable:\n  p: wrong\n"));
    EXPECT_TRUE(error.detail().ends_with("\n  and 900 more"));
  }
}

}  // namespace
}  // namespace sinew::config
