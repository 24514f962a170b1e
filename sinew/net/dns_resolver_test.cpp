#include "sinew/net/dns_resolver.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "sinew/async/offload_pool.hpp"
#include "sinew/async/reactor.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/sim/node.hpp"
#include "sinew/async/sim/world.hpp"
#include "sinew/async/watch.hpp"
#include "sinew/base/error.hpp"

namespace sinew::net {
namespace {

using namespace std::chrono_literals;

// A name server on a loopback port: knows the IPv4 address of `known.example`, and of
// `dual.known.example` an IPv6 one too, denies `unknown`, says nothing to `silent`, and to
// `failing` that it cannot tell.
class NameServer {
 public:
  NameServer() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), length), 0);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
  }
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;
  ~NameServer() { ::close(socket_); }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  Task<void> serve(async::Runtime& runtime) {
    struct Unwatch {
      ~Unwatch() { runtime.unwatch(socket); }
      async::Runtime& runtime;
      int socket;
    } const unwatch{runtime, socket_};
    for (;;) {
      co_await async::ready(socket_, async::Interest::readable);
      answer_one();
    }
  }

 private:
  void answer_one() {
    std::array<char, 512> query{};
    sockaddr_in from{};
    socklen_t length = sizeof(from);
    const auto got = ::recvfrom(socket_, query.data(), query.size(), 0,
                                reinterpret_cast<sockaddr*>(&from), &length);
    if (got < 17) return;
    std::string reply(query.data(), static_cast<std::size_t>(got));
    if (reply.find("silent") != std::string::npos) return;
    const std::size_t question_end = reply.find('\0', 12) + 5;
    const bool asks_ipv4 = reply[question_end - 3] == 1;
    const bool known =
        reply.find("known") != std::string::npos && reply.find("unknown") == std::string::npos;
    reply.resize(question_end);  // without the additional section
    const bool failing = reply.find("failing") != std::string::npos;
    const bool asks_ipv6 = reply[question_end - 3] == 28;
    const bool dual = asks_ipv6 && reply.find("dual") != std::string::npos;
    const bool found = known && (asks_ipv4 || dual);
    reply[2] = '\x81';
    reply[3] = known ? '\x80' : failing ? '\x82' : '\x83';  // SERVFAIL, NXDOMAIN
    reply[7] = found ? 1 : 0;                               // answers
    reply[9] = reply[11] = 0;
    // A pointer to the name, type A, class IN, 60 s, 4 bytes: 10.1.2.3.
    if (found && asks_ipv4) reply += std::string("\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\1\2\3", 16);
    // The same with type AAAA, 30 s, 16 bytes: 2001:db8::1.
    if (found && dual) {
      reply += std::string("\xc0\x0c\0\x1c\0\1\0\0\0\x1e\0\x10", 12);
      reply += std::string("\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    }
    ::sendto(socket_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
  }

  int socket_;
  std::uint16_t port_ = 0;
};

class DnsResolverTest : public testing::Test {
 protected:
  // "address address" or the condition that it failed with.
  std::string resolve(const std::string& host, Duration within = 30s) {
    DnsResolver resolver({.servers = server_.address(), .timeout = 20ms, .tries = 2});
    return reactor_.run(look_up(resolver, host, within));
  }

 private:
  Task<std::string> look_up(DnsResolver& resolver, std::string host, Duration within) {
    async::Scope scope(co_await async::this_context());
    scope.spawn(server_.serve(reactor_));
    std::string text;
    try {
      const Answer answer =
          co_await async::with_deadline(reactor_.now() + within, resolver.look_up(host));
      for (const std::string& address : answer.addresses)
        text += (text.empty() ? "" : " ") + address;
      if (answer.ttl) text += " for " + std::to_string(answer.ttl->count());
    } catch (const Error& error) {
      text = to_string(error.condition());
    }
    scope.cancel();
    co_await scope.join();
    co_return text;
  }

  async::OffloadPools pools_;
  async::Reactor reactor_{pools_};
  NameServer server_;
};

TEST_F(DnsResolverTest, FindsAKnownName) { EXPECT_EQ(resolve("known.example"), "10.1.2.3 for 60"); }

TEST_F(DnsResolverTest, FindsBothKindsOfAddressesAndTheLeastTimeToLive) {
  EXPECT_THAT(resolve("dual.known.example"),
              testing::AnyOf("10.1.2.3 2001:db8::1 for 30", "2001:db8::1 10.1.2.3 for 30"));
}

TEST_F(DnsResolverTest, AServerThatCannotTellDeniesNothing) {
  EXPECT_EQ(resolve("failing.example"), "unavailable");
}

TEST_F(DnsResolverTest, DeniesAnUnknownName) { EXPECT_EQ(resolve("unknown.example"), "not_found"); }

TEST_F(DnsResolverTest, GivesUpOnASilentServer) {
  EXPECT_EQ(resolve("silent.example"), "unavailable");
}

TEST_F(DnsResolverTest, KeepsTheDeadlineOfItsTask) {
  EXPECT_EQ(resolve("silent.example", 5ms), "timeout");
}

TEST_F(DnsResolverTest, AsksNobodyForNumbers) { EXPECT_EQ(resolve("10.9.8.7"), "10.9.8.7"); }

TEST(DnsResolver, RefusesMoreThanItsBound) {
  async::OffloadPools pools;
  async::Reactor reactor(pools);
  DnsResolver resolver({.max_lookups = 0});

  try {
    reactor.run(resolver.resolve("known.example"));
    FAIL() << "resolved beyond the bound";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::exhausted);
  }
}

TEST(DnsResolver, RefusesServersThatAreNone) {
  for (const char* servers : {"nonsense", "10.0.0.1:port", "10.0.0.1,,x"}) {
    EXPECT_THROW(DnsResolver({.servers = servers}), Error) << servers;
  }
  EXPECT_NO_THROW(DnsResolver({.servers = "10.0.0.1,10.0.0.2:5353,[::1]:53"}));
}

// A simulation shall not leak into the real world, and not wait for it either.
TEST(DnsResolver, RefusesNamesInASimulation) {
  async::sim::World world(1);
  auto& node = world.add_node("process");
  DnsResolver resolver({.servers = "127.0.0.1:9"});

  EXPECT_EQ(node.run(resolver.resolve("localhost")).front(), "127.0.0.1");
  try {
    node.run(resolver.resolve("known.example"));
    FAIL() << "resolved";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::unsupported);
  }
}

}  // namespace
}  // namespace sinew::net
