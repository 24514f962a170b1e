// The codec allocates nothing.

#include <gtest/gtest.h>

#include <array>

#include "sinew/wire/answer_parser.hpp"
#include "sinew/wire/body.hpp"
#include "sinew/wire/forwarded.hpp"
#include "sinew/wire/host.hpp"
#include "sinew/wire/outgoing_head.hpp"
#include "sinew/wire/path.hpp"
#include "sinew/wire/proxy_protocol.hpp"
#include "sinew/wire/request_parser.hpp"
#include "sinew/wire/writer.hpp"
#include "tests/support/counted_allocations.hpp"

namespace sinew::wire {
namespace {

using test::allocations;

TEST(Codec, AllocatesNothing) {
  std::array<std::byte, 512> buffer;
  const std::size_t before = allocations;

  Writer request(buffer);
  request.request("POST", "/orders?x=1").field("Host", "h").chunked().end_of_head();
  request.chunk(as_bytes("hello")).last_chunk().field("X-Sum", "1").end_of_head();
  RequestParser parser;
  const Progress progress = parser.parse(request.written());
  BodyDecoder body(parser.head().framing, {});
  Bytes rest = request.written().subspan(parser.head().bytes);
  const BodyDecoder::Step piece = body.next(rest);
  const BodyDecoder::Step end = body.next(rest.subspan(piece.consumed));
  AnswerParser answers(Method::get);
  const Progress refused = answers.parse(as_bytes("HTTP/1.1 200 OK\r\nA : b\r\n\r\n"));
  const std::size_t after = allocations;

  EXPECT_EQ(after, before);
  EXPECT_EQ(progress, Progress::complete);
  EXPECT_EQ(end.event, BodyDecoder::Event::end);
  EXPECT_EQ(refused, Progress::refused);
}

TEST(ProxyProtocol, AllocatesNothing) {
  std::array<std::byte, 512> out;
  ProxyHeader header;
  Fault fault;
  const std::size_t before = allocations;

  const ProxiedConnection connection{*parse_ip("::1"), *parse_ip("::2"), 1, 2};
  const auto written = write_proxy_v2(connection, "shop.example", out);
  const Progress two = parse_proxy_header(*written, {}, header, fault);
  const auto line = write_proxy_v1(connection, out);
  const Progress one = parse_proxy_header(*line, {}, header, fault);
  const std::size_t after = allocations;

  EXPECT_EQ(after, before);
  EXPECT_EQ(one, Progress::complete);
  EXPECT_EQ(two, Progress::complete);
}

TEST(CanonicalPath, AllocatesNothing) {
  std::array<char, 64> out;
  const std::size_t before = allocations;

  const auto path = canonical_path("/a/%2e%2e//b%c3%a9/./c", {}, out);
  const std::size_t after = allocations;

  EXPECT_EQ(after, before);
  EXPECT_EQ(path->text, "/b%C3%A9/c");
}

TEST(OutgoingHead, AllocatesNothing) {
  const Bytes received = as_bytes(
      "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close, x-hop\r\nX-Hop: 1\r\n"
      "X-Forwarded-For: 192.0.2.1, 10.0.0.2\r\nForwarded: for=\"[::1]\";proto=https\r\n\r\n");
  std::array<std::byte, 256> scratch;
  std::array<char, 64> text;
  const std::size_t before = allocations;

  RequestParser parser;
  const Progress progress = parser.parse(received);
  const ForwardedHops way = read_x_forwarded(parser.head(), received);
  const ForwardedHops other = read_forwarded(parser.head(), received);
  const auto host = canonical_host("EXAMPLE", text);
  OutgoingHead out(parser.head(), received, scratch);
  out.remove(hop_by_hop(parser.head(), received))
      .remove(forwarding_fields(parser.head(), received));
  out.set("Host", *host);
  const auto value =
      write_x_forwarded_for(parser.head(), received, true, *parse_ip("10.0.0.1"), text);
  out.add("X-Forwarded-For", *value);
  const auto pieces = out.pieces();
  const std::size_t after = allocations;

  EXPECT_EQ(after, before);
  EXPECT_EQ(progress, Progress::complete);
  EXPECT_EQ(way.count + other.count, 3U);
  EXPECT_TRUE(pieces.has_value());
}

TEST(Codec, CounterCounts) {
#if __has_feature(address_sanitizer)
  GTEST_SKIP() << "the sanitizer's operator new goes before the counting one";
#endif
  const std::size_t before = allocations;

  ::operator delete(::operator new(1));

  EXPECT_EQ(allocations, before + 1);
}

}  // namespace
}  // namespace sinew::wire
