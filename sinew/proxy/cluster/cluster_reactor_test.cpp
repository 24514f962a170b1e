#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sinew/async/offload_pool.hpp"
#include "sinew/async/reactor.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/net/resolver.hpp"
#include "sinew/proxy/cluster/cluster_directory.hpp"
#include "sinew/proxy/cluster/mix.hpp"
#include "sinew/proxy/cluster/worker_cluster.hpp"

// The whole of it on real sockets: choosing, pooling, limits, ejection and checks.
namespace sinew::proxy {
namespace {

using namespace std::chrono_literals;

// A back end that reads a request head and answers with its status, on connections that it keeps.
class RealBackend {
 public:
  explicit RealBackend(async::Runtime& runtime)
      : scope_(runtime, "back end"), listener_(runtime.listen({"127.0.0.1", 0})) {
    scope_.spawn(accept());
  }

  Target target() const { return {"127.0.0.1", listener_->local().port, 100}; }
  Task<void> end() {
    scope_.cancel();
    listener_->close();
    co_await scope_.join();
  }
  // From now on nobody listens, and nothing is open.
  Task<void> die() { return end(); }

  int status = 200;
  int served = 0;
  int open = 0;
  int most_open = 0;

 private:
  Task<void> accept() {
    while (true)
      scope_.spawn(serve(co_await listener_->accept()));
  }
  Task<void> serve(std::unique_ptr<async::Stream> stream) {
    most_open = std::max(most_open, ++open);
    struct Closed {
      ~Closed() { --open; }
      int& open;
    } const closed{open};
    std::string request;
    std::array<char, 512> buffer;
    while (true) {
      const auto read = stream->try_read(std::as_writable_bytes(std::span(buffer)));
      request.append(buffer.data(), read.bytes);
      if (request.ends_with("\r\n\r\n")) {
        request.clear();
        ++served;
        const auto answer =
            "HTTP/1.1 " + std::to_string(status) + " Answer\r\nContent-Length: 0\r\n\r\n";
        if (co_await write_all(*stream, std::as_bytes(std::span(answer)))) co_return;
      }
      if (read.error && read.error != std::errc::operation_would_block) co_return;
      if (read.end_of_stream || (read.error && co_await stream->readable())) co_return;
    }
  }

  async::Scope scope_;
  std::unique_ptr<async::Listener> listener_;
};

class ClusterOnSockets : public testing::Test {
 protected:
  ClusterOnSockets() {
    for (int i = 0; i < 3; ++i)
      backends.push_back(std::make_unique<RealBackend>(reactor));
  }
  ~ClusterOnSockets() override { reactor.run(end()); }

  Task<void> end() {
    worker.reset();
    for (const auto& backend : backends)
      co_await backend->end();
    scope.cancel();
    co_await scope.join();
  }

  ClusterSettings settings() const {
    ClusterSettings made{.name = "orders"};
    for (const auto& backend : backends)
      made.targets.push_back(backend->target());
    return made;
  }
  Task<void> use(ClusterSettings settings) {
    std::vector<ClusterSettings> all;
    all.push_back(std::move(settings));
    cluster = (co_await directory.prepare(std::move(all), 1s))[0];
    directory.commit();
    worker = std::make_unique<WorkerCluster>(reactor, cluster, 1);
    if (scope.size() == 0) scope.spawn(directory.run());
  }

  // Sends a request as an exchange does; gives the status, 0 without one, and the port asked.
  struct Result {
    int status = 0;
    std::uint16_t port = 0;
    std::optional<ConnectFailure::Kind> failure = {};
  };
  Task<Result> request(std::uint64_t hash = 0) {
    const auto chosen = worker->choose({.random = reactor.random(), .hash = hash});
    if (!chosen) co_return Result{};
    const EndpointPtr& endpoint = *chosen;
    Result result{.port = endpoint->address().port};
    auto lease = worker->take_idle(endpoint, transport);
    if (!lease) {
      auto connected = co_await worker->connect(endpoint, transport, reactor.now() + 5s);
      if (!connected) {
        result.failure = connected.error().kind;
        worker->failed(*endpoint, LocalFailure::connect);
        co_return result;
      }
      lease = std::move(*connected);
    }
    const ActiveRequest active(endpoint);
    result.status = co_await exchange(lease->stream());
    if (result.status == 0) {
      worker->failed(*endpoint, LocalFailure::reset);
    } else {
      worker->answered(*endpoint, result.status);
      lease->give_back();
    }
    co_return result;
  }
  static Task<int> exchange(async::Stream& stream) {
    const std::string text = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    if (co_await write_all(stream, std::as_bytes(std::span(text)))) co_return 0;
    std::string answer;
    std::array<char, 512> buffer;
    while (!answer.ends_with("\r\n\r\n")) {
      const auto read = stream.try_read(std::as_writable_bytes(std::span(buffer)));
      answer.append(buffer.data(), read.bytes);
      if (read.bytes > 0) continue;
      if (read.error != std::errc::operation_would_block) co_return 0;
      if (co_await stream.readable()) co_return 0;
    }
    co_return std::stoi(answer.substr(9, 3));
  }
  Task<void> requests(int count) {
    for (int i = 0; i < count; ++i) {
      const auto result = co_await request();
      (result.status == 200 ? answered : failed) += 1;
    }
  }

  async::OffloadPools pools;
  async::Reactor reactor{pools};
  net::FixedResolver resolver;
  ClusterDirectory directory{reactor, resolver};
  std::vector<std::unique_ptr<RealBackend>> backends;
  ClusterPtr cluster;
  UpstreamTransport transport;
  std::unique_ptr<WorkerCluster> worker;
  async::Scope scope{reactor};
  int answered = 0;
  int failed = 0;
};

TEST_F(ClusterOnSockets, SpreadsRequestsOverFewConnections) {
  reactor.run(use(settings()));

  reactor.run(requests(300));

  EXPECT_EQ(answered, 300);
  for (const auto& backend : backends) {
    EXPECT_EQ(backend->served, 100);
    EXPECT_EQ(backend->most_open, 1);
  }
  EXPECT_EQ(worker->counts().pool.reused, 297U);
}

TEST_F(ClusterOnSockets, HoldsTheLimitOfConnectionsHoweverManyAsk) {
  auto limited = settings();
  limited.limits.max_connections = 4;
  reactor.run(use(limited));
  {
    async::Scope clients(reactor);
    for (int i = 0; i < 50; ++i)
      clients.spawn(requests(20));
    reactor.run(clients.join());
  }

  EXPECT_EQ(answered, 1'000);
  EXPECT_EQ(failed, 0);
  int most = 0;
  for (const auto& backend : backends)
    most += backend->most_open;
  EXPECT_LE(most, 12) << "four of each at most";
  EXPECT_LE(worker->counts().pool.idle, 4U);
  EXPECT_EQ(cluster->limits().use(ClusterLimit::pending).in_use, 0);
}

TEST_F(ClusterOnSockets, EjectsWhoFailsAndTakesHimBack) {
  auto ejecting = settings();
  ejecting.ejection = OutlierSettings{.consecutive_server_errors = 3,
                                      .interval = 20ms,
                                      .base_ejection = 50ms,
                                      .max_ejected_percent = 50};
  reactor.run(use(ejecting));
  backends[0]->status = 503;

  reactor.run(requests(100));
  EXPECT_GE(failed, 3);
  EXPECT_EQ(cluster->counters().ejected, 1U);
  EXPECT_EQ(failed, backends[0]->served);

  backends[0]->status = 200;
  reactor.run_until([&] { return cluster->counters().readmitted > 0; });
  const int before = backends[0]->served;
  reactor.run(requests(30));
  EXPECT_GT(backends[0]->served, before);
}

TEST_F(ClusterOnSockets, NeverSendsToAnEndpointThatDiedWhileItsConnectionsWereIdle) {
  auto passive = settings();
  passive.passive.thresholds.tcp_failures = 1;
  reactor.run(use(passive));
  reactor.run(requests(9));
  ASSERT_EQ(worker->counts().pool.idle, 3U);

  reactor.run(backends[1]->die());
  reactor.run_until([&] { return worker->counts().pool.idle == 2; });
  failed = answered = 0;
  reactor.run(requests(60));

  EXPECT_EQ(cluster->counters().connections_ended_idle, 1U);
  EXPECT_EQ(failed, 1) << "the connect() that found out";
  EXPECT_EQ(cluster->counters().became_unhealthy, 1U);
  EXPECT_EQ(answered, 59);
}

TEST_F(ClusterOnSockets, SendsOneKeyToOneEndpoint) {
  auto hashing = settings();
  hashing.balancer.algorithm = Balancing::consistent_hash;
  hashing.hash_slots = 1'000;
  reactor.run(use(hashing));
  std::set<std::uint16_t> used;
  for (std::uint64_t key = 0; key < 30; ++key) {
    const auto first = reactor.run(request(mix(key)));
    ASSERT_EQ(first.status, 200);
    EXPECT_EQ(reactor.run(request(mix(key))).port, first.port);
    used.insert(first.port);
  }
  EXPECT_EQ(used.size(), 3U);
}

TEST_F(ClusterOnSockets, ChecksTakeAnEndpointOutAndBack) {
  auto checked = settings();
  checked.active = {.healthy_interval = 10ms,
                    .unhealthy_interval = 10ms,
                    .timeout = 2s,
                    .thresholds = {.successes = 1, .http_failures = 2}};
  reactor.run(use(checked));
  backends[2]->status = 500;
  reactor.run_until([&] { return cluster->counters().became_unhealthy > 0; });

  reactor.run(requests(30));
  EXPECT_EQ(failed, 0);
  backends[2]->status = 200;
  reactor.run_until([&] { return cluster->counters().became_healthy > 0; });
}

}  // namespace
}  // namespace sinew::proxy
