#include "sinew/proxy/exchange/exchange.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sinew/proxy/exchange/test_proxy.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::proxy::test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Own: 1\r\n\r\nhello";
const std::string kGet =
    "GET /orders/7?x=1 HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n";

TEST(ExchangeTest, AGetGoesOnWithTheHopsFieldsChangedAndItsAnswerComesBack) {
  ProxyWorld world;
  world.serve_always(kHello);
  world.start();

  const std::string answer = world.talk(kGet);

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(body_of(answer), "hello");
  EXPECT_EQ(field_of(answer, "X-Own"), "1");
  EXPECT_EQ(field_of(answer, "Connection"), "close");
  EXPECT_EQ(field_of(answer, "Via"), "1.1 sinew");
  ASSERT_EQ(world.seen.size(), 1U);
  const std::string& request = world.seen.front();
  EXPECT_THAT(request, StartsWith("GET /orders/7?x=1 HTTP/1.1\r\n"));
  EXPECT_EQ(field_of(request, "Host"), "127.0.0.1:9000");
  EXPECT_EQ(field_of(request, "Connection"), "");
  EXPECT_EQ(field_of(request, "X-Forwarded-Host"), "shop.example");
  EXPECT_EQ(field_of(request, "X-Forwarded-Proto"), "http");
  EXPECT_EQ(field_of(request, "X-Forwarded-Port"), "8000");
  EXPECT_EQ(field_of(request, "X-Request-Id"), field_of(answer, "X-Request-Id"));
  EXPECT_EQ(field_of(request, "X-Request-Id").size(), 32U);
  ASSERT_EQ(world.observer.told.size(), 1U);
  const Told& told = world.observer.told.front();
  EXPECT_EQ(told.status, 200);
  EXPECT_EQ(told.answer_body, 5U);
  EXPECT_EQ(told.flags, "");
}

TEST(ExchangeTest, RequestsOfAConnectionShareAnUpstreamConnection) {
  ProxyWorld world;
  world.serve_always(kHello);
  world.start();

  world.talk("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n" + kGet);

  EXPECT_EQ(world.seen.size(), 3U);
  EXPECT_EQ(world.back_ends.front()->connections(), 1);
  ASSERT_EQ(world.observer.told.size(), 3U);
  EXPECT_FALSE(world.observer.told[0].reused);
  EXPECT_TRUE(world.observer.told[1].reused);
}

TEST(ExchangeTest, ThePrefixIsStrippedAndThePathPutBehindTheServices) {
  ProxyWorld world;
  world.rules = {RouteRule{.paths = {"/api"}}};
  world.route.upstream_path = "/v2";
  world.serve_always(kHello);
  world.start();

  world.talk("GET /api/./a/../b%41?q=/api HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");

  ASSERT_EQ(world.seen.size(), 1U);
  EXPECT_THAT(world.seen.front(), StartsWith("GET /v2/bA?q=/api HTTP/1.1\r\n"));
  EXPECT_EQ(field_of(world.seen.front(), "X-Forwarded-Prefix"), "/api");
}

TEST(ExchangeTest, WithoutARouteIts404AndTheConnectionLivesOn) {
  ProxyWorld world;
  world.rules = {RouteRule{.paths = {"/api"}}};
  world.serve_always(kHello);
  world.start();

  const std::string answers = world.talk(
      "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /api HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");

  EXPECT_THAT(answers, StartsWith("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_THAT(answers, HasSubstr("no Route matched with those values"));
  EXPECT_EQ(field_of(answers, "Sinew-Response-Flags"), "NR");
  EXPECT_THAT(answers, EndsWith("hello"));
}

TEST(ExchangeTest, AMalformedRequestIs400AndNothingOfItGoesOn) {
  ProxyWorld world;
  world.serve_always(kHello);
  world.start();

  const std::string answer = world.talk("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + kGet);

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_EQ(field_of(answer, "Connection"), "close");
  EXPECT_TRUE(world.seen.empty());
  EXPECT_EQ(world.observer.told.at(0).flags, "DPE");
  EXPECT_EQ(world.observer.told.size(), 1U);
}

// Echoes the body of one request with a length.
Task<void> echo(async::Stream& stream, int) {
  for (;;) {
    const std::string head = co_await read_until(stream, "\r\n\r\n");
    if (!head.ends_with("\r\n\r\n")) co_return;
    std::string body;
    if (const std::string length = field_of(head, "Content-Length"); !length.empty()) {
      while (body.size() < std::stoul(length)) {
        const std::string more = co_await read_until(stream, "");
        if (!more.empty()) body += more;
        std::array<std::byte, 4'096> buffer;
        const auto read = stream.try_read(buffer);
        body += text_of(std::span(buffer).first(read.bytes));
        if (read.bytes == 0 && read.error != std::errc::operation_would_block) co_return;
        if (read.bytes == 0 && co_await stream.readable()) co_return;
      }
    } else if (!field_of(head, "Transfer-Encoding").empty()) {
      body = co_await read_until(stream, "0\r\n\r\n");
      co_await write(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body);
      continue;
    }
    co_await write(stream, "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                               "\r\n\r\n" + body);
  }
}

TEST(ExchangeTest, BodiesOfAnySizePassHoweverTheBytesAreCut) {
  tests::for_seeds(30, [](std::uint64_t seed) {
    ProxyWorld world(seed);
    world.serve(echo);
    world.start();
    const std::string body(static_cast<std::size_t>(world.world.random().next() % 200'000), 'b');

    const std::string answer =
        world.talk("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: " +
                   std::to_string(body.size()) + "\r\n\r\n" + body);

    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_EQ(body_of(answer).size(), body.size());
    EXPECT_EQ(world.observer.told.at(0).request_body, body.size());
  });
}

TEST(ExchangeTest, AChunkedBodyIsChunkedAgain) {
  ProxyWorld world;
  world.serve(echo);
  world.start();

  const std::string answer = world.talk(
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;x=y\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");

  EXPECT_EQ(field_of(answer, "Transfer-Encoding"), "chunked");
  EXPECT_THAT(answer, EndsWith("0\r\n\r\n"));
  EXPECT_EQ(world.observer.told.at(0).answer_body, 7U);
  EXPECT_THAT(answer, Not(HasSubstr("x=y")));
}

TEST(ExchangeTest, AnUpstreamThatClosesWithoutAnAnswerIs502) {
  ProxyWorld world;
  world.serve(
      [](async::Stream& stream, int) -> Task<void> { co_await read_until(stream, "\r\n\r\n"); });
  world.start();

  const std::string answer =
      world.talk("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx");

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 502 Bad Gateway\r\n"));
  const Told& told = world.observer.told.at(0);
  EXPECT_THAT(told.flags, testing::AnyOf("UC", "UR"));
  EXPECT_EQ(told.attempts, 1);
}

// Answers one request a connection without saying that it closes.
Task<void> answer_once(async::Stream& stream, int) {
  co_await read_until(stream, "\r\n\r\n");
  co_await write(stream, kHello);
  co_await read_until(stream, "\r\n\r\n");
}

TEST(ExchangeTest, AStaleConnectionIsTriedOnceAgainForAGet) {
  ProxyWorld world;
  world.serve(answer_once);
  world.start();

  const std::string answers = world.talk("GET / HTTP/1.1\r\nHost: a\r\n\r\n" + kGet);

  EXPECT_THAT(answers, EndsWith("hello"));
  ASSERT_EQ(world.observer.told.size(), 2U);
  EXPECT_EQ(world.observer.told[1].status, 200);
  EXPECT_EQ(world.observer.told[1].attempts, 2);
}

TEST(ExchangeTest, ButNeverForAPost) {
  ProxyWorld world;
  world.serve(answer_once);
  world.start();

  const std::string answers = world.talk(
      "GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nConnection: "
      "close\r\nContent-Length: 0\r\n\r\n");

  ASSERT_EQ(world.observer.told.size(), 2U);
  EXPECT_EQ(world.observer.told[1].status, 502);
  EXPECT_EQ(world.observer.told[1].attempts, 1);
}

TEST(ExchangeTest, AClientWithoutTheCookieGetsOneThatLeadsItToTheSameEndpoint) {
  ProxyWorld world;
  world.settings.balancer.algorithm = Balancing::consistent_hash;
  world.settings.hash_slots = 1'009;
  world.settings.hash = {
      .source = HashKey::Source::cookie, .name = "sticky", .cookie_path = "/shop"};
  world.settings.targets.clear();
  for (std::uint16_t at = 9'000; at < 9'008; ++at) {
    world.settings.targets.push_back({.host = "127.0.0.1", .port = at});
    world.serve(
        [at](async::Stream& stream, int) -> Task<void> {
          co_await read_until(stream, "\r\n\r\n");
          co_await write(stream,
                         "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + std::to_string(at));
        },
        at);
  }
  world.start();

  const std::string first = world.talk(kGet);
  const std::string cookie = field_of(first, "Set-Cookie");
  ASSERT_THAT(cookie, testing::MatchesRegex("sticky=[0-9a-f]{16}; Path=/shop"));

  const std::string again =
      world.talk("GET / HTTP/1.1\r\nHost: a\r\nCookie: " + cookie.substr(0, cookie.find(';')) +
                 "\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(body_of(again), body_of(first));
  EXPECT_EQ(field_of(again, "Set-Cookie"), "");
}

TEST(ExchangeTest, NobodyListeningIs502AfterTheRetriesAndAnotherEndpointIsTried) {
  ProxyWorld world;
  world.settings.targets = {{.host = "127.0.0.1", .port = 9'001},
                            {.host = "127.0.0.1", .port = 9'000}};
  world.serve_always(kHello);
  world.start();

  for (int i = 0; i < 4; ++i)
    EXPECT_THAT(world.talk(kGet), EndsWith("hello"));

  int twice = 0;
  for (const Told& told : world.observer.told)
    twice += told.attempts == 2 ? 1 : 0;
  EXPECT_GE(twice, 1);
}

TEST(ExchangeTest, AnUpstreamThatIsSilentIs504) {
  ProxyWorld world;
  world.route.limits.read_timeout = std::chrono::seconds(2);
  world.serve([](async::Stream& stream, int) -> Task<void> { co_await read_to_end(stream); });
  world.start();

  const std::string answer = world.talk(kGet);

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 504 Gateway Timeout\r\n"));
  EXPECT_EQ(world.observer.told.at(0).flags, "UT");
}

TEST(ExchangeTest, AHeadThatDoesNotComeIs408) {
  ProxyWorld world;
  world.start();
  const std::string answer = world.talk("GET / HTTP/1.1\r\nHo");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_EQ(world.observer.told.at(0).flags, "RT");
}

TEST(ExchangeTest, AConnectionWithoutABytesEndsWithoutAWord) {
  ProxyWorld world;
  world.start();
  EXPECT_EQ(world.talk(""), "");
  EXPECT_TRUE(world.observer.told.empty());
}

TEST(ExchangeTest, AnAnswerThatIsCutShortIsNotMadeToLookWhole) {
  ProxyWorld world;
  world.serve([](async::Stream& stream, int) -> Task<void> {
    co_await read_until(stream, "\r\n\r\n");
    co_await write(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  });
  world.start();

  const std::string answer = world.talk("GET / HTTP/1.1\r\nHost: a\r\n\r\n");

  EXPECT_THAT(answer, HasSubstr("hello"));
  EXPECT_THAT(answer, Not(HasSubstr("\r\n0\r\n")));
  EXPECT_THAT(world.observer.told.at(0).flags, testing::AnyOf("UC", "UR"));
}

TEST(ExchangeTest, WhatIsNoAnswerIs502WithTheFault) {
  ProxyWorld world;
  world.serve_always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!");
  world.start();

  const std::string answer = world.talk(kGet);

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 502 Bad Gateway\r\n"));
  EXPECT_EQ(world.observer.told.at(0).flags, "UPE");
  EXPECT_FALSE(world.observer.told.at(0).reason.empty());
}

TEST(ExchangeTest, ABodyThatIsMalformedFromItsBeginningIs502AsNothingOfTheAnswerIsSent) {
  ProxyWorld world;
  world.serve_always("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n");
  world.start();

  const std::string answer = world.talk(kGet);

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 502 Bad Gateway\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("200 OK")));
  EXPECT_EQ(world.observer.told.at(0).flags, "UPE");
  EXPECT_EQ(world.observer.told.at(0).status, 502);
}

TEST(ExchangeTest, AHeadRequestsAnswerHasNoBodyAndKeepsItsLength) {
  ProxyWorld world;
  world.serve_always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  world.start();

  const std::string answers = world.talk(
      "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");

  EXPECT_EQ(field_of(answers, "Content-Length"), "5");
  EXPECT_EQ(world.observer.told.size(), 2U);
  EXPECT_EQ(world.observer.told[1].status, 200);
}

TEST(ExchangeTest, AnAnswerUntilTheCloseIsChunkedForANewClientAndClosedForAnOldOne) {
  ProxyWorld world;
  world.serve([](async::Stream& stream, int) -> Task<void> {
    co_await read_until(stream, "\r\n\r\n");
    co_await write(stream, "HTTP/1.1 200 OK\r\n\r\nhello");
    stream.shutdown_write();
    co_await read_to_end(stream);
  });
  world.start();

  EXPECT_THAT(world.talk(kGet), EndsWith("5\r\nhello\r\n0\r\n\r\n"));
  const std::string old = world.talk("GET / HTTP/1.0\r\n\r\n");
  EXPECT_THAT(old, EndsWith("\r\n\r\nhello"));
  EXPECT_EQ(field_of(old, "Transfer-Encoding"), "");
}

TEST(ExchangeTest, InterimAnswersPassAndContinueOnlyToThoseWhoWait) {
  ProxyWorld world;
  world.serve_always("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" +
                     kHello);
  world.start();

  const std::string answer = world.talk(kGet);

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK"));
}

TEST(ExchangeTest, ExpectGoesToTheUpstreamWhichSaysContinue) {
  ProxyWorld world;
  world.serve([](async::Stream& stream, int) -> Task<void> {
    const std::string head = co_await read_until(stream, "\r\n\r\n");
    EXPECT_EQ(field_of(head, "Expect"), "100-continue");
    co_await write(stream, "HTTP/1.1 100 Continue\r\n\r\n");
    co_await read_until(stream, "abc");
    co_await write(stream, kHello);
    co_await read_to_end(stream);
  });
  world.start();

  const std::string answer = world.run([](ProxyWorld& in) -> Task<std::string> {
    auto stream = co_await in.connect();
    co_await write(*stream,
                   "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: "
                   "close\r\nContent-Length: 3\r\n\r\n");
    std::string text = co_await read_until(*stream, "\r\n\r\n");
    co_await write(*stream, "abc");
    text += co_await read_to_end(*stream);
    co_return text;
  }(world));

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, EndsWith("hello"));
}

TEST(ExchangeTest, AnAnswerBeforeTheRequestIsWholePassesAndTheConnectionEnds) {
  ProxyWorld world;
  world.serve([](async::Stream& stream, int) -> Task<void> {
    co_await read_until(stream, "\r\n\r\n");
    co_await write(stream, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
    co_await read_to_end(stream);
  });
  world.start();

  const std::string answer = world.talk(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + std::string(1'000, 'x'));

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413 Content Too Large\r\n"));
  EXPECT_EQ(world.observer.told.at(0).status, 413);
}

TEST(ExchangeTest, AnUpgradeBecomesATunnel) {
  ProxyWorld world;
  world.serve([](async::Stream& stream, int) -> Task<void> {
    const std::string head = co_await read_until(stream, "\r\n\r\n");
    EXPECT_EQ(field_of(head, "Upgrade"), "websocket");
    EXPECT_EQ(field_of(head, "Connection"), "upgrade");
    co_await write(stream,
                   "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
                   "websocket\r\n\r\nwelcome");
    const std::string said = co_await read_until(stream, "!");
    co_await write(stream, "you said " + said);
    stream.shutdown_write();
    co_await read_to_end(stream);
  });
  world.start();

  const std::string answer = world.run([](ProxyWorld& in) -> Task<std::string> {
    auto stream = co_await in.connect();
    co_await write(
        *stream, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    std::string text = co_await read_until(*stream, "welcome");
    co_await write(*stream, "hi!");
    text += co_await read_until(*stream, "hi!");
    stream->shutdown_write();
    text += co_await read_to_end(*stream);
    co_return text;
  }(world));

  world.pass(std::chrono::seconds(1));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
  EXPECT_THAT(answer, EndsWith("welcomeyou said hi!"));
  EXPECT_TRUE(world.observer.told.at(0).upgraded);
}

TEST(ExchangeTest, AClientThatGoesAwayTakesItsUpstreamRequestWithIt) {
  ProxyWorld world;
  bool ended = false;
  world.serve([&](async::Stream& stream, int) -> Task<void> {
    co_await read_to_end(stream);
    ended = true;
  });
  world.start();

  world.run([](ProxyWorld& in) -> Task<void> {
    auto stream = co_await in.connect();
    co_await write(*stream, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    co_await async::sleep_for(std::chrono::seconds(1));
  }(world));
  world.pass(std::chrono::seconds(1));

  EXPECT_TRUE(ended);
  EXPECT_EQ(world.observer.told.at(0).flags, "DC");
  EXPECT_EQ(world.cluster->limits().use(ClusterLimit::requests).in_use, 0);
}

TEST(ExchangeTest, AReaderThatIsSlowHoldsABoundedNumberOfBytes) {
  ProxyWorld world;
  std::size_t written = 0;
  world.serve([&](async::Stream& stream, int) -> Task<void> {
    co_await read_until(stream, "\r\n\r\n");
    co_await write(stream, "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
    const std::string block(1'000'000, 'x');
    for (int i = 0; i < 100; ++i) {
      co_await write(stream, block);
      written += block.size();
    }
  });
  world.start();

  world.run([](ProxyWorld& in) -> Task<void> {
    auto stream = co_await in.connect();
    co_await write(*stream, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    co_await async::sleep_for(std::chrono::seconds(30));
  }(world));

  EXPECT_LT(written, 5'000'000U);
}

}  // namespace
}  // namespace sinew::proxy::test
