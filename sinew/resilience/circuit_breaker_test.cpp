#include "sinew/resilience/circuit_breaker.hpp"

#include <gtest/gtest.h>

#include <barrier>
#include <random>
#include <thread>
#include <vector>

namespace sinew::resilience {
namespace {

using namespace std::chrono_literals;
using enum CircuitState;

// Knuth's MMIX generator; its upper half is uniform enough to choose by.
using Random = std::linear_congruential_engine<std::uint64_t, 6364136223846793005ULL,
                                               1442695040888963407ULL, 0>;

// A script: calls at moments of virtual time, each with its result and the state that follows.
struct Step {
  enum class Result { success, failure, refused };
  Duration at;
  Result result;
  CircuitState after;  // the last of `times` calls
  int times = 1;
};
constexpr auto ok = Step::Result::success;
constexpr auto bad = Step::Result::failure;
constexpr auto no = Step::Result::refused;

void play(CircuitBreaker& breaker, const std::vector<Step>& steps) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    SCOPED_TRACE("step " + std::to_string(i));
    const auto& step = steps[i];
    const Instant now(step.at);
    for (int n = 0; n < step.times; ++n) {
      auto permit = breaker.try_enter(now);
      ASSERT_EQ(permit.has_value(), step.result != no);
      if (step.result == ok) permit->succeed(now);
      if (step.result == bad) permit->fail(now);
    }
    const auto state = breaker.snapshot(now).state;
    ASSERT_EQ(state, step.after) << to_string(state);
  }
}

constexpr CircuitBreakerSettings kConsecutive{
    .consecutive_failures = 3, .failure_percent = 0, .success_threshold = 2};
constexpr CircuitBreakerSettings kRate{
    .consecutive_failures = 0, .failure_percent = 50, .minimum_volume = 10, .success_threshold = 1};

TEST(CircuitBreaker, FollowsItsScripts) {
  struct Row {
    const char* name;
    CircuitBreakerSettings settings;
    std::vector<Step> steps;
  };
  const Row rows[] = {
      {"failures in a row open it", kConsecutive, {{0s, bad, closed, 2}, {0s, bad, open}}},
      {"a success ends the row",
       kConsecutive,
       {{0s, bad, closed, 2}, {0s, ok, closed}, {0s, bad, closed, 2}, {0s, bad, open}}},
      {"the row has no window", kConsecutive, {{0s, bad, closed, 2}, {1h, bad, open}}},
      {"open refuses until its time",
       kConsecutive,
       {{1s, bad, open, 3}, {6s - 1ns, no, open, 5}, {6s, ok, half_open}, {6s, ok, closed}}},
      {"a failed probe opens it again, from its own time",
       kConsecutive,
       {{0s, bad, open, 3},
        {5s, ok, half_open},
        {7s, bad, open},
        {11s, no, open},
        {12s, ok, half_open}}},
      {"closed again it starts from nothing",
       kConsecutive,
       {{0s, bad, open, 3}, {5s, ok, closed, 2}, {5s, bad, closed, 2}, {5s, bad, open}}},
      {"half the recent calls open it",
       kRate,
       {{0s, ok, closed, 5}, {1s, bad, closed, 4}, {2s, bad, open}}},
      {"below the volume nothing opens it", kRate, {{0s, bad, closed, 9}, {0s, bad, open}}},
      {"below the percentage nothing opens it",
       kRate,
       {{0s, ok, closed, 11}, {0s, bad, closed, 10}, {0s, bad, open}}},
      {"old calls are forgotten",
       kRate,
       {{0s, bad, closed, 9}, {10s, bad, closed, 9}, {10s, bad, open}}},
      {"a rate breaker forgets the window when it opens",
       kRate,
       {{0s, bad, open, 10}, {5s, ok, closed}, {5s, bad, closed, 9}, {5s, bad, open}}},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    CircuitBreaker breaker(row.settings);
    play(breaker, row.steps);
  }
}

void open_at_zero(CircuitBreaker& breaker) {
  for (int i = 0; i < kConsecutive.consecutive_failures; ++i)
    breaker.try_enter(Instant())->fail(Instant());
  ASSERT_EQ(breaker.snapshot(Instant()).state, open);
}

TEST(CircuitBreaker, HalfOpenAdmitsNoMoreThanItsProbes) {
  auto settings = kConsecutive;
  settings.half_open_probes = 2;
  CircuitBreaker breaker(settings);
  open_at_zero(breaker);

  auto first = breaker.try_enter(Instant(5s));
  auto second = breaker.try_enter(Instant(5s));
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(breaker.try_enter(Instant(5s)));
  EXPECT_EQ(breaker.snapshot(Instant(5s)).probes_in_flight, 2U);

  first->succeed(Instant(6s));
  EXPECT_TRUE(breaker.try_enter(Instant(6s)));  // given back at once
  second->succeed(Instant(6s));
  EXPECT_EQ(breaker.snapshot(Instant(6s)).state, closed);
}

TEST(CircuitBreaker, AnAbandonedProbeGivesItsPlaceBack) {
  CircuitBreaker breaker(kConsecutive);
  open_at_zero(breaker);
  {
    const auto lost = breaker.try_enter(Instant(5s));
    EXPECT_TRUE(lost);
    EXPECT_FALSE(breaker.try_enter(Instant(5s)));
  }

  auto next = breaker.try_enter(Instant(5s));
  EXPECT_TRUE(next);
  EXPECT_EQ(breaker.snapshot(Instant(5s)).probe_successes, 0U);
}

TEST(CircuitBreaker, IgnoresResultsOfAnEarlierGeneration) {
  CircuitBreaker breaker(kConsecutive);
  auto slow_failure = breaker.try_enter(Instant());
  auto slow_success = breaker.try_enter(Instant());
  auto slow_nothing = breaker.try_enter(Instant());
  open_at_zero(breaker);
  auto probe = breaker.try_enter(Instant(5s));
  ASSERT_TRUE(probe);

  slow_failure->fail(Instant(5s));
  slow_success->succeed(Instant(5s));
  slow_nothing->abandon();

  auto snapshot = breaker.snapshot(Instant(5s));
  EXPECT_EQ(snapshot.state, half_open);
  EXPECT_EQ(snapshot.probes_in_flight, 1U);
  EXPECT_EQ(snapshot.probe_successes, 0U);
  EXPECT_EQ(snapshot.late, 2U);
  EXPECT_EQ(snapshot.recent.total(), 0U);

  probe->succeed(Instant(5s));
  EXPECT_EQ(breaker.snapshot(Instant(5s)).probe_successes, 1U);
}

TEST(CircuitBreaker, ASlowProbeOfAnEarlierHalfOpenDecidesNothing) {
  auto settings = kConsecutive;
  settings.half_open_probes = 2;
  CircuitBreaker breaker(settings);
  open_at_zero(breaker);
  auto slow = breaker.try_enter(Instant(5s));
  breaker.try_enter(Instant(5s))->fail(Instant(5s));
  auto probe = breaker.try_enter(Instant(10s));
  ASSERT_TRUE(probe);

  slow->fail(Instant(10s));

  EXPECT_EQ(breaker.snapshot(Instant(10s)).state, half_open);
  EXPECT_EQ(breaker.snapshot(Instant(10s)).probes_in_flight, 1U);
}

TEST(CircuitBreaker, OnlyTheFirstResultOfAPermitCounts) {
  CircuitBreaker breaker(kConsecutive);
  auto permit = *breaker.try_enter(Instant());

  for (int i = 0; i < 10; ++i)
    permit.fail(Instant());

  EXPECT_EQ(breaker.snapshot(Instant()).consecutive_failures, 1U);
}

TEST(CircuitBreaker, TellsAnswersFromFailures) {
  struct Row {
    Condition condition;
    std::uint64_t successes;
    std::uint64_t failures;
  };
  using enum Condition;
  const Row rows[] = {
      {unavailable, 0, 1}, {timeout, 0, 1},       {exhausted, 0, 1}, {corrupt, 0, 1},
      {not_found, 1, 0},   {invalid_input, 1, 0}, {conflict, 1, 0},  {unauthorized, 1, 0},
      {unsupported, 1, 0}, {cancelled, 0, 0},
  };
  for (const auto& row : rows) {
    CircuitBreaker breaker;
    breaker.try_enter(Instant())->report(row.condition, Instant());
    const auto recent = breaker.snapshot(Instant()).recent;
    EXPECT_EQ(recent.plain, row.successes) << to_string(row.condition);
    EXPECT_EQ(recent.marked, row.failures) << to_string(row.condition);
  }
}

TEST(CircuitBreaker, SnapshotTellsTheOperator) {
  CircuitBreaker breaker(kConsecutive);
  open_at_zero(breaker);
  for (int i = 0; i < 4; ++i)
    EXPECT_FALSE(breaker.try_enter(Instant(1s)));

  const auto snapshot = breaker.snapshot(Instant(1s));
  EXPECT_EQ(snapshot.next_probe, Instant(5s));
  EXPECT_EQ(snapshot.generation, 1U);
  EXPECT_EQ(snapshot.opened, 1U);
  EXPECT_EQ(snapshot.refused, 4U);
}

TEST(CircuitBreaker, ReportsAllContradictionsAtOnce) {
  try {
    const CircuitBreaker breaker({.consecutive_failures = 0,
                                  .failure_percent = 0,
                                  .half_open_probes = 3,
                                  .success_threshold = 2});
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::invalid_input);
    EXPECT_NE(error.detail().find("both 0"), std::string::npos);
    EXPECT_NE(error.detail().find("half_open_probes is above"), std::string::npos);
  }
  try {
    const CircuitBreaker breaker({.failure_percent = 101, .open_for = 0s});
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_NE(error.detail().find("failure_percent: got 101"), std::string::npos);
    EXPECT_NE(error.detail().find("open_for: got 0s"), std::string::npos);
  }
}

TEST(CircuitBreaker, AStampedeOfThreadsStartsExactlyTheProbes) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 300;
  constexpr int kProbes = 3;
  auto settings = kConsecutive;
  settings.half_open_probes = kProbes;
  settings.success_threshold = kProbes;
  CircuitBreaker breaker(settings);
  open_at_zero(breaker);
  std::atomic<int> admitted = 0;
  std::barrier meet(kThreads);
  std::vector<int> counts(kRounds);
  const auto run = [&](int thread) {
    for (int round = 0; round < kRounds; ++round) {
      const Instant now((round + 1) * 5s);
      meet.arrive_and_wait();
      auto permit = breaker.try_enter(now);
      if (permit) admitted.fetch_add(1);
      meet.arrive_and_wait();  // all have asked before the first result
      if (thread == 0) counts[static_cast<std::size_t>(round)] = admitted.exchange(0);
      if (permit) permit->fail(now);
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back(run, t);
  }
  for (const int count : counts)
    EXPECT_EQ(count, kProbes);
}

TEST(CircuitBreaker, NeverHoldsMoreProbesThanAllowedUnderRandomResults) {
  constexpr int kThreads = 4;
  constexpr unsigned kSeed = 11;
  auto settings = kConsecutive;
  settings.open_for = 1ms;
  settings.half_open_probes = 2;
  CircuitBreaker breaker(settings);
  std::atomic<std::int64_t> clock_ms = 0;
  std::atomic<bool> exceeded = false;
  const auto run = [&](unsigned thread) {
    Random random(kSeed + thread);
    for (int i = 0; i < 20'000; ++i) {
      const Instant now(std::chrono::milliseconds(clock_ms.fetch_add(1)));
      auto permit = breaker.try_enter(now);
      if (breaker.snapshot(now).probes_in_flight > 2) exceeded = true;
      if (!permit) continue;
      switch ((random() >> 32U) % 4) {
        case 0: permit->succeed(now); break;
        case 1: permit->abandon(); break;
        default: permit->fail(now); break;
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t < kThreads; ++t)
      threads.emplace_back(run, t);
  }

  EXPECT_FALSE(exceeded) << "seed " << kSeed;
  // All results are in: no place may be lost, so two good probes close it whatever came before.
  const Instant later(1h);
  for (int i = 0; i < 2 && breaker.snapshot(later).state != closed; ++i) {
    auto probe = breaker.try_enter(later);
    ASSERT_TRUE(probe) << "seed " << kSeed;
    probe->succeed(later);
  }
  EXPECT_EQ(breaker.snapshot(later).state, closed) << "seed " << kSeed;
  EXPECT_EQ(breaker.snapshot(later).probes_in_flight, 0U);
}

TEST(CircuitBreaker, ForcedOpenRefusesEvenWhatWorks) {
  CircuitBreaker breaker(kConsecutive);

  breaker.force(Forcing::open);

  EXPECT_FALSE(breaker.try_enter(Instant(0s)));
  EXPECT_FALSE(breaker.try_enter(Instant(1h))) << "it sends no probe";
  EXPECT_EQ(breaker.snapshot(Instant(0s)).forcing, Forcing::open);
  EXPECT_EQ(breaker.snapshot(Instant(0s)).refused, 2U);
}

TEST(CircuitBreaker, ForcedClosedPassesEvenWhatFails) {
  CircuitBreaker breaker(kConsecutive);
  play(breaker, {{0s, bad, closed, 2}, {0s, bad, open}});

  breaker.force(Forcing::closed);
  for (int i = 0; i < 100; ++i) {
    auto permit = breaker.try_enter(Instant(0s));
    ASSERT_TRUE(permit);
    permit->fail(Instant(0s));
  }

  EXPECT_EQ(breaker.snapshot(Instant(0s)).opened, 1U) << "results say nothing meanwhile";
}

TEST(CircuitBreaker, LeftToItselfItBeginsAnew) {
  CircuitBreaker breaker(kConsecutive);
  play(breaker, {{0s, bad, closed, 2}});
  auto old = breaker.try_enter(Instant(0s));
  breaker.force(Forcing::open);

  breaker.force(Forcing::automatic);
  old->fail(Instant(0s));

  EXPECT_EQ(breaker.snapshot(Instant(0s)).late, 1U) << "of a call before it was forced";
  play(breaker, {{1s, bad, closed, 2}, {1s, bad, open}});
}

}  // namespace
}  // namespace sinew::resilience
