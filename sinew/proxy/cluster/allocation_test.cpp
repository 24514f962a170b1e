#include <gtest/gtest.h>

#include <string>

#include "sinew/proxy/cluster/balancer.hpp"
#include "sinew/proxy/cluster/test_cluster.hpp"
#include "tests/support/counted_allocations.hpp"

namespace sinew::proxy {
namespace {

using namespace std::chrono_literals;
using test::allocations;

TEST(ClusterAllocations, AreCounted) {
  const auto before = allocations.load();
  const std::string text(1'000, 'x');

  EXPECT_GT(allocations.load(), before) << text.size();
}

TEST(ClusterAllocations, NoneForAChoiceAlsoWhenEndpointsComeAndGo) {
  EndpointRegistry registry(kDefaultSlots);
  registry.configure(targets(std::vector<std::uint16_t>(50, 100)));
  TestRandom random(1);
  for (const auto algorithm : {Balancing::round_robin, Balancing::least_request, Balancing::random,
                               Balancing::consistent_hash, Balancing::latency}) {
    Balancer balancer({.algorithm = algorithm}, registry.current(), 1);
    const auto before = allocations.load();

    for (int i = 0; i < 5'000; ++i) {
      const Instant now(i * 1ms);
      TriedEndpoints tried;
      const auto chosen = balancer.choose({random(), random(), now, &tried});
      ASSERT_TRUE(chosen);
      const ActiveRequest request(**chosen);
      auto& endpoint = request.endpoint();
      endpoint.latency().add(1ms, now, 10s);
      tried.add(endpoint);
      ASSERT_TRUE(balancer.choose({random(), random(), now, &tried}));
      if (i % 10 == 0) {
        auto& flapping = *registry.current()->members()[7].endpoint;
        flapping.health().set(i % 20 == 0 ? HealthState::unhealthy : HealthState::healthy);
        flapping.signals().changed();
      }
    }

    EXPECT_EQ(allocations.load(), before) << to_string(algorithm);
  }
}

}  // namespace
}  // namespace sinew::proxy
