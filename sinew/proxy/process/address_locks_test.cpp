#include "sinew/proxy/process/address_locks.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "sinew/async/reactor.hpp"
#include "sinew/base/error.hpp"
#include "sinew/sim/temporary_folder.hpp"

namespace sinew::proxy {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Another process, which does `work` and then stays until it is told to end, or is killed.
class Neighbour {
 public:
  template <class F>
  explicit Neighbour(F work) {
    std::array<int, 2> told{};
    EXPECT_EQ(::pipe(told.data()), 0);
    process_ = ::fork();
    if (process_ == 0) {
      work();
      const ssize_t written = ::write(told[1], "x", 1);
      ::pause();
      ::_exit(written == 1 ? 0 : 1);
    }
    char ready = 0;
    EXPECT_EQ(::read(told[0], &ready, 1), 1);
    ::close(told[0]);
    ::close(told[1]);
  }
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;
  ~Neighbour() { kill(); }

  void kill() {
    if (process_ == 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = 0;
  }
  int process() const { return process_; }

 private:
  int process_ = 0;
};

class AddressLocksTest : public testing::Test {
 protected:
  // An address of which nobody listens on any port but us.
  async::Endpoint free_address() { return reactor_.listen({})->local(); }
  ClaimedAddress claimed(const async::Endpoint& endpoint) { return {endpoint}; }
  std::vector<std::string> claim(AddressLocks& locks, const async::Endpoint& endpoint) {
    return locks.claim(std::array{claimed(endpoint)});
  }

  sim::TemporaryFolder folder_;
  async::OffloadPools pools_;
  async::Reactor reactor_{pools_};
};

TEST_F(AddressLocksTest, AnAddressThatIsFreeIsClaimedAndCanBeListenedOnByEveryWorker) {
  AddressLocks locks(folder_.file("run"));
  const async::Endpoint address = free_address();

  EXPECT_THAT(claim(locks, address), IsEmpty());
  const auto first = reactor_.listen(address, {.shared = true});
  const auto second = reactor_.listen(address, {.shared = true});

  EXPECT_THAT(claim(locks, address), IsEmpty());  // again, by a reload
}

// Both share the port by SO_REUSEPORT: without the lock the second would start and take half.
TEST_F(AddressLocksTest, ASecondProcessIsRefusedAndToldByWhom) {
  const async::Endpoint address = free_address();
  AddressLocks locks(folder_.file("run"));
  const Neighbour first([&] {
    static AddressLocks kept(folder_.file("run"));
    if (!kept.claim(std::array{claimed(address)}).empty()) ::_exit(1);
  });

  EXPECT_THAT(claim(locks, address),
              ElementsAre(AllOf(HasSubstr("cannot listen on " + to_string(address)),
                                HasSubstr(fmt::format("process {} (", first.process())),
                                HasSubstr(to_string(address) + ".lock"))));
}

TEST_F(AddressLocksTest, ALockEndsWithItsProcessHoweverThatEnds) {
  const async::Endpoint address = free_address();
  AddressLocks locks(folder_.file("run"));
  Neighbour first([&] {
    static AddressLocks kept(folder_.file("run"));
    if (!kept.claim(std::array{claimed(address)}).empty()) ::_exit(1);
  });
  EXPECT_EQ(claim(locks, address).size(), 1);

  first.kill();

  EXPECT_THAT(claim(locks, address), IsEmpty());
}

// As another product would, or a proxy with another run folder.
TEST_F(AddressLocksTest, AStrangerWhoSharesThePortIsFoundAndNamed) {
  const async::Endpoint address = free_address();
  const Neighbour stranger([&] {
    static async::OffloadPools pools;
    static async::Reactor reactor(pools);
    static const auto listener = reactor.listen(address, {.shared = true});
  });
  AddressLocks locks(folder_.file("run"));

  EXPECT_THAT(
      claim(locks, address),
      ElementsAre(HasSubstr(fmt::format("in use by process {} (proxy_test)", stranger.process()))));
  EXPECT_THAT(claim(locks, {"0.0.0.0", address.port}), ElementsAre(HasSubstr("in use by process")));
}

TEST_F(AddressLocksTest, OwnListenersAreNotInTheWay) {
  const auto listener = reactor_.listen({}, {.shared = true});
  AddressLocks locks(folder_.file("run"));

  EXPECT_THAT(claim(locks, {"0.0.0.0", listener->local().port}), IsEmpty());
}

TEST_F(AddressLocksTest, AllReasonsAreGivenAndNothingIsClaimedThen) {
  const auto taken = reactor_.listen({});
  const async::Endpoint free = free_address();
  const std::array wanted{claimed(free), claimed({"192.0.2.1", 8080}),
                          claimed({"198.51.100.1", 8080})};
  AddressLocks locks(folder_.file("run"));

  EXPECT_THAT(locks.claim(wanted),
              ElementsAre(AllOf(HasSubstr("192.0.2.1:8080"), HasSubstr("no network interface")),
                          HasSubstr("198.51.100.1:8080")));

  AddressLocks another(folder_.file("run"));
  EXPECT_THAT(claim(another, free), IsEmpty());
}

TEST_F(AddressLocksTest, WhatIsReleasedCanBeClaimedByOthers) {
  AddressLocks one(folder_.file("run"));
  AddressLocks another(folder_.file("run"));
  const async::Endpoint address = free_address();
  EXPECT_THAT(claim(one, address), IsEmpty());
  EXPECT_EQ(claim(another, address).size(), 1);

  one.release(address);
  one.release(address);

  EXPECT_THAT(claim(another, address), IsEmpty());
}

TEST_F(AddressLocksTest, TheSpellingOfAnAddressDoesNotMatter) {
  AddressLocks one(folder_.file("run"));
  AddressLocks another(folder_.file("run"));
  const std::uint16_t port = free_address().port;
  if (!claim(one, {"::1", port}).empty()) GTEST_SKIP() << "no IPv6 here";

  EXPECT_EQ(claim(another, {"0:0:0:0:0:0:0:1", port}).size(), 1);
}

TEST_F(AddressLocksTest, ALinkLaidInTheFolderIsNotFollowed) {
  const async::Endpoint address = free_address();
  const std::string victim = folder_.file("victim");
  std::filesystem::create_directory(folder_.file("run"));
  std::filesystem::create_symlink(victim,
                                  folder_.file(("run/" + to_string(address) + ".lock").c_str()));
  AddressLocks locks(folder_.file("run"));

  EXPECT_THAT(claim(locks, address), ElementsAre(HasSubstr("cannot be opened")));
  EXPECT_FALSE(std::filesystem::exists(victim));
}

TEST_F(AddressLocksTest, ARunFolderThatCannotBeIsRefused) {
  EXPECT_THROW(AddressLocks(folder_.file("no/parent")), Error);
  EXPECT_THROW(AddressLocks("/proc/self/cmdline"), Error);
}

}  // namespace
}  // namespace sinew::proxy
