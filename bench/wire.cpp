// The HTTP/1.1 codec alone: a request as browsers send it, a chunked body, an answer's head.

#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "sinew/wire/body.hpp"
#include "sinew/wire/request_parser.hpp"
#include "sinew/wire/writer.hpp"

namespace sinew::wire {
namespace {

constexpr std::string_view kRequest =
    "GET /catalog/products/4711?currency=EUR&lang=de HTTP/1.1\r\n"
    "Host: shop.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n"
    "Accept-Language: de,en-US;q=0.7,en;q=0.3\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Referer: https://shop.example.com/catalog/\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: session=6f1d2c3b4a5968778695a4b3c2d1e0f0; consent=yes; theme=dark\r\n"
    "Cache-Control: max-age=0\r\n"
    "\r\n";

void parse_request(benchmark::State& state) {
  RequestParser parser;
  for (auto _ : state) {
    parser.reset();
    benchmark::DoNotOptimize(parser.parse(as_bytes(kRequest)));
    benchmark::DoNotOptimize(parser.head());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kRequest.size()));
}
BENCHMARK(parse_request);

void decode_chunks(benchmark::State& state) {
  const auto chunk_bytes = static_cast<std::size_t>(state.range(0));
  std::string body(1U << 20U, '\0');
  Writer writer(std::as_writable_bytes(std::span(body)));
  const std::string data(chunk_bytes, 'x');
  while (writer.size() + chunk_bytes + 64 < body.size())
    writer.chunk(as_bytes(data));
  writer.last_chunk().end_of_head();
  BodyLimits limits;
  limits.body_bytes = body.size();
  for (auto _ : state) {
    BodyDecoder decoder({Framing::Kind::chunked, 0}, limits);
    Bytes rest = writer.written();
    BodyDecoder::Step step;
    do {
      step = decoder.next(rest);
      rest = rest.subspan(step.consumed);
    } while (step.event == BodyDecoder::Event::piece);
    if (step.event != BodyDecoder::Event::end) state.SkipWithError("the body was refused");
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(writer.size()));
}
BENCHMARK(decode_chunks)->Arg(100)->Arg(1000)->Arg(16000);

void write_answer(benchmark::State& state) {
  std::array<std::byte, 512> buffer;
  for (auto _ : state) {
    Writer writer(buffer);
    writer.answer(200)
        .field("Content-Type", "application/json")
        .field("Date", "Sun, 06 Nov 1994 08:49:37 GMT")
        .content_length(1234)
        .end_of_head();
    benchmark::DoNotOptimize(writer.fault());
  }
}
BENCHMARK(write_answer);

}  // namespace
}  // namespace sinew::wire

BENCHMARK_MAIN();
