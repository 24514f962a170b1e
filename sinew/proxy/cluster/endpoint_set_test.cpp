#include "sinew/proxy/cluster/endpoint_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "sinew/base/error.hpp"
#include "sinew/proxy/cluster/test_cluster.hpp"

namespace sinew::proxy {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> lines(const EndpointSet& set) {
  std::vector<std::string> out;
  for (const auto& [endpoint, weight] : set.members()) {
    const auto& [host, address, port] = endpoint->address();
    out.push_back(host + " " + address + ":" + std::to_string(port) + " x" +
                  std::to_string(weight));
  }
  return out;
}

std::string refusal(EndpointRegistry& registry, std::vector<Target> targets) {
  try {
    registry.configure(std::move(targets));
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::invalid_input);
    return error.detail();
  }
  return "accepted";
}

TEST(EndpointRegistry, AddressesAreEndpointsAtOnceAndNamesOnceTheyAreResolved) {
  EndpointRegistry registry;

  const auto configured = registry.configure({{"10.0.0.1", 80, 5}, {"shop.test", 8'080}});

  EXPECT_THAT(lines(*configured.set), ElementsAre("10.0.0.1 10.0.0.1:80 x5"));
  EXPECT_THAT(registry.names(), ElementsAre("shop.test"));
  const auto resolved = registry.resolved("shop.test", std::vector<std::string>{"10.0.0.9", "::1"});
  EXPECT_THAT(lines(*resolved.set),
              ElementsAre("10.0.0.1 10.0.0.1:80 x5", "shop.test 10.0.0.9:8080 x100",
                          "shop.test ::1:8080 x100"));
  EXPECT_EQ(resolved.set->version(), configured.set->version() + 1);
  EXPECT_EQ(resolved.added.size(), 2U);
}

TEST(EndpointRegistry, TheOrderOfAnAnswerAndARepeatedOneChangeNothing) {
  EndpointRegistry registry;
  registry.configure({{"shop.test", 80}});
  const auto first =
      registry.resolved("shop.test", std::vector<std::string>{"10.0.0.1", "10.0.0.2"});

  const auto again =
      registry.resolved("shop.test", std::vector<std::string>{"10.0.0.2", "10.0.0.1"});

  EXPECT_EQ(again.set, first.set);
  EXPECT_THAT(again.added, IsEmpty());
  EXPECT_THAT(again.removed, IsEmpty());
}

TEST(EndpointRegistry, AnAnswerWithoutAddressesKeepsTheLastOne) {
  EndpointRegistry registry;
  registry.configure({{"shop.test", 80}});
  const auto before = registry.resolved("shop.test", std::vector<std::string>{"10.0.0.1"}).set;

  EXPECT_EQ(registry.resolved("shop.test", {}).set, before);
  EXPECT_EQ(registry.resolved("shop.test", std::vector<std::string>{"not an address"}).set, before);
  EXPECT_EQ(registry.resolved("other.test", std::vector<std::string>{"10.0.0.2"}).set, before);
}

TEST(EndpointRegistry, WhoStaysIsTheSameObjectWithAllItsState) {
  EndpointRegistry registry;
  const auto before = registry.configure({{"10.0.0.1", 80}, {"10.0.0.2", 80}}).set;
  const auto kept = before->members()[1].endpoint;
  const ActiveRequest request(kept);
  kept->health().set(HealthState::unhealthy);

  const auto change = registry.configure({{"10.0.0.2", 80, 7}, {"10.0.0.3", 80}});

  EXPECT_EQ(change.set->members()[0].endpoint, kept);
  EXPECT_EQ(change.set->members()[0].weight, 7);
  EXPECT_EQ(kept->active_requests(), 1U);
  EXPECT_FALSE(kept->available());
  EXPECT_THAT(change.removed, ElementsAre(before->members()[0].endpoint));
  EXPECT_THAT(change.added, ElementsAre(change.set->members()[1].endpoint));
  EXPECT_EQ(before->members()[1].weight, 100) << "a version does not change";
}

TEST(EndpointRegistry, NewConfigurationKeepsWhatNamesWereResolvedTo) {
  EndpointRegistry registry;
  registry.configure({{"shop.test", 80}});
  const auto kept =
      registry.resolved("shop.test", std::vector<std::string>{"10.0.0.1"}).set->members()[0];

  const auto change = registry.configure({{"10.0.0.7", 80}, {"shop.test", 80, 3}});

  EXPECT_EQ(change.set->members()[1].endpoint, kept.endpoint);
}

TEST(EndpointRegistry, TheRemovedOneIsNoLongerCountedAsEjectedAndNeverEjectedAgain) {
  EndpointRegistry registry;
  const auto gone = registry.configure(targets({1, 1})).set->members()[0].endpoint;
  ASSERT_TRUE(gone->signals().try_count_ejected(50, false));
  ASSERT_TRUE(gone->ejection().eject(Instant(1s), 10));

  registry.configure({target(1)});

  EXPECT_EQ(gone->signals().ejected(), 0U);
  EXPECT_EQ(gone->signals().members(), 1U);
  EXPECT_FALSE(gone->ejection().eject(Instant(2s), 10));
}

TEST(EndpointRegistry, ItsRequestsKeepARemovedEndpoint) {
  EndpointRegistry registry;
  registry.configure({target(0)});
  auto request = ActiveRequest(registry.current()->members()[0].endpoint);

  registry.configure({});

  EXPECT_THAT(registry.current()->members(), IsEmpty());
  EXPECT_EQ(request.endpoint().address().port, 8'000);
  EXPECT_EQ(request.endpoint().active_requests(), 1U);
}

TEST(EndpointRegistry, RefusesWrongTargetsAllAtOnceAndChangesNothing) {
  EndpointRegistry registry;
  const auto before = registry.configure({target(1)}).set;

  const auto why = refusal(registry, {{"", 80}, {"a.test", 0}, {"b.test", 1}, {"b.test", 1}});

  EXPECT_THAT(why, HasSubstr("a host is missing"));
  EXPECT_THAT(why, HasSubstr("a.test: port 0"));
  EXPECT_THAT(why, HasSubstr("b.test:1 is there twice"));
  EXPECT_EQ(registry.current(), before);
  std::vector<Target> many(kMaxEndpoints + 1, Target{"a.test", 80});
  EXPECT_THAT(refusal(registry, std::move(many)), HasSubstr("at most 10000"));
}

TEST(EndpointRegistry, RefusesAnAnswerBeyondTheBoundAndKeepsTheSet) {
  EndpointRegistry registry;
  std::vector<Target> ports;
  for (std::uint16_t port = 1; port <= 6'000; ++port)
    ports.push_back({"a.test", port});
  registry.configure(ports);
  const auto before = registry.resolved("a.test", std::vector<std::string>{"10.0.0.1"}).set;

  EXPECT_THROW(registry.resolved("a.test", std::vector<std::string>{"10.0.0.1", "10.0.0.2"}),
               Error);

  EXPECT_EQ(registry.current(), before);
  EXPECT_EQ(registry.configure(ports).set, before);
}

TEST(Endpoint, CountsRequestsAndConnectionsHoweverTheyEnd) {
  EndpointRegistry registry;
  const auto endpoint = registry.configure({target(0)}).set->members()[0].endpoint;

  {
    ActiveRequest first(endpoint);
    const ActiveRequest moved(std::move(first));
    const OpenConnection connection(endpoint);
    EXPECT_EQ(endpoint->active_requests(), 1U);
    EXPECT_EQ(endpoint->active_connections(), 1U);
  }

  EXPECT_EQ(endpoint->active_requests(), 0U);
  EXPECT_EQ(endpoint->active_connections(), 0U);
}

TEST(Endpoint, CountsOfManyThreadsAddUp) {
  EndpointRegistry registry;
  const auto endpoint = registry.configure({target(0)}).set->members()[0].endpoint;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 20'000; ++n) {
        const ActiveRequest request(endpoint);
        const OpenConnection connection(endpoint);
      }
    });
  }
  for (auto& thread : threads)
    thread.join();

  EXPECT_EQ(endpoint->active_requests(), 0U);
  EXPECT_EQ(endpoint->active_connections(), 0U);
}

TEST(ClusterSignals, NeverCountsMoreEjectedThanTheShareWhoeverAsks) {
  ClusterSignals signals;
  signals.set_members(100);
  std::atomic<int> granted = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 100; ++n)
        granted += signals.try_count_ejected(30, false) ? 1 : 0;
    });
  }
  for (auto& thread : threads)
    thread.join();

  EXPECT_EQ(granted, 30);
  EXPECT_EQ(signals.ejected(), 30U);
}

}  // namespace
}  // namespace sinew::proxy
