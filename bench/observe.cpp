// What observing an exchange costs its worker: its identity and its line of the access log.

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>

#include "sinew/base/log_sink.hpp"
#include "sinew/proxy/observe/access_log.hpp"
#include "sinew/proxy/observe/request_identity.hpp"
#include "sinew/proxy/observe/test_exchange.hpp"

namespace sinew::proxy {
namespace {

void identity(benchmark::State& state) {
  const test::Exchange exchange;
  RequestIdentity identity;
  std::uint64_t random = 1;
  for (auto _ : state) {
    const auto bits = IdentityBits::draw([&] { return random *= 6'364'136'223'846'793'005U; });
    identity.fill(*exchange.record.request, exchange.record.received, false, bits);
    benchmark::DoNotOptimize(identity.traceparent());
  }
}
BENCHMARK(identity);

void log_line(benchmark::State& state, const AccessLogFormat& format) {
  const test::Exchange exchange(
      "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n");
  AccessLogFormat::Clock clock;
  AccessLogFormat::Line line;
  for (auto _ : state)
    benchmark::DoNotOptimize(format.write(exchange.record, clock, line).size());
}
BENCHMARK_CAPTURE(log_line, json, AccessLogFormat::json());
BENCHMARK_CAPTURE(log_line, text,
                  AccessLogFormat::text(
                      R"($client [$time] "$method $path $protocol" $status $bytes_sent $duration )"
                      R"("$http_user_agent" $request_id $upstream)"));

// With the buffer and the log's thread, which writes to the same processor's other side.
void log_exchange(benchmark::State& state) {
  const log::Capture quiet(log::Level::off);
  const test::Exchange exchange;
  AccessLog log({.target = "/dev/null"}, 1);
  for (auto _ : state)
    log.worker(0).write(exchange.record);
  const auto counts = log.counts();
  state.counters["dropped"] = static_cast<double>(counts.no_room + counts.write_failed);
}
BENCHMARK(log_exchange);

}  // namespace
}  // namespace sinew::proxy

BENCHMARK_MAIN();
