#include "sinew/async/port_holders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "sinew/async/reactor.hpp"

namespace sinew::async {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

class PortHoldersTest : public testing::Test {
 protected:
  OffloadPools pools;
  Reactor reactor{pools};
  const testing::Matcher<PortHolder> self = Field(&PortHolder::process, ::getpid());
};

TEST_F(PortHoldersTest, NamesAProcessOnceByItsAddressAndByWildcards) {
  const auto listener = reactor.listen({}, {.shared = true});
  const auto another = reactor.listen(listener->local(), {.shared = true});
  const std::uint16_t port = listener->local().port;

  EXPECT_THAT(port_holders({"127.0.0.1", port}), ElementsAre(self));
  EXPECT_THAT(port_holders({"0.0.0.0", port}), ElementsAre(self));
  EXPECT_THAT(port_holders({"::", port}), ElementsAre(self));
  EXPECT_THAT(to_string(port_holders({"127.0.0.1", port}).front()),
              testing::MatchesRegex("process [0-9]+ \\(async_test\\)"));
}

TEST_F(PortHoldersTest, AWildcardHoldsEveryAddressOfItsPort) {
  const auto listener = reactor.listen({"0.0.0.0", 0});

  EXPECT_THAT(port_holders({"127.0.0.9", listener->local().port}), ElementsAre(self));
}

TEST_F(PortHoldersTest, AnotherAddressOrPortIsNotInTheWay) {
  const auto listener = reactor.listen({});
  const std::uint16_t port = listener->local().port;

  EXPECT_THAT(port_holders({"127.0.0.2", port}), IsEmpty());
  EXPECT_THAT(port_holders({"::1", port}), IsEmpty());
  EXPECT_THAT(port_holders({"127.0.0.1", 1}), IsEmpty());
}

TEST_F(PortHoldersTest, KnowsTheAddressesOfIpv6) {
  std::unique_ptr<Listener> listener;
  try {
    listener = reactor.listen({"::1", 0});
  } catch (const Error&) {
    GTEST_SKIP() << "no IPv6 here";
  }

  EXPECT_THAT(port_holders(listener->local()), ElementsAre(self));
  EXPECT_THAT(port_holders({"127.0.0.1", listener->local().port}), IsEmpty());
}

TEST_F(PortHoldersTest, SaysWhatItDoesNotKnow) {
  EXPECT_EQ(to_string(PortHolder{}), "another user's process");
  EXPECT_THROW(port_holders({"localhost", 80}), Error);
}

}  // namespace
}  // namespace sinew::async
