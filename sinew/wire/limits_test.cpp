// What passes a limit is refused with the limit's own fault, the same for every split. The corpus
// of ambiguous and malformed messages is in tests/smuggling.

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "sinew/wire/test_transcript.hpp"

namespace sinew::wire {
namespace {

using namespace std::string_view_literals;

struct Case {
  const char* name;
  std::string_view bytes;
  Fault fault;
};

#define POST_LINE "POST / HTTP/1.1\r\nHost: h\r\n"
#define CHUNKED POST_LINE "Transfer-Encoding: chunked\r\n\r\n"

const Case kRequests[] = {
    {"extension_too_long", CHUNKED "5;abcdefghijklmnopqrstuvwxyz\r\nhello\r\n0\r\n\r\n"sv,
     Fault::chunk_extensions_too_large},
    {"extensions_add_up", CHUNKED "1;abcdefghijklm\r\nx\r\n1;abcdefghijklm\r\nx\r\n0\r\n\r\n"sv,
     Fault::chunk_extensions_too_large},
    {"body_over_limit",
     CHUNKED "30\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n11\r\n"sv,
     Fault::body_too_large},
    {"length_over_limit", POST_LINE "Content-Length: 65\r\n\r\n"sv, Fault::body_too_large},
    {"trailers_too_many", CHUNKED "0\r\nA: b\r\nC: d\r\nE: f\r\n\r\n"sv, Fault::too_many_fields},
    {"trailers_too_large",
     CHUNKED "0\r\nA: 1234567890123456789012345678901234567890123456789012345678901234\r\n\r\n"sv,
     Fault::trailers_too_large},
};

const Case kAnswers[] = {
    {"until_close_over_limit",
     "HTTP/1.1 200 OK\r\n\r\n01234567890123456789012345678901234567890123456789012345678901234"sv,
     Fault::body_too_large},
};

template <typename R>
void expect_verdict(const R& fresh, const Case& example) {
  SCOPED_TRACE(example.name);
  R receiver = fresh;
  receiver.arrive(example.bytes);

  EXPECT_EQ(to_string(receiver.fault()), to_string(example.fault)) << receiver.transcript();

  const std::string expected = test::whole(fresh, example.bytes);
  EXPECT_EQ(test::byte_by_byte(fresh, example.bytes), expected);
  for (std::size_t cut = 0; cut <= example.bytes.size(); ++cut) {
    EXPECT_EQ(test::cut_in_two(fresh, example.bytes, cut), expected) << "cut at " << cut;
  }
}

TEST(Limits, OfRequestsHoldForEverySplit) {
  for (const Case& example : kRequests)
    expect_verdict(test::request_receiver(), example);
}

TEST(Limits, OfAnswersHoldForEverySplit) {
  for (const Case& example : kAnswers)
    expect_verdict(test::answer_receiver(), example);
}

}  // namespace
}  // namespace sinew::wire
