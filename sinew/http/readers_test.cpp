#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "sinew/http/answer_reader.hpp"
#include "sinew/http/request_reader.hpp"

namespace sinew::http {
namespace {

// Gives a reader `bytes`, as its room lets it.
template <class Reader>
void deliver(Reader& reader, std::string_view bytes) {
  const auto room = reader.room();
  ASSERT_LE(bytes.size(), room.size());
  std::memcpy(room.data(), bytes.data(), bytes.size());
  reader.received(bytes.size());
}

using RequestEvent = RequestReader::Event;
using AnswerEvent = AnswerReader::Event;

constexpr std::string_view kPost =
    "POST /a%20b/../c?x=1&y HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nX: y\r\n\r\nhello";

TEST(RequestReader, PutsARequestTogetherByteByByte) {
  RequestReader reader({}, {});
  std::size_t heads = 0;
  RequestEvent event = RequestEvent::need_more;
  for (const char c : kPost) {
    ASSERT_NE(event, RequestEvent::complete);
    deliver(reader, {&c, 1});
    while ((event = reader.next()) == RequestEvent::head)
      ++heads;
  }

  ASSERT_EQ(event, RequestEvent::complete);
  EXPECT_EQ(heads, 1U);
  EXPECT_EQ(reader.request().path, "/c");
  EXPECT_EQ(reader.request().target, "/a%20b/../c?x=1&y");
  EXPECT_EQ(reader.request().query, (std::vector<wire::QueryParameter>{{"x", "1"}, {"y", ""}}));
  EXPECT_EQ(reader.request().headers.get("x"), "y");
  EXPECT_EQ(reader.request().body, "hello");
}

TEST(RequestReader, KeepsPipelinedRequestsForLater) {
  RequestReader reader({}, {});
  deliver(reader, std::string(kPost) + "GET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3");
  ASSERT_EQ(reader.next(), RequestEvent::head);
  ASSERT_EQ(reader.next(), RequestEvent::complete);

  reader.start_next();
  ASSERT_EQ(reader.next(), RequestEvent::head);
  ASSERT_EQ(reader.next(), RequestEvent::complete);
  EXPECT_EQ(reader.request().path, "/2");
  EXPECT_EQ(reader.request().body, "");

  reader.start_next();
  EXPECT_EQ(reader.next(), RequestEvent::need_more);
  EXPECT_FALSE(reader.idle());
}

TEST(RequestReader, RefusesWhatTheRouterCouldMisread) {
  for (const std::string_view target : {"/a%2fb", "/..", "/a%00", "/?a=%ff"}) {
    RequestReader reader({}, {});
    deliver(reader, "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(reader.next(), RequestEvent::refused) << target;
    EXPECT_EQ(wire::status_for(reader.fault()), 400);
  }
}

TEST(RequestReader, RefusesABodyOverTheLimitBeforeItComes) {
  wire::BodyLimits limits;
  limits.body_bytes = 4;
  RequestReader reader({}, limits);
  deliver(reader, kPost.substr(0, kPost.size() - 5));

  EXPECT_EQ(reader.next(), RequestEvent::head);
  EXPECT_EQ(reader.next(), RequestEvent::refused);
  EXPECT_EQ(wire::status_for(reader.fault()), 413);
}

TEST(RequestReader, BufferStaysWithinItsBoundForALargeBody) {
  wire::BodyLimits limits;
  limits.body_bytes = 1U << 20U;
  RequestReader reader({}, limits);
  deliver(reader, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
  ASSERT_EQ(reader.next(), RequestEvent::head);
  std::size_t sent = 0;
  std::size_t largest = 0;
  while (sent < 1000000) {
    ASSERT_EQ(reader.next(), RequestEvent::need_more);
    const std::size_t room = reader.room().size();
    largest = std::max(largest, room);
    const std::size_t bytes = std::min(room, std::size_t{1000000} - sent);
    deliver(reader, std::string(bytes, 'x'));
    sent += bytes;
  }

  EXPECT_EQ(reader.next(), RequestEvent::complete);
  EXPECT_EQ(reader.request().body.size(), 1000000U);
  EXPECT_LE(largest, wire::HeadLimits{}.head_bytes() + 1);
}

TEST(AnswerReader, PassesOverInterimAnswers) {
  AnswerReader reader(Method::post, {}, {});
  deliver(reader,
          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");

  ASSERT_EQ(reader.next(), AnswerEvent::complete);
  EXPECT_EQ(reader.response().status, 200);
  EXPECT_EQ(reader.response().body, "hi");
  EXPECT_FALSE(reader.response().headers.has("Link"));
  EXPECT_TRUE(reader.reusable());
}

TEST(AnswerReader, BoundsInterimAnswers) {
  AnswerReader reader(Method::get, {}, {});
  std::string flood;
  for (unsigned i = 0; i <= wire::kMaxInterimAnswers; ++i)
    flood += "HTTP/1.1 103 x\r\n\r\n";
  deliver(reader, flood);

  EXPECT_EQ(reader.next(), AnswerEvent::refused);
  EXPECT_EQ(reader.fault(), wire::Fault::too_many_interim_answers);
}

TEST(AnswerReader, DoesNotReuseAConnectionThatSaysMoreThanAsked) {
  AnswerReader reader(Method::head, {}, {});
  deliver(reader, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");

  EXPECT_EQ(reader.next(), AnswerEvent::complete);
  EXPECT_EQ(reader.response().body, "");
  EXPECT_FALSE(reader.reusable());
}

TEST(AnswerReader, EndOfStreamEndsOnlyWhatIsFramedSo) {
  AnswerReader whole(Method::get, {}, {});
  deliver(whole, "HTTP/1.1 200 OK\r\n\r\nall of it");
  AnswerReader cut(Method::get, {}, {});
  deliver(cut, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall");

  ASSERT_EQ(whole.next(), AnswerEvent::need_more);
  EXPECT_EQ(whole.finish(), AnswerEvent::complete);
  EXPECT_EQ(whole.response().body, "all of it");
  EXPECT_FALSE(whole.reusable());
  ASSERT_EQ(cut.next(), AnswerEvent::need_more);
  EXPECT_EQ(cut.finish(), AnswerEvent::refused);
  EXPECT_EQ(cut.fault(), wire::Fault::truncated);
}

TEST(AnswerReader, RefusesATunnelNobodyAskedFor) {
  AnswerReader reader(Method::get, {}, {});
  deliver(reader, "HTTP/1.1 101 Switching Protocols\r\n\r\n");

  EXPECT_EQ(reader.next(), AnswerEvent::refused);
}

}  // namespace
}  // namespace sinew::http
