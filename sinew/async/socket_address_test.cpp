#include "sinew/async/socket_address.hpp"

#include <gtest/gtest.h>

namespace sinew::async {
namespace {

TEST(SocketAddress, ReadsAndWritesNumericAddresses) {
  for (const Endpoint& endpoint : {Endpoint{"127.0.0.1", 80}, Endpoint{"0.0.0.0", 0},
                                   Endpoint{"::1", 65535}, Endpoint{"2001:db8::17", 443}}) {
    EXPECT_EQ(SocketAddress(endpoint).endpoint(), endpoint);
  }
}

TEST(SocketAddress, RefusesWhatIsNotNumeric) {
  for (const char* address : {"", "localhost", "127.0.0.1:80", "[::1]", "1.2.3", "1.2.3.256"}) {
    SCOPED_TRACE(address);
    try {
      SocketAddress refused(Endpoint{address, 80});
      ADD_FAILURE() << "taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.condition(), Condition::invalid_input);
    }
  }
}

TEST(Endpoint, IsWrittenWithBracketsWhenIPv6) {
  EXPECT_EQ(to_string(Endpoint{"127.0.0.1", 80}), "127.0.0.1:80");
  EXPECT_EQ(to_string(Endpoint{"::1", 80}), "[::1]:80");
}

}  // namespace
}  // namespace sinew::async
