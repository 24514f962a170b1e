#include "sinew/proxy/cluster/outlier_detector.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "sinew/base/error.hpp"
#include "sinew/proxy/cluster/test_cluster.hpp"

namespace sinew::proxy {
namespace {

using namespace std::chrono_literals;

class Outliers {
 public:
  explicit Outliers(const OutlierSettings& settings, std::size_t endpoints = 10)
      : detector_(settings) {
    registry_.configure(targets(std::vector<std::uint16_t>(endpoints, 1)));
  }

  Endpoint& endpoint(std::size_t index) { return *registry_.current()->members()[index].endpoint; }
  const OutlierDetector& detector() const { return detector_; }
  EndpointRegistry& registry() { return registry_; }

  // The event of the last of so many answers.
  std::optional<EjectionEvent> answers(std::size_t index, int status, int times, Instant now = {}) {
    std::optional<EjectionEvent> last;
    for (int i = 0; i < times; ++i)
      last = detector_.answered(endpoint(index), status, now);
    return last;
  }
  int sweep(Instant now) {
    int readmitted = 0;
    detector_.sweep(*registry_.current(), now, [&](Endpoint&) { ++readmitted; });
    return readmitted;
  }

 private:
  EndpointRegistry registry_;
  OutlierDetector detector_;
};

TEST(OutlierDetector, EjectsAfterFiveServerErrorsInARow) {
  Outliers outliers({});
  EXPECT_FALSE(outliers.answers(0, 500, 4));
  EXPECT_FALSE(outliers.answers(0, 200, 1));
  EXPECT_FALSE(outliers.answers(0, 599, 4));
  EXPECT_TRUE(outliers.endpoint(0).available());

  const auto event = outliers.answers(0, 500, 1);

  ASSERT_TRUE(event);
  EXPECT_EQ(event->cause, EjectionCause::server_errors);
  EXPECT_TRUE(event->ejected);
  EXPECT_EQ(event->multiplier, 1U);
  EXPECT_FALSE(outliers.endpoint(0).available());
  EXPECT_EQ(outliers.endpoint(0).signals().ejected(), 1U);
}

TEST(OutlierDetector, GatewayErrorsAreCountedApartAndOtherServerErrorsEndTheirRow) {
  Outliers outliers({.consecutive_server_errors = 0, .consecutive_gateway_errors = 3});
  EXPECT_FALSE(outliers.answers(0, 503, 2));
  EXPECT_FALSE(outliers.answers(0, 500, 1));
  EXPECT_FALSE(outliers.answers(0, 502, 2));

  const auto event = outliers.answers(0, 504, 1);

  ASSERT_TRUE(event);
  EXPECT_EQ(event->cause, EjectionCause::gateway_errors);
}

TEST(OutlierDetector, LocalFailuresAreGatewayErrorsUnlessTheyAreSplit) {
  Outliers together({});
  for (int i = 0; i < 4; ++i)
    EXPECT_FALSE(together.detector().failed(together.endpoint(0), LocalFailure::connect, {}));
  EXPECT_TRUE(together.detector().failed(together.endpoint(0), LocalFailure::timeout, {}));

  Outliers split({.split_local_failures = true, .consecutive_local_failures = 2});
  EXPECT_FALSE(split.detector().failed(split.endpoint(0), LocalFailure::reset, {}));
  EXPECT_FALSE(split.answers(0, 500, 4));
  split.detector().connected(split.endpoint(0));
  EXPECT_FALSE(split.detector().failed(split.endpoint(0), LocalFailure::reset, {}));
  const auto event = split.detector().failed(split.endpoint(0), LocalFailure::connect, {});
  ASSERT_TRUE(event);
  EXPECT_EQ(event->cause, EjectionCause::local_failures);
}

TEST(OutlierDetector, NeverEjectsMoreThanTheShare) {
  Outliers outliers({.max_ejected_percent = 30});
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_TRUE(outliers.answers(i, 500, 5)->ejected);

  const auto fourth = outliers.answers(3, 500, 5);

  ASSERT_TRUE(fourth) << "said, so that it can be counted";
  EXPECT_FALSE(fourth->ejected);
  EXPECT_TRUE(outliers.endpoint(3).available());
  outliers.detector().readmit(outliers.endpoint(0));
  EXPECT_FALSE(outliers.answers(3, 500, 4)) << "the row began anew";
  EXPECT_TRUE(outliers.answers(3, 500, 1)->ejected);
}

TEST(OutlierDetector, TenPercentOfNineIsNobodyUnlessOneAlwaysMayBe) {
  Outliers nine({}, 9);
  EXPECT_FALSE(nine.answers(0, 500, 5)->ejected);

  Outliers always({.always_eject_one = true}, 9);
  EXPECT_TRUE(always.answers(0, 500, 5)->ejected);
  EXPECT_FALSE(always.answers(1, 500, 5)->ejected);
}

TEST(OutlierDetector, TheOnlyEndpointStays) {
  Outliers only({.always_eject_one = true}, 1);
  EXPECT_FALSE(only.answers(0, 500, 5)->ejected);
}

TEST(OutlierDetector, EjectionsGrowWithTheirNumberAndShrinkInCalmIntervals) {
  Outliers outliers({.base_ejection = 30s, .max_ejection = 75s});
  Instant now(0s);
  const auto out_for = [&] {
    outliers.answers(0, 500, 5, now);
    const auto since = now;
    do
      now += 1s;
    while (outliers.detector().settings().interval > 0s && outliers.sweep(now) == 0);
    return now - since;
  };

  // Each sweep that readmits is a calm one too, as in Envoy: it takes one off again.
  EXPECT_EQ(out_for(), 30s);
  outliers.answers(0, 500, 5, now);
  EXPECT_EQ(outliers.endpoint(0).ejection().multiplier(), 1U);
  outliers.detector().readmit(outliers.endpoint(0));
  EXPECT_EQ(out_for(), 60s) << "at once again";
  outliers.detector().readmit(outliers.endpoint(0));
  outliers.answers(0, 500, 5, now);
  outliers.detector().readmit(outliers.endpoint(0));
  EXPECT_EQ(out_for(), 75s) << "at most that";
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(outliers.sweep(now += 10s), 0);
  EXPECT_EQ(outliers.endpoint(0).ejection().multiplier(), 0U);
  EXPECT_EQ(out_for(), 30s) << "forgotten";
}

TEST(OutlierDetector, TheMultiplierStopsOneStepBeyondTheMaximum) {
  Outliers outliers({.base_ejection = 30s, .max_ejection = 300s});
  for (int i = 0; i < 40; ++i) {
    outliers.answers(0, 500, 5);
    outliers.detector().readmit(outliers.endpoint(0));
  }
  EXPECT_EQ(outliers.endpoint(0).ejection().multiplier(), 11U);
}

TEST(OutlierDetector, WhatIsReadmittedBeginsWithoutCounts) {
  Outliers outliers({.consecutive_gateway_errors = 6});
  outliers.answers(0, 503, 5);
  ASSERT_FALSE(outliers.endpoint(0).available());

  EXPECT_TRUE(outliers.detector().readmit(outliers.endpoint(0)));

  EXPECT_FALSE(outliers.detector().readmit(outliers.endpoint(0)));
  EXPECT_FALSE(outliers.answers(0, 503, 4));
  EXPECT_TRUE(outliers.endpoint(0).available());
  EXPECT_EQ(outliers.endpoint(0).signals().ejected(), 0U);
}

TEST(OutlierDetector, FailuresOfOneThatIsEjectedAlreadySayNothing) {
  Outliers outliers({});
  outliers.answers(0, 500, 5);

  EXPECT_FALSE(outliers.answers(0, 500, 50));

  EXPECT_EQ(outliers.endpoint(0).ejection().multiplier(), 1U);
  EXPECT_EQ(outliers.endpoint(0).signals().ejected(), 1U);
}

TEST(OutlierDetector, OneThatLeavesTheSetIsForgotten) {
  Outliers outliers({.max_ejected_percent = 100});
  const auto gone = outliers.registry().current()->members()[0].endpoint;
  outliers.answers(0, 500, 5);

  outliers.registry().configure({target(1), target(2)});

  EXPECT_EQ(gone->signals().ejected(), 0U);
  for (int i = 0; i < 20; ++i) {
    const auto event = outliers.detector().answered(*gone, 500, {});
    EXPECT_FALSE(event && event->ejected);
  }
  EXPECT_EQ(gone->signals().ejected(), 0U);
}

TEST(OutlierDetector, CountsStayTrueWhenWorkersAndTheSweepMeet) {
  Outliers outliers({.base_ejection = 1ms, .max_ejected_percent = 50}, 8);
  std::atomic<bool> over = false;
  std::vector<std::thread> threads;
  for (int worker = 0; worker < 3; ++worker) {
    threads.emplace_back([&, worker] {
      for (int i = 0; i < 20'000; ++i)
        outliers.answers(static_cast<std::size_t>(i + worker) % 8, 500, 1, Instant(i * 1us));
    });
  }
  std::thread sweeper([&] {
    for (int i = 0; !over; ++i)
      outliers.sweep(Instant(i * 1ms));
  });
  for (auto& thread : threads)
    thread.join();
  over = true;
  sweeper.join();

  std::uint32_t ejected = 0;
  for (std::size_t i = 0; i < 8; ++i)
    ejected += outliers.endpoint(i).ejection().ejected() ? 1 : 0;
  EXPECT_EQ(outliers.endpoint(0).signals().ejected(), ejected);
  EXPECT_LE(ejected, 4U);
}

TEST(OutlierDetector, RefusesSettingsThatCannotBeMeant) {
  EXPECT_THROW(OutlierDetector({.base_ejection = 10min}), Error) << "above max_ejection";
  EXPECT_THROW(OutlierDetector({.max_ejected_percent = 101}), Error);
  EXPECT_THROW(OutlierDetector({.consecutive_server_errors = 0}), Error) << "looks at nothing";
  EXPECT_NO_THROW(OutlierDetector{OutlierSettings()});
}

}  // namespace
}  // namespace sinew::proxy
