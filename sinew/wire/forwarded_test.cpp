#include "sinew/wire/forwarded.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "sinew/wire/test_parsed.hpp"

namespace sinew::wire {
namespace {

using test::ParsedRequest;

// The nodes of the way, last first; those that are no address in parentheses.
std::string nodes(const ForwardedHops& way) {
  std::string text;
  for (const ForwardedHop& hop : way.hops()) {
    text += hop.address ? std::string(hop.node) + " " : "(" + std::string(hop.node) + ") ";
  }
  return text;
}

std::string forwarded(std::string_view fields) {
  const ParsedRequest request("Host: h\r\n" + std::string(fields));
  return nodes(read_forwarded(request.head(), request.bytes()));
}

std::string x_forwarded(std::string_view fields) {
  const ParsedRequest request("Host: h\r\n" + std::string(fields));
  return nodes(read_x_forwarded(request.head(), request.bytes()));
}

TEST(Forwarded, TellsTheWayLastStepFirst) {
  EXPECT_EQ(forwarded(""), "");
  EXPECT_EQ(forwarded("Forwarded: for=192.0.2.60;proto=http;by=203.0.113.43\r\n"), "192.0.2.60 ");
  EXPECT_EQ(forwarded("Forwarded: for=192.0.2.1, For=\"[2001:db8::1]:4711\"\r\n"
                      "Forwarded: FOR=\"198.51.100.2:80\"\r\n"),
            "198.51.100.2 2001:db8::1 192.0.2.1 ");
  EXPECT_EQ(forwarded("Forwarded: for=_gazonk, for=unknown,, proto=https\r\n"),
            "() (unknown) (_gazonk) ");
}

TEST(Forwarded, BelievesNothingBeforeWhatIsMalformed) {
  EXPECT_EQ(forwarded("Forwarded: for=192.0.2.1\r\nForwarded: for=1.2.3.4 for=5.6.7.8\r\n"
                      "Forwarded: for=192.0.2.9\r\n"),
            "192.0.2.9 ");
  for (const std::string_view bad :
       {"for", "for=", "for=\"1.2.3.4", "for=1.2.3.4;for=5.6.7.8", "=x", "for=[::1]", "for = x",
        "for=\"a\\b\"", "for=1.2.3.4;", "for=x y"}) {
    EXPECT_EQ(forwarded("Forwarded: for=192.0.2.1\r\nForwarded: " + std::string(bad) + "\r\n"), "")
        << bad;
  }
}

TEST(Forwarded, ProtoAndHostBelongToTheirElement) {
  const ParsedRequest request(
      "Host: h\r\nForwarded: for=192.0.2.1;proto=https;host=\"a.example:8443\", for=10.0.0.1\r\n");

  const ForwardedHops way = read_forwarded(request.head(), request.bytes());

  ASSERT_EQ(way.count, 2U);
  EXPECT_EQ(way.hops()[0].proto, "");
  EXPECT_EQ(way.hops()[1].proto, "https");
  EXPECT_EQ(way.hops()[1].host, "a.example:8443");
}

TEST(XForwarded, TellsTheWayOfAllLines) {
  EXPECT_EQ(x_forwarded("X-Forwarded-For: 192.0.2.1, 2001:db8::1\r\nX-Forwarded-For: "
                        "[2001:db8::2]:80,198.51.100.1:5\r\n"),
            "198.51.100.1 2001:db8::2 2001:db8::1 192.0.2.1 ");
  EXPECT_EQ(x_forwarded("X-Forwarded-For: evil, , 192.0.2.1\r\n"), "192.0.2.1 () (evil) ");
  EXPECT_EQ(x_forwarded("X-Forwarded-For: 1.2.3.4:x, 1.2.3.4:123456, [1.2.3.4], 01.2.3.4\r\n"),
            "(01.2.3.4) (1.2.3.4) (1.2.3.4) (1.2.3.4) ");
}

TEST(XForwarded, LastProtoAndHostGoWithTheLastHop) {
  const ParsedRequest request(
      "Host: h\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http, https\r\n"
      "X-Forwarded-Host: a, b\r\nX-Forwarded-Host: c\r\n");

  const ForwardedHops way = read_x_forwarded(request.head(), request.bytes());

  EXPECT_EQ(way.hops()[0].proto, "https");
  EXPECT_EQ(way.hops()[0].host, "c");
}

TEST(XForwarded, KeepsTheLastHopsOfALongWay) {
  std::string line = "X-Forwarded-For: ";
  for (int i = 0; i < 40; ++i)
    line += "192.0.2." + std::to_string(i) + ",";

  const ParsedRequest request("Host: h\r\n" + line + "192.0.2.200\r\n");
  const ForwardedHops way = read_x_forwarded(request.head(), request.bytes());

  EXPECT_EQ(way.count, kMaxForwardedHops);
  EXPECT_EQ(way.hops().front().node, "192.0.2.200");
  EXPECT_EQ(way.hops().back().node, "192.0.2.25");
}

TEST(ClientHop, IsTheFirstThatIsNotTrusted) {
  const auto client = [](std::string_view list) {
    const ParsedRequest request("Host: h\r\nX-Forwarded-For: " + std::string(list) + "\r\n");
    const ForwardedHops way = read_x_forwarded(request.head(), request.bytes());
    const ForwardedHop* hop =
        client_hop(way, [](const IpAddress& address) { return address.bytes[0] == 10; });
    return hop == nullptr ? std::string("peer") : std::string(hop->node);
  };

  EXPECT_EQ(client("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(client("6.6.6.6, 192.0.2.1, 10.0.0.1"), "192.0.2.1");
  EXPECT_EQ(client("10.0.0.2, 10.0.0.1"), "10.0.0.2");
  EXPECT_EQ(client("192.0.2.1, forged, 10.0.0.1"), "10.0.0.1");
  EXPECT_EQ(client("192.0.2.1, forged"), "peer");
  EXPECT_EQ(client(""), "peer");
}

TEST(ClientBehind, IsFoundByTheNumberOfProxies) {
  const ParsedRequest request("Host: h\r\nX-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.0.0.1\r\n");
  const ForwardedHops way = read_x_forwarded(request.head(), request.bytes());

  EXPECT_EQ(client_behind(way, 1)->node, "10.0.0.1");
  EXPECT_EQ(client_behind(way, 2)->node, "192.0.2.1");
  EXPECT_EQ(client_behind(way, 4), nullptr);
  EXPECT_EQ(client_behind(way, 0), nullptr);
}

TEST(ForwardingFields, AreAllThatClaimToBeSomebodyElse) {
  const ParsedRequest request(
      "Host: h\r\nForwarded: for=x\r\nX-Forwarded-For: y\r\nx-forwarded-anything: z\r\n"
      "X-Real-IP: 1.2.3.4\r\nX-Forwarder: stays\r\n");

  const FieldSet set = forwarding_fields(request.head(), request.bytes());

  for (std::size_t i = 0; i < request.head().field_count; ++i)
    EXPECT_EQ(set.contains(i), i >= 1 && i <= 4) << i;
}

TEST(WriteForwarded, QuotesWhatIsNoToken) {
  std::array<char, 128> out;

  EXPECT_EQ(*write_forwarded({*parse_ip("192.0.2.1"), "http", "a.example"}, out),
            "for=192.0.2.1;proto=http;host=a.example");
  EXPECT_EQ(*write_forwarded({*parse_ip("2001:db8::1"), "https", "a.example:8443"}, out),
            "for=\"[2001:db8::1]\";proto=https;host=\"a.example:8443\"");
  EXPECT_EQ(*write_forwarded({*parse_ip("::1"), "http", ""}, out), "for=\"[::1]\";proto=http");
  EXPECT_EQ(write_forwarded({*parse_ip("::1"), "http", "a\"b"}, out).error(), Fault::bad_host);
  EXPECT_EQ(write_forwarded({*parse_ip("::1"), "http", ""}, std::span(out).first(10)).error(),
            Fault::no_space);
}

TEST(WriteXForwardedFor, GoesOnWithWhatATrustedPeerSaid) {
  const ParsedRequest request(
      "Host: h\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 192.0.2.1\r\n");
  const IpAddress peer = *parse_ip("10.0.0.1");
  std::array<char, 64> out;

  EXPECT_EQ(*write_x_forwarded_for(request.head(), request.bytes(), true, peer, out),
            "6.6.6.6, 192.0.2.1, 10.0.0.1");
  EXPECT_EQ(*write_x_forwarded_for(request.head(), request.bytes(), false, peer, out), "10.0.0.1");
  EXPECT_EQ(
      write_x_forwarded_for(request.head(), request.bytes(), true, peer, std::span(out).first(20))
          .error(),
      Fault::no_space);
}

}  // namespace
}  // namespace sinew::wire
