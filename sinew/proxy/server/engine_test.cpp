#include "sinew/proxy/server/engine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sinew/proxy/exchange/test_proxy.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::proxy::test {
namespace {

using testing::EndsWith;
using testing::StartsWith;

const std::string kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const std::string kGetMore = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(EngineTest, AnotherSnapshotHoldsForTheNextRequestOfAnOpenConnection) {
  ProxyWorld world;
  world.serve_always(kHello);
  world.start();

  const std::string answers = world.run([](ProxyWorld& in) -> Task<std::string> {
    auto stream = co_await in.connect();
    co_await write(*stream, kGetMore);
    std::string text = co_await read_until(*stream, "hello");
    in.route.upstream_path = "/v2";
    co_await in.engine->replace(in.snapshot(2));
    co_await write(*stream, kGet);
    text += co_await read_to_end(*stream);
    co_return text;
  }(world));

  EXPECT_THAT(answers, EndsWith("hello"));
  ASSERT_EQ(world.seen.size(), 2U);
  EXPECT_THAT(world.seen[1], StartsWith("GET /v2"));
  EXPECT_EQ(world.engine->counts().at(0).snapshot, 2U);
}

TEST(EngineTest, AnAddressThatCannotBeOpenedChangesNothing) {
  ProxyWorld world;
  world.serve_always(kHello);
  world.start();
  const auto taken = world.node.listen({.address = "127.0.0.1", .port = 8'001});

  const bool refused = world.run([](ProxyWorld& in) -> Task<bool> {
    auto stream = co_await in.connect();  // the workers have begun
    auto next = std::make_shared<Snapshot>(*in.snapshot(2));
    next->listeners.push_back({.address = {.address = "127.0.0.1", .port = 8'002}});
    next->listeners.push_back({.address = {.address = "127.0.0.1", .port = 8'001}});
    try {
      co_await in.engine->replace(next);
    } catch (const Error& error) {
      co_return error.condition() == Condition::conflict;
    }
    co_return false;
  }(world));

  EXPECT_TRUE(refused);
  EXPECT_EQ(world.engine->snapshot()->version, 1U);
  EXPECT_THAT(world.talk(kGet), EndsWith("hello"));
  EXPECT_NO_THROW(world.node.listen({.address = "127.0.0.1", .port = 8'002}));
}

TEST(EngineTest, AListenerThatIsGoneAcceptsNoMoreAndOneThatIsNewDoes) {
  ProxyWorld world;
  world.serve_always(kHello);
  world.start();

  const std::string answer = world.run([](ProxyWorld& in) -> Task<std::string> {
    auto old = co_await in.connect();
    in.listener.address.port = 8'010;
    co_await in.engine->replace(in.snapshot(2));
    co_await write(*old, kGetMore);  // an open connection is served once more, and closed
    EXPECT_THAT(co_await read_to_end(*old), EndsWith("hello"));
    auto stream = co_await in.client.connect(in.listener.address);
    co_await write(*stream, kGet);
    co_return co_await read_to_end(*stream);
  }(world));

  EXPECT_THAT(answer, EndsWith("hello"));
  EXPECT_THROW(world.run(world.connect()), Error);
}

// Sends requests on and on, on connections of their own or shared, and counts those that failed
// though their connection had been accepted before.
Task<void> load(ProxyWorld& world, int& answered, bool& stop) {
  while (!stop) {
    std::unique_ptr<async::Stream> stream;
    try {
      stream = co_await world.connect();
    } catch (const Error&) {
      co_return;  // refused: later than the end
    }
    bool keep = true;
    while (keep && !stop) {
      co_await write(*stream, kGetMore);
      const std::string head = co_await read_until(*stream, "\r\n\r\n");
      if (head.empty()) break;  // it was closed while it was idle
      EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n"));
      EXPECT_EQ(co_await read_until(*stream, "hello"), "hello");
      ++answered;
      keep = field_of(head, "Connection") != "close";
    }
  }
}

TEST(EngineTest, DrainingServesWhatWasTakenAndEndsTheWorkers) {
  tests::for_seeds(20, [](std::uint64_t seed) {
    ProxyWorld world(seed);
    world.serve_always(kHello);
    world.start();
    int answered = 0;
    bool stop = false;

    world.run([](ProxyWorld& in, int& count, bool& end) -> Task<void> {
      async::Scope clients(in.client, "clients");
      for (int i = 0; i < 5; ++i)
        clients.spawn(load(in, count, end));
      co_await async::sleep_for(std::chrono::milliseconds(50));
      co_await in.engine->drain(std::chrono::milliseconds(100), std::chrono::seconds(5));
      end = true;
      co_await clients.join();
    }(world, answered, stop));
    world.client.run(world.scope->join());

    EXPECT_GT(answered, 5);
    EXPECT_EQ(world.engine->counts().at(0).connections, 0U);
    for (const Told& told : world.observer.told) {
      if (!told.flags.empty()) EXPECT_EQ(told.flags, "DC");
    }
  });
}

TEST(EngineTest, WhatDoesNotEndWithinTheDrainsPatienceIsCut) {
  ProxyWorld world;
  world.serve([](async::Stream& stream, int) -> Task<void> { co_await read_to_end(stream); });
  world.start();

  const std::string answer = world.run([](ProxyWorld& in) -> Task<std::string> {
    auto stream = co_await in.connect();
    co_await write(*stream, kGetMore);
    co_await async::sleep_for(std::chrono::seconds(1));
    co_await in.engine->drain({}, std::chrono::seconds(2));
    co_return co_await read_to_end(*stream);
  }(world));

  EXPECT_EQ(answer, "");
}

}  // namespace
}  // namespace sinew::proxy::test
