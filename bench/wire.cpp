// The HTTP/1.1 codec alone: a request as browsers send it, beside http_parser 2.9 in turns where
// that is installed (tools/setup --peers); a chunked body; an answer's head; a head sent on.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#if __has_include(<http_parser.h>)
#include <http_parser.h>
#define HAS_HTTP_PARSER 1
#else
#define HAS_HTTP_PARSER 0
#endif

#include "bench/measure.hpp"

#include "sinew/wire/body.hpp"
#include "sinew/wire/outgoing_head.hpp"
#include "sinew/wire/path.hpp"
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
    "Referer: https://shop.example.com/catalog/search?q=winter+jackets&sort=price\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: session=6f1d2c3b4a5968778695a4b3c2d1e0f0; consent=yes; theme=dark; basket=83\r\n"
    "X-Request-Id: 01J9Z\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "Cache-Control: no-cache\r\n"
    "\r\n";

static_assert(kRequest.size() == 600);

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

// What a proxy does with a parsed head: hop by hop fields out, three fields of its own in. Both
// ways end with the bytes where one writev() or one send() takes them from.
struct Forwarding {
  Forwarding() {
    if (parser.parse(as_bytes(kRequest)) != Progress::complete) std::abort();
  }

  std::span<const Bytes> as_pieces(OutgoingHead& out) {
    out.remove(hop_by_hop(parser.head(), as_bytes(kRequest)))
        .set("X-Request-Id", "01J9ZD3V7Q8N0P5R6S7T8V9W0X")
        .set("X-Forwarded-For", "192.0.2.17")
        .set("X-Forwarded-Proto", "https");
    return *out.pieces();
  }

  RequestParser parser;
  std::array<std::byte, 256> scratch;
  std::array<std::byte, 2048> copy;
};

void forward_as_pieces(benchmark::State& state) {
  Forwarding forwarding;
  for (auto _ : state) {
    OutgoingHead out(forwarding.parser.head(), as_bytes(kRequest), forwarding.scratch);
    benchmark::DoNotOptimize(forwarding.as_pieces(out));
  }
}
BENCHMARK(forward_as_pieces);

void forward_as_pieces_joined(benchmark::State& state) {
  Forwarding forwarding;
  for (auto _ : state) {
    OutgoingHead out(forwarding.parser.head(), as_bytes(kRequest), forwarding.scratch);
    benchmark::DoNotOptimize(join(forwarding.as_pieces(out), forwarding.copy));
  }
}
BENCHMARK(forward_as_pieces_joined);

void forward_as_copy(benchmark::State& state) {
  Forwarding forwarding;
  const RequestHead& head = forwarding.parser.head();
  for (auto _ : state) {
    const FieldSet removed = hop_by_hop(head, as_bytes(kRequest));
    Writer writer(forwarding.copy);
    writer.request(head.method_text.in(kRequest), head.target.in(kRequest));
    for (std::size_t i = 0; i < head.field_count; ++i) {
      const Field& field = head.storage[i];
      if (removed.contains(i) || field.id == FieldId::x_request_id) continue;
      writer.field(field.name.in(kRequest), field.value.in(kRequest));
    }
    writer.field("X-Request-Id", "01J9ZD3V7Q8N0P5R6S7T8V9W0X")
        .field("X-Forwarded-For", "192.0.2.17")
        .field("X-Forwarded-Proto", "https")
        .end_of_head();
    benchmark::DoNotOptimize(writer.fault());
  }
}
BENCHMARK(forward_as_copy);

void find_canonical_path(benchmark::State& state) {
  std::array<char, 64> out;
  for (auto _ : state)
    benchmark::DoNotOptimize(canonical_path("/catalog/products/4711", {}, out));
}
BENCHMARK(find_canonical_path);

// Seconds a request: the median of `rounds` rounds of work().
struct Race {
  static constexpr int rounds = 15;
  static constexpr int requests = 20'000;

  template <class Work>
  static double round(Work&& work) {
    const bench::Stopwatch watch;
    for (int i = 0; i < requests; ++i)
      work();
    return watch.seconds() / requests;
  }
};

#if HAS_HTTP_PARSER

// What a server keeps of a request: where its target, names and values are.
struct Parts {
  std::array<std::pair<const char*, std::size_t>, 64> at;
  std::size_t count = 0;
  bool complete = false;
};
int keep_part(http_parser* parser, const char* at, std::size_t length) {
  auto& parts = *static_cast<Parts*>(parser->data);
  parts.at[parts.count++] = {at, length};
  return 0;
}
int end_parts(http_parser* parser) {
  static_cast<Parts*>(parser->data)->complete = true;
  return 0;
}

void race() {
  RequestParser ours;
  http_parser theirs;
  http_parser_settings settings;
  http_parser_settings_init(&settings);
  settings.on_url = settings.on_header_field = settings.on_header_value = keep_part;
  settings.on_message_complete = end_parts;
  std::vector<double> our_seconds;
  std::vector<double> their_seconds;
  for (int round = 0; round < Race::rounds; ++round) {
    our_seconds.push_back(Race::round([&] {
      ours.reset();
      benchmark::DoNotOptimize(ours.parse(as_bytes(kRequest)));
      benchmark::DoNotOptimize(ours.head());
    }));
    their_seconds.push_back(Race::round([&] {
      Parts parts;
      http_parser_init(&theirs, HTTP_REQUEST);
      theirs.data = &parts;
      http_parser_execute(&theirs, &settings, kRequest.data(), kRequest.size());
      benchmark::DoNotOptimize(parts);
      if (!parts.complete) std::abort();
    }));
  }
  const double our_time = bench::quantile(our_seconds, 0.5);
  const double their_time = bench::quantile(their_seconds, 0.5);
  fmt::print(
      "a request of {} bytes: {:.0f} ns; http_parser {}.{} {:.0f} ns; ratio {:.2f}, "
      "target <= 0.7\n",
      kRequest.size(), our_time * 1e9, HTTP_PARSER_VERSION_MAJOR, HTTP_PARSER_VERSION_MINOR,
      their_time * 1e9, our_time / their_time);
}

#else

void race() {
  fmt::print(
      "a request of {} bytes: http_parser is not installed (tools/setup --peers), nothing "
      "to compare with\n",
      kRequest.size());
}

#endif

}  // namespace
}  // namespace sinew::wire

int main(int count, char** arguments) {
  sinew::wire::race();
  benchmark::Initialize(&count, arguments);
  benchmark::RunSpecifiedBenchmarks();
}
