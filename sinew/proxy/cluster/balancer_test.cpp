#include "sinew/proxy/cluster/balancer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <numeric>
#include <optional>

#include "sinew/base/error.hpp"
#include "sinew/proxy/cluster/test_cluster.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::proxy {
namespace {

using namespace std::chrono_literals;

constexpr Balancing kAll[] = {Balancing::round_robin, Balancing::least_request, Balancing::random,
                              Balancing::consistent_hash, Balancing::latency};

// A cluster and one worker's balancer over it.
class Choices {
 public:
  explicit Choices(const BalancerSettings& settings, const std::vector<std::uint16_t>& weights,
                   std::uint64_t seed = 1)
      : random_(seed) {
    registry_.configure(targets(weights));
    balancer_.emplace(settings, registry_.current(), seed);
  }

  Endpoint& endpoint(std::size_t index) const { return *member(index); }
  const EndpointPtr& member(std::size_t index) const {
    return registry_.current()->members()[index].endpoint;
  }
  Balancer& balancer() { return *balancer_; }
  EndpointRegistry& registry() { return registry_; }

  // The index chosen; nothing: none.
  std::optional<std::size_t> choose(const TriedEndpoints* tried = nullptr, Instant now = {}) {
    const auto chosen = balancer_->choose({random_(), random_(), now, tried});
    if (!chosen) return std::nullopt;
    const auto members = registry_.current()->members();
    const auto at = std::ranges::find(members, *chosen, [](const auto& m) { return &m.endpoint; });
    EXPECT_NE(at, members.end());
    return static_cast<std::size_t>(at - members.begin());
  }

  std::vector<int> counts(int choices) {
    std::vector<int> counted(registry_.current()->members().size());
    for (int i = 0; i < choices; ++i)
      ++counted.at(choose().value());
    return counted;
  }

  void set_health(std::size_t index, HealthState state) {
    endpoint(index).health().set(state);
    endpoint(index).signals().changed();
  }

 private:
  TestRandom random_;
  EndpointRegistry registry_{kDefaultSlots};
  std::optional<Balancer> balancer_;
};

// Pearson's statistic over its degrees of freedom: about 1 for a true sample of the weights.
double chi_square(const std::vector<int>& counts, const std::vector<std::uint16_t>& weights) {
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  const double choices = std::accumulate(counts.begin(), counts.end(), 0.0);
  double sum = 0;
  double free = -1;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (weights[i] == 0) continue;
    const double due = choices * weights[i] / total;
    sum += (counts[i] - due) * (counts[i] - due) / due;
    ++free;
  }
  return sum / free;
}

TEST(Balancer, SharesAnIdleClusterByWeightWhateverTheAlgorithm) {
  const std::vector<std::uint16_t> weights = {100, 50, 0, 200, 1, 100, 65, 300};
  for (const auto algorithm : kAll) {
    tests::for_seeds(5, [&](std::uint64_t seed) {
      Choices choices({.algorithm = algorithm}, weights, seed);
      const auto counted = choices.counts(50'000);
      EXPECT_EQ(counted[2], 0) << to_string(algorithm);
      // Far above what any seed gives, far below what a wrong share gives. The slots of the
      // smallest weight are few: their share is right to a tenth only.
      EXPECT_LE(chi_square(counted, weights), 6) << to_string(algorithm);
    });
  }
}

TEST(Balancer, WeightZeroAndTheUnavailableAreNeverChosen) {
  for (const auto algorithm : kAll) {
    Choices choices({.algorithm = algorithm}, {10, 0, 10, 10, 10});
    choices.set_health(2, HealthState::unhealthy);
    choices.set_health(3, HealthState::unchecked);

    const auto counted = choices.counts(2'000);

    EXPECT_THAT(counted, testing::ElementsAre(testing::Gt(0), 0, 0, 0, testing::Gt(0)))
        << to_string(algorithm);
  }
}

TEST(Balancer, NoticesWhenEndpointsComeBackOrAreEjected) {
  for (const auto algorithm : kAll) {
    Choices choices({.algorithm = algorithm}, {10, 10});
    choices.set_health(0, HealthState::unhealthy);
    EXPECT_EQ(choices.counts(100)[0], 0);

    choices.set_health(0, HealthState::healthy);
    ASSERT_TRUE(choices.endpoint(1).ejection().eject(Instant(1s), 5));
    choices.endpoint(1).signals().changed();

    EXPECT_EQ(choices.counts(100)[1], 0) << to_string(algorithm);
    ASSERT_TRUE(choices.endpoint(1).ejection().readmit());
    choices.endpoint(1).signals().changed();
    EXPECT_GT(choices.counts(100)[1], 0) << to_string(algorithm);
  }
}

TEST(Balancer, SaysWhyThereIsNothing) {
  Choices none({}, {});
  EXPECT_EQ(none.balancer().choose({1}).error(), NoEndpoint::none_known);
  Choices without_weight({}, {0, 0});
  EXPECT_EQ(without_weight.balancer().choose({1}).error(), NoEndpoint::none_known);
  Choices down({}, {1});
  down.set_health(0, HealthState::unhealthy);
  EXPECT_EQ(down.balancer().choose({1}).error(), NoEndpoint::none_available);
}

TEST(Balancer, PanicUsesAllEndpointsWhenTooFewAreAvailable) {
  Choices choices({.panic_percent = 50}, {1, 1, 1, 1, 0});
  for (const std::size_t down : {0, 1})
    choices.set_health(down, HealthState::unhealthy);
  EXPECT_EQ(choices.counts(100)[0], 0) << "half is not below 50 percent";
  EXPECT_FALSE(choices.balancer().snapshot().panic);

  choices.set_health(2, HealthState::unhealthy);

  EXPECT_THAT(choices.counts(100), testing::ElementsAre(25, 25, 25, 25, 0));
  EXPECT_TRUE(choices.balancer().snapshot().panic);
}

TEST(Balancer, BelowTheThresholdOfTheWeightNothingIsChosen) {
  Choices choices({.minimum_available_percent = 50}, {60, 30, 10});
  choices.set_health(1, HealthState::unhealthy);
  EXPECT_TRUE(choices.choose());

  choices.set_health(0, HealthState::unhealthy);

  EXPECT_EQ(choices.balancer().choose({1}).error(), NoEndpoint::below_threshold);
  choices.set_health(2, HealthState::unhealthy);
  EXPECT_EQ(choices.balancer().choose({1}).error(), NoEndpoint::none_available);
}

TEST(Balancer, ARetryMeetsEveryOtherEndpointBeforeOneAgain) {
  for (const auto algorithm : kAll) {
    tests::for_seeds(50, [&](std::uint64_t seed) {
      Choices choices({.algorithm = algorithm}, {10'000, 1, 1, 1, 1}, seed);
      TriedEndpoints tried;
      std::vector<std::size_t> met;
      for (int i = 0; i < 5; ++i) {
        met.push_back(choices.choose(&tried).value());
        tried.add(choices.endpoint(met.back()));
      }
      EXPECT_TRUE(choices.choose(&tried)) << "all were tried: any";
      std::ranges::sort(met);
      EXPECT_THAT(met, testing::ElementsAre(0, 1, 2, 3, 4)) << to_string(algorithm);
    });
  }
}

TEST(TriedEndpoints, ForgetsTheFirstWhenThereAreTooMany) {
  Choices choices({}, std::vector<std::uint16_t>(TriedEndpoints::kRemembered + 1, 1));
  TriedEndpoints tried;
  for (std::size_t i = 0; i <= TriedEndpoints::kRemembered; ++i)
    tried.add(choices.endpoint(i));

  EXPECT_FALSE(tried.contains(choices.endpoint(0)));
  for (std::size_t i = 1; i <= TriedEndpoints::kRemembered; ++i)
    EXPECT_TRUE(tried.contains(choices.endpoint(i)));
}

// Requests that an endpoint ends slowly stay active: the others get the next ones.
TEST(Balancer, LeastRequestKeepsTheLoadInProportionToTheWeights) {
  Choices choices({.algorithm = Balancing::least_request}, {10, 10, 20, 40});
  std::vector<ActiveRequest> active;
  for (int i = 0; i < 800; ++i)
    active.emplace_back(choices.member(choices.choose().value()));

  EXPECT_NEAR(choices.endpoint(0).active_requests(), 100, 10);
  EXPECT_NEAR(choices.endpoint(1).active_requests(), 100, 10);
  EXPECT_NEAR(choices.endpoint(2).active_requests(), 200, 10);
  EXPECT_NEAR(choices.endpoint(3).active_requests(), 400, 10);
}

TEST(Balancer, LeastRequestAvoidsTheOneThatIsStuck) {
  Choices choices({.algorithm = Balancing::least_request}, {1, 1, 1, 1});
  const std::vector<ActiveRequest> stuck = [&] {
    std::vector<ActiveRequest> made;
    for (int i = 0; i < 50; ++i)
      made.emplace_back(choices.member(0));
    return made;
  }();

  // Chosen only when it is drawn three times in a row: 1 in 64.
  EXPECT_LE(choices.counts(6'400)[0], 200);
}

TEST(Balancer, LatencyPrefersTheQuickAndComesBackToTheOnceSlow) {
  Choices choices({.algorithm = Balancing::latency}, {1, 1});
  choices.endpoint(0).latency().add(2s, Instant(1s), 10s);
  choices.endpoint(1).latency().add(10ms, Instant(1s), 10s);
  const auto slow_share = [&](Instant now) {
    int slow = 0;
    for (int i = 0; i < 1'000; ++i) {
      slow += choices.choose(nullptr, now) == 0U ? 1 : 0;
      choices.endpoint(1).latency().add(10ms, now, 10s);
    }
    return slow;
  };

  // Drawn alone, three times in a row: 1 in 8.
  EXPECT_NEAR(slow_share(Instant(1s)), 125, 40);
  EXPECT_NEAR(slow_share(Instant(100s)), 875, 40) << "forgiven after some decay times";
}

TEST(Balancer, AHashMeetsTheSameEndpointAndItsSpareWhileThatIsAway) {
  Choices choices({.algorithm = Balancing::consistent_hash}, std::vector<std::uint16_t>(20, 100));
  const auto owner = [&](std::uint64_t hash) {
    return (*choices.balancer().choose({.random = hash * 7, .hash = mix(hash)}))->get();
  };
  std::vector<Endpoint*> before;
  for (std::uint64_t hash = 0; hash < 2'000; ++hash)
    before.push_back(owner(hash));

  choices.set_health(3, HealthState::unhealthy);

  std::vector<int> inherited(20);
  for (std::uint64_t hash = 0; hash < 2'000; ++hash) {
    auto* now = owner(hash);
    if (before[hash] != &choices.endpoint(3)) {
      ASSERT_EQ(now, before[hash]);
    } else {
      ASSERT_NE(now, before[hash]);
      ASSERT_EQ(now, owner(hash)) << "a spare stays the same";
      for (std::size_t i = 0; i < 20; ++i)
        inherited[i] += now == &choices.endpoint(i) ? 1 : 0;
    }
  }
  EXPECT_LE(*std::ranges::max_element(inherited), 25) << "not all by one of the others";
  choices.set_health(3, HealthState::healthy);
  for (std::uint64_t hash = 0; hash < 2'000; ++hash)
    ASSERT_EQ(owner(hash), before[hash]);
}

TEST(Balancer, AHashStaysWithMostEndpointsWhenOneIsAddedOrRemoved) {
  Choices choices({.algorithm = Balancing::consistent_hash}, std::vector<std::uint16_t>(10, 100));
  const auto owners = [&] {
    std::vector<std::uint64_t> ids;
    for (std::uint64_t hash = 0; hash < 10'000; ++hash)
      ids.push_back((*choices.balancer().choose({.random = 1, .hash = mix(hash)}))->get()->id());
    return ids;
  };
  const auto before = owners();

  choices.registry().configure(targets(std::vector<std::uint16_t>(11, 100)));
  choices.balancer().use(choices.registry().current());
  const auto after = owners();

  int moved = 0;
  for (std::size_t i = 0; i < before.size(); ++i)
    moved += before[i] != after[i] ? 1 : 0;
  EXPECT_GE(moved, 800);
  EXPECT_LE(moved, 10'000 / 11 + 400);
}

TEST(Balancer, ANewSetIsUsedAndTheOldOneLetGo) {
  Choices choices({}, {1});
  const std::weak_ptr<const EndpointSet> old = choices.balancer().set();

  choices.registry().configure(targets({1, 1, 1}));
  choices.balancer().use(choices.registry().current());

  EXPECT_TRUE(old.expired());
  EXPECT_THAT(choices.counts(300), testing::ElementsAre(100, 100, 100));
}

TEST(Balancer, WorkersWithOtherSeedsBeginAtOtherEndpoints) {
  std::vector<int> first(8);
  for (std::uint64_t seed = 1; seed <= 400; ++seed)
    ++first.at(Choices({}, std::vector<std::uint16_t>(8, 100), seed).choose().value());

  EXPECT_GE(*std::ranges::min_element(first), 20);
}

// Availability that flaps makes the turns begin anew, and must favour nobody.
TEST(Balancer, FlappingEndpointsDoNotDisturbTheSharesOfTheOthers) {
  Choices choices({}, {1, 1, 1, 1, 1});
  std::vector<int> counted(5);
  for (int i = 0; i < 20'000; ++i) {
    if (i % 3 == 0) {
      choices.set_health(4, i % 2 == 0 ? HealthState::unhealthy : HealthState::healthy);
    }
    ++counted.at(choices.choose().value());
  }
  const auto [least, most] = std::minmax_element(counted.begin(), counted.begin() + 4);
  EXPECT_LE(*most - *least, 500);
}

TEST(Balancer, RefusesSettingsThatCannotBeMeant) {
  EndpointRegistry registry;
  registry.configure(targets({1}));
  const auto make = [&](const BalancerSettings& settings) {
    return Balancer(settings, registry.current(), 1);
  };
  EXPECT_THROW(make({.panic_percent = 101}), Error);
  EXPECT_THROW(make({.panic_percent = 50, .minimum_available_percent = 50}), Error);
  EXPECT_THROW(make({.algorithm = Balancing::consistent_hash}), Error) << "no slots";
  EXPECT_NO_THROW(make({.panic_percent = 50}));
}

TEST(PeakLatency, JumpsToAPeakAndComesDownInTime) {
  PeakLatency latency;
  EXPECT_EQ(latency.microseconds(Instant(5s), 10s), 30'000) << "before any answer";

  latency.add(10ms, Instant(5s), 10s);
  EXPECT_EQ(latency.microseconds(Instant(5s), 10s), 10'000);
  latency.add(1s, Instant(5s), 10s);
  EXPECT_EQ(latency.microseconds(Instant(5s), 10s), 1'000'000);
  latency.add(10ms, Instant(15s), 10s);
  EXPECT_NEAR(latency.microseconds(Instant(15s), 10s), 10'000 + 990'000 / std::exp(1), 100);
  EXPECT_NEAR(latency.microseconds(Instant(25s), 10s),
              (10'000 + 990'000 / std::exp(1)) / std::exp(1), 100);
}

TEST(PeakLatency, BoundsWhatItIsTold) {
  PeakLatency latency;
  latency.add(0ns, Instant(5s), 10s);
  EXPECT_NEAR(latency.microseconds(Instant(5s), 10s), 0.1, 1e-9);
  latency.add(24h, Instant(5s), 10s);
  EXPECT_GT(latency.microseconds(Instant(5s), 10s), 400e6);
  EXPECT_GT(latency.microseconds(Instant(4s), 10s), 400e6) << "a thread that is late";
}

}  // namespace
}  // namespace sinew::proxy
