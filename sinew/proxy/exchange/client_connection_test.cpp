#include "sinew/proxy/exchange/client_connection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sinew/proxy/exchange/test_proxy.hpp"
#include "sinew/tls/test_connection.hpp"

namespace sinew::proxy::test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const std::string kGet = "GET / HTTP/1.1\r\nHost: orders.test\r\nConnection: close\r\n\r\n";

std::vector<AddressRange> everybody() { return {{.address = {}, .prefix = 0}}; }

class ClientConnectionTest : public testing::Test {
 protected:
  ClientConnectionTest() { world.serve_always(kHello); }
  ProxyWorld world;
};

TEST_F(ClientConnectionTest, WithTheProxyProtocolTheClientIsWhomTheHeaderNames) {
  world.listener.proxy_protocol = {.from = everybody()};
  world.start();

  const std::string answer = world.talk("PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n" + kGet);

  EXPECT_THAT(answer, EndsWith("hello"));
  EXPECT_EQ(field_of(world.seen.at(0), "X-Real-IP"), "192.0.2.7");
  EXPECT_EQ(field_of(world.seen.at(0), "X-Forwarded-Port"), "443");
  EXPECT_EQ(world.observer.told.at(0).client, "192.0.2.7");
}

TEST_F(ClientConnectionTest, WithoutItsHeaderNothingIsAnswered) {
  world.listener.proxy_protocol = {.from = everybody()};
  world.start();
  EXPECT_EQ(world.talk(kGet), "");
  EXPECT_TRUE(world.seen.empty());
}

TEST_F(ClientConnectionTest, AHeaderThatDoesNotComeEndsTheConnectionAfterItsOwnTime) {
  world.listener.proxy_protocol = {.from = everybody(), .timeout = std::chrono::seconds(2)};
  world.start();
  const Instant before = world.client.now();
  EXPECT_EQ(world.talk("PROXY TCP4 192."), "");
  EXPECT_LT(world.client.now() - before, std::chrono::seconds(3));
}

TEST_F(ClientConnectionTest, OnlyListedPeersMaySpeakForOthers) {
  world.listener.proxy_protocol = {.from = {{.address = {.bytes = {192, 0, 2, 0}}, .prefix = 24}}};
  world.start();
  EXPECT_EQ(world.talk("PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n" + kGet), "");
  EXPECT_TRUE(world.seen.empty());
}

TEST_F(ClientConnectionTest, ATrustedPeersWordsAboutTheClientCountAndAStrangersDoNot) {
  const std::string request =
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: 203.0.113.5\r\n"
      "X-Forwarded-Proto: https\r\n\r\n";
  world.start();
  world.talk(request);
  EXPECT_EQ(field_of(world.seen.at(0), "X-Forwarded-For"), "127.0.0.1");
  EXPECT_EQ(field_of(world.seen.at(0), "X-Forwarded-Proto"), "http");

  ProxyWorld trusting;
  trusting.serve_always(kHello);
  trusting.listener.trusted = everybody();
  trusting.listener.client_recursive = true;
  trusting.start();
  trusting.talk(request);
  EXPECT_EQ(field_of(trusting.seen.at(0), "X-Forwarded-For"), "203.0.113.5, 127.0.0.1");
  EXPECT_EQ(field_of(trusting.seen.at(0), "X-Forwarded-Proto"), "https");
  EXPECT_EQ(trusting.observer.told.at(0).client, "203.0.113.5");
}

Task<std::string> talk_tls(ProxyWorld& world, std::string name, std::string request) {
  auto stream = tls::TlsStream::client(co_await world.connect(), tls::test::call(), {.name = name});
  if (const auto error = co_await stream->handshake()) co_return error.message();
  co_await write(*stream, std::move(request));
  co_return co_await read_to_end(*stream);
}

TEST_F(ClientConnectionTest, TlsIsSpokenWithTheSnapshotsCertificates) {
  world.listener.tls = true;
  world.listener.tls_context = tls::test::serve();
  world.start();

  EXPECT_THAT(world.run(talk_tls(world, "orders.test", kGet)), EndsWith("hello"));
  EXPECT_EQ(field_of(world.seen.at(0), "X-Forwarded-Proto"), "https");
}

TEST_F(ClientConnectionTest, PlainHttpOnATlsPortIsToldSo) {
  world.listener.tls = true;
  world.listener.tls_context = tls::test::serve();
  world.start();

  const std::string answer = world.talk(kGet);

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(answer, HasSubstr("plain HTTP request was sent to a port that has TLS"));
  EXPECT_TRUE(world.seen.empty());
}

TEST_F(ClientConnectionTest, ManyRequestsInARowEndWithTheConnectionsBound) {
  world.listener.max_requests = 3;
  world.start();
  std::string requests;
  for (int i = 0; i < 5; ++i)
    requests += "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

  const std::string answers = world.talk(requests);

  EXPECT_EQ(world.seen.size(), 3U);
  EXPECT_THAT(answers, HasSubstr("Connection: close"));
}

}  // namespace
}  // namespace sinew::proxy::test
