#include "sinew/proxy/process/privileges.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <functional>
#include <future>
#include <sstream>
#include <thread>

#include "sinew/async/reactor.hpp"
#include "sinew/base/error.hpp"

namespace sinew::proxy {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// ThreadSanitizer has a thread of its own from the start.
#if __has_feature(thread_sanitizer)
constexpr bool alone = false;
#else
constexpr bool alone = true;
#endif

// What `work` says, or the error it ends with, in a process of its own.
std::string in_a_child(const std::function<std::string()>& work) {
  std::array<int, 2> told{};
  EXPECT_EQ(::pipe(told.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    std::string text;
    try {
      text = work();
    } catch (const Error& error) {
      text = std::string(to_string(error.condition())) + ": " + error.detail();
    }
    ::_exit(::write(told[1], text.data(), text.size()) < 0 ? 1 : 0);
  }
  ::close(told[1]);
  std::string text;
  std::array<char, 1000> buffer;
  for (ssize_t got = 1; got > 0;) {
    got = ::read(told[0], buffer.data(), buffer.size());
    if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(told[0]);
  ::waitpid(child, nullptr, 0);
  return text;
}

std::string status_field(const std::string& name) {
  std::ifstream file("/proc/self/status");
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with(name + ":")) continue;
    std::istringstream words(line.substr(name.size() + 1));
    std::string word, text;
    while (words >> word)
      text += (text.empty() ? "" : " ") + word;
    return text;
  }
  return "no such field";
}

class AsRoot : public testing::Test {
 protected:
  void SetUp() override {
    if (!alone) GTEST_SKIP() << "a sanitizer's thread is in the way";
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    if (::getpwnam("nobody") == nullptr) GTEST_SKIP() << "needs the user nobody";
  }
};

TEST_F(AsRoot, WithoutAUserIsRefused) {
  EXPECT_THAT(in_a_child([] { return drop_privileges("").user; }),
              AllOf(StartsWith("unauthorized"), HasSubstr("--user NAME[:GROUP]")));
}

TEST_F(AsRoot, BecomesTheUserForGood) {
  const passwd* nobody = ::getpwnam("nobody");
  const auto id = std::to_string(nobody->pw_uid);
  const auto group = std::to_string(nobody->pw_gid);

  const std::string seen = in_a_child([] {
    const Privileges now = drop_privileges("nobody");
    return now.user + "\n" + status_field("Uid") + "\n" + status_field("Gid") + "\n" +
           status_field("Groups") + "\n" + status_field("NoNewPrivs") + "\n" +
           std::to_string(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)) + "\n" +
           std::to_string(::setuid(0)) + std::to_string(::setgid(0)) +
           std::to_string(::setgroups(0, nullptr));
  });

  const auto four = [](const std::string& text) {
    return text + " " + text + " " + text + " " + text;
  };
  EXPECT_EQ(seen, "nobody\n" + four(id) + "\n" + four(group) + "\n" + group + "\n1\n0\n-1-1-1");
}

TEST_F(AsRoot, KeepsNoCapabilityButThatOfLowPorts) {
  const std::string seen = in_a_child([] {
    const bool low_ports = drop_privileges("nobody").low_ports;
    return (low_ports ? "low " : "no low ") + status_field("CapPrm") + " " +
           status_field("CapEff") + " " + status_field("CapInh") + " " + status_field("CapAmb");
  });

  constexpr const char* none = "0000000000000000";
  constexpr const char* low_ports = "0000000000000400";
  const std::string with = std::string("low ") + low_ports + " " + low_ports;
  const std::string without = std::string("no low ") + none + " " + none;  // in some containers
  EXPECT_THAT(seen,
              testing::AnyOf(with + " " + none + " " + none, without + " " + none + " " + none));
}

TEST_F(AsRoot, BindsALowPortAfterwardsAndOpensNoFileOfRoot) {
  const std::string seen = in_a_child([]() -> std::string {
    if (!drop_privileges("nobody").low_ports) return "no low ports here";
    async::OffloadPools pools;
    async::Reactor reactor(pools);
    std::string text;
    try {
      text = reactor.listen({"127.0.0.93", 93})->local().port == 93 ? "bound, " : "?";
    } catch (const Error& error) {
      text = error.detail();
    }
    return text + (::open("/etc/shadow", O_RDONLY) < 0 ? "refused" : "read");
  });

  if (seen == "no low ports here") GTEST_SKIP() << seen;
  EXPECT_EQ(seen, "bound, refused");
}

TEST_F(AsRoot, TakesAGroupAndNumbers) {
  EXPECT_EQ(in_a_child([] {
              drop_privileges("nobody:daemon");
              return status_field("Gid");
            }),
            "1 1 1 1");
  EXPECT_EQ(in_a_child([] {
              drop_privileges("54321:54322");
              return status_field("Uid") + " " + status_field("Gid");
            }),
            "54321 54321 54321 54321 54322 54322 54322 54322");
}

TEST_F(AsRoot, RefusesWhoDoesNotExistAndRootItself) {
  for (const char* user : {"nobody-of-that-name", "nobody:no-such-group", "root", "0",
                           "nobody:root", ":daemon", "4294967296"}) {
    EXPECT_THAT(in_a_child([&] { return drop_privileges(user).user; }), StartsWith("invalid_input"))
        << user;
  }
}

TEST_F(AsRoot, IsRefusedOnceThereAreThreads) {
  EXPECT_THAT(in_a_child([] {
                std::jthread other;
                std::promise<void> over;  // ends first, and lets the thread go
                other = std::jthread([ended = over.get_future()] { ended.wait(); });
                return drop_privileges("nobody").user;
              }),
              HasSubstr("before threads start"));
}

// Who is root already is nobody after the first time.
TEST(Privileges, WhoIsNotRootStaysWhoItIs) {
  if (!alone) GTEST_SKIP() << "a sanitizer's thread is in the way";
  const std::string seen = in_a_child([] {
    const Privileges now = drop_privileges(::geteuid() == 0 ? "nobody" : "");
    const bool same = drop_privileges("").user == now.user;
    return (same ? "same, " : "another, ") + status_field("NoNewPrivs");
  });
  EXPECT_EQ(seen, "same, 1");

  EXPECT_THAT(in_a_child([] {
                drop_privileges(::geteuid() == 0 ? "nobody" : "");
                return drop_privileges("daemon").user;
              }),
              AllOf(StartsWith("unauthorized"), HasSubstr("only root can become somebody else")));
}

TEST(FileLimit, IsRaisedToTheMost) {
  const std::string seen = in_a_child([] {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 100;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    const FileLimit raised = raise_file_limit();
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return std::string(raised.before == 100 && raised.now == limit.rlim_max &&
                               limit.rlim_cur == limit.rlim_max
                           ? "raised"
                           : "not raised");
  });

  EXPECT_EQ(seen, "raised");
}

}  // namespace
}  // namespace sinew::proxy
