// What observing an exchange costs its worker: its identity, its line of the access
// log and its counts; and what a scrape costs.

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sinew/base/log_sink.hpp"
#include "sinew/proxy/observe/access_log.hpp"
#include "sinew/proxy/observe/proxy_metrics.hpp"
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

// Of one of many routes in turn, so that cells are not all in the nearest cache.
void count(benchmark::State& state) {
  test::Exchange exchange;
  ProxyMetrics metrics(1);
  std::vector<Route> routes(static_cast<std::size_t>(state.range(0)), exchange.route);
  for (std::size_t i = 0; i < routes.size(); ++i)
    routes[i].name = "route-" + std::to_string(i);
  std::size_t at = 0;
  for (auto _ : state) {
    exchange.record.route = &routes[at];
    at = (at + 1) % routes.size();
    metrics.worker(0).count(exchange.record);
  }
}
BENCHMARK(count)->Arg(1)->Arg(1'000);

void scrape(benchmark::State& state) {
  test::Exchange exchange;
  ProxyMetrics metrics(1);
  std::vector<Route> routes(static_cast<std::size_t>(state.range(0)), exchange.route);
  for (std::size_t i = 0; i < routes.size(); ++i) {
    routes[i].name = "route-" + std::to_string(i);
    exchange.record.route = &routes[i];
    metrics.worker(0).count(exchange.record);
  }
  std::string text;
  for (auto _ : state) {
    text.clear();
    metrics.write(text);
  }
  state.counters["bytes"] = static_cast<double>(text.size());
}
BENCHMARK(scrape)->Arg(100)->Arg(5'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sinew::proxy

BENCHMARK_MAIN();
