#include "sinew/context/host_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "adapters/sqlite/test_folder.hpp"
#include "sinew/base/described.hpp"
#include "sinew/base/error.hpp"
#include "sinew/context/private_file.hpp"

namespace sinew::context {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class HostFileTest : public testing::Test {
 protected:
  HostFileTest() { std::filesystem::create_directories(folder() / "hosts"); }
  std::filesystem::path folder() const { return scratch_.file("system"); }
  std::filesystem::path file() const { return folder() / "hosts" / "main.json"; }

  const RunningHost main{
      "main", ::getpid(), "http://127.0.0.1:9", {{"sales", "http://127.0.0.1:8"}}};

 private:
  sqlite::TestFolder scratch_;
};

TEST_F(HostFileTest, TellsWhoRuns) {
  const HostFile here(folder(), main);

  const auto hosts = running_hosts(folder());

  ASSERT_THAT(hosts, SizeIs(1U));
  EXPECT_EQ(hosts[0].pid, ::getpid());
  EXPECT_EQ(hosts[0].operator_url, main.operator_url);
  ASSERT_THAT(hosts[0].contexts, SizeIs(1U));
  EXPECT_EQ(hosts[0].contexts[0].url, "http://127.0.0.1:8");
}

TEST_F(HostFileTest, DisappearsWithItsHost) {
  {
    const HostFile here(folder(), main);
  }

  EXPECT_THAT(running_hosts(folder()), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(HostFileTest, CountsForNothingWhenItsHostWasKilled) {
  std::ofstream(file()) << to_text(to_json(main));  // of a living process id, that of the test

  EXPECT_THAT(running_hosts(folder()), IsEmpty());
}

TEST_F(HostFileTest, DoesNotMindWhatAKilledHostHalfWrote) {
  std::ofstream(file()) << "{\"name\": \"ma";

  EXPECT_THAT(running_hosts(folder()), IsEmpty());
}

TEST_F(HostFileTest, NamesARunningHostsFileThatCannotBeRead) {
  const auto held = write_private_file(file(), "{}", FileLock::exclusive);

  try {
    running_hosts(folder());
    FAIL() << "it was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::corrupt);
    EXPECT_THAT(error.detail(), HasSubstr(file().string()));
  }
}

TEST_F(HostFileTest, FindsNobodyWhereNoSystemIs) {
  EXPECT_THAT(running_hosts(folder() / "none"), IsEmpty());
}

}  // namespace
}  // namespace sinew::context
