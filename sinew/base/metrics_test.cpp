#include "sinew/base/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

#include "sinew/base/error.hpp"

namespace sinew::metrics {
namespace {

using testing::HasSubstr;

template <class Call>
Condition condition_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.condition();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

TEST(Metrics, ExposesFamiliesByNameWithTheirSeries) {
  Registry registry;
  registry.gauge("queue_depth", "Messages waiting.").set(2.5);
  auto& answers = registry.counters("answers_total", "Answers sent.", {"method", "status"});
  answers.with({"POST", "201"}).add(3);
  answers.with({"GET", "200"}).add();

  EXPECT_EQ(registry.expose(),
            "# HELP answers_total Answers sent.\n"
            "# TYPE answers_total counter\n"
            "answers_total{method=\"GET\",status=\"200\"} 1\n"
            "answers_total{method=\"POST\",status=\"201\"} 3\n"
            "# HELP queue_depth Messages waiting.\n"
            "# TYPE queue_depth gauge\n"
            "queue_depth 2.5\n");
}

TEST(Metrics, HistogramBucketsAreCumulativeAndInclusive) {
  Registry registry;
  const double bounds[] = {0.1, 1};
  auto& family = registry.histograms("took_seconds", "Time.", {"op"}, bounds);
  auto& took = family.with({"commit"});
  for (const double value : {0.1, 0.5, 1.0, 3.0})
    took.observe(value);
  took.observe(std::nan(""));

  EXPECT_EQ(registry.expose(),
            "# HELP took_seconds Time.\n"
            "# TYPE took_seconds histogram\n"
            "took_seconds_bucket{op=\"commit\",le=\"0.1\"} 1\n"
            "took_seconds_bucket{op=\"commit\",le=\"1\"} 3\n"
            "took_seconds_bucket{op=\"commit\",le=\"+Inf\"} 4\n"
            "took_seconds_sum{op=\"commit\"} 4.6\n"
            "took_seconds_count{op=\"commit\"} 4\n");
}

TEST(Metrics, EscapesHelpAndLabelValues) {
  Registry registry;
  registry.counters("a_total", "back\\slash \"quoted\"\nsecond", {"path"})
      .with({"C:\\x\n\"y\"\xFF"})
      .add();

  const auto text = registry.expose();

  EXPECT_THAT(text, HasSubstr("# HELP a_total back\\\\slash \"quoted\"\\nsecond\n"));
  EXPECT_THAT(text, HasSubstr("a_total{path=\"C:\\\\x\\n\\\"y\\\"\xEF\xBF\xBD\"} 1\n"));
}

TEST(Metrics, WritesSpecialNumbers) {
  Registry registry;
  registry.gauge("a", "").set(std::numeric_limits<double>::infinity());
  registry.gauge("b", "").set(-std::numeric_limits<double>::infinity());
  registry.gauge("c", "").set(std::nan(""));
  registry.counter("d", "").add(std::numeric_limits<std::uint64_t>::max());

  const auto text = registry.expose();

  EXPECT_THAT(text, HasSubstr("\na +Inf\n"));
  EXPECT_THAT(text, HasSubstr("\nb -Inf\n"));
  EXPECT_THAT(text, HasSubstr("\nc NaN\n"));
  EXPECT_THAT(text, HasSubstr("\nd 18446744073709551615\n"));
}

TEST(Metrics, LabelSetsBeyondTheLimitShareOther) {
  Registry registry;
  auto& family = registry.counters("a_total", "", {"user", "kind"}, 2);
  auto& first = family.with({"u1", "x"});
  family.with({"u2", "x"}).add();

  for (int i = 0; i < 1'000; ++i)
    family.with({"flood" + std::to_string(i), "x"}).add();

  EXPECT_EQ(&family.with({"u1", "x"}), &first);
  EXPECT_EQ(family.overflowed(), 1'000U);
  EXPECT_THAT(registry.expose(), HasSubstr("a_total{user=\"other\",kind=\"other\"} 1000\n"));
  EXPECT_THAT(registry.expose(),
              HasSubstr("sinew_metrics_overflow_total{metric=\"a_total\"} 1000"));
}

TEST(Metrics, LongLabelValuesAreCutBetweenCharacters) {
  Registry registry;
  auto& family = registry.counters("a_total", "", {"x"});

  family.with({std::string(kMaxLabelBytes - 1, 'x') + "\xE2\x82\xAC"}).add();

  EXPECT_THAT(registry.expose(), HasSubstr(std::string(kMaxLabelBytes - 1, 'x') + "\"} 1"));
}

TEST(Metrics, NamingAgainGivesTheSameInstrument) {
  Registry registry;

  EXPECT_EQ(&registry.counter("a_total", "h"), &registry.counter("a_total", "h"));
  EXPECT_EQ(&registry.histograms("b", "h", {"x"}), &registry.histograms("b", "h", {"x"}));
}

TEST(Metrics, RefusesConflictsAndMalformedNames) {
  struct Row {
    const char* name;
    Condition condition;
    void (*call)(Registry&);
  };
  using enum Condition;
  const Row rows[] = {
      {"other type", conflict, [](Registry& r) { r.gauge("taken", "h"); }},
      {"other labels", conflict, [](Registry& r) { r.counters("taken", "h", {"x"}); }},
      {"other help", conflict, [](Registry& r) { r.counter("taken", "other"); }},
      {"histogram's own line", conflict, [](Registry& r) { r.counter("took_count", "h"); }},
      {"histogram over a line", conflict, [](Registry& r) { r.histogram("early", "h"); }},
      {"empty name", invalid_input, [](Registry& r) { r.counter("", "h"); }},
      {"digit first", invalid_input, [](Registry& r) { r.counter("9a", "h"); }},
      {"space", invalid_input, [](Registry& r) { r.counter("a b", "h"); }},
      {"reserved label", invalid_input, [](Registry& r) { r.counters("a", "h", {"__x"}); }},
      {"label twice", invalid_input, [](Registry& r) { r.counters("a", "h", {"x", "x"}); }},
      {"le", invalid_input, [](Registry& r) { r.histograms("a", "h", {"le"}); }},
      {"missing value", invalid_input, [](Registry& r) { r.counters("a", "h", {"x"}).with({}); }},
      {"no buckets", invalid_input, [](Registry& r) { r.histogram("a", "h", {}); }},
      {"unordered buckets", invalid_input,
       [](Registry& r) {
         const double bounds[] = {1, 1};
         r.histogram("a", "h", bounds);
       }},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    Registry registry;
    registry.counter("taken", "h");
    registry.counter("early_sum", "h");
    registry.histogram("took", "h");
    EXPECT_EQ(condition_of([&] { row.call(registry); }), row.condition);
  }
}

TEST(Metrics, FamiliesAreBounded) {
  Registry registry;
  for (std::size_t i = 0; i < kMaxFamilies; ++i)
    registry.counter("a" + std::to_string(i), "");

  EXPECT_EQ(condition_of([&] { registry.counter("b", ""); }), Condition::exhausted);
}

TEST(Metrics, CountsFromManyThreadsAreExact) {
  Registry registry;
  auto& family = registry.counters("a_total", "", {"x"}, 3);
  auto& gauge = registry.gauge("g", "");
  auto& histogram = registry.histogram("h", "");
  constexpr int kEach = 2'000;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) {
          family.with({std::to_string((t + i) % 8)}).add();
          gauge.add(1);
          histogram.observe(0.5);
          if (i % 500 == 0) (void)registry.expose();
        }
      });
    }
  }

  std::uint64_t total = family.with({std::string(kOther)}).value();
  for (int x = 0; x < 8; ++x) {
    auto& counter = family.with({std::to_string(x)});
    if (&counter != &family.with({std::string(kOther)})) total += counter.value();
  }
  EXPECT_EQ(total, 4U * kEach);
  EXPECT_EQ(gauge.value(), 4.0 * kEach);
  EXPECT_EQ(histogram.count(), 4U * kEach);
  EXPECT_EQ(histogram.sum(), 2.0 * kEach);
}

}  // namespace
}  // namespace sinew::metrics
