// The codec allocates nothing: counted by this binary's own operator new.

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <new>

#include "sinew/wire/answer_parser.hpp"
#include "sinew/wire/body.hpp"
#include "sinew/wire/request_parser.hpp"
#include "sinew/wire/writer.hpp"

namespace {
thread_local std::size_t allocations = 0;
}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace sinew::wire {
namespace {

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

TEST(Codec, CounterCounts) {
  const std::size_t before = allocations;

  ::operator delete(::operator new(1));

  EXPECT_EQ(allocations, before + 1);
}

}  // namespace
}  // namespace sinew::wire
