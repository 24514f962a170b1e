// The routing table of Kong's rules: a match among 10, 1,000 and 5,000 routes, by path, by host and
// by wildcard; and what compiling a configuration costs.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "sinew/gateway/configuration.hpp"
#include "sinew/gateway/route_rules.hpp"

namespace sinew::gateway {
namespace {

enum class By : std::int64_t { path, host, wildcard };

std::string host_of(std::int64_t i) { return fmt::format("shop-{}.example.com", i); }
std::string path_of(std::int64_t i) { return fmt::format("/api/team-{}/service-{}", i % 97, i); }

Configuration configuration_of(std::int64_t routes, By by) {
  Configuration configuration;
  configuration.services.emplace_back();
  for (std::int64_t i = 0; i < routes; ++i) {
    auto& route = configuration.routes.emplace_back();
    route.methods = {{"GET"}, {"POST"}};
    if (by == By::path) route.paths.push_back({path_of(i)});
    if (by == By::host) route.hosts.push_back({host_of(i)});
    if (by == By::wildcard) route.hosts.push_back({"*." + host_of(i)});
  }
  return configuration;
}

void match(benchmark::State& state, By by) {
  const auto routes = state.range(0);
  const proxy::RouteTable table(route_rules(configuration_of(routes, by)));
  std::vector<std::string> hosts;
  std::vector<std::string> paths;
  constexpr std::int64_t kRequests = 1'024;
  for (std::int64_t i = 0; i < kRequests; ++i) {
    const auto drawn = i * 7'919 % routes;
    hosts.push_back((by == By::wildcard ? "www." : "") + host_of(drawn));
    paths.push_back(path_of(drawn) + "/orders/4711");
  }
  std::size_t at = 0;
  std::size_t missed = 0;
  for (auto _ : state) {
    const auto found = table.match(
        {.method = "GET", .host = hosts[at], .port = 80, .path = paths[at], .headers = nullptr});
    missed += found ? 0 : 1;
    at = (at + 1) % static_cast<std::size_t>(kRequests);
  }
  if (missed > 0) state.SkipWithError("a request matched no route");
}
BENCHMARK_CAPTURE(match, path, By::path)->Arg(10)->Arg(1'000)->Arg(5'000);
BENCHMARK_CAPTURE(match, host, By::host)->Arg(10)->Arg(1'000)->Arg(5'000);
BENCHMARK_CAPTURE(match, wildcard, By::wildcard)->Arg(10)->Arg(1'000)->Arg(5'000);

// The bound of a reload: 50 ms for 5,000 routes.
void compile(benchmark::State& state) {
  const auto configuration = configuration_of(state.range(0), By::path);
  for (auto _ : state) {
    const proxy::RouteTable table(route_rules(configuration));
    benchmark::DoNotOptimize(table.size());
  }
}
BENCHMARK(compile)->Arg(1'000)->Arg(5'000)->Unit(benchmark::kMillisecond);

void read_file(benchmark::State& state) {
  std::string text = "_format_version: \"3.0\"\nservices:\n";
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    text += fmt::format("- {{name: s{0}, host: s{0}.internal, routes: [{{paths: [{1}]}}]}}\n", i,
                        path_of(i));
  }
  const auto nothing = [](const std::string&) { return std::optional<std::string>(); };
  for (auto _ : state) {
    if (!read_configuration(text, "bench", nothing).configuration) {
      state.SkipWithError("the file has errors");
    }
  }
}
BENCHMARK(read_file)->Arg(1'000)->Arg(5'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sinew::gateway

BENCHMARK_MAIN();
