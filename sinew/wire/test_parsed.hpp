#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "sinew/wire/answer_parser.hpp"
#include "sinew/wire/request_parser.hpp"

// For tests of what is done with a head: one that was parsed, beside its bytes.
namespace sinew::wire::test {

struct ParsedRequest {
  // `lines` are field lines, each with its CRLF.
  explicit ParsedRequest(std::string_view lines, std::string_view start = "GET / HTTP/1.1")
      : text(std::string(start) + "\r\n" + std::string(lines) + "\r\n") {
    EXPECT_EQ(parser.parse(bytes()), Progress::complete) << text << to_string(parser.fault());
  }

  const RequestHead& head() const { return parser.head(); }
  Bytes bytes() const { return as_bytes(text); }

  std::string text;
  RequestParser parser;
};

struct ParsedAnswer {
  explicit ParsedAnswer(std::string_view message, Method answered = Method::get)
      : text(message), parser(answered) {
    EXPECT_EQ(parser.parse(bytes()), Progress::complete) << text << to_string(parser.fault());
  }

  const AnswerHead& head() const { return parser.head(); }
  Bytes bytes() const { return as_bytes(text); }

  std::string text;
  AnswerParser parser;
};

}  // namespace sinew::wire::test
