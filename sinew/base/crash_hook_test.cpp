#include "sinew/base/crash_hook.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "sinew/base/crash_point.hpp"
#include "sinew/base/error.hpp"

namespace sinew {
namespace {

using Variables = std::map<std::string, std::string>;

Environment environment_of(Variables variables) {
  return [variables = std::move(variables)](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

std::map<std::string, std::uint64_t> counts_in(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::map<std::string, std::uint64_t> counts;
  char slot[64];
  while (file.read(slot, sizeof(slot)) && slot[0] != '\0') {
    std::memcpy(&counts[slot], slot + 56, sizeof(std::uint64_t));
  }
  return counts;
}

void pass_points() {
  for (int i = 0; i < 3; ++i) {
    SINEW_CRASH_POINT("test.first");
    SINEW_CRASH_POINT("test.second");
  }
}

// Each test in a process of its own, as a hook stays; forked, so that they agree about the path.
class CrashHook : public testing::Test {
 protected:
  CrashHook() : path_("crash_hook_test." + std::to_string(::getpid())) {
    path_ = std::filesystem::temp_directory_path() / path_;
    GTEST_FLAG_SET(death_test_style, "fast");
  }
  ~CrashHook() override { std::filesystem::remove(path_); }

  std::filesystem::path path_;
};

TEST_F(CrashHook, IsNotInstalledWithoutVariables) {
  EXPECT_EXIT(
      {
        install_crash_hook(environment_of({}));
        pass_points();
        std::_Exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(CrashHook, KillsAtTheArrivalNamed) {
  EXPECT_EXIT(
      {
        install_crash_hook(environment_of(
            {{"SINEW_CRASH_AT", "test.second:2"}, {"SINEW_CRASH_COUNT", path_.string()}}));
        pass_points();
        std::_Exit(0);
      },
      testing::KilledBySignal(SIGKILL), "");

  EXPECT_EQ(counts_in(path_),
            (std::map<std::string, std::uint64_t>{{"test.first", 2}, {"test.second", 2}}));
}

TEST_F(CrashHook, LetsPassWhatIsNotReached) {
  EXPECT_EXIT(
      {
        install_crash_hook(environment_of({{"SINEW_CRASH_AT", "test.second:4"}}));
        pass_points();
        std::_Exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(CrashHook, RefusesValuesOfAnotherForm) {
  for (const char* value : {"", "relay.before_mark", "relay.before_mark:0", "relay.before_mark:x",
                            ":1", "relay.before_mark:1 "}) {
    EXPECT_THROW(install_crash_hook(environment_of({{"SINEW_CRASH_AT", value}})), Error) << value;
  }
  EXPECT_THROW(install_crash_hook(environment_of({{"SINEW_CRASH_COUNT", "/nowhere/at/all"}})),
               Error);
}

}  // namespace
}  // namespace sinew
