#include <gtest/gtest.h>

#include "tests/simulation/power_cut_story.hpp"
#include "tests/support/for_seeds.hpp"

// A whole host in virtual time, by seed: `SINEW_SEED=7` runs that one alone, with its log.
namespace commerce::simulation {
namespace {

using sinew::sim::Databases;
using sinew::tests::chosen_seed;
using sinew::tests::for_seeds;

Ordeal run_seeds(std::uint64_t count, const StoryOptions& options) {
  Ordeal sum;
  for_seeds(count, [&](std::uint64_t seed) { sum += PowerCutStory(seed, options).run(); });
  return sum;
}

// Every kind of thing happened to some of the seeds.
void expect_variety(const Ordeal& ordeal, std::uint64_t seeds) {
  if (chosen_seed() || testing::Test::HasFailure()) return;
  EXPECT_GE(ordeal.power_cuts, 2 * static_cast<int>(seeds));
  EXPECT_GT(ordeal.cuts_in_a_start, 0);
  EXPECT_GE(ordeal.orders, 6 * seeds);
  EXPECT_GT(ordeal.rejected, seeds / 2);
  EXPECT_GT(ordeal.shipped, seeds);
}

TEST(CommerceSimulation, TellsTheSameStoryBySeed) {
  for (const auto databases : {Databases::plain, Databases::interleaving}) {
    const StoryOptions options{.databases = databases, .disk = {}};

    EXPECT_EQ(PowerCutStory(5, options).run().trace, PowerCutStory(5, options).run().trace);
    EXPECT_NE(PowerCutStory(5, options).run().trace, PowerCutStory(6, options).run().trace);
  }
}

TEST(CommerceSimulation, BalancesItsBooksThroughPowerCuts) {
  constexpr std::uint64_t seeds = 200;

  const Ordeal ordeal = run_seeds(seeds, {});

  expect_variety(ordeal, seeds);
}

TEST(CommerceSimulation, BalancesItsBooksOnADiskThatFails) {
  constexpr std::uint64_t seeds = 60;

  const Ordeal ordeal = run_seeds(
      seeds,
      {.databases = Databases::plain,
       .disk = {.full = 0.005, .read_error = 0.0005, .write_error = 0.003, .sync_error = 0.005}});

  expect_variety(ordeal, seeds);
  if (!chosen_seed()) EXPECT_GT(ordeal.failed_starts, 0);
}

TEST(CommerceSimulation, BalancesItsBooksOnDatabasesAcrossANetwork) {
  constexpr std::uint64_t seeds = 60;

  const Ordeal ordeal = run_seeds(seeds, {.databases = Databases::interleaving, .disk = {}});

  expect_variety(ordeal, seeds);
}

}  // namespace
}  // namespace commerce::simulation
