#include "sinew/proxy/cluster/name_refresher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "sinew/async/test_runtime.hpp"
#include "sinew/base/error.hpp"
#include "sinew/proxy/cluster/endpoint_set.hpp"

namespace sinew::proxy {
namespace {

using namespace std::chrono_literals;
using async::Scope;
using testing::AllOf;
using testing::ElementsAre;
using testing::SizeIs;

using Addresses = std::vector<std::string>;

// Answers as told, name by name; the last answer of a name comes again and again.
class ScriptedResolver final : public net::Resolver {
 public:
  struct Step {
    Addresses addresses = {};
    std::optional<std::chrono::seconds> ttl = std::nullopt;
    std::optional<Condition> failure = std::nullopt;
    Duration takes = 0s;
  };

  Task<net::Answer> look_up(std::string host) override {
    async::Runtime& runtime = *(co_await async::this_context()).runtime;
    asked.push_back(runtime.now());
    ++open;
    most_open = std::max(most_open, open);
    struct Close {
      ~Close() { --count; }
      int& count;
    } const close{open};
    auto& steps = script[host];
    const Step step = steps.empty() ? Step{.failure = Condition::not_found} : steps.front();
    if (steps.size() > 1) steps.pop_front();
    if (step.takes > 0s) co_await async::sleep_for(step.takes);
    if (step.failure) throw Error(*step.failure, "as the script says");
    co_return net::Answer{step.addresses, step.ttl};
  }

  std::map<std::string, std::deque<Step>> script;
  std::vector<Instant> asked;
  int open = 0;
  int most_open = 0;
};

class NameRefresherTest : public testing::Test {
 protected:
  void answered(const std::string& name, const Addresses& addresses) {
    std::string text = name;
    for (const std::string& address : addresses)
      text += " " + address;
    told.push_back(text);
    if (refuse) throw Error(Condition::exhausted, "too many endpoints");
  }
  void run() { scope.spawn(refresher.run()); }
  // Between one look-up and the next.
  Duration pause(std::size_t nth) const { return resolver.asked.at(nth + 1) - resolver.asked[nth]; }

  async::TestRuntime runtime;
  ScriptedResolver resolver;
  std::vector<std::string> told;
  bool refuse = false;
  NameRefresher refresher{resolver, [this](const std::string& name, const Addresses& addresses) {
                            answered(name, addresses);
                          }};
  Scope scope{runtime};
};

TEST_F(NameRefresherTest, LooksUpWhatIsNewAndTellsTheAnswer) {
  resolver.script["shop.test"] = {{.addresses = {"10.0.0.1", "10.0.0.2"}, .ttl = 60s}};
  refresher.watch({"shop.test", "shop.test"});

  runtime.run(refresher.resolve_new(5s));

  EXPECT_THAT(told, ElementsAre("shop.test 10.0.0.1 10.0.0.2"));
  EXPECT_EQ(*refresher.addresses_of("shop.test"), (Addresses{"10.0.0.1", "10.0.0.2"}));
  EXPECT_EQ(refresher.addresses_of("other.test"), nullptr);
  runtime.run(refresher.resolve_new(5s));
  EXPECT_THAT(resolver.asked, SizeIs(1));
}

TEST_F(NameRefresherTest, LooksUpAgainWhenTheTimeToLiveIsOver) {
  resolver.script["shop.test"] = {{.addresses = {"10.0.0.1"}, .ttl = 60s},
                                  {.addresses = {"10.0.0.1"}, .ttl = 60s},
                                  {.addresses = {"10.0.0.2"}, .ttl = 60s}};
  refresher.watch({"shop.test"});
  run();

  runtime.advance(4min);

  ASSERT_THAT(resolver.asked, SizeIs(testing::Ge(4)));
  for (const std::size_t nth : {0, 1, 2}) {
    EXPECT_GE(pause(nth), 60s);
    EXPECT_LE(pause(nth), 66s);
  }
  EXPECT_NE(pause(0), pause(1));  // drawn
  EXPECT_THAT(told, ElementsAre("shop.test 10.0.0.1", "shop.test 10.0.0.2"));
}

TEST_F(NameRefresherTest, TheTimeToLiveIsBoundedOnBothSides) {
  using std::chrono::seconds;
  const auto pause_of = [](std::optional<seconds> ttl) {
    async::TestRuntime time;
    ScriptedResolver scripted;
    scripted.script["shop.test"] = {{.addresses = {"10.0.0.1"}, .ttl = ttl}};
    NameRefresher names(scripted, [](const auto&, const auto&) {});
    names.watch({"shop.test"});
    Scope running(time);
    running.spawn(names.run());
    time.advance(10min);
    return scripted.asked.at(1) - scripted.asked.at(0);
  };

  EXPECT_THAT(pause_of(0s), AllOf(testing::Ge(1s), testing::Le(1100ms)));
  EXPECT_THAT(pause_of(seconds(24h)), AllOf(testing::Ge(5min), testing::Le(330s)));
  EXPECT_THAT(pause_of(std::nullopt), AllOf(testing::Ge(5min), testing::Le(330s)));
}

TEST_F(NameRefresherTest, AFailureKeepsTheLastAnswerAndIsTriedAgainLaterAndLater) {
  resolver.script["shop.test"] = {{.addresses = {"10.0.0.1"}, .ttl = 10s},
                                  {.failure = Condition::unavailable}};
  refresher.watch({"shop.test"});
  run();

  runtime.advance(5min);

  EXPECT_THAT(told, SizeIs(1));
  EXPECT_EQ(*refresher.addresses_of("shop.test"), Addresses{"10.0.0.1"});
  const auto state = refresher.states().at("shop.test");
  EXPECT_EQ(state.failures, static_cast<int>(resolver.asked.size()) - 1);
  EXPECT_EQ(state.error, "as the script says");
  Duration longest = 1s;
  for (std::size_t nth = 1; nth + 1 < resolver.asked.size(); ++nth) {
    EXPECT_GE(pause(nth), longest / 2);
    EXPECT_LE(pause(nth), longest + 1ms);
    longest = std::min<Duration>(longest * 2, 30s);
  }
}

TEST_F(NameRefresherTest, NoSuchNameAndNoAddressKeepTheLastAnswerToo) {
  resolver.script["shop.test"] = {{.addresses = {"10.0.0.1"}, .ttl = 10s},
                                  {.failure = Condition::not_found},
                                  {.addresses = {}},
                                  {.addresses = {"10.0.0.3"}, .ttl = 10s}};
  refresher.watch({"shop.test"});
  run();

  runtime.advance(11s);
  EXPECT_EQ(*refresher.addresses_of("shop.test"), Addresses{"10.0.0.1"});
  EXPECT_EQ(refresher.states().at("shop.test").failures, 1);
  runtime.advance(4s);

  EXPECT_THAT(told, ElementsAre("shop.test 10.0.0.1", "shop.test 10.0.0.3"));
  EXPECT_EQ(refresher.states().at("shop.test").failures, 0);
}

TEST_F(NameRefresherTest, TheOrderOfAnAnswerIsNoChange) {
  resolver.script["shop.test"] = {{.addresses = {"10.0.0.1", "10.0.0.2"}, .ttl = 1s},
                                  {.addresses = {"10.0.0.2", "10.0.0.1"}, .ttl = 1s}};
  refresher.watch({"shop.test"});
  run();

  runtime.advance(10s);

  EXPECT_THAT(told, SizeIs(1));
}

TEST_F(NameRefresherTest, PatienceEndsWhatIsSlowAndRunGoesOn) {
  resolver.script["slow.test"] = {{.addresses = {"10.0.0.1"}, .takes = 7s}};
  resolver.script["quick.test"] = {{.addresses = {"10.0.0.2"}}};
  refresher.watch({"slow.test", "quick.test"});
  const Instant before = runtime.now();

  runtime.run(refresher.resolve_new(2s));
  EXPECT_EQ(runtime.now() - before, 2s);
  EXPECT_THAT(told, ElementsAre("quick.test 10.0.0.2"));

  run();
  runtime.advance(20s);
  EXPECT_THAT(told, ElementsAre("quick.test 10.0.0.2", "slow.test 10.0.0.1"));
}

TEST_F(NameRefresherTest, ALookUpThatNeverEndsIsGivenUp) {
  resolver.script["silent.test"] = {{.takes = 1h}, {.addresses = {"10.0.0.1"}}};
  refresher.watch({"silent.test"});
  run();

  runtime.advance(12s);

  EXPECT_THAT(told, ElementsAre("silent.test 10.0.0.1"));
}

TEST_F(NameRefresherTest, OnlySoManyNamesAreLookedUpAtOnce) {
  Addresses names;
  for (int i = 0; i < 100; ++i) {
    names.push_back("host" + std::to_string(i) + ".test");
    resolver.script[names.back()] = {{.addresses = {"10.0.0.1"}, .takes = 100ms}};
  }
  refresher.watch(names);
  run();

  runtime.run(refresher.resolve_new(10s));

  EXPECT_THAT(told, SizeIs(100));
  EXPECT_EQ(resolver.most_open, 16);
  EXPECT_THAT(resolver.asked, SizeIs(100));
}

TEST_F(NameRefresherTest, WhatIsNoLongerWatchedIsForgottenEvenInTheMiddle) {
  resolver.script["old.test"] = {{.addresses = {"10.0.0.1"}, .takes = 1s}};
  resolver.script["new.test"] = {{.addresses = {"10.0.0.2"}, .ttl = 60s}};
  refresher.watch({"old.test"});
  run();
  runtime.advance(500ms);

  refresher.watch({"new.test"});
  runtime.advance(10s);

  EXPECT_THAT(told, ElementsAre("new.test 10.0.0.2"));
  EXPECT_THAT(resolver.asked, SizeIs(2));
  refresher.watch({});
  runtime.advance(10min);
  EXPECT_THAT(resolver.asked, SizeIs(2));
}

TEST_F(NameRefresherTest, AnAnswerThatIsRefusedIsOfferedAgain) {
  resolver.script["shop.test"] = {{.addresses = {"10.0.0.1"}, .ttl = 60s}};
  refuse = true;
  refresher.watch({"shop.test"});
  run();
  runtime.settle();
  EXPECT_EQ(refresher.states().at("shop.test").error, "too many endpoints");

  refuse = false;
  runtime.advance(2s);

  EXPECT_THAT(told, SizeIs(2));
  EXPECT_EQ(refresher.states().at("shop.test").failures, 0);
}

TEST_F(NameRefresherTest, CancellingEndsItAndDroppingLeavesNothingRunning) {
  resolver.script["slow.test"] = {{.addresses = {"10.0.0.1"}, .takes = 5s}};
  refresher.watch({"slow.test"});
  run();
  runtime.advance(1s);
  EXPECT_EQ(resolver.open, 1);

  scope.cancel();
  runtime.settle();
  EXPECT_EQ(scope.size(), 0);
  EXPECT_EQ(resolver.open, 0);

  runtime.run(refresher.resolve_new(10s));
  EXPECT_THAT(told, SizeIs(1));
}

TEST_F(NameRefresherTest, ADeadlineOfTheTaskIsAnError) {
  resolver.script["slow.test"] = {{.addresses = {"10.0.0.1"}, .takes = 5s}};
  refresher.watch({"slow.test"});

  try {
    runtime.run(with_deadline(runtime.now() + 1s, refresher.resolve_new(3s)));
    FAIL() << "no deadline";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::timeout);
  }
}

// As a cluster uses it.
TEST(NameRefresher, FeedsTheRegistryOfACluster) {
  async::TestRuntime runtime;
  ScriptedResolver resolver;
  resolver.script["shop.test"] = {{.addresses = {"10.0.0.1"}, .ttl = 5s},
                                  {.failure = Condition::unavailable},
                                  {.addresses = {"10.0.0.1", "2001:db8::1"}, .ttl = 5s}};
  EndpointRegistry registry;
  registry.configure({{.host = "shop.test", .port = 80}, {.host = "10.1.1.1", .port = 80}});
  std::vector<std::size_t> sizes;
  NameRefresher refresher(resolver, [&](const std::string& name, const Addresses& addresses) {
    sizes.push_back(registry.resolved(name, addresses).set->members().size());
  });
  refresher.watch(registry.names());
  Scope scope(runtime);
  scope.spawn(refresher.run());

  runtime.advance(1min);

  EXPECT_THAT(sizes, ElementsAre(2, 3));
}

}  // namespace
}  // namespace sinew::proxy
