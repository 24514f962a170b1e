#include "sinew/wire/answer_parser.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sinew::wire {
namespace {

AnswerHead parse(std::string_view bytes, Method answered) {
  AnswerParser parser(answered);
  EXPECT_EQ(parser.parse(as_bytes(bytes)), Progress::complete) << to_string(parser.fault());
  return parser.head();
}

TEST(AnswerParser, ReadsStatusReasonAndFields) {
  constexpr std::string_view kBytes =
      "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc";

  const AnswerHead head = parse(kBytes, Method::get);

  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.reason.in(kBytes), "Not Found");
  EXPECT_EQ(find(head.fields(), "content-TYPE", kBytes)->value.in(kBytes), "text/plain");
  EXPECT_EQ(find(head.fields(), FieldId::date), nullptr);
  EXPECT_EQ(head.framing.length, 3U);
  EXPECT_TRUE(head.keep_alive);
}

struct FramingCase {
  const char* name;
  Method answered;
  const char* bytes;
  Framing::Kind kind;
  bool keep_alive;
};

class AnswerFraming : public testing::TestWithParam<FramingCase> {};

TEST_P(AnswerFraming, FollowsMethodAndStatus) {
  const AnswerHead head = parse(GetParam().bytes, GetParam().answered);

  EXPECT_EQ(head.framing.kind, GetParam().kind);
  EXPECT_EQ(head.keep_alive, GetParam().keep_alive);
}

INSTANTIATE_TEST_SUITE_P(
    Rfc9112Section63, AnswerFraming,
    testing::Values(
        FramingCase{"head", Method::head, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
                    Framing::Kind::none, true},
        FramingCase{"head_chunked", Method::head,
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Framing::Kind::none,
                    true},
        FramingCase{"head_without_length", Method::head, "HTTP/1.1 200 OK\r\n\r\n",
                    Framing::Kind::none, true},
        FramingCase{"no_content", Method::get, "HTTP/1.1 204 No Content\r\n\r\n",
                    Framing::Kind::none, true},
        FramingCase{"empty", Method::get, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                    Framing::Kind::none, true},
        FramingCase{"until_close", Method::get, "HTTP/1.1 200 OK\r\n\r\n",
                    Framing::Kind::until_close, false},
        FramingCase{"http_1_0", Method::get, "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n",
                    Framing::Kind::length, false},
        FramingCase{"connected", Method::connect, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",
                    Framing::Kind::tunnel, false},
        FramingCase{"connect_refused", Method::connect,
                    "HTTP/1.1 407 No\r\nContent-Length: 7\r\n\r\n", Framing::Kind::length, true},
        FramingCase{"switched", Method::get, "HTTP/1.1 101 Yes\r\n\r\n", Framing::Kind::tunnel,
                    false}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(AnswerParser, InterimAnswersAreTold) {
  EXPECT_TRUE(is_interim(parse("HTTP/1.1 103 Early Hints\r\n\r\n", Method::get)));
  EXPECT_FALSE(is_interim(parse("HTTP/1.1 101 Yes\r\n\r\n", Method::get)));
  EXPECT_FALSE(is_interim(parse("HTTP/1.1 200 OK\r\n\r\n", Method::get)));
}

}  // namespace
}  // namespace sinew::wire
