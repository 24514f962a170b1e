#include "sinew/wire/outgoing_head.hpp"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <string>

#include "sinew/wire/test_parsed.hpp"

namespace sinew::wire {
namespace {

using test::ParsedAnswer;
using test::ParsedRequest;

constexpr std::string_view kFields = "Host: h\r\nA: 1\r\nB: 2\r\nConnection: b\r\nC: 3\r\n";

struct Sent {
  std::string text;
  std::size_t pieces = 0;
  Fault fault = Fault::none;
};

template <typename Parsed>
Sent send(const Parsed& parsed, const std::function<void(OutgoingHead&)>& edit = {}) {
  std::array<std::byte, 256> scratch;
  OutgoingHead out(parsed.head(), parsed.bytes(), scratch);
  if (edit) edit(out);
  const auto pieces = out.pieces();
  if (!pieces) return {"", 0, pieces.error()};
  std::array<std::byte, 4096> joined;
  return {std::string(as_text(*join(*pieces, joined))), pieces->size()};
}

TEST(OutgoingHead, UntouchedIsAsItCame) {
  const ParsedRequest request(kFields);
  const ParsedAnswer answer("HTTP/1.1 200 Fine\r\nA: 1\r\nContent-Length: 0\r\n\r\n");

  EXPECT_EQ(send(request).text, request.text);
  EXPECT_EQ(send(request).pieces, 2U);  // all of its own range, and the empty line
  EXPECT_EQ(send(answer).text, answer.text);
}

TEST(OutgoingHead, LeavesOutWhatWasRemoved) {
  const ParsedRequest request(kFields);

  const Sent sent = send(request, [&](OutgoingHead& out) {
    out.remove(hop_by_hop(request.head(), request.bytes())).remove("a");
  });

  EXPECT_EQ(sent.text, "GET / HTTP/1.1\r\nHost: h\r\nC: 3\r\n\r\n");
  EXPECT_EQ(sent.pieces, 3U);
}

TEST(OutgoingHead, SetsAndAdds) {
  const ParsedRequest request(kFields);

  const Sent sent = send(request, [](OutgoingHead& out) {
    out.set("host", "upstream").set("A", "4").add("C", "5").remove(FieldId::connection);
  });

  EXPECT_EQ(sent.text, "GET / HTTP/1.1\r\nB: 2\r\nC: 3\r\nhost: upstream\r\nA: 4\r\nC: 5\r\n\r\n");
}

TEST(OutgoingHead, ReplacesThePathAndKeepsTheQuery) {
  const ParsedRequest request("Host: h\r\n", "GET /a/../b?q=1 HTTP/1.1");

  EXPECT_EQ(send(request, [](OutgoingHead& out) { out.target("/b"); }).text,
            "GET /b?q=1 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(send(request, [](OutgoingHead& out) { out.target("/api", "/b"); }).text,
            "GET /api/b?q=1 HTTP/1.1\r\nHost: h\r\n\r\n");
}

TEST(OutgoingHead, AbsoluteFormBecomesOriginForm) {
  const auto sent = [](std::string_view start) {
    return send(ParsedRequest("Host: h:1\r\n", start)).text;
  };

  EXPECT_EQ(sent("GET http://h:1/a?b HTTP/1.1"), "GET /a?b HTTP/1.1\r\nHost: h:1\r\n\r\n");
  EXPECT_EQ(sent("GET http://h:1 HTTP/1.1"), "GET / HTTP/1.1\r\nHost: h:1\r\n\r\n");
  EXPECT_EQ(sent("GET http://h:1?b HTTP/1.1"), "GET /?b HTTP/1.1\r\nHost: h:1\r\n\r\n");
  EXPECT_EQ(sent("OPTIONS http://h:1 HTTP/1.1"), "OPTIONS * HTTP/1.1\r\nHost: h:1\r\n\r\n");
  EXPECT_EQ(sent("OPTIONS * HTTP/1.1"), "OPTIONS * HTTP/1.1\r\nHost: h:1\r\n\r\n");
  EXPECT_EQ(sent("CONNECT h:1 HTTP/1.1"), "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n");
}

TEST(OutgoingHead, IsAlwaysOfHttp11) {
  const ParsedRequest request("A: 1\r\n", "GET /x HTTP/1.0");
  const ParsedAnswer answer("HTTP/1.0 404 Gone fishing\r\nContent-Length: 0\r\n\r\n");
  const ParsedAnswer bare("HTTP/1.0 200\r\n\r\n");

  EXPECT_EQ(send(request, [](OutgoingHead& out) { out.set("Host", "h"); }).text,
            "GET /x HTTP/1.1\r\nA: 1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(send(answer).text, "HTTP/1.1 404 Gone fishing\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(send(bare).text, "HTTP/1.1 200\r\n\r\n");
}

TEST(OutgoingHead, AnEmptyLineBeforeTheRequestDoesNotGoOn) {
  ParsedRequest request("Host: h\r\n", "\r\nGET / HTTP/1.1");

  EXPECT_EQ(send(request).text, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
}

TEST(OutgoingHead, FramesAnew) {
  const ParsedRequest length("Host: h\r\nContent-Length: 5\r\n", "POST / HTTP/1.1");
  const ParsedRequest chunked("Host: h\r\ntransfer-encoding: CHUNKED\r\n", "POST / HTTP/1.1");

  EXPECT_EQ(send(length, [](OutgoingHead& out) { out.chunked(); }).text,
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(send(chunked, [](OutgoingHead& out) { out.content_length(7); }).text,
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n\r\n");
}

TEST(OutgoingHead, NoValueEndsItsLine) {
  const ParsedRequest request(kFields);
  const auto fault = [&](const std::function<void(OutgoingHead&)>& edit) {
    return send(request, edit).fault;
  };

  EXPECT_EQ(fault([](OutgoingHead& out) { out.add("A", "x\r\nB: y"); }), Fault::bad_field_value);
  EXPECT_EQ(fault([](OutgoingHead& out) { out.set("A:", "x"); }), Fault::bad_field_name);
  EXPECT_EQ(fault([](OutgoingHead& out) { out.target("/a b"); }), Fault::bad_target);
  EXPECT_EQ(fault([](OutgoingHead& out) { out.target("/a\r\nX:"); }), Fault::bad_target);
  EXPECT_EQ(fault([](OutgoingHead& out) { out.target("/a?b"); }), Fault::bad_target);
  EXPECT_EQ(fault([](OutgoingHead& out) { out.add("A", std::string(300, 'x')); }), Fault::no_space);
}

TEST(OutgoingHead, OfManyFieldsHasRoomForItsPieces) {
  std::string fields = "Host: h\r\n";
  std::string expected = "GET /p HTTP/1.1\r\nHost: h\r\n";
  for (std::size_t i = 1; i < kMaxFields; ++i) {
    fields += i % 2 == 0 ? "Kept: x\r\n" : "Gone: x\r\n";
    if (i % 2 == 0) expected += "Kept: x\r\n";
  }
  const ParsedRequest request(fields);

  const Sent sent =
      send(request, [](OutgoingHead& out) { out.remove("gone").target("/", "p").add("Own", "y"); });

  EXPECT_EQ(sent.text, expected + "Own: y\r\n\r\n");
  EXPECT_LE(sent.pieces, OutgoingHead::kMaxPieces);
}

TEST(Join, SaysWhenTheBufferIsTooSmall) {
  const std::array<Bytes, 2> pieces = {as_bytes("abc"), as_bytes("def")};
  std::array<std::byte, 5> out;

  EXPECT_EQ(join(pieces, out).error(), Fault::no_space);
}

}  // namespace
}  // namespace sinew::wire
