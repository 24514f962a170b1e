#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "sinew/proxy/cluster/test_upstreams.hpp"
#include "tests/support/for_seeds.hpp"

// Whatever happens to connections, in whatever order: none is lent twice, limits hold, and in the
// end nothing is left.
namespace sinew::proxy {
namespace {

using namespace std::chrono_literals;
using sinew::tests::for_seeds;
using test::Upstreams;

constexpr std::size_t kBackends = 3;
constexpr int kClients = 8;
constexpr int kRequests = 25;
constexpr std::int64_t kMaxConnections = 4;

ClusterSettings tight() {
  return {.pool = {.max_idle = 3, .idle_timeout = 50ms, .max_requests = 5},
          .limits = {.max_connections = kMaxConnections, .max_pending = 3}};
}

// Two workers of one cluster, clients that use them, and someone who breaks things.
class Turmoil {
 public:
  explicit Turmoil(std::uint64_t seed)
      : upstreams(seed, kBackends, tight()), other(upstreams.proxy, upstreams.cluster, seed + 1) {
    for (std::size_t i = 0; i < kBackends; ++i)
      seen.push_back(upstreams.endpoint(i));
    auto& network = upstreams.world.network().options();
    network.refuse = 0.1;
    upstreams.transport.connect_timeout = 20ms;
  }

  async::sim::Random& random() { return upstreams.world.random(); }
  Duration moment(Duration most) { return random().within({0ns, most}); }
  WorkerCluster& worker() { return random().chance(0.5) ? *upstreams.worker : other; }

  Task<void> use() {
    for (int i = 0; i < kRequests; ++i) {
      auto& from = worker();
      const auto chosen = from.choose({.random = random().next()});
      if (!chosen) {
        co_await async::sleep_for(1ms);
        continue;
      }
      const EndpointPtr& endpoint = *chosen;
      auto lease = from.take_idle(endpoint, upstreams.transport);
      if (!lease) {
        auto connected = co_await from.connect(endpoint, upstreams.transport,
                                               upstreams.world.now() + moment(60ms));
        if (!connected) continue;
        lease = std::move(*connected);
      }
      co_await serve(std::move(*lease));
    }
  }

  Task<void> serve(UpstreamLease lease) {
    const auto* stream = &lease.stream();
    EXPECT_TRUE(lent.insert(stream).second) << "lent twice";
    const Returned returned{*this, stream};
    if (random().chance(0.7)) co_await async::sleep_for(moment(5ms));
    lent.erase(stream);
    if (random().chance(0.7)) lease.give_back();
    if (random().chance(0.5)) lease.discard();
  }

  // Also where its frame is dropped in the middle.
  struct Returned {
    ~Returned() { turmoil.lent.erase(stream); }
    Turmoil& turmoil;
    const async::Stream* stream;
  };

  void break_something() {
    auto& backend = *upstreams.backends[random().below(kBackends)];
    switch (random().below(7)) {
      case 0: upstreams.world.network().cut(upstreams.proxy, backend.node()); break;
      case 1: backend.accepted().clear(); break;
      case 2: speak(backend); break;
      case 3: upstreams.set_targets({backend.target()}); break;
      case 4: use_all(); break;
      case 5: upstreams.world.network().partition(upstreams.proxy, backend.node()); break;
      default: upstreams.world.network().heal(upstreams.proxy, backend.node()); break;
    }
    for (const auto& member : upstreams.registry.current()->members())
      seen.push_back(member.endpoint);
  }
  static void speak(test::Backend& backend) {
    constexpr std::array<std::byte, 1> unasked = {};
    for (const auto& stream : backend.accepted())
      stream->try_write(unasked);
  }
  void use_all() {
    std::vector<Target> targets;
    for (const auto& backend : upstreams.backends)
      targets.push_back(backend->target());
    upstreams.set_targets(std::move(targets));
  }

  void expect_within_limits() {
    EXPECT_LE(upstreams.in_use(ClusterLimit::connections), kMaxConnections);
    EXPECT_GE(upstreams.in_use(ClusterLimit::connections), 0);
    const auto a = upstreams.worker->counts();
    const auto b = other.counts();
    EXPECT_EQ(static_cast<std::size_t>(upstreams.in_use(ClusterLimit::pending)),
              a.pending + b.pending);
    EXPECT_EQ(lent.size() <= a.pool.in_use + b.pool.in_use, true);
  }

  void expect_nothing_left() {
    for (auto* worker : {upstreams.worker.get(), &other}) {
      worker->retire();
      const auto counts = worker->counts();
      EXPECT_EQ(counts.pool.in_use, 0U);
      EXPECT_EQ(counts.pool.idle, 0U);
      EXPECT_EQ(counts.pool.to_close, 0U);
      EXPECT_EQ(counts.connecting, 0U);
      EXPECT_EQ(counts.pending, 0U);
    }
    EXPECT_EQ(upstreams.in_use(ClusterLimit::connections), 0);
    EXPECT_EQ(upstreams.in_use(ClusterLimit::pending), 0);
    for (const auto& endpoint : seen)
      EXPECT_EQ(endpoint->active_connections(), 0U);
  }

  Upstreams upstreams;
  WorkerCluster other;
  std::set<const async::Stream*> lent;
  std::vector<EndpointPtr> seen;
};

void disturb(Turmoil& turmoil, int times) {
  for (int i = 0; i < times; ++i) {
    turmoil.upstreams.world.run_for(turmoil.moment(10ms));
    turmoil.break_something();
    turmoil.expect_within_limits();
  }
}

TEST(WorkerClusterProperty, NothingIsLentTwiceAndNothingIsLeftInTheEnd) {
  std::uint64_t opened = 0;
  std::uint64_t reused = 0;
  std::uint64_t refused = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t over_limit = 0;
  std::uint64_t ended_idle = 0;
  for_seeds(300, [&](std::uint64_t seed) {
    Turmoil turmoil(seed);
    {
      async::Scope clients(turmoil.upstreams.proxy);
      for (int i = 0; i < kClients; ++i)
        clients.spawn(turmoil.use());
      disturb(turmoil, 20);
      switch (seed % 3) {
        case 0: turmoil.other.retire(); break;
        case 1: clients.cancel(); break;
        default: break;
      }
      disturb(turmoil, 10);
      turmoil.upstreams.world.heal();
      turmoil.use_all();
      if (seed % 4 != 0) turmoil.upstreams.proxy.run(clients.join());
      // ...or their frames are dropped where they are.
    }
    turmoil.upstreams.world.run_for(10ms);
    turmoil.expect_nothing_left();
    const auto& counters = turmoil.upstreams.cluster->counters();
    opened += counters.connections_opened;
    reused += turmoil.upstreams.worker->counts().pool.reused;
    refused += counters.connect_refused;
    timeouts += counters.connect_timeouts;
    over_limit += counters.connect_over_limit;
    ended_idle += counters.connections_ended_idle;
  });
  // What is tested happens.
  EXPECT_GT(opened, 1'000U);
  EXPECT_GT(reused, 1'000U);
  EXPECT_GT(refused, 100U);
  EXPECT_GT(timeouts, 100U);
  EXPECT_GT(over_limit, 100U);
  EXPECT_GT(ended_idle, 100U);
}

}  // namespace
}  // namespace sinew::proxy
