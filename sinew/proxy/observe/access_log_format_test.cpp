#include "sinew/proxy/observe/access_log_format.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "sinew/base/error.hpp"
#include "sinew/base/json.hpp"
#include "sinew/proxy/observe/test_exchange.hpp"
#include "sinew/wire/test_parsed.hpp"
#include "tests/support/draw.hpp"
#include "tests/support/error_of.hpp"

namespace sinew::proxy {
namespace {

using test::Exchange;

std::string line_of(const AccessLogFormat& format, const ExchangeRecord& record) {
  AccessLogFormat::Clock clock;
  const auto line = std::make_unique<AccessLogFormat::Line>();
  return std::string(format.write(record, clock, *line));
}

std::string refusal_of(std::string_view format) {
  return tests::error_of([&] { AccessLogFormat::text(format); }).detail();
}

TEST(AccessLogFormatTest, JsonHasWhatIsThereAndLeavesOutTheRest) {
  const Exchange exchange;

  const auto line = line_of(AccessLogFormat::json(), exchange.record);

  EXPECT_EQ(line,
            R"({"time":"2026-05-04T10:30:00.123Z","request_id":"0123456789abcdeffedcba9876543210",)"
            R"("client":"192.0.2.7","method":"GET","host":"shop.example","path":"/shop/items",)"
            R"("status":200,"duration":2.001002,"connect_duration":0.000200,)"
            R"("upstream_duration":0.001234,"bytes_received":90,"bytes_sent":1200,)"
            R"("route":"items","service":"catalog","upstream":"10.1.2.3:8080",)"
            R"("upstream_status":200,"attempts":1,"http_user_agent":"curl/8.5"})"
            "\n");
}

TEST(AccessLogFormatTest, AnExchangeThatWasNotUnderstoodHasALineToo) {
  ExchangeRecord record;
  record.flags.set(ResponseFlag::malformed_request);
  record.reason = "bad_field_name";

  const auto line = line_of(AccessLogFormat::json(), record);

  EXPECT_EQ(line, R"({"time":"1970-01-01T00:00:00.000Z","bytes_received":0,"bytes_sent":0,)"
                  R"("flags":"DPE","reason":"bad_field_name"})"
                  "\n");
}

TEST(AccessLogFormatTest, EvenOneWithoutAnyValueIsAnObject) {
  const std::vector<std::string> variables = {"route"};

  EXPECT_EQ(line_of(AccessLogFormat::json(variables), ExchangeRecord()), "{}\n");
}

TEST(AccessLogFormatTest, TextIsWrittenAsItsFormatSays) {
  Exchange exchange;
  exchange.record.flags.set(ResponseFlag::upstream_closed);
  exchange.record.flags.set(ResponseFlag::retries_exhausted);

  const auto line = line_of(
      AccessLogFormat::text(R"($client [$time] "$method $target $protocol" $status ${bytes_sent}B )"
                            R"("$http_user_agent" "$http_referer" $flags $reused $$)"),
      exchange.record);

  EXPECT_EQ(line,
            R"(192.0.2.7 [2026-05-04T10:30:00.123Z] "GET /shop/items?token=secret HTTP/1.1" 200 )"
            R"(1200B "curl/8.5" "-" UC,URX false $)"
            "\n");
}

TEST(AccessLogFormatTest, EveryVariableHasAValueInAFullRecord) {
  Exchange exchange("X-A: a\r\n");
  const wire::test::ParsedAnswer answer("HTTP/1.1 200 OK\r\nX-B: b\r\nContent-Length: 0\r\n\r\n");
  const auto trace = TraceContext::start(1, 2, 3, false);
  exchange.record.trace = &trace;
  exchange.record.answer = &answer.head();
  exchange.record.answer_bytes = answer.bytes();
  exchange.record.tls_version = "TLSv1.3";
  exchange.record.server_name = "shop.example";
  exchange.record.flags.set(ResponseFlag::upstream_reset);
  exchange.record.reason = "reset";
  for (const auto name : log_variable_names()) {
    std::string used(name);
    if (name == "http_NAME") used = "http_x_a";
    if (name == "sent_http_NAME") used = "sent_http_x_b";
    EXPECT_NE(line_of(AccessLogFormat::text("$" + used), exchange.record), "-\n") << name;
  }
}

TEST(AccessLogFormatTest, WhatAClientSendsNeitherEndsItsValueNorTheLine) {
  const Exchange exchange("User-Agent: a\" 200 \\ \t\xff\xc2\x9b[31m \xc3\xa4\r\n");

  EXPECT_EQ(
      line_of(AccessLogFormat::text(R"("$http_user_agent" $http_user_agent)"), exchange.record),
      R"("a\x22 200 \x5c \x09\xff\xc2\x9b[31m \xc3\xa4" )"
      R"(a\x22\x20200\x20\x5c\x20\x09\xff\xc2\x9b[31m\x20\xc3\xa4)"
      "\n");
  const std::vector<std::string> variables = {"http_user_agent"};
  EXPECT_EQ(line_of(AccessLogFormat::json(variables), exchange.record),
            "{\"http_user_agent\":\"a\\\" 200 \\\\ \\u0009\\ufffd\\u009b[31m \xc3\xa4\"}\n");
}

TEST(AccessLogFormatTest, AnyBytesMakeOneLineThatCanBeReadAgain) {
  tests::Draw draw(7);
  const auto json = AccessLogFormat::json();
  const auto text = AccessLogFormat::text(R"("$reason" $path "$client")");
  for (int i = 0; i < 2'000; ++i) {
    const auto noise = [&](std::size_t most) {
      std::string bytes(draw.below(most), '\0');
      for (char& byte : bytes)
        byte = static_cast<char>(draw.below(i % 2 == 0 ? 256 : 64));
      return bytes;
    };
    const auto reason = noise(i % 100 == 0 ? 9'000 : 60);
    const auto path = noise(i % 100 == 0 ? 9'000 : 60);
    const auto client = noise(i % 100 == 0 ? 9'000 : 60);
    ExchangeRecord record;
    record.reason = reason;
    record.path = path;
    record.client = client;

    const auto object = line_of(json, record);
    ASSERT_EQ(object.find('\n'), object.size() - 1);
    ASSERT_LE(object.size(), kMaxLogLineBytes);
    const auto parsed = parse_json(object);
    ASSERT_EQ(parsed.as_object().find("reason") != nullptr, !reason.empty()) << object;

    const auto line = line_of(text, record);
    ASSERT_EQ(line.find('\n'), line.size() - 1);
    ASSERT_LE(line.size(), kMaxLogLineBytes);
    ASSERT_EQ(std::ranges::count(line, '"'), 4) << line;
  }
}

TEST(AccessLogFormatTest, ATextThatIsTooLongIsCutAtACharacter) {
  ExchangeRecord record;
  const std::string before(kMaxLogValueBytes - 1, 'x');
  const std::string path = before + "\xc3\xa4 and more";
  record.path = path;
  const std::vector<std::string> variables = {"path"};

  EXPECT_EQ(line_of(AccessLogFormat::json(variables), record), "{\"path\":\"" + before + "\"}\n");
}

TEST(AccessLogFormatTest, TheSecondThatIsKeptIsGivenUpForTheNext) {
  const auto format = AccessLogFormat::text("$time");
  AccessLogFormat::Clock clock;
  AccessLogFormat::Line line;
  ExchangeRecord record;
  for (const char* time : {"2026-12-31T23:59:59.999Z", "2027-01-01T00:00:00.000Z",
                           "2027-01-01T00:00:00.001Z", "2024-02-29T12:34:56.700Z"}) {
    record.wall_began = parse_rfc3339(time);
    EXPECT_EQ(format.write(record, clock, line), std::string(time) + "\n");
  }
}

TEST(AccessLogFormatTest, EverythingThatIsWrongIsSaidAtOnce) {
  const auto wrong = refusal_of("$client $remote_addr $http_authorization $ ${status");

  EXPECT_NE(wrong.find("\"remote_addr\" is no variable"), std::string::npos) << wrong;
  EXPECT_NE(wrong.find("\"http_authorization\" carries credentials"), std::string::npos) << wrong;
  EXPECT_NE(wrong.find("stands no name"), std::string::npos) << wrong;
  EXPECT_NE(wrong.find("allowed are time, request_id"), std::string::npos) << wrong;
}

TEST(AccessLogFormatTest, AFormatThatCouldMakeTwoLinesOrNoneIsRefused) {
  EXPECT_NE(refusal_of("$client\n$status").find("control"), std::string::npos);
  EXPECT_NE(refusal_of("").find("empty"), std::string::npos);
  EXPECT_NE(refusal_of(std::string(kMaxLogLineBytes, 'x')).find("too long"), std::string::npos);
  const std::vector<std::string> twice = {"path", "path"};
  EXPECT_NE(tests::error_of([&] { AccessLogFormat::json(twice); }).detail().find("twice"),
            std::string::npos);
  const std::vector<std::string> forged = {"http_a\":1,\"b"};
  EXPECT_NE(tests::error_of([&] { AccessLogFormat::json(forged); }).detail().find("no variab"),
            std::string::npos);
}

}  // namespace
}  // namespace sinew::proxy
