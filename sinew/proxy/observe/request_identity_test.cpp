#include "sinew/proxy/observe/request_identity.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "sinew/wire/test_parsed.hpp"

namespace sinew::proxy {
namespace {

using wire::test::ParsedRequest;

constexpr IdentityBits kBits{0x0123456789abcdef, 0xfedcba9876543210, 0x1111111111111111,
                             0x2222222222222222, 0x3333333333333333};
constexpr std::string_view kMade = "0123456789abcdeffedcba9876543210";
constexpr std::string_view kBegun = "00-11111111111111112222222222222222-3333333333333333-00";

RequestIdentity identity_of(std::string_view lines, bool trusted = true) {
  const ParsedRequest request("Host: shop\r\n" + std::string(lines));
  RequestIdentity identity;
  identity.fill(request.head(), request.bytes(), trusted, kBits);
  return identity;
}

// The head that goes on, as text.
std::string sent_on(std::string_view lines) {
  const ParsedRequest request("Host: shop\r\n" + std::string(lines));
  RequestIdentity identity;
  identity.fill(request.head(), request.bytes(), true, kBits);
  std::array<std::byte, 512> scratch;
  wire::OutgoingHead out(request.head(), request.bytes(), scratch);
  identity.put_into(out);
  const auto pieces = out.pieces();
  EXPECT_TRUE(pieces);
  std::array<std::byte, 2'048> joined;
  return std::string(wire::as_text(*wire::join(*pieces, joined)));
}

TEST(RequestIdentityTest, ARequestWithoutAnIdGetsOneOf32Digits) {
  EXPECT_EQ(identity_of("").id(), kMade);
}

TEST(RequestIdentityTest, ATrustedPeersIdIsKept) {
  EXPECT_EQ(identity_of("X-Request-Id: order-4711/a.b:c\r\n").id(), "order-4711/a.b:c");
}

TEST(RequestIdentityTest, AStrangersIdIsReplaced) {
  EXPECT_EQ(identity_of("X-Request-Id: order-4711\r\n", false).id(), kMade);
}

TEST(RequestIdentityTest, AnIdThatCouldForgeOrFloodALogIsReplaced) {
  const std::string longest(RequestIdentity::kMaxIdBytes, 'a');

  EXPECT_EQ(identity_of("X-Request-Id: " + longest + "\r\n").id(), longest);
  EXPECT_EQ(identity_of("X-Request-Id: " + longest + "a\r\n").id(), kMade);
  for (const char* wrong : {"", "a b", "a\"b", "a\\b", "a,b", "a\xc3\xa4"}) {
    EXPECT_EQ(identity_of("X-Request-Id: " + std::string(wrong) + "\r\n").id(), kMade) << wrong;
  }
}

TEST(RequestIdentityTest, OfTwoIdsNeitherIsKept) {
  EXPECT_EQ(identity_of("X-Request-Id: a\r\nX-Request-Id: b\r\n").id(), kMade);
}

TEST(RequestIdentityTest, ATraceGoesOnWithASpanOfThisHop) {
  const auto identity = identity_of(
      "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n", false);

  EXPECT_EQ(identity.traceparent(), "00-4bf92f3577b34da6a3ce929d0e0e4736-3333333333333333-01");
  EXPECT_TRUE(identity.continued());
  EXPECT_EQ(identity.traceparent(), identity.trace().traceparent());
}

TEST(RequestIdentityTest, WithoutAValidTraceparentATraceBegins) {
  for (const char* lines : {"", "traceparent: 00-1-2-3\r\n",
                            "traceparent: 00-00000000000000000000000000000000-00f067aa0ba902b7-01"
                            "\r\n",
                            "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
                            "\r\n"
                            "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
                            "\r\n"}) {
    const auto identity = identity_of(lines);
    EXPECT_EQ(identity.traceparent(), kBegun) << lines;
    EXPECT_FALSE(identity.continued());
  }
}

TEST(RequestIdentityTest, ARequestThatWasNotUnderstoodHasAnIdToo) {
  RequestIdentity identity = identity_of("X-Request-Id: earlier\r\n");

  identity.fill(kBits);

  EXPECT_EQ(identity.id(), kMade);
  EXPECT_EQ(identity.traceparent(), kBegun);
}

TEST(RequestIdentityTest, TheHeadThatGoesOnSaysIdAndTraceOnce) {
  const auto head = sent_on(
      "x-request-id: mine\r\n"
      "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
      "tracestate: vendor=a\r\ntracestate: other=b\r\n");

  EXPECT_EQ(head,
            "GET / HTTP/1.1\r\nHost: shop\r\ntracestate: vendor=a\r\ntracestate: other=b\r\n"
            "X-Request-Id: mine\r\n"
            "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-3333333333333333-01\r\n\r\n");
}

TEST(RequestIdentityTest, StateOfATraceThatIsNotContinuedDoesNotGoOn) {
  const auto head = sent_on("traceparent: garbage\r\ntracestate: vendor=a\r\n");

  EXPECT_EQ(head.find("vendor"), std::string::npos) << head;
  EXPECT_NE(head.find(kBegun), std::string::npos) << head;
}

}  // namespace
}  // namespace sinew::proxy
