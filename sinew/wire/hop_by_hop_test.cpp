#include "sinew/wire/hop_by_hop.hpp"

#include <gtest/gtest.h>

#include <string>

#include "sinew/wire/test_parsed.hpp"

namespace sinew::wire {
namespace {

using test::ParsedAnswer;
using test::ParsedRequest;

// The names of the fields that go on, one behind the other.
template <typename Parsed>
std::string kept(const Parsed& parsed) {
  const FieldSet removed = hop_by_hop(parsed.head(), parsed.bytes());
  std::string names;
  for (std::size_t i = 0; i < parsed.head().field_count; ++i) {
    if (removed.contains(i)) continue;
    names += std::string(parsed.head().storage[i].name.in(parsed.bytes())) + " ";
  }
  return names;
}

TEST(HopByHop, FieldsStayWhereTheyAre) {
  const ParsedRequest request(
      "Host: h\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r\n"
      "TE: trailers\r\nUpgrade: websocket\r\nProxy-Authorization: Basic eA==\r\n"
      "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\nAccept: */*\r\n");
  const ParsedAnswer answer(
      "HTTP/1.1 200 OK\r\nConnection: close\r\nKeep-Alive: timeout=5\r\n"
      "Proxy-Authenticate: Basic\r\nContent-Length: 0\r\nServer: x\r\n\r\n");

  EXPECT_EQ(kept(request), "Host Trailer Accept ");
  EXPECT_EQ(kept(answer), "Content-Length Server ");
}

TEST(HopByHop, FieldsThatConnectionNamesGoInEveryLineAndCase) {
  const ParsedRequest request(
      "Host: h\r\nx-hop: 1\r\nConnection: close, X-Hop\r\nX-Other: 2\r\nconnection: x-other\r\n"
      "X-HOP: 3\r\nX-Stays: 4\r\nHTTP2-Settings: AA\r\nConnection: HTTP2-Settings\r\n");

  EXPECT_EQ(kept(request), "Host X-Stays ");
}

TEST(HopByHop, ConnectionTakesNoFieldAwayThatIsEndToEnd) {
  const std::string fields =
      "Host: h\r\nContent-Length: 1\r\nAuthorization: x\r\nCookie: c\r\nX-Forwarded-For: "
      "1.2.3.4\r\n"
      "X-Request-Id: r\r\nForwarded: for=_x\r\n";
  const ParsedRequest request(
      fields +
          "Connection: host, content-length, transfer-encoding, authorization, cookie, "
          "x-forwarded-for, x-request-id, forwarded\r\n",
      "POST / HTTP/1.1");

  EXPECT_EQ(kept(request),
            "Host Content-Length Authorization Cookie X-Forwarded-For X-Request-Id Forwarded ");
}

TEST(HopByHop, ExpectGoesOnOnlyWhereABodyIsExpected) {
  const std::string expect = "Host: h\r\nExpect: 100-continue\r\n";

  EXPECT_EQ(kept(ParsedRequest(expect + "Content-Length: 1\r\n")), "Host Expect Content-Length ");
  EXPECT_EQ(kept(ParsedRequest(expect + "Content-Length: 0\r\n")), "Host Content-Length ");
  EXPECT_EQ(kept(ParsedRequest(expect)), "Host ");
  EXPECT_EQ(kept(ParsedRequest(expect + "Content-Length: 1\r\n", "POST / HTTP/1.0")),
            "Host Content-Length ");
}

TEST(HopByHop, NamesThatPassForKnownOnesStayHere) {
  EXPECT_EQ(kept(ParsedRequest("Host: h\r\nX_Forwarded_For: 1\r\nX-Real_Name: y\r\na_b: c\r\n"
                               "User_Agent: z\r\n")),
            "Host X-Real_Name a_b ");
  EXPECT_TRUE(is_field_alias("x-forwarded_for"));
  EXPECT_FALSE(is_field_alias("x-forwarded-for"));
  EXPECT_FALSE(is_field_alias("_"));
}

TEST(AcceptsTrailers, NeedsBothFields) {
  const auto accepts = [](std::string_view fields) {
    const ParsedRequest request("Host: h\r\n" + std::string(fields));
    return accepts_trailers(request.head(), request.bytes());
  };

  EXPECT_TRUE(accepts("TE: trailers\r\nConnection: TE\r\n"));
  EXPECT_FALSE(accepts("TE: trailers\r\n"));
  EXPECT_FALSE(accepts("Connection: TE\r\n"));
  EXPECT_FALSE(accepts("TE: gzip;q=0.5\r\nConnection: TE\r\n"));
  EXPECT_FALSE(accepts("TE: gzip\r\nTE: trailers\r\nConnection: TE\r\n"));
}

TEST(RequestedUpgrade, IsOneProtocolOfAGetWithoutABody) {
  const auto requested = [](std::string_view fields, std::string_view start = "GET / HTTP/1.1") {
    const ParsedRequest request("Host: h\r\n" + std::string(fields), start);
    const auto protocol = requested_upgrade(request.head(), request.bytes());
    return std::string(protocol.value_or("none"));
  };
  const std::string websocket = "Connection: Upgrade\r\nUpgrade: websocket\r\n";

  EXPECT_EQ(requested(websocket), "websocket");
  EXPECT_EQ(requested("Connection: keep-alive, upgrade\r\nUpgrade: HTTP/3.0\r\n"), "HTTP/3.0");
  EXPECT_EQ(requested("Upgrade: websocket\r\n"), "none");
  EXPECT_EQ(requested("Connection: upgrade\r\n"), "none");
  EXPECT_EQ(requested("Connection: upgrade\r\nUpgrade: websocket, h2c\r\n"), "none");
  EXPECT_EQ(requested(websocket + "Upgrade: h2c\r\n"), "none");
  EXPECT_EQ(requested("Connection: upgrade\r\nUpgrade: a b\r\n"), "none");
  EXPECT_EQ(requested(websocket, "POST / HTTP/1.1"), "none");
  EXPECT_EQ(requested(websocket, "GET / HTTP/1.0"), "none");
  EXPECT_EQ(requested(websocket + "Content-Length: 1\r\n"), "none");
}

TEST(GrantsUpgrade, IsOfTheProtocolThatWasAskedFor) {
  const auto grants = [](std::string_view message) {
    const ParsedAnswer answer(message);
    return grants_upgrade(answer.head(), answer.bytes(), "websocket");
  };
  const std::string switching = "HTTP/1.1 101 Switching Protocols\r\n";

  EXPECT_TRUE(grants(switching + "Connection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n"));
  EXPECT_FALSE(grants(switching + "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"));
  EXPECT_FALSE(grants(switching + "Upgrade: websocket\r\n\r\n"));
  EXPECT_FALSE(grants(switching + "\r\n"));
  EXPECT_FALSE(grants("HTTP/1.1 200 OK\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"));
}

TEST(PassedThrough, FindsItsOwnNameInVia) {
  const ParsedRequest request(
      "Host: h\r\nVia: 1.0 fred, HTTP/1.1 p.example:8080 (Apache)\r\nVia: 1.1  Edge-7\r\n");
  const auto passed = [&](std::string_view name) {
    return passed_through(request.head(), request.bytes(), name);
  };

  EXPECT_TRUE(passed("fred"));
  EXPECT_TRUE(passed("p.example:8080"));
  EXPECT_TRUE(passed("edge-7"));
  EXPECT_FALSE(passed("p.example"));
  EXPECT_FALSE(passed("Apache"));
}

}  // namespace
}  // namespace sinew::wire
