#include "sinew/wire/request_parser.hpp"

#include <gtest/gtest.h>

#include <string>

#include "sinew/wire/chars.hpp"

namespace sinew::wire {
namespace {

struct Parsed {
  Progress progress;
  Fault fault;
  RequestHead head;
  std::string buffer;

  std::string_view text(Slice slice) const { return slice.in(buffer); }
};

Parsed parse(std::string buffer, HeadLimits limits = {}) {
  RequestParser parser(limits);
  const Progress progress = parser.parse(as_bytes(buffer));
  return {progress, parser.fault(), parser.head(), std::move(buffer)};
}

TEST(RequestParser, ReadsAnOrdinaryRequest) {
  const Parsed request = parse(
      "POST /orders/7?full=1&q=%41 HTTP/1.1\r\nHost: shop.example:8080\r\n"
      "Content-Length:  12\r\nX-Empty:\r\nX-Any: a\tb \xc3\xa9\r\n\r\nrest");

  ASSERT_EQ(request.progress, Progress::complete);
  EXPECT_EQ(request.head.method, Method::post);
  EXPECT_EQ(request.head.version, Version::http_1_1);
  EXPECT_EQ(request.head.form, TargetForm::origin);
  EXPECT_EQ(request.text(request.head.path), "/orders/7");
  EXPECT_EQ(request.text(request.head.query), "full=1&q=%41");
  EXPECT_EQ(request.text(request.head.authority), "shop.example:8080");
  EXPECT_EQ(request.head.framing.kind, Framing::Kind::length);
  EXPECT_EQ(request.head.framing.length, 12U);
  EXPECT_TRUE(request.head.keep_alive);
  ASSERT_EQ(request.head.fields().size(), 4U);
  EXPECT_EQ(request.text(request.head.fields()[2].value), "");
  EXPECT_EQ(request.text(request.head.fields()[3].value), "a\tb \xc3\xa9");
  EXPECT_EQ(request.buffer.substr(request.head.bytes), "rest");
}

struct TargetCase {
  const char* name;
  const char* line;
  Fault fault;
  TargetForm form = TargetForm::origin;
  const char* authority = "h";
  const char* path = "/";
};

class RequestTarget : public testing::TestWithParam<TargetCase> {};

TEST_P(RequestTarget, IsJudgedByItsMethod) {
  const TargetCase& expected = GetParam();

  const Parsed request = parse(std::string(expected.line) + " HTTP/1.1\r\nHost: h\r\n\r\n");

  EXPECT_EQ(request.fault, expected.fault);
  if (expected.fault != Fault::none) return;
  EXPECT_EQ(request.head.form, expected.form);
  EXPECT_EQ(request.text(request.head.authority), expected.authority);
  EXPECT_EQ(request.text(request.head.path), expected.path);
}

INSTANTIATE_TEST_SUITE_P(
    Rfc9112Section32, RequestTarget,
    testing::Values(
        TargetCase{"origin", "GET /", Fault::none},
        TargetCase{"origin_with_query", "GET /a/b?x={[1]}", Fault::none, TargetForm::origin, "h",
                   "/a/b"},
        TargetCase{"relative", "GET a/b", Fault::bad_target},
        TargetCase{"fragment", "GET /a#b", Fault::bad_target},
        TargetCase{"backslash_in_path", "GET /a\\b", Fault::bad_target},
        TargetCase{"byte_above_ascii", "GET /\xc3\xa9", Fault::bad_target},
        TargetCase{"quote_in_query", "GET /?a=\"", Fault::bad_target},
        TargetCase{"absolute", "GET http://h/x?y", Fault::none, TargetForm::absolute, "h", "/x"},
        TargetCase{"absolute_without_path", "GET HTTP://H", Fault::none, TargetForm::absolute, "H",
                   ""},
        TargetCase{"absolute_of_another_host", "GET http://evil/", Fault::differing_host},
        TargetCase{"absolute_with_user", "GET http://me@h/", Fault::bad_target},
        TargetCase{"absolute_of_another_scheme", "GET ftp://h/", Fault::bad_target},
        TargetCase{"absolute_without_host", "GET http:///x", Fault::bad_target},
        TargetCase{"asterisk", "OPTIONS *", Fault::none, TargetForm::asterisk, "h", "*"},
        TargetCase{"asterisk_of_get", "GET *", Fault::bad_target},
        TargetCase{"connect_to_another", "CONNECT other:443", Fault::differing_host},
        TargetCase{"connect_without_port", "CONNECT h", Fault::bad_target},
        TargetCase{"connect_with_empty_port", "CONNECT h:", Fault::bad_target},
        TargetCase{"connect_with_path", "CONNECT /", Fault::bad_target},
        TargetCase{"authority_of_get", "GET h:80", Fault::bad_target}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(RequestParser, ConnectOpensATunnel) {
  const Parsed request = parse("CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n");

  ASSERT_EQ(request.progress, Progress::complete);
  EXPECT_EQ(request.head.form, TargetForm::authority);
  EXPECT_EQ(request.head.framing.kind, Framing::Kind::tunnel);
}

struct HostCase {
  const char* name;
  const char* fields;
  Fault fault;
};

class RequestHost : public testing::TestWithParam<HostCase> {};

TEST_P(RequestHost, IsOneAndValid) {
  const Parsed request = parse(std::string("GET / HTTP/1.1\r\n") + GetParam().fields + "\r\n");

  EXPECT_EQ(request.fault, GetParam().fault);
}

INSTANTIATE_TEST_SUITE_P(
    Rfc9112Section32, RequestHost,
    testing::Values(HostCase{"missing", "", Fault::missing_host},
                    HostCase{"empty", "Host:\r\n", Fault::bad_host},
                    HostCase{"twice_the_same", "Host: a\r\nhost: a\r\n", Fault::repeated_host},
                    HostCase{"joined", "Host: a,b\r\n", Fault::bad_host},
                    HostCase{"with_space", "Host: a b\r\n", Fault::bad_host},
                    HostCase{"with_path", "Host: a/b\r\n", Fault::bad_host},
                    HostCase{"with_user", "Host: u@a\r\n", Fault::bad_host},
                    HostCase{"port_of_letters", "Host: a:b\r\n", Fault::bad_host},
                    HostCase{"port_out_of_range", "Host: a:65536\r\n", Fault::bad_host},
                    HostCase{"port", "Host: a:65535\r\n", Fault::none},
                    HostCase{"ipv6", "Host: [::1]:80\r\n", Fault::none},
                    HostCase{"ipv6_open", "Host: [::1\r\n", Fault::bad_host},
                    HostCase{"ipv6_with_tail", "Host: [::1]a\r\n", Fault::bad_host}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(RequestParser, Http10NeedsNoHostAndClosesUnlessAsked) {
  const Parsed plain = parse("GET / HTTP/1.0\r\n\r\n");
  const Parsed kept = parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
  const Parsed closed = parse("GET / HTTP/1.1\r\nHost: h\r\nConnection: x, close\r\n\r\n");

  ASSERT_EQ(plain.progress, Progress::complete);
  EXPECT_FALSE(plain.head.keep_alive);
  EXPECT_TRUE(kept.head.keep_alive);
  EXPECT_FALSE(closed.head.keep_alive);
}

TEST(RequestParser, ExpectationIsKnownOr417) {
  const auto with = [](const char* value, const char* version = "1.1") {
    return parse(std::string("PUT / HTTP/") + version + "\r\nHost: h\r\nExpect: " + value +
                 "\r\n\r\n");
  };

  EXPECT_TRUE(with("100-Continue\r\nContent-Length: 1").head.expects_continue);
  EXPECT_FALSE(with("100-continue").head.expects_continue);
  EXPECT_FALSE(with("100-continue", "1.0").head.expects_continue);
  EXPECT_EQ(with("coffee").fault, Fault::unsupported_expectation);
  EXPECT_EQ(status_for(Fault::unsupported_expectation), 417);
}

TEST(RequestParser, SkipsOneEmptyLineBeforeTheRequest) {
  EXPECT_EQ(parse("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n").progress, Progress::complete);
  EXPECT_EQ(parse("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n").progress, Progress::refused);
}

TEST(RequestParser, LimitsAreExactWhetherOrNotTheLineIsWhole) {
  const std::string fields = "\r\nHost: h\r\n\r\n";
  const std::string line = "GET /aaaa HTTP/1.1";  // 18 bytes and CRLF
  const auto verdict = [](const std::string& bytes, HeadLimits limits) {
    return parse(bytes, limits).fault;
  };

  EXPECT_EQ(verdict(line + fields, {.start_line_bytes = 20}), Fault::none);
  EXPECT_EQ(verdict(line + fields, {.start_line_bytes = 19}), Fault::start_line_too_long);
  EXPECT_EQ(verdict(line + "\r", {.start_line_bytes = 19}), Fault::start_line_too_long);
  EXPECT_EQ(verdict(line + fields, {.field_bytes = 11}), Fault::none);
  EXPECT_EQ(verdict(line + fields, {.field_bytes = 10}), Fault::fields_too_large);
  EXPECT_EQ(verdict(line + "\r\n1234567890", {.field_bytes = 10}), Fault::fields_too_large);
  EXPECT_EQ(verdict(line + fields, {.fields = 1}), Fault::none);
  EXPECT_EQ(verdict(line + fields, {.fields = 0}), Fault::too_many_fields);
  EXPECT_EQ(status_for(Fault::start_line_too_long), 414);
  EXPECT_EQ(status_for(Fault::too_many_fields), 431);
}

TEST(RequestParser, NeverHoldsMoreFieldsThanItsStorage) {
  std::string request = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (std::size_t i = 0; i < kMaxFields; ++i)
    request += "a: b\r\n";

  EXPECT_EQ(parse(request + "\r\n", {.fields = 100000}).fault, Fault::too_many_fields);
}

TEST(RequestParser, IsReadyForTheNextRequestAfterReset) {
  RequestParser parser;
  ASSERT_EQ(parser.parse(as_bytes("bad\n")), Progress::refused);
  ASSERT_EQ(parser.parse(as_bytes("GET / HTTP/1.0\r\n\r\n")), Progress::refused);

  parser.reset();

  EXPECT_EQ(parser.parse(as_bytes("GET / HTTP/1.0\r\n\r\n")), Progress::complete);
}

TEST(Chars, FieldTextAgreesWithTheTableForEveryByteAtEveryPlace) {
  for (int code = 0; code < 256; ++code) {
    for (std::size_t at = 0; at < 19; ++at) {
      for (const char around : {'a', ' ', '\t', '\xff'}) {
        std::string text(19, around);
        text[at] = static_cast<char>(code);
        EXPECT_EQ(is_field_text(text), all(text, kField)) << code << " at " << at;
      }
    }
  }
}

TEST(IdentifyField, IgnoresCaseAndKnowsNoMoreThanItsNames) {
  EXPECT_EQ(identify_field("CONTENT-length"), FieldId::content_length);
  EXPECT_EQ(identify_field("te"), FieldId::te);
  EXPECT_EQ(identify_field("proxy-authorization"), FieldId::proxy_authorization);
  EXPECT_EQ(identify_field("content_length"), FieldId::other);
  EXPECT_EQ(identify_field("hos"), FieldId::other);
  EXPECT_EQ(identify_field(""), FieldId::other);
}

}  // namespace
}  // namespace sinew::wire
