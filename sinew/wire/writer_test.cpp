#include "sinew/wire/writer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "sinew/wire/body.hpp"
#include "sinew/wire/request_parser.hpp"

namespace sinew::wire {
namespace {

using namespace std::string_view_literals;

class WriterTest : public testing::Test {
 protected:
  std::array<std::byte, 256> buffer_;
  Writer writer_{buffer_};
};

TEST_F(WriterTest, WritesAnAnswerWithItsBody) {
  writer_.answer(200).field("Content-Type", "text/plain").content_length(5).end_of_head();
  writer_.raw(as_bytes("hello"));

  ASSERT_EQ(writer_.fault(), Fault::none);
  EXPECT_EQ(as_text(writer_.written()),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
}

TEST_F(WriterTest, WhatItWritesInChunksIsReadBack) {
  writer_.request("POST", "/a?b=c").field("Host", "h").chunked().end_of_head();
  writer_.chunk(as_bytes("hello, ")).chunk({}).chunk(as_bytes("chunked world"));
  writer_.last_chunk().field("X-Sum", std::uint64_t{42}).end_of_head();
  ASSERT_EQ(writer_.fault(), Fault::none);

  RequestParser parser;
  ASSERT_EQ(parser.parse(writer_.written()), Progress::complete);
  BodyDecoder body(parser.head().framing, {});
  Bytes rest = writer_.written().subspan(parser.head().bytes);
  std::string text;
  BodyDecoder::Step step;
  do {
    step = body.next(rest);
    rest = rest.subspan(step.consumed);
    if (step.event == BodyDecoder::Event::piece) text += as_text(step.bytes);
  } while (step.event == BodyDecoder::Event::piece);

  EXPECT_EQ(step.event, BodyDecoder::Event::end);
  EXPECT_EQ(text, "hello, chunked world");
  ASSERT_EQ(body.trailers().size(), 1U);
  EXPECT_EQ(body.trailers()[0].value.in(step.bytes), "42");
  EXPECT_TRUE(rest.empty());
}

TEST_F(WriterTest, RefusesWhatCouldAddALine) {
  const auto fault_of = [this](auto write) {
    Writer writer(buffer_);
    write(writer);
    return writer.fault();
  };

  for (const auto value : {"a\r\nX: y"sv, "a\n"sv, "a\rb"sv, "a\0b"sv, " a"sv, "a\t"sv}) {
    EXPECT_EQ(fault_of([&](Writer& w) { w.field("A", value); }), Fault::bad_field_value) << value;
  }
  for (const auto name : {""sv, "a b"sv, "a:"sv, "a\r\n"sv}) {
    EXPECT_EQ(fault_of([&](Writer& w) { w.field(name, "v"); }), Fault::bad_field_name) << name;
  }
  for (const auto target : {""sv, "/a b"sv, "/\r\n"sv, "/#"sv}) {
    EXPECT_EQ(fault_of([&](Writer& w) { w.request("GET", target); }), Fault::bad_target) << target;
  }
  EXPECT_EQ(fault_of([](Writer& w) { w.request("GE T", "/"); }), Fault::bad_method);
  EXPECT_EQ(fault_of([](Writer& w) { w.answer(200, "a\nb"); }), Fault::bad_status_line);
  EXPECT_EQ(fault_of([](Writer& w) { w.answer(42); }), Fault::bad_status_line);
}

TEST_F(WriterTest, StopsAtTheFirstFault) {
  writer_.answer(200).field("A", "\n").field("B", "c").end_of_head();

  EXPECT_EQ(writer_.fault(), Fault::bad_field_value);
  EXPECT_EQ(as_text(writer_.written()), "HTTP/1.1 200 OK\r\n");
}

TEST(Writer, SaysWhenTheBufferIsTooSmall) {
  std::array<std::byte, 17> room;
  Writer exact(room);
  Writer full(std::span(room).first(16));

  exact.answer(200);
  full.answer(200);

  EXPECT_EQ(exact.fault(), Fault::none);
  EXPECT_EQ(full.fault(), Fault::no_space);
}

}  // namespace
}  // namespace sinew::wire
