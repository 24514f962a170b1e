#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "sinew/proxy/cluster/balancer.hpp"
#include "sinew/proxy/cluster/cluster_limits.hpp"
#include "sinew/proxy/cluster/health_policy.hpp"
#include "sinew/proxy/cluster/outlier_detector.hpp"
#include "sinew/proxy/cluster/pool_policy.hpp"
#include "sinew/proxy/cluster/request_hash.hpp"
#include "sinew/proxy/cluster/retry_decision.hpp"
#include "sinew/proxy/cluster/test_cluster.hpp"
#include "sinew/proxy/cluster/test_upstreams.hpp"
#include "sinew/wire/request_parser.hpp"
#include "tests/support/counted_allocations.hpp"

namespace sinew::proxy {
namespace {

using namespace std::chrono_literals;
using sinew::test::allocations;

TEST(ClusterAllocations, AreCounted) {
#if __has_feature(address_sanitizer)
  GTEST_SKIP() << "the sanitizer's operator new goes before the counting one";
#endif
  const auto before = allocations.load();
  // Called by its name: a new-expression whose memory nobody needs may be left out.
  void* const memory = ::operator new(1'000);

  EXPECT_GT(allocations.load(), before);
  ::operator delete(memory);
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

TEST(ClusterAllocations, NoneForWhatARequestReports) {
  EndpointRegistry registry;
  auto& endpoint = *registry.configure(targets({1, 1})).set->members()[0].endpoint;
  const HealthPolicy health({.thresholds = {.successes = 2, .http_failures = 2, .timeouts = 2}});
  const OutlierDetector outliers({.max_ejected_percent = 100});
  ClusterLimits limits({.max_requests = 1});
  resilience::RetryBudget budget;
  const RetryRules rules(RetryPolicy{.on_broken = true});
  TestRandom random(1);
  int events = 0;
  const auto before = allocations.load();

  for (int i = 0; i < 20'000; ++i) {
    const Instant now(i * 1ms);
    const int status = random.below(2) == 0 ? 200 : 503;
    const auto permit = limits.try_take(ClusterLimit::requests);
    events += limits.try_take(ClusterLimit::requests) ? 1 : 0;
    events += health.report_status(endpoint, status) ? 1 : 0;
    events += outliers.answered(endpoint, status, now) ? 1 : 0;
    if (i % 100 == 0) events += outliers.readmit(endpoint) ? 1 : 0;
    const Attempt attempt = {AttemptEnd::broken, AttemptProgress::sent, 0, true, true, true};
    const auto decision = rules.decide(attempt, 0, i % 2 == 0, false, budget, now);
    events += decision.place == RetryPlace::none ? 1 : 0;
  }

  EXPECT_EQ(allocations.load(), before);
  EXPECT_GT(events, 1'000);
}

TEST(ClusterAllocations, NoneForAConnectionThatIsUsedAgain) {
  PoolPolicy pool({.idle_timeout = 10s});
  const auto lane = pool.add_lane();
  const auto first = pool.opened(lane, Instant(0s), 0);
  pool.opened(lane, Instant(0s), 0);
  pool.release(first, Instant(0s));
  int made = 0;
  const auto before = allocations.load();

  for (int i = 0; i < 20'000; ++i) {
    const Instant now(i * 1ms);
    auto taken = pool.take(lane, now);
    if (!taken) {
      taken = pool.opened(lane, now, 0);  // in the place of one that ended
      ++made;
    }
    pool.release(*taken, now, parse_keep_alive("timeout=5, max=100"));
    pool.expire(now);
    while (pool.next_to_close()) {
    }
  }

  EXPECT_EQ(allocations.load(), before);
  EXPECT_GT(made, 100);
}

TEST(ClusterAllocations, NoneForALeaseThatIsTakenAndGivenBack) {
  test::Upstreams upstreams(1, 2);
  for (const std::size_t index : {0, 1})
    upstreams.lease(index).give_back();
  upstreams.transport.server_name = "not asked for in clear.test";
  TestRandom random(1);
  int served = 0;
  const auto before = allocations.load();

  for (int i = 0; i < 5'000; ++i) {
    const auto endpoint = upstreams.worker->choose({.random = random()});
    ASSERT_TRUE(endpoint);
    auto lease = upstreams.worker->take_idle(*endpoint, upstreams.transport);
    ASSERT_TRUE(lease);
    upstreams.worker->answered(**endpoint, 200);
    lease->give_back(parse_keep_alive("timeout=5"));
    ++served;
  }

  EXPECT_EQ(allocations.load(), before);
  EXPECT_EQ(served, 5'000);
}

TEST(ClusterAllocations, NoneForTheHashOfARequest) {
  constexpr std::string_view kRequest =
      "GET /?a=1&user=x%20y HTTP/1.1\r\nHost: a\r\nX-User: 7\r\nCookie: a=b; id=8\r\n\r\n";
  wire::RequestParser parser;
  const auto received = wire::as_bytes(kRequest);
  ASSERT_EQ(parser.parse(received), wire::Progress::complete);
  const wire::IpAddress client;
  using Source = HashKey::Source;
  const std::array<HashKey, 5> keys = {{{Source::header, "x-user"},
                                        {Source::cookie, "id"},
                                        {Source::query, "user"},
                                        {Source::path},
                                        {Source::client_address}}};
  const auto before = allocations.load();

  for (const auto& key : keys)
    EXPECT_TRUE(hash_of(key, parser.head(), received, "/", client));

  EXPECT_EQ(allocations.load(), before);
}

}  // namespace
}  // namespace sinew::proxy
