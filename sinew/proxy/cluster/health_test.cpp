#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <vector>

#include "sinew/base/error.hpp"
#include "sinew/proxy/cluster/active_checks.hpp"
#include "sinew/proxy/cluster/health_policy.hpp"
#include "sinew/proxy/cluster/test_cluster.hpp"

namespace sinew::proxy {
namespace {

using namespace std::chrono_literals;
using enum HealthSignal;

constexpr HealthThresholds kThresholds = {
    .successes = 2, .http_failures = 3, .tcp_failures = 2, .timeouts = 1};

EndpointPtr an_endpoint() {
  EndpointRegistry registry;
  return registry.configure({target(0)}).set->members()[0].endpoint;
}

TEST(EndpointHealth, TurnsAfterAsManySignalsOfAKindInARow) {
  struct Row {
    const char* name;
    std::vector<HealthSignal> signals;
    HealthState becomes;
  };
  const Row rows[] = {
      {"two bad answers", {http_failure, http_failure}, HealthState::healthy},
      {"three bad answers", {http_failure, http_failure, http_failure}, HealthState::unhealthy},
      {"a success between",
       {http_failure, http_failure, success, http_failure},
       HealthState::healthy},
      {"other kinds count apart", {http_failure, http_failure, tcp_failure}, HealthState::healthy},
      {"and clear nothing",
       {http_failure, http_failure, tcp_failure, http_failure},
       HealthState::unhealthy},
      {"no connection", {tcp_failure, tcp_failure}, HealthState::unhealthy},
      {"one timeout", {timeout}, HealthState::unhealthy},
      {"one success after it", {timeout, success}, HealthState::unhealthy},
      {"two", {timeout, success, success}, HealthState::healthy},
      {"a failure between", {timeout, success, http_failure, success}, HealthState::unhealthy},
      {"down again", {timeout, success, success, timeout}, HealthState::unhealthy},
  };
  for (const auto& row : rows) {
    EndpointHealth health;
    for (const auto signal : row.signals)
      health.report(signal, kThresholds);
    EXPECT_EQ(health.state(), row.becomes) << row.name;
  }
}

TEST(EndpointHealth, AThresholdOfZeroIsNotLookedAt) {
  EndpointHealth health;
  for (int i = 0; i < 1'000; ++i) {
    for (const auto signal : {http_failure, tcp_failure, timeout})
      EXPECT_FALSE(health.report(signal, {}));
  }
  EXPECT_TRUE(health.available());

  health.set(HealthState::unhealthy);
  for (int i = 0; i < 1'000; ++i)
    EXPECT_FALSE(health.report(success, {}));
  EXPECT_FALSE(health.available());
}

TEST(EndpointHealth, WhoLooksAtNothingEndsNobodysRow) {
  EndpointHealth health;
  health.report(http_failure, kThresholds);
  health.report(http_failure, kThresholds);
  health.report(success, {});  // traffic, whose checks are off
  health.report(http_failure, kThresholds);
  EXPECT_EQ(health.state(), HealthState::unhealthy);

  health.report(success, kThresholds);
  health.report(http_failure, {});
  health.report(success, kThresholds);
  EXPECT_EQ(health.state(), HealthState::healthy);
}

TEST(EndpointHealth, ReportsTheTransitionOnceAndWhatMadeIt) {
  EndpointHealth health;
  EXPECT_FALSE(health.report(tcp_failure, kThresholds));

  const auto transition = health.report(tcp_failure, kThresholds);

  ASSERT_TRUE(transition);
  EXPECT_EQ(transition->from, HealthState::healthy);
  EXPECT_EQ(transition->to, HealthState::unhealthy);
  EXPECT_EQ(transition->signal, tcp_failure);
  EXPECT_FALSE(health.report(tcp_failure, kThresholds));
  EXPECT_EQ(health.counts().tcp_failures, 0) << "unhealthy endpoints count no failures";
}

TEST(EndpointHealth, TheFirstSignalDecidesAboutAnUncheckedOne) {
  for (const auto& [signal, becomes] : {std::pair(success, HealthState::healthy),
                                        std::pair(http_failure, HealthState::unhealthy)}) {
    EndpointHealth health;
    health.set(HealthState::unchecked);
    EXPECT_FALSE(health.available());
    EXPECT_TRUE(health.report(signal, kThresholds));
    EXPECT_EQ(health.state(), becomes);
  }
}

TEST(EndpointHealth, OfManyThreadsOneGetsTheTransition) {
  EndpointHealth health;
  std::atomic<int> transitions = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 10'000; ++n)
        transitions += health.report(http_failure, {.http_failures = 200}) ? 1 : 0;
    });
  }
  for (auto& thread : threads)
    thread.join();

  EXPECT_EQ(transitions, 1);
  EXPECT_FALSE(health.available());
}

TEST(HealthPolicy, ListsSayWhatAStatusMeans) {
  const HealthPolicy policy{PassiveHealthSettings()};
  EXPECT_EQ(policy.signal_of(200), success);
  EXPECT_EQ(policy.signal_of(301), success);
  EXPECT_EQ(policy.signal_of(429), http_failure);
  EXPECT_EQ(policy.signal_of(503), http_failure);
  for (const int status : {404, 502, 100, 0, -1, 99, 600, 1'000'000})
    EXPECT_EQ(policy.signal_of(status), std::nullopt) << status;
}

TEST(HealthPolicy, BalancersLearnOfTransitionsAndOfNothingElse) {
  const HealthPolicy policy({.thresholds = {.http_failures = 2}});
  const auto endpoint = an_endpoint();
  const auto before = endpoint->signals().changes();

  EXPECT_FALSE(policy.report_status(*endpoint, 500));
  EXPECT_FALSE(policy.report_status(*endpoint, 404));
  EXPECT_EQ(endpoint->signals().changes(), before);
  EXPECT_TRUE(policy.report_status(*endpoint, 500));
  EXPECT_EQ(endpoint->signals().changes(), before + 1);
  EXPECT_TRUE(set_health(*endpoint, HealthState::healthy));
  EXPECT_FALSE(set_health(*endpoint, HealthState::healthy));
  EXPECT_EQ(endpoint->signals().changes(), before + 2);
}

TEST(HealthPolicy, RefusesAStatusOnBothListsAndBadThresholds) {
  EXPECT_THROW(HealthPolicy({.healthy_statuses = {200, 500}}), Error);
  EXPECT_THROW(HealthPolicy({.unhealthy_statuses = {600}}), Error);
  EXPECT_THROW(HealthPolicy({.thresholds = {.timeouts = 256}}), Error);
}

// Checks of some endpoints, without jitter unless said.
class Checking {
 public:
  explicit Checking(ActiveCheckSettings settings, std::size_t endpoints = 3)
      : checks_(without_jitter(std::move(settings))) {
    use(endpoints);
  }

  static ActiveCheckSettings without_jitter(ActiveCheckSettings settings) {
    settings.jitter_percent = 0;
    return settings;
  }
  void use(std::size_t endpoints, Instant now = {}) {
    registry_.configure(targets(std::vector<std::uint16_t>(endpoints, 1)));
    checks_.use(*registry_.current(), now);
  }
  std::vector<ActiveChecks::Check> due(Instant now) {
    std::vector<ActiveChecks::Check> found;
    while (auto check = checks_.next(now))
      found.push_back(*check);
    return found;
  }
  void all_answer(Instant now, int status) {
    for (const auto& check : due(now))
      checks_.ended_with_status(check.id, status, now, 0);
  }
  Endpoint& endpoint(std::size_t index) { return *registry_.current()->members()[index].endpoint; }
  ActiveChecks& checks() { return checks_; }

 private:
  EndpointRegistry registry_;
  ActiveChecks checks_;
};

const ActiveCheckSettings kEvery = {
    .healthy_interval = 10s,
    .unhealthy_interval = 2s,
    .thresholds = {.successes = 1, .http_failures = 2, .timeouts = 1}};

TEST(ActiveChecks, BeginAtOnceAndComeAgainAnIntervalAfterTheyEnded) {
  Checking checking(kEvery);

  const auto first = checking.due(Instant(0s));
  ASSERT_EQ(first.size(), 3U);
  EXPECT_EQ(first[0].deadline, Instant(1s));
  EXPECT_EQ(checking.checks().wakes_at(), Instant::max()) << "all are running";

  for (const auto& check : first)
    checking.checks().ended_with_status(check.id, 200, Instant(500ms), 0);

  EXPECT_EQ(checking.checks().wakes_at(), Instant(10'500ms));
  EXPECT_TRUE(checking.due(Instant(10'499ms)).empty());
  EXPECT_EQ(checking.due(Instant(10'500ms)).size(), 3U);
}

TEST(ActiveChecks, RunAtMostSoManyAtATimeAndNobodyIsForgotten) {
  auto settings = kEvery;
  settings.concurrency = 2;
  Checking checking(settings, 5);
  std::vector<std::string> checked;
  for (int round = 0; round < 3; ++round) {
    const auto running = checking.due(Instant(round * 100ms));
    EXPECT_LE(running.size(), 2U);
    for (const auto& check : running) {
      checked.push_back(check.endpoint->address().address);
      checking.checks().ended(check.id, success, Instant(round * 100ms), 0);
    }
  }
  EXPECT_THAT(checked,
              testing::ElementsAre("10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"));
}

TEST(ActiveChecks, UseTheIntervalOfTheStateThatTheyFind) {
  Checking checking(kEvery, 1);
  checking.all_answer(Instant(0s), 500);
  checking.all_answer(Instant(10s), 500);
  EXPECT_FALSE(checking.endpoint(0).available());

  EXPECT_EQ(checking.checks().wakes_at(), Instant(12s));
  checking.all_answer(Instant(12s), 200);
  EXPECT_TRUE(checking.endpoint(0).available());
  EXPECT_EQ(checking.checks().wakes_at(), Instant(22s));
}

TEST(ActiveChecks, AnIntervalOfZeroChecksNobodyInThatState) {
  auto settings = kEvery;
  settings.healthy_interval = 0s;
  Checking checking(settings, 1);
  EXPECT_TRUE(checking.due(Instant(0s)).empty());
  EXPECT_EQ(checking.checks().wakes_at(), Instant::max());

  set_health(checking.endpoint(0), HealthState::unhealthy);

  EXPECT_EQ(checking.due(Instant(5s)).size(), 1U) << "what traffic found is checked";
}

TEST(ActiveChecks, JitterOnlyAdds) {
  auto settings = kEvery;
  settings.jitter_percent = 50;
  ActiveChecks checks(settings);
  EndpointRegistry registry;
  checks.use(*registry.configure({target(0)}).set, Instant(0s));

  checks.ended(checks.next(Instant(0s)).value().id, success, Instant(0s), ~0ULL);
  EXPECT_EQ(checks.wakes_at(), Instant(15s));
  checks.ended(checks.next(Instant(15s)).value().id, success, Instant(15s), 0);
  EXPECT_EQ(checks.wakes_at(), Instant(25s));
}

TEST(ActiveChecks, UntrustedEndpointsAreUsedFromTheirFirstSuccess) {
  auto settings = kEvery;
  settings.trust_new_endpoints = false;
  settings.thresholds.successes = 3;
  Checking checking(settings, 2);
  EXPECT_FALSE(checking.endpoint(0).available());

  const auto first = checking.due(Instant(0s));
  const auto good = checking.checks().ended(first.at(0).id, success, Instant(0s), 0);
  const auto bad = checking.checks().ended(first.at(1).id, timeout, Instant(0s), 0);

  ASSERT_TRUE(good && bad);
  EXPECT_EQ(good->from, HealthState::unchecked);
  EXPECT_TRUE(checking.endpoint(0).available());
  EXPECT_EQ(bad->to, HealthState::unhealthy);
}

TEST(ActiveChecks, EndpointsThatLeaveTakeTheirChecksAlongAndOthersKeepTheirTimes) {
  Checking checking(kEvery, 3);
  const auto running = checking.due(Instant(0s));
  checking.checks().ended(running.at(0).id, success, Instant(1s), 0);

  checking.use(2, Instant(2s));
  EXPECT_EQ(checking.checks().running(), 2U);
  EXPECT_FALSE(checking.checks().ended(running.at(2).id, timeout, Instant(2s), 0));

  EXPECT_TRUE(running.at(2).endpoint->available()) << "it means nothing any more";
  EXPECT_EQ(checking.checks().running(), 1U);
  EXPECT_TRUE(checking.due(Instant(2s)).empty()) << "nobody is checked anew";
  EXPECT_EQ(checking.checks().wakes_at(), Instant(11s));
  checking.use(3, Instant(3s));
  EXPECT_EQ(checking.due(Instant(3s)).size(), 1U) << "who comes is checked at once";
}

TEST(ActiveChecks, ResultsOfUnknownOrEndedChecksAreIgnored) {
  Checking checking(kEvery, 1);
  const auto check = checking.due(Instant(0s)).at(0);
  EXPECT_FALSE(checking.checks().ended(check.id + 1, timeout, Instant(0s), 0));
  EXPECT_FALSE(checking.checks().ended(0, timeout, Instant(0s), 0));
  EXPECT_TRUE(checking.checks().ended(check.id, timeout, Instant(0s), 0));
  EXPECT_FALSE(checking.checks().ended(check.id, timeout, Instant(0s), 0));
  EXPECT_EQ(checking.checks().running(), 0U);
}

TEST(ActiveChecks, RefusesSettingsThatWouldLeaveEndpointsOutForEver) {
  EXPECT_THROW(ActiveChecks({.trust_new_endpoints = false}), Error);
  EXPECT_THROW(ActiveChecks({.unhealthy_interval = 1s}), Error);
  EXPECT_THROW(ActiveChecks({.concurrency = 0}), Error);
  EXPECT_NO_THROW(ActiveChecks{ActiveCheckSettings()});
}

}  // namespace
}  // namespace sinew::proxy
