#include "sinew/proxy/cluster/worker_cluster.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>

#include "sinew/proxy/cluster/test_upstreams.hpp"
#include "sinew/tls/test_certificates.hpp"
#include "sinew/tls/ticket_keys.hpp"
#include "sinew/tls/tls_stream.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::proxy {
namespace {

using namespace std::chrono_literals;
using test::Upstreams;
using Kind = ConnectFailure::Kind;

void write(async::Stream& stream, std::string_view text) {
  stream.try_write(std::as_bytes(std::span(text)));
}

TEST(WorkerCluster, UsesAConnectionAgainThatWasGivenBack) {
  Upstreams upstreams(1);
  auto first = upstreams.lease();
  EXPECT_FALSE(first.reused());
  const auto* stream = &first.stream();

  first.give_back();
  auto second = upstreams.idle();

  ASSERT_TRUE(second);
  EXPECT_EQ(&second->stream(), stream);
  EXPECT_TRUE(second->reused());
  EXPECT_EQ(second->endpoint(), upstreams.endpoint());
  EXPECT_FALSE(upstreams.idle());
  EXPECT_EQ(upstreams.worker->counts().pool,
            (PoolPolicy::Counts{.in_use = 1, .opened = 1, .reused = 1}));
  EXPECT_EQ(upstreams.endpoint()->active_connections(), 1U);
}

TEST(WorkerCluster, ClosesAConnectionThatGoesOutOfScope) {
  Upstreams upstreams(1);

  {
    const auto lease = upstreams.lease();
  }

  EXPECT_FALSE(upstreams.idle());
  EXPECT_EQ(upstreams.in_use(ClusterLimit::connections), 0);
  EXPECT_EQ(upstreams.endpoint()->active_connections(), 0U);
  upstreams.world.run_for(1s);
  std::array<std::byte, 1> buffer;
  EXPECT_TRUE(upstreams.backends[0]->accepted()[0]->try_read(buffer).end_of_stream);
}

TEST(WorkerCluster, NeverHandsOutAConnectionWhoseEndpointEndedItOrSpokeUnasked) {
  enum class Disturbance { ends, resets, speaks, speaks_before };
  for (const auto what :
       {Disturbance::ends, Disturbance::resets, Disturbance::speaks, Disturbance::speaks_before}) {
    Upstreams upstreams(1);
    auto lease = upstreams.lease();
    upstreams.world.run_until([&] { return !upstreams.backends[0]->accepted().empty(); });
    auto& far = *upstreams.backends[0]->accepted()[0];
    if (what == Disturbance::speaks_before) write(far, "HTTP/1.1 408\r\n");
    upstreams.world.run_for(100ms);

    lease.give_back();
    if (what == Disturbance::ends) far.shutdown_write();
    if (what == Disturbance::resets) {
      upstreams.world.network().cut(upstreams.proxy, upstreams.backends[0]->node());
    }
    if (what == Disturbance::speaks) write(far, "x");
    upstreams.world.run_for(100ms);

    EXPECT_EQ(upstreams.worker->counts().pool.idle, 0U) << static_cast<int>(what);
    EXPECT_FALSE(upstreams.idle());
    EXPECT_EQ(upstreams.in_use(ClusterLimit::connections), 0);
    EXPECT_EQ(upstreams.cluster->counters().connections_ended_idle,
              what == Disturbance::speaks_before ? 0U : 1U);
  }
}

TEST(WorkerCluster, ClosesWhatWasIdleForTooLongByItself) {
  Upstreams upstreams(1, 1, {.pool = {.idle_timeout = 10s}});
  upstreams.lease().give_back();

  upstreams.world.run_for(9s);
  EXPECT_EQ(upstreams.worker->counts().pool.idle, 1U);
  upstreams.world.run_for(3s);

  EXPECT_EQ(upstreams.worker->counts().pool.idle, 0U);
  EXPECT_EQ(upstreams.endpoint()->active_connections(), 0U);
}

TEST(WorkerCluster, KeepsConnectionsOfSeveralTransportsApart) {
  Upstreams upstreams(1, 2);
  upstreams.lease(0).give_back();

  EXPECT_FALSE(upstreams.idle(1));
  UpstreamTransport tls;
  tls.tls = *tls::ClientContext::make({.verify = false});
  EXPECT_FALSE(upstreams.worker->take_idle(upstreams.endpoint(0), tls));
  EXPECT_TRUE(upstreams.idle(0));
}

TEST(WorkerCluster, FailsToConnectByAValueThatSaysWhy) {
  Upstreams refused(1);
  refused.backends[0]->close();
  auto failed = refused.connect();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, Kind::refused);
  EXPECT_NE(failed.error().reason.find("refused"), std::string::npos) << failed.error().reason;
  EXPECT_EQ(refused.cluster->counters().connect_refused, 1U);
  EXPECT_EQ(refused.in_use(ClusterLimit::connections), 0);
  EXPECT_EQ(refused.endpoint()->active_connections(), 0U);

  Upstreams silent(1);
  silent.world.network().partition(silent.proxy, silent.backends[0]->node());
  silent.transport.connect_timeout = 200ms;
  const auto began = silent.world.now();
  failed = silent.connect(0, 10s);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, Kind::timeout);
  EXPECT_EQ(silent.world.now() - began, 200ms);
  EXPECT_EQ(silent.cluster->counters().connect_timeouts, 1U);
  failed = silent.connect(0, 100ms);
  EXPECT_EQ(failed.error().kind, Kind::timeout);
  EXPECT_EQ(silent.world.now() - began, 300ms) << "the deadline comes first";
}

const tls::test::Authority& authority() {
  static const tls::test::Authority authority;
  return authority;
}

std::shared_ptr<const tls::ServerContext> server_of(const std::string& name) {
  tls::ServerOptions options;
  options.identities.push_back({authority().certificate({.names = "DNS:" + name})});
  options.ticket_keys = std::make_shared<tls::TicketKeys>();
  return *tls::ServerContext::make(std::move(options));
}

// Serves TLS to every connection that comes, and answers one byte by one byte.
Task<void> serve_tls(test::Backend& backend, std::shared_ptr<const tls::ServerContext> context,
                     std::vector<std::unique_ptr<tls::TlsStream>>& streams) {
  for (std::size_t served = 0;; ++served) {
    while (backend.accepted().size() <= served)
      co_await async::sleep_for(1ms);
    streams.push_back(tls::TlsStream::server(std::move(backend.accepted()[served]), context));
    auto& stream = *streams.back();
    if (co_await stream.handshake()) continue;
    std::array<std::byte, 1> byte;
    auto read = stream.try_read(byte);
    for (; read.error == std::errc::operation_would_block; read = stream.try_read(byte))
      co_await stream.readable();
    co_await async::write_all(stream, std::span(byte).first(read.bytes));
  }
}

Task<void> exchange_a_byte(async::Stream& stream) {
  std::array<std::byte, 1> byte = {};
  co_await async::write_all(stream, byte);
  while (stream.try_read(byte).bytes == 0)
    co_await stream.readable();
}

TEST(WorkerCluster, SpeaksTlsToTheNameThatItMeansAndResumesSessions) {
  Upstreams upstreams(1);
  std::vector<std::unique_ptr<tls::TlsStream>> streams;
  async::Scope scope(upstreams.backends[0]->node());
  scope.spawn(serve_tls(*upstreams.backends[0], server_of("orders.test"), streams));
  upstreams.transport.tls = *tls::ClientContext::make({.authorities = authority().pem()});

  auto failed = upstreams.connect();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, Kind::tls) << "its certificate is not for 127.0.0.1";
  EXPECT_FALSE(failed.error().reason.empty());
  EXPECT_EQ(upstreams.cluster->counters().connect_tls_failures, 1U);

  upstreams.transport.server_name = "orders.test";
  for (const bool resumed : {false, true}) {
    auto lease = upstreams.lease();
    upstreams.proxy.run(exchange_a_byte(lease.stream()));
    EXPECT_EQ(dynamic_cast<tls::TlsStream&>(lease.stream()).resumed(), resumed);
    lease.give_back();
    upstreams.world.run_for(1s);
    auto again = upstreams.idle();
    EXPECT_TRUE(again) << "tickets do not disturb";
  }
}

TEST(WorkerCluster, DoesNotTakeTicketsThatComeLateForADisturbance) {
  async::sim::Options whole;  // half a record could be anything, and ends the connection
  whole.network.pieces = 1;
  whole.network.short_write = 0;
  Upstreams upstreams(1, 1, {}, whole);
  std::vector<std::unique_ptr<tls::TlsStream>> streams;
  async::Scope scope(upstreams.backends[0]->node());
  scope.spawn(serve_tls(*upstreams.backends[0], server_of("orders.test"), streams));
  upstreams.transport.tls = *tls::ClientContext::make({.authorities = authority().pem()});
  upstreams.transport.server_name = "orders.test";

  upstreams.lease().give_back();  // before they came
  upstreams.world.run_for(1s);

  EXPECT_TRUE(upstreams.idle());
}

// What became of a connect() that runs beside the test.
struct Outcome {
  std::optional<Upstreams::Connected> connected;
  bool done() const { return connected.has_value(); }
};

Task<void> connect_into(Upstreams& upstreams, std::size_t index, Duration patience,
                        Outcome& outcome) {
  outcome.connected.emplace(co_await upstreams.worker->connect(
      upstreams.endpoint(index), upstreams.transport, upstreams.world.now() + patience));
}

TEST(WorkerCluster, HandsAConnectionThatBecomesIdleToTheFirstThatWaits) {
  Upstreams upstreams(1, 1, {.limits = {.max_connections = 1}});
  auto held = upstreams.lease();
  Outcome first, second;
  async::Scope scope(upstreams.proxy);
  scope.spawn(connect_into(upstreams, 0, 10s, first));
  upstreams.world.run_for(100ms);
  scope.spawn(connect_into(upstreams, 0, 10s, second));
  upstreams.world.run_for(100ms);
  EXPECT_EQ(upstreams.worker->counts().pending, 2U);
  EXPECT_EQ(upstreams.in_use(ClusterLimit::pending), 2);

  held.give_back();
  upstreams.world.run_for(1ms);

  ASSERT_TRUE(first.done());
  EXPECT_TRUE(first.connected->value().reused());
  EXPECT_FALSE(second.done());
  first.connected->value().discard();
  upstreams.world.run_until([&] { return second.done(); });
  EXPECT_FALSE(second.connected->value().reused()) << "the place of the one that was closed";
  EXPECT_EQ(upstreams.in_use(ClusterLimit::pending), 0);
  EXPECT_EQ(upstreams.in_use(ClusterLimit::connections), 1);
  second.connected->value().give_back();
}

TEST(WorkerCluster, RefusesWhatWaitsForTooLongOrIsTooMany) {
  Upstreams upstreams(1, 1, {.limits = {.max_connections = 1, .max_pending = 1}});
  auto held = upstreams.lease();
  Outcome waits, refused;
  async::Scope scope(upstreams.proxy);
  scope.spawn(connect_into(upstreams, 0, 1s, waits));
  upstreams.world.run_for(100ms);

  scope.spawn(connect_into(upstreams, 0, 1s, refused));
  upstreams.world.run_for(1ms);
  ASSERT_TRUE(refused.done());
  EXPECT_EQ(refused.connected->error().kind, Kind::limit);

  upstreams.world.run_for(1s);
  ASSERT_TRUE(waits.done());
  EXPECT_EQ(waits.connected->error().kind, Kind::limit) << "not the endpoint's fault";
  EXPECT_EQ(upstreams.in_use(ClusterLimit::pending), 0);
  EXPECT_EQ(upstreams.cluster->counters().connect_over_limit, 2U);
}

TEST(WorkerCluster, ClosesAnIdleConnectionOfAnotherEndpointWhereThePlaceIsNeeded) {
  Upstreams upstreams(1, 2, {.limits = {.max_connections = 1}});
  upstreams.lease(0).give_back();

  const auto connected = upstreams.connect(1);

  ASSERT_TRUE(connected);
  EXPECT_EQ(upstreams.endpoint(0)->active_connections(), 0U);
  EXPECT_EQ(upstreams.endpoint(1)->active_connections(), 1U);
}

TEST(WorkerCluster, LetsNobodyWaitForEverBehindThoseWhomConnectionsSuit) {
  Upstreams upstreams(1, 2, {.limits = {.max_connections = 1}});
  std::optional<UpstreamLease> busy = upstreams.lease(0);
  async::Scope scope(upstreams.proxy);
  Outcome other;
  scope.spawn(connect_into(upstreams, 1, 10s, other));
  upstreams.world.run_for(1ms);

  int turns = 0;
  for (; turns < 100 && !other.done(); ++turns) {
    Outcome next;
    scope.spawn(connect_into(upstreams, 0, 10s, next));
    upstreams.world.run_for(1ms);
    if (busy) busy->give_back();
    busy.reset();
    upstreams.world.run_for(10ms);
    if (next.done()) busy = std::move(*next.connected).value();
    if (!next.done()) {
      other.connected->value().discard();
      upstreams.world.run_until([&] { return next.done(); });
      break;
    }
  }

  EXPECT_TRUE(other.done());
  EXPECT_GT(turns, 4) << "connections that suit are handed on";
  EXPECT_LT(turns, 20);
}

TEST(WorkerCluster, WakesThoseWhoWaitWhenAnotherWorkerMakesRoom) {
  Upstreams upstreams(1, 1, {.limits = {.max_connections = 1}});
  WorkerCluster other(upstreams.proxy, upstreams.cluster, 2);
  auto held = upstreams.proxy.run(
      other.connect(upstreams.endpoint(), upstreams.transport, upstreams.world.now() + 1s));
  ASSERT_TRUE(held);
  Outcome outcome;
  async::Scope scope(upstreams.proxy);
  scope.spawn(connect_into(upstreams, 0, 10s, outcome));
  upstreams.world.run_for(1s);
  ASSERT_FALSE(outcome.done());

  held->give_back();  // it is not kept: another worker waits
  EXPECT_EQ(other.counts().pool.idle, 0U);
  upstreams.world.run_for(20ms);

  ASSERT_TRUE(outcome.done());
  EXPECT_TRUE(outcome.connected->has_value());
}

TEST(WorkerCluster, TakesAnIdleConnectionAwayFromAWorkerThatIsAtRest) {
  Upstreams upstreams(1, 1, {.limits = {.max_connections = 1}});
  WorkerCluster resting(upstreams.proxy, upstreams.cluster, 2);
  upstreams.proxy
      .run(resting.connect(upstreams.endpoint(), upstreams.transport, upstreams.world.now() + 1s))
      .value()
      .give_back();

  const auto connected = upstreams.connect(0, 3s);

  EXPECT_TRUE(connected);
}

TEST(WorkerCluster, ClosesWhatBelongsToAnEndpointThatLeft) {
  Upstreams upstreams(1, 2);
  auto in_use = upstreams.lease(0);
  upstreams.lease(0).give_back();
  auto late = upstreams.connect(1);
  const auto left = upstreams.endpoint(0);

  upstreams.set_targets({upstreams.backends[1]->target()});
  late->give_back();

  EXPECT_EQ(left->active_connections(), 1U) << "the one in use";
  in_use.give_back();
  EXPECT_EQ(left->active_connections(), 0U);
  auto after = upstreams.proxy.run(
      upstreams.worker->connect(left, upstreams.transport, upstreams.world.now() + 1s));
  ASSERT_TRUE(after) << "a request that chose it before it left";
  after->give_back();
  EXPECT_EQ(left->active_connections(), 0U);
  EXPECT_EQ(upstreams.worker->counts().pool.idle, 1U);
}

TEST(WorkerCluster, KeepsNothingOnceItIsRetired) {
  Upstreams upstreams(1);
  auto in_use = upstreams.lease();
  upstreams.lease().give_back();

  upstreams.worker->retire();
  EXPECT_EQ(upstreams.worker->counts().pool.idle, 0U);
  in_use.give_back();
  upstreams.lease().give_back();

  EXPECT_EQ(upstreams.worker->counts().pool.idle, 0U);
  EXPECT_EQ(upstreams.in_use(ClusterLimit::connections), 0);
}

TEST(WorkerCluster, ChoosesFromTheEndpointsOfTheLatestVersion) {
  Upstreams upstreams(1, 2);
  upstreams.set_targets({upstreams.backends[1]->target()});

  for (int i = 0; i < 4; ++i) {
    const auto chosen = upstreams.worker->choose({.random = static_cast<std::uint64_t>(i)});
    ASSERT_TRUE(chosen);
    EXPECT_EQ(*chosen, upstreams.endpoint(1));
  }
  upstreams.set_targets({});
  EXPECT_EQ(upstreams.worker->choose({.random = 1}).error(), NoEndpoint::none_known);
}

TEST(WorkerCluster, TurnsAndEjectsEndpointsByWhatAttemptsSay) {
  Upstreams upstreams(
      1, 2,
      {.passive = {.thresholds = {.successes = 1, .http_failures = 2, .timeouts = 1}},
       .ejection = OutlierSettings{.consecutive_server_errors = 3, .max_ejected_percent = 50}});
  auto& worker = *upstreams.worker;
  auto& endpoint = *upstreams.endpoint(0);

  worker.failed(endpoint, LocalFailure::timeout);
  EXPECT_EQ(endpoint.health().state(), HealthState::unhealthy);
  worker.answered(endpoint, 200);
  EXPECT_EQ(endpoint.health().state(), HealthState::healthy);
  for (int i = 0; i < 3; ++i)
    worker.answered(endpoint, 502);  // on neither list of passive health

  EXPECT_TRUE(endpoint.ejection().ejected());
  EXPECT_EQ(*worker.choose({.random = 1}), upstreams.endpoint(1));
  const auto& counters = upstreams.cluster->counters();
  EXPECT_EQ(counters.became_unhealthy, 1U);
  EXPECT_EQ(counters.became_healthy, 1U);
  EXPECT_EQ(counters.ejected, 1U);
}

}  // namespace
}  // namespace sinew::proxy
