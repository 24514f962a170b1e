// The choice of an endpoint: nanoseconds for 2, 10 and 1,000 of them, by each algorithm, with other
// weights; and what it costs to look at all of them after one became unavailable.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "sinew/proxy/cluster/balancer.hpp"
#include "sinew/proxy/cluster/mix.hpp"

namespace sinew::proxy {
namespace {

EndpointSetPtr endpoints(std::int64_t count) {
  EndpointRegistry registry(kDefaultSlots);
  std::vector<Target> targets;
  for (std::int64_t i = 0; i < count; ++i) {
    targets.push_back({fmt::format("10.0.{}.{}", i / 250, i % 250), 8'000,
                       static_cast<std::uint16_t>(50 + i % 100)});
  }
  return registry.configure(std::move(targets)).set;
}

void choose(benchmark::State& state, Balancing algorithm) {
  Balancer balancer({.algorithm = algorithm}, endpoints(state.range(0)), 1);
  std::uint64_t random = 1;
  for (auto _ : state) {
    random = mix(random);
    benchmark::DoNotOptimize(balancer.choose({.random = random, .hash = random}));
  }
}
BENCHMARK_CAPTURE(choose, round_robin, Balancing::round_robin)->Arg(2)->Arg(10)->Arg(1000);
BENCHMARK_CAPTURE(choose, least_request, Balancing::least_request)->Arg(2)->Arg(10)->Arg(1000);
BENCHMARK_CAPTURE(choose, random, Balancing::random)->Arg(2)->Arg(10)->Arg(1000);
BENCHMARK_CAPTURE(choose, consistent_hash, Balancing::consistent_hash)->Arg(2)->Arg(10)->Arg(1000);
BENCHMARK_CAPTURE(choose, latency, Balancing::latency)->Arg(2)->Arg(10)->Arg(1000);

void choose_after_a_change(benchmark::State& state) {
  const auto set = endpoints(state.range(0));
  Balancer balancer({}, set, 1);
  for (auto _ : state) {
    set->members()[0].endpoint->signals().changed();
    benchmark::DoNotOptimize(balancer.choose({.random = 1}));
  }
}
BENCHMARK(choose_after_a_change)->Arg(2)->Arg(10)->Arg(1000);

// Off the request path: a new version of the set, with its table of slots.
void make_a_set(benchmark::State& state) {
  for (auto _ : state)
    benchmark::DoNotOptimize(endpoints(state.range(0)));
}
BENCHMARK(make_a_set)->Arg(10)->Arg(1000)->Unit(benchmark::kMicrosecond);

void count_a_request(benchmark::State& state) {
  const auto set = endpoints(1);
  for (auto _ : state)
    benchmark::DoNotOptimize(ActiveRequest(set->members()[0].endpoint));
}
BENCHMARK(count_a_request);

}  // namespace
}  // namespace sinew::proxy

BENCHMARK_MAIN();
