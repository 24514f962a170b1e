#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sinew/proxy/exchange/test_proxy.hpp"
#include "tests/support/for_seeds.hpp"

// Clients and back ends that break off, stall and talk nonsense, at any moment: afterwards nothing
// is held, and the next request is served.
namespace sinew::proxy::test {
namespace {

const std::string kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

class Misfortune {
 public:
  explicit Misfortune(std::uint64_t seed) : world(seed) {
    world.settings.limits = {.max_connections = 8, .max_pending = 8, .max_requests = 64};
    world.route.limits.read_timeout = std::chrono::seconds(3);
    world.route.limits.write_timeout = std::chrono::seconds(3);
    world.route.limits.replay_body = 1'000;
    world.listener.header_timeout = std::chrono::seconds(3);
    world.listener.body_timeout = std::chrono::seconds(3);
    world.listener.send_timeout = std::chrono::seconds(3);
    world.route.retry =
        RetryRules(RetryPolicy{.retries = 3, .on_broken = true, .on_timeout = true});
    world.serve([this](async::Stream& stream, int) { return answer(stream); });
    world.start();
  }

  std::uint64_t draw(std::uint64_t below) { return world.world.random().next() % below; }

  // Requests on a connection, which may end at any byte.
  Task<void> ask() {
    std::unique_ptr<async::Stream> stream;
    try {
      stream = co_await world.connect();
    } catch (const Error&) {
      co_return;
    }
    for (std::uint64_t left = draw(4) + 1; left > 0; --left) {
      const std::string request = make_request();
      const bool breaks = draw(4) == 0;
      co_await write(*stream, request.substr(0, breaks ? draw(request.size()) : request.size()));
      if (breaks) {
        if (draw(2) == 0) stream->shutdown_write();
        co_return co_await async::sleep_for(std::chrono::milliseconds(draw(6'000)));
      }
      if (draw(5) == 0) co_return;  // without looking at the answer
      const std::string head = co_await read_until(*stream, "\r\n\r\n");
      if (head.empty()) co_return;
      if (draw(5) == 0) co_await async::sleep_for(std::chrono::seconds(4));
    }
  }

  std::string make_request() {
    static const std::vector<std::string> kKinds = {
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET /  HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nabc",
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    };
    if (draw(3) == 0) {
      const std::string body(draw(100'000), 'x');
      return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
             "\r\n\r\n" + body;
    }
    return kKinds[draw(kKinds.size())];
  }

  // A back end of the worst kind, until `good`.
  Task<void> answer(async::Stream& stream) {
    for (;;) {
      const std::string head = co_await read_until(stream, "\r\n\r\n");
      if (!head.ends_with("\r\n\r\n")) co_return;
      const std::uint64_t kind = good ? 0 : draw(12);
      switch (kind) {
        case 1: co_return;
        case 2: co_return co_await async::sleep_for(std::chrono::milliseconds(draw(6'000)));
        case 3: co_await write(stream, "nonsense\r\n\r\n"); break;
        case 4: co_await write(stream, kHello.substr(0, draw(kHello.size()))); co_return;
        case 5: co_await write(stream, "HTTP/1.1 200 OK\r\n\r\nuntil the end"); co_return;
        case 6: co_await write(stream, "HTTP/1.1 100 Continue\r\n\r\n" + kHello); break;
        case 7:
          co_await write(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
          co_return co_await async::sleep_for(std::chrono::milliseconds(draw(6'000)));
        case 8:
          co_await write(stream,
                         "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
                         "websocket\r\n\r\nwelcome");
          co_return co_await async::sleep_for(std::chrono::milliseconds(draw(6'000)));
        case 9: co_await write(stream, kHello + kHello); break;
        case 10:
          co_await write(stream, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" +
                                     std::string(100'000, 'x'));
          break;
        default: co_await write(stream, kHello);
      }
      if (field_of(head, "Content-Length").empty() && field_of(head, "Transfer-Encoding").empty()) {
        continue;
      }
      co_return;  // it does not tell the body from the next request
    }
  }

  ProxyWorld world;
  bool good = false;
};

TEST(MisfortuneTest, LeavesNothingBehind) {
  tests::for_seeds(30, [](std::uint64_t seed) {
    Misfortune all(seed);
    ProxyWorld& world = all.world;

    world.run([](Misfortune& of) -> Task<void> {
      async::Scope clients(of.world.client, "clients");
      for (int i = 0; i < 20; ++i)
        clients.spawn(of.ask());
      co_await clients.join();
    }(all));
    world.pass(std::chrono::seconds(30));
    all.good = true;

    const auto counts = world.run([](ProxyWorld& in) -> Task<WorkerCluster::Counts> {
      co_return (co_await in.engine->cluster_counts()).at(0).second;
    }(world));
    EXPECT_EQ(counts.pool.in_use, 0U);
    EXPECT_EQ(counts.connecting, 0U);
    EXPECT_EQ(counts.pending, 0U);
    ClusterLimits& limits = world.cluster->limits();
    EXPECT_EQ(limits.use(ClusterLimit::requests).in_use, 0);
    EXPECT_EQ(limits.use(ClusterLimit::retries).in_use, 0);
    EXPECT_EQ(limits.use(ClusterLimit::pending).in_use, 0);
    EXPECT_EQ(limits.use(ClusterLimit::connections).in_use,
              static_cast<std::int64_t>(counts.pool.idle));
    for (const auto& member : world.cluster->endpoints()->members()) {
      EXPECT_EQ(member.endpoint->active_requests(), 0U);
      EXPECT_EQ(member.endpoint->active_connections(), counts.pool.idle);
    }
    EXPECT_EQ(world.engine->counts().at(0).active_requests, 0U);
    EXPECT_EQ(world.engine->counts().at(0).connections, 0U);
    EXPECT_THAT(world.talk("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
                testing::EndsWith("hello"));
    for (const Told& told : world.observer.told)
      EXPECT_TRUE(told.status != 0 || !told.flags.empty()) << told.reason;
  });
}

}  // namespace
}  // namespace sinew::proxy::test
