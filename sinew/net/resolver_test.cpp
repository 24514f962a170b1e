#include "sinew/net/resolver.hpp"

#include <gtest/gtest.h>

namespace sinew::net {
namespace {

TEST(ResolveLocally, KnowsNumbersAndLocalhost) {
  using Addresses = std::vector<std::string>;

  EXPECT_EQ(resolve_locally("10.0.0.1"), Addresses{"10.0.0.1"});
  EXPECT_EQ(resolve_locally("::1"), Addresses{"::1"});
  EXPECT_EQ(resolve_locally("LocalHost"), (Addresses{"127.0.0.1", "::1"}));
  EXPECT_EQ(resolve_locally("sales.localhost."), (Addresses{"127.0.0.1", "::1"}));
  for (const char* host : {"notlocalhost", "localhost.example", "1.2.3", "10.0.0.256", "", "a"}) {
    EXPECT_EQ(resolve_locally(host), std::nullopt) << host;
  }
}

}  // namespace
}  // namespace sinew::net
