#include "sinew/base/secret.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <type_traits>

namespace sinew {
namespace {

template <class T>
concept Printable = requires(std::ostringstream& out, const T& value) { out << value; };

static_assert(!Printable<Secret>);
static_assert(!fmt::is_formattable<Secret>::value);
static_assert(!std::is_convertible_v<Secret, std::string_view>);

class SecretFile : public testing::Test {
 protected:
  ~SecretFile() override { std::filesystem::remove(path_); }
  void write(const std::string& text) const { std::ofstream(path_, std::ios::binary) << text; }

  std::string path_ = fmt::format("{}sinew_secret_{}", testing::TempDir(), ::getpid());
};

std::optional<std::string> no_environment(const std::string&) { return std::nullopt; }

TEST(Secret, MovesAndCopies) {
  Secret a(std::string("short"));
  Secret b = a;
  const Secret c = std::move(a);
  const auto& self = b;
  b = self;

  EXPECT_EQ(b.reveal(), "short");
  EXPECT_EQ(c.reveal(), "short");
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): the promise under test
}

TEST(Secret, ComesFromTheEnvironment) {
  const Environment environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "TOKEN") return "s3cret";
    if (name == "EMPTY") return "";
    return std::nullopt;
  };

  EXPECT_EQ(resolve_secret("env:TOKEN", environment).value().reveal(), "s3cret");
  EXPECT_EQ(resolve_secret("env:NONE", environment).error(),
            "the environment variable NONE is not set");
  EXPECT_FALSE(resolve_secret("env:EMPTY", environment));
}

TEST_F(SecretFile, LosesOneLineEnd) {
  struct Row {
    std::string content;
    std::string secret;
  };
  const Row rows[] = {{"abc", "abc"}, {"abc\n", "abc"}, {"abc\r\n", "abc"}, {"a\n\n", "a\n"}};
  for (const auto& row : rows) {
    write(row.content);
    EXPECT_EQ(resolve_secret("file:" + path_, no_environment).value().reveal(), row.secret);
  }
}

TEST_F(SecretFile, RefusesWhatIsMissingEmptyOrTooLarge) {
  EXPECT_TRUE(resolve_secret("file:" + path_, no_environment).error().ends_with("cannot be read"));
  write("\n");
  EXPECT_TRUE(resolve_secret("file:" + path_, no_environment).error().ends_with("is empty"));
  write(std::string((64U << 10U) + 1, 'x'));
  EXPECT_TRUE(
      resolve_secret("file:" + path_, no_environment).error().ends_with("larger than 64 KiB"));
  EXPECT_TRUE(resolve_secret("file:/", no_environment).error().ends_with("cannot be read"));
  EXPECT_FALSE(resolve_secret("file:relative", no_environment));
}

TEST(Secret, ALiteralIsRefusedWithoutBeingRepeated) {
  const auto result = resolve_secret("hunter2", no_environment);

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace sinew
