#include "examples/commerce/program/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "sinew/base/config.hpp"
#include "sinew/base/error.hpp"
#include "tests/support/simulated_sqlite.hpp"

namespace commerce::program {
namespace {

using sinew::Condition;
using sinew::Error;
using sinew::config::Node;
using testing::HasSubstr;

const std::filesystem::path repository = REPOSITORY_FOLDER;
const std::filesystem::path example = repository / "examples/commerce/commerce.yaml";

const Node* find(const Node& root, const std::string& path) {
  const Node* node = &root;
  std::istringstream steps(path);
  for (std::string step; node != nullptr && std::getline(steps, step, '.');)
    node = node->find(step);
  return node;
}

// As the reference prints values.
std::string value_of(const Node& node) {
  if (node.kind() == Node::Kind::null) return "none";
  return node.text();
}

std::string unquoted(std::string text) {
  std::erase(text, '"');
  return text;
}

TEST(Settings, TheExampleHasEveryOptionWithItsDefault) {
  sinew::config::Problems problems;
  const Node root = sinew::config::read_yaml(example, problems);

  EXPECT_NO_THROW(load_settings(example));
  for (const auto& option : sinew::config::reference<Settings>()) {
    const Node* node = find(root, option.path);
    ASSERT_NE(node, nullptr) << option.path << " is missing in " << example;
    EXPECT_EQ(value_of(*node), unquoted(option.default_value)) << option.path;
  }
}

TEST(Settings, TheReferenceListsEveryOption) {
  std::ostringstream page;
  page << std::ifstream(repository / "docs/reference/commerce.md").rdbuf();
  const std::string table = sinew::config::to_markdown(sinew::config::reference<Settings>());

  EXPECT_TRUE(page.str().contains(table)) << "docs/reference/commerce.md must contain:\n" << table;
}

TEST(Settings, AreTheDefaultsWithoutAFile) {
  EXPECT_EQ(load_settings("").port, default_port);
  EXPECT_EQ(load_settings("", 17).port, 17);
}

class SettingsFile : public testing::Test {
 protected:
  Settings load(const std::string& text, std::optional<std::uint16_t> port = {}) {
    std::ofstream(path) << text;
    return load_settings(path, port);
  }
  std::string problems(const std::string& text) {
    try {
      load(text);
    } catch (const Error& error) {
      EXPECT_EQ(error.condition(), Condition::invalid_input);
      return error.detail();
    }
    return "none";
  }

  sinew::tests::TemporaryFolder folder;
  std::filesystem::path path = folder.file("c.yaml");
};

TEST_F(SettingsFile, GivesWayToTheCommandLine) {
  EXPECT_EQ(load("port: 1234\n").port, 1234);
  EXPECT_EQ(load("port: 1234\n", 0).port, 0);
}

TEST_F(SettingsFile, NamesAProviderWithItsKeyByReference) {
  std::ofstream(folder.file("key")) << "sk_live\n";
  const Settings settings = load(
      "payment_provider:\n  url: http://payments.example:8080\n"
      "  api_key: file:" +
      std::string(folder.file("key")) + "\n  policy: {timeout: {attempt: 1s, total: 4s}}\n");

  EXPECT_EQ(settings.payment_provider.url, "http://payments.example:8080");
  EXPECT_EQ(settings.payment_provider.api_key->reveal(), "sk_live");
  EXPECT_EQ(settings.payment_provider.policy.timeout.attempt, std::chrono::seconds(1));
  EXPECT_EQ(settings.payment_provider.whose(), Provider::external);
  EXPECT_EQ(load("").payment_provider.whose(), Provider::sandbox);
}

TEST_F(SettingsFile, IsRefusedWithEverythingThatIsWrong) {
  const std::string text = problems(
      "prt: 8080\n"
      "contexts:\n"
      "  relays: 17\n"
      "  retry: {first_delay: 5s, max_delay: 1s}\n"
      "payment_provider:\n"
      "  url: https://payments.example\n");

  EXPECT_THAT(text, HasSubstr("c.yaml:1: prt: there is no such option (did you mean `port`?)"));
  EXPECT_THAT(text, HasSubstr("c.yaml:3: contexts.relays: got \"17\", expected an integer from 1"));
  EXPECT_THAT(text,
              HasSubstr("c.yaml:4: contexts.retry: first_delay (5s) is above max_delay (1s)"));
  EXPECT_THAT(text,
              HasSubstr("c.yaml:5: payment_provider: url (https://payments.example) is none"));
  EXPECT_THAT(text, HasSubstr("c.yaml:5: payment_provider: url is given, but no api_key"));
}

TEST_F(SettingsFile, NeverShowsASecret) {
  const std::string text = problems("payment_provider:\n  api_key: sk_live_123\n");

  EXPECT_THAT(text, HasSubstr("payment_provider.api_key"));
  EXPECT_THAT(text, testing::Not(HasSubstr("sk_live")));
}

TEST_F(SettingsFile, LeavesRoomForThePortsOfAllContexts) {
  EXPECT_THAT(problems("port: 65532\n"), HasSubstr("the last port is 65535"));
  EXPECT_EQ(problems("port: 65531\n"), "none");
}

}  // namespace
}  // namespace commerce::program
