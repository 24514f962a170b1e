#include "sinew/proxy/cluster/weighted_schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "sinew/proxy/cluster/test_cluster.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::proxy {
namespace {

using Weights = std::vector<std::uint16_t>;

WeightedSchedule schedule(const Weights& weights, TestRandom& random) {
  WeightedSchedule made;
  for (std::uint32_t place = 0; place < weights.size(); ++place)
    made.add(place, weights[place], random());
  return made;
}

Weights random_weights(TestRandom& random, std::uint64_t heaviest) {
  Weights weights(1 + random.below(20));
  for (auto& weight : weights)
    weight = static_cast<std::uint16_t>(1 + random.below(heaviest));
  return weights;
}

TEST(WeightedSchedule, EveryRoundGivesEachExactlyItsWeight) {
  tests::for_seeds(200, [](std::uint64_t seed) {
    TestRandom random(seed);
    const auto weights = random_weights(random, 50);
    auto turns = schedule(weights, random);
    const int total = std::accumulate(weights.begin(), weights.end(), 0);

    for (int round = 0; round < 3; ++round) {
      std::vector<int> taken(weights.size());
      for (int i = 0; i < total; ++i)
        ++taken[turns.next()];
      ASSERT_TRUE(std::ranges::equal(taken, weights));
    }
  });
}

// At no moment has anyone had two turns more or less than its share of the turns so far, but for
// the half turn by which each of the others may be early.
TEST(WeightedSchedule, TurnsAreSpreadAndNeverComeInBursts) {
  tests::for_seeds(200, [](std::uint64_t seed) {
    TestRandom random(seed);
    const auto weights = random_weights(random, 1'000);
    auto turns = schedule(weights, random);
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    std::vector<int> taken(weights.size());
    for (int i = 1; i <= 5'000; ++i) {
      ++taken[turns.next()];
      for (std::size_t place = 0; place < weights.size(); ++place) {
        const double due = i * weights[place] / total;
        const double slack = 1 + static_cast<double>(weights.size()) * weights[place] / total;
        ASSERT_LE(std::abs(taken[place] - due), slack + 1e-6) << "place " << place << " turn " << i;
      }
    }
  });
}

TEST(WeightedSchedule, EqualWeightsTakeTurnsInAFixedOrder) {
  TestRandom random(1);
  auto turns = schedule({7, 7, 7, 7}, random);
  std::vector<std::uint32_t> first;
  for (int i = 0; i < 4; ++i)
    first.push_back(turns.next());

  for (int i = 4; i < 400; ++i)
    ASSERT_EQ(turns.next(), first[static_cast<std::size_t>(i % 4)]);
  std::ranges::sort(first);
  EXPECT_EQ(first, (std::vector<std::uint32_t>{0, 1, 2, 3}));
}

TEST(WeightedSchedule, TheLightestAmongTheHeaviestHasItsTurn) {
  TestRandom random(1);
  auto turns = schedule({65'535, 1}, random);
  int light = 0;

  for (int i = 0; i < 3 * 65'536; ++i)
    light += turns.next() == 1 ? 1 : 0;

  EXPECT_EQ(light, 3);
}

// Rounds are counted in 32 bits, and a turn of weight 1 is a round: they wrap around in here.
TEST(WeightedSchedule, TheOrderHoldsWhereTheRoundsWrapAround) {
  TestRandom random(3);
  auto turns = schedule({1, 1}, random);
  const auto first = turns.next();

  for (int i = 1; i < 2'000; ++i)
    ASSERT_EQ(turns.next(), i % 2 == 0 ? first : 1 - first) << "turn " << i;
}

}  // namespace
}  // namespace sinew::proxy
