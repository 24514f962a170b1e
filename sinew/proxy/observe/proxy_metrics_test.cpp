#include "sinew/proxy/observe/proxy_metrics.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "sinew/proxy/observe/observers.hpp"
#include "sinew/proxy/observe/state_metrics.hpp"
#include "sinew/proxy/observe/test_exchange.hpp"

namespace sinew::proxy {
namespace {

using namespace std::chrono_literals;

std::string text_of(const ProxyMetrics& metrics) {
  std::string text;
  metrics.write(text);
  return text;
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).contains("\n" + line + "\n");
}

#define EXPECT_LINE(text, line) EXPECT_TRUE(has_line(text, line)) << line << "\nin\n" << (text)

Snapshot snapshot_of(const test::Exchange& exchange) {
  Snapshot snapshot;
  snapshot.routes.push_back(exchange.route);
  return snapshot;
}

TEST(ProxyMetricsTest, AnExchangeIsCountedByRouteStatusAndEndpoint) {
  ProxyMetrics metrics(1);
  const test::Exchange exchange;

  metrics.worker(0).count(exchange.record);
  metrics.worker(0).count(exchange.record);

  const auto text = text_of(metrics);
  EXPECT_LINE(text, R"(sinew_proxy_requests_total{route="items",service="catalog",)"
                    R"(cluster="catalog.upstream",status="2xx"} 2)");
  EXPECT_LINE(text, R"(sinew_proxy_sent_bytes_total{route="items",service="catalog"} 2400)");
  EXPECT_LINE(text, R"(sinew_proxy_received_bytes_total{route="items",service="catalog"} 180)");
  EXPECT_LINE(text,
              R"(sinew_proxy_endpoint_requests_total{cluster="catalog.upstream",host="10.1.2.3",)"
              R"(endpoint="10.1.2.3:8080",status="2xx"} 2)");
}

TEST(ProxyMetricsTest, DurationsFallIntoTheBucketThatHoldsThem) {
  ProxyMetrics metrics(1);
  test::Exchange exchange;
  exchange.record.upstream = Instant(1s);
  exchange.record.answer_head = Instant(1s) + 1ms;  // on a bound: inside
  metrics.worker(0).count(exchange.record);
  exchange.record.answer_head += 1ns;
  metrics.worker(0).count(exchange.record);
  exchange.record.answer_head += 5min;
  metrics.worker(0).count(exchange.record);

  const auto text = text_of(metrics);
  const std::string of = R"({route="items",service="catalog",le=)";
  const std::string bucket = "sinew_proxy_upstream_duration_seconds_bucket" + of;
  EXPECT_LINE(text, bucket + R"("0.0005"} 0)");
  EXPECT_LINE(text, bucket + R"("0.001"} 1)");
  EXPECT_LINE(text, bucket + R"("0.0025"} 2)");
  EXPECT_LINE(text, bucket + R"("60"} 2)");
  EXPECT_LINE(text, bucket + R"("+Inf"} 3)");
  EXPECT_LINE(text,
              R"(sinew_proxy_upstream_duration_seconds_count{route="items",service="catalog"} 3)");
}

TEST(ProxyMetricsTest, WhatFailedIsCountedByFlagAndAtItsEndpoint) {
  ProxyMetrics metrics(1);
  test::Exchange exchange;
  exchange.record.status = 502;
  exchange.record.upstream_status = 0;
  exchange.record.attempts = 3;
  exchange.record.flags.set(ResponseFlag::connect_failed);
  exchange.record.flags.set(ResponseFlag::retries_exhausted);

  metrics.worker(0).count(exchange.record);

  const auto text = text_of(metrics);
  EXPECT_LINE(text, R"(sinew_proxy_response_flags_total{route="items",service="catalog",)"
                    R"(flag="URX"} 1)");
  EXPECT_LINE(text, R"(sinew_proxy_retries_total{route="items",service="catalog"} 2)");
  EXPECT_LINE(text,
              R"(sinew_proxy_endpoint_failures_total{cluster="catalog.upstream",host="10.1.2.3",)"
              R"(endpoint="10.1.2.3:8080",flag="UF"} 1)");
  EXPECT_FALSE(text.contains(R"(endpoint="10.1.2.3:8080",flag="URX")"));
}

TEST(ProxyMetricsTest, ARequestWithoutARouteHasNoName) {
  ProxyMetrics metrics(1);
  ExchangeRecord record;
  record.status = 404;
  record.flags.set(ResponseFlag::no_route);

  metrics.worker(0).count(record);

  EXPECT_LINE(text_of(metrics),
              R"(sinew_proxy_requests_total{route="",service="",cluster="",status="4xx"} 1)");
}

TEST(ProxyMetricsTest, WorkersAreSummed) {
  ProxyMetrics metrics(3);
  const test::Exchange exchange;
  for (const std::size_t worker : {0, 1, 2, 2})
    metrics.worker(worker).count(exchange.record);

  EXPECT_LINE(text_of(metrics), R"(sinew_proxy_requests_total{route="items",service="catalog",)"
                                R"(cluster="catalog.upstream",status="2xx"} 4)");
}

TEST(ProxyMetricsTest, NamesOfAnyTextMakeValidLabels) {
  ProxyMetrics metrics(1);
  test::Exchange exchange;
  exchange.route.name = "a\"b\\c\nd";
  metrics.worker(0).count(exchange.record);

  EXPECT_LINE(text_of(metrics), R"(sinew_proxy_sent_bytes_total{route="a\"b\\c\nd",)"
                                R"(service="catalog"} 1200)");
}

TEST(ProxyMetricsTest, AReloadedRouteGoesOnCountingAndAnotherAtItsAddressIsItself) {
  ProxyMetrics metrics(1);
  test::Exchange exchange;
  metrics.worker(0).count(exchange.record);

  const Route reloaded = exchange.route;
  exchange.record.route = &reloaded;
  metrics.worker(0).count(exchange.record);
  exchange.route.name = "orders";  // another route, where the first one lay
  exchange.record.route = &exchange.route;
  metrics.worker(0).count(exchange.record);

  const auto text = text_of(metrics);
  EXPECT_LINE(text, R"(sinew_proxy_sent_bytes_total{route="items",service="catalog"} 2400)");
  EXPECT_LINE(text, R"(sinew_proxy_sent_bytes_total{route="orders",service="catalog"} 1200)");
}

TEST(ProxyMetricsTest, OverManyReloadsARouteStaysOne) {
  ProxyMetrics metrics(1);
  test::Exchange exchange;
  std::vector<Route> generations(5'000, exchange.route);
  for (const Route& route : generations) {
    exchange.record.route = &route;
    metrics.worker(0).count(exchange.record);
  }

  EXPECT_LINE(text_of(metrics),
              R"(sinew_proxy_sent_bytes_total{route="items",service="catalog"} )" +
                  std::to_string(5'000 * 1'200));
  EXPECT_EQ(metrics.counted(), (ProxyMetrics::Counted{.routes = 1, .endpoints = 1}));
}

TEST(ProxyMetricsTest, RoutesWithoutTrafficCostNothing) {
  ProxyMetrics metrics(2);
  test::Exchange exchange;
  std::vector<Route> routes(5'000, exchange.route);
  for (std::size_t i = 0; i < routes.size(); ++i)
    routes[i].name = "route-" + std::to_string(i);
  Snapshot snapshot;
  snapshot.routes = routes;

  metrics.forget_removed(snapshot, Instant(1s));
  EXPECT_EQ(metrics.counted().routes, 0U);

  exchange.record.route = &routes[4'711];
  metrics.worker(1).count(exchange.record);
  EXPECT_EQ(metrics.counted().routes, 1U);
}

TEST(ProxyMetricsTest, BeyondTheBoundRoutesAreCountedTogether) {
  ProxyMetrics metrics(1);
  test::Exchange exchange;
  std::vector<Route> routes(kMaxCountedRoutes + 2, exchange.route);
  for (std::size_t i = 0; i < routes.size(); ++i) {
    routes[i].name = std::to_string(i);
    exchange.record.route = &routes[i];
    metrics.worker(0).count(exchange.record);
  }

  EXPECT_EQ(metrics.counted().routes, kMaxCountedRoutes);
  EXPECT_LINE(text_of(metrics),
              R"(sinew_proxy_requests_total{route="other",service="other",cluster="other",)"
              R"(status="2xx"} 2)");
}

TEST(ProxyMetricsTest, ARemovedRouteDisappearsOnceNothingWasCountedForAWhile) {
  ProxyMetrics metrics(1);
  test::Exchange exchange;
  const Snapshot without;
  metrics.worker(0).count(exchange.record);
  const Instant removed(1h);

  metrics.forget_removed(without, removed);
  metrics.forget_removed(without, removed + ProxyMetrics::kKeepRemoved - 1s);
  EXPECT_EQ(metrics.counted().routes, 1U);
  metrics.worker(0).count(exchange.record);  // an old snapshot's request
  metrics.forget_removed(without, removed + ProxyMetrics::kKeepRemoved);
  EXPECT_EQ(metrics.counted().routes, 1U);
  metrics.forget_removed(without, removed + 2 * ProxyMetrics::kKeepRemoved);

  EXPECT_EQ(metrics.counted().routes, 0U);
  EXPECT_EQ(metrics.counted().endpoints, 0U);
  EXPECT_FALSE(text_of(metrics).contains("items"));

  metrics.worker(0).count(exchange.record);  // and one that comes back is counted anew
  EXPECT_LINE(text_of(metrics),
              R"(sinew_proxy_sent_bytes_total{route="items",service="catalog"} 1200)");
}

TEST(ProxyMetricsTest, ARouteThatIsThereStaysHoweverLongItIsUnused) {
  ProxyMetrics metrics(1);
  test::Exchange exchange;
  metrics.worker(0).count(exchange.record);
  auto snapshot = snapshot_of(exchange);
  snapshot.clusters.push_back(std::make_shared<Cluster>(ClusterSettings{.name = "catalog.upstream"},
                                                        exchange.cluster.endpoints()));

  metrics.forget_removed(snapshot, Instant(1h));
  metrics.forget_removed(snapshot, Instant(100h));

  EXPECT_EQ(metrics.counted().routes, 1U);
  EXPECT_EQ(metrics.counted().endpoints, 1U);
}

// For the thread sanitizer, and for counts that only grow.
TEST(ProxyMetricsTest, AScrapeDuringTrafficSeesCountsThatGrow) {
  ProxyMetrics metrics(1);
  test::Exchange exchange;
  std::vector<Route> routes(100, exchange.route);
  for (std::size_t i = 0; i < routes.size(); ++i)
    routes[i].name = std::to_string(i);
  std::atomic<bool> ended = false;
  std::jthread scraper([&] {
    const Snapshot empty;
    for (Instant now(1h); !ended; now += 1s) {
      EXPECT_FALSE(text_of(metrics).empty());
      metrics.forget_removed(empty, now);
    }
  });
  for (int i = 0; i < 20'000; ++i) {
    exchange.record.route = &routes[static_cast<std::size_t>(i) % routes.size()];
    metrics.worker(0).count(exchange.record);
  }
  ended = true;
  scraper.join();

  EXPECT_LE(metrics.counted().routes, routes.size());
}

TEST(ObserversTest, AnExchangeIsCountedAndLogged) {
  AccessLog log({.target = "/dev/null"}, 2);
  ProxyMetrics metrics(2);
  Observers observers(log, metrics, 2);
  const test::Exchange exchange;

  observers.of(1).ended(exchange.record);

  EXPECT_EQ(log.counts().lines, 1U);
  EXPECT_EQ(metrics.counted().routes, 1U);
}

TEST(StateMetricsTest, SayHowWorkersClustersEndpointsAndTheSnapshotStand) {
  const test::Exchange exchange;
  const auto cluster = std::make_shared<Cluster>(
      ClusterSettings{.name = "catalog.upstream", .limits = {.max_requests = 1}},
      exchange.cluster.endpoints());
  const auto snapshot = std::make_shared<Snapshot>(snapshot_of(exchange));
  snapshot->version = 7;
  snapshot->loaded_at = parse_rfc3339("2026-05-04T10:30:00.5Z");
  snapshot->clusters.push_back(cluster);
  cluster->counters().connections_reused = 9;
  cluster->counters().ejected = 2;
  const auto permit = cluster->limits().try_take(ClusterLimit::requests);
  EXPECT_FALSE(cluster->limits().try_take(ClusterLimit::requests));
  exchange.endpoint().health().set(HealthState::unhealthy);
  const ActiveRequest active(cluster->endpoints()->members().front().endpoint);
  ProxyState state{.now = Instant(1h),
                   .snapshot = snapshot,
                   .workers = {{.connections = 3, .accepted = 5}, {.snapshot = 6, .shed = 2}},
                   .clusters = {{cluster, {.pool = {.in_use = 1, .idle = 4}, .pending = 2}}},
                   .log = {.lines = 10, .no_room = 1},
                   .reloads = 6,
                   .failed_reloads = 1};

  std::string text;
  write_state_metrics(state, text);

  EXPECT_LINE(text, R"(sinew_proxy_connections{worker="0"} 3)");
  EXPECT_LINE(text, R"(sinew_proxy_requests_shed_total{worker="1"} 2)");
  EXPECT_LINE(text, R"(sinew_proxy_worker_snapshot_version{worker="1"} 6)");
  EXPECT_LINE(text, R"(sinew_proxy_cluster_limit_in_use{cluster="catalog.upstream",)"
                    R"(limit="requests"} 1)");
  EXPECT_LINE(text, R"(sinew_proxy_cluster_limit_refused_total{cluster="catalog.upstream",)"
                    R"(limit="requests"} 1)");
  EXPECT_LINE(text, R"(sinew_proxy_pool_connections{cluster="catalog.upstream",state="idle"} 4)");
  EXPECT_LINE(text, R"(sinew_proxy_pool_uses_total{cluster="catalog.upstream",)"
                    R"(connection="reused"} 9)");
  EXPECT_LINE(text, R"(sinew_proxy_endpoint_changes_total{cluster="catalog.upstream",)"
                    R"(change="ejected"} 2)");
  EXPECT_LINE(text, R"(sinew_proxy_pool_pending_requests{cluster="catalog.upstream"} 2)");
  const std::string endpoint =
      R"({cluster="catalog.upstream",host="10.1.2.3",endpoint="10.1.2.3:8080"} )";
  EXPECT_LINE(text, "sinew_proxy_endpoint_available" + endpoint + "0");
  EXPECT_LINE(text, "sinew_proxy_endpoint_ejected" + endpoint + "0");
  EXPECT_LINE(text, "sinew_proxy_endpoint_active_requests" + endpoint + "1");
  EXPECT_LINE(text, "sinew_proxy_snapshot_version 7");
  EXPECT_LINE(text, R"(sinew_proxy_reloads_total{outcome="refused"} 1)");
  EXPECT_LINE(text, R"(sinew_proxy_access_log_lost_lines_total{reason="no_room"} 1)");
}

}  // namespace
}  // namespace sinew::proxy
