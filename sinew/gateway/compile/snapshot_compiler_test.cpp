#include "sinew/gateway/compile/snapshot_compiler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "sinew/gateway/test_configuration.hpp"

namespace sinew::gateway {
namespace {

using namespace std::chrono_literals;
using proxy::Balancing;
using proxy::HashKey;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Timestamp kNow{std::chrono::seconds(1'800'000'000)};

ProcessSettings process_of(const std::string& conf) {
  const auto none = [](const std::string&) { return std::optional<std::string>(); };
  auto reading = read_process_settings(conf, "kong.conf", none);
  EXPECT_EQ(lines_of(reading.errors), "");
  return reading.settings.value_or(ProcessSettings());
}

Compilation compile(const std::string& text, const std::string& conf = "proxy_listen=0.0.0.0:1") {
  SnapshotCompiler compiler;
  return compiler.compile(valid(text), process_of(conf), kNow);
}

// One service `s` with one route, and whatever else is said of both.
std::string service(const std::string& of_service, const std::string& of_route = "") {
  return "services: [{name: s, " + of_service + ", routes: [{name: r, paths: [/], " + of_route +
         "}]}]\n";
}

proxy::Route route_of(const std::string& of_service, const std::string& of_route = "") {
  auto made = compile(service(of_service, of_route));
  EXPECT_EQ(lines_of(made.errors), "");
  return made.snapshot ? made.snapshot->routes.at(0) : proxy::Route();
}

proxy::ClusterSettings cluster_with(const std::string& of_upstream) {
  auto made = compile(service("host: u") + "upstreams: [{name: u, " + of_upstream + "}]\n");
  EXPECT_EQ(lines_of(made.errors), "");
  return made.clusters.at(0);
}

TEST(CompiledRoute, HasKongsDefaults) {
  const auto route = route_of("host: a.example");

  EXPECT_EQ(route.name, "r");
  EXPECT_EQ(route.service, "s");
  EXPECT_TRUE(route.http && route.https && route.strip_path);
  EXPECT_EQ(route.upstream_path, "/");
  EXPECT_EQ(route.upstream_host, "a.example");
  EXPECT_FALSE(route.preserve_host);
  EXPECT_FALSE(route.transport.tls);
  EXPECT_EQ(route.transport.connect_timeout, 60s);
  EXPECT_EQ(route.limits.read_timeout, 60s);
  EXPECT_EQ(route.limits.stream_timeout, 60s);
  EXPECT_EQ(route.limits.request_timeout, 0s);
  EXPECT_EQ(route.limits.max_body, std::nullopt);
  EXPECT_EQ(route.limits.replay_body, 65'536U);
}

TEST(CompiledRoute, HasWhatServiceAndRouteSay) {
  const auto route = route_of(
      "host: a, port: 81, path: /v2, connect_timeout: 1000, write_timeout: 2000, read_timeout: "
      "3000, sinew: {request_timeout: 9s, try_timeout: 4s, max_body: 1KiB}",
      "protocols: [https], https_redirect_status_code: 301, strip_path: false, preserve_host: "
      "true, sinew: {try_timeout: 5s, stream_timeout: 1m, max_body: 0B, replay_body: 1MiB}");

  EXPECT_FALSE(route.http);
  EXPECT_EQ(route.https_redirect, 301);
  EXPECT_FALSE(route.strip_path);
  EXPECT_TRUE(route.preserve_host);
  EXPECT_EQ(route.upstream_path, "/v2");
  EXPECT_EQ(route.upstream_host, "a:81");
  EXPECT_EQ(route.transport.connect_timeout, 1s);
  EXPECT_EQ(route.limits.write_timeout, 2s);
  EXPECT_EQ(route.limits.read_timeout, 3s);
  EXPECT_EQ(route.limits.request_timeout, 9s);
  EXPECT_EQ(route.limits.try_timeout, 5s);
  EXPECT_EQ(route.limits.stream_timeout, 60s);
  EXPECT_EQ(route.limits.max_body, UINT64_MAX);
  EXPECT_EQ(route.limits.replay_body, 1U << 20U);
}

TEST(CompiledRoute, WithoutNamesIsKnownByItsId) {
  const auto made = compile("services: [{host: a, routes: [{paths: [/]}]}]");

  ASSERT_TRUE(made.snapshot);
  EXPECT_THAT(made.snapshot->routes[0].name, SizeIs(36));
  EXPECT_EQ(made.clusters[0].name, "service:" + made.snapshot->routes[0].service);
}

struct Host {
  const char* name;
  std::string of_service;
  std::string upstreams;
  std::string expected;
};

class UpstreamHost : public testing::TestWithParam<Host> {};

TEST_P(UpstreamHost, FollowsKongsRule) {
  const auto made = compile(service(GetParam().of_service) + GetParam().upstreams);

  ASSERT_TRUE(made.snapshot);
  EXPECT_EQ(made.snapshot->routes[0].upstream_host, GetParam().expected);
}

const std::string kTwoPorts = "targets: [{target: a:81}, {target: b:82}]}]";
INSTANTIATE_TEST_SUITE_P(
    All, UpstreamHost,
    testing::Values(Host{"usual_port", "host: a, port: 80", "", "a"},
                    Host{"other_port", "host: a, port: 8080", "", "a:8080"},
                    Host{"https", "url: \"https://a/\"", "", "a"},
                    Host{"https_on_80", "url: \"https://a:80/\"", "", "a:80"},
                    Host{"ipv6", "host: \"::1\", port: 81", "", "[::1]:81"},
                    Host{"target", "host: u", "upstreams: [{name: u, " + kTwoPorts, ""},
                    Host{"host_header", "host: u",
                         "upstreams: [{name: u, host_header: h, targets: [{target: a:80}]}]", "h"},
                    Host{"host_header_and_port", "host: u",
                         "upstreams: [{name: u, host_header: h, targets: [{target: a:81}]}]",
                         "h:81"},
                    Host{"host_header_of_several", "host: u",
                         "upstreams: [{name: u, host_header: h, " + kTwoPorts, "h"}),
    [](const auto& tested) { return tested.param.name; });

proxy::RetryDecision after_break(const proxy::Route& route) {
  return route.retry.decide({.end = proxy::AttemptEnd::broken,
                             .progress = proxy::AttemptProgress::sent,
                             .idempotent = true,
                             .replayable = true},
                            0, false, false);
}

TEST(CompiledRetries, AreOfWhatWasNotProcessedUnlessTheRouteSaysMore) {
  EXPECT_EQ(after_break(route_of("host: a")).place, proxy::RetryPlace::none);
  EXPECT_EQ(after_break(route_of("host: a, sinew: {retry_idempotent: true}")).place,
            proxy::RetryPlace::elsewhere);
  EXPECT_EQ(after_break(route_of("host: a, sinew: {retry_idempotent: true}",
                                 "sinew: {retry_idempotent: false}"))
                .place,
            proxy::RetryPlace::none);
}

TEST(CompiledRetries, AreAsManyAsKongs) {
  const auto route = route_of("host: a, retries: 0, sinew: {retry_idempotent: true}");

  EXPECT_EQ(after_break(route).reason, proxy::RetryReason::retries_used_up);
  EXPECT_EQ(route.limits.replay_body, 0U);
}

TEST(CompiledCluster, OfAServiceHasItsHostAsTarget) {
  const auto made =
      compile(service("host: a, port: 81, sinew: {cluster: {limits: {requests: 7}}}"));

  ASSERT_THAT(made.clusters, SizeIs(1));
  const auto& cluster = made.clusters[0];
  EXPECT_EQ(cluster.name, "service:s");
  EXPECT_EQ(cluster.targets, (std::vector<proxy::Target>{{.host = "a", .port = 81}}));
  EXPECT_EQ(cluster.limits.max_requests, 7);
  EXPECT_FALSE(cluster.active);
}

TEST(CompiledCluster, HasTheTargetsOfItsUpstream) {
  const auto cluster =
      cluster_with("targets: [{target: \"[::1]:81\", weight: 3}, {target: b.example, weight: 0}]");

  EXPECT_EQ(cluster.name, "u");
  EXPECT_EQ(cluster.targets, (std::vector<proxy::Target>{{"::1", 81, 3}, {"b.example", 8000, 0}}));
  EXPECT_EQ(cluster.balancer.algorithm, Balancing::round_robin);
  EXPECT_EQ(cluster.hash_slots, 0U);
  EXPECT_FALSE(cluster.ejection);
}

TEST(CompiledCluster, HashesByWhatKongHashes) {
  const auto by_header = cluster_with(
      "algorithm: consistent-hashing, slots: 100, hash_on: header, hash_on_header: X-Key, "
      "hash_fallback: query_arg, hash_fallback_query_arg: k");
  const auto by_cookie = cluster_with(
      "algorithm: consistent-hashing, hash_on: cookie, hash_on_cookie: c, hash_on_cookie_path: /p");

  EXPECT_EQ(by_header.balancer.algorithm, Balancing::consistent_hash);
  EXPECT_EQ(by_header.hash_slots, 100U);
  EXPECT_EQ(by_header.hash, (HashKey{HashKey::Source::header, "x-key", ""}));
  EXPECT_EQ(by_header.hash_fallback, (HashKey{HashKey::Source::query, "k", ""}));
  EXPECT_EQ(by_cookie.hash, (HashKey{HashKey::Source::cookie, "c", "/p"}));
  EXPECT_EQ(cluster_with("algorithm: least-connections").balancer.algorithm,
            Balancing::least_request);
}

TEST(CompiledCluster, ChecksAsKongDoes) {
  const auto cluster = cluster_with(R"(host_header: h, healthchecks: {threshold: 49.5,
    active: {type: https, https_sni: sni.example, http_path: /up, timeout: 0.5, concurrency: 3,
      headers: {X-A: [b, c]}, healthy: {interval: 2, successes: 1, http_statuses: [204]},
      unhealthy: {interval: 1.5, http_failures: 2, tcp_failures: 3, timeouts: 4}},
    passive: {unhealthy: {http_failures: 5, http_statuses: [500]}, healthy: {successes: 6}}})");

  EXPECT_EQ(cluster.balancer.minimum_available_percent, 50);
  ASSERT_TRUE(cluster.active);
  EXPECT_EQ(cluster.active->healthy_interval, 2s);
  EXPECT_EQ(cluster.active->unhealthy_interval, 1500ms);
  EXPECT_EQ(cluster.active->timeout, 500ms);
  EXPECT_EQ(cluster.active->concurrency, 3);
  EXPECT_THAT(cluster.active->healthy_statuses, ElementsAre(204));
  EXPECT_EQ(cluster.active->thresholds.successes, 1);
  EXPECT_EQ(cluster.active->thresholds.http_failures, 2);
  EXPECT_EQ(cluster.active->thresholds.tcp_failures, 3);
  EXPECT_EQ(cluster.active->thresholds.timeouts, 4);
  EXPECT_EQ(cluster.probe.kind, proxy::Probe::Kind::https);
  EXPECT_EQ(cluster.probe.path, "/up");
  EXPECT_EQ(cluster.probe.host, "h");
  EXPECT_EQ(cluster.probe.server_name, "sni.example");
  ASSERT_TRUE(cluster.probe.tls);
  EXPECT_TRUE(cluster.probe.tls->verifies());
  EXPECT_THAT(cluster.probe.headers, SizeIs(2));
  EXPECT_EQ(cluster.passive.thresholds.http_failures, 5);
  EXPECT_EQ(cluster.passive.thresholds.successes, 6);
}

TEST(CompiledCluster, CountsNoStatusesWherePassiveChecksAreOfTcp) {
  const auto cluster = cluster_with(
      "healthchecks: {passive: {type: tcp, unhealthy: {http_failures: 5, tcp_failures: 2}}}");

  EXPECT_EQ(cluster.passive.thresholds.http_failures, 0);
  EXPECT_EQ(cluster.passive.thresholds.tcp_failures, 2);
}

TEST(CompiledCluster, HasWhatKongLacks) {
  const auto cluster = cluster_with(
      "sinew: {ejection: {consecutive_failures: 3, base_time: 5s, max_time: 1m, max_percent: 20}, "
      "limits: {connections: 1, pending: 2, requests: 3, retries: 4}, retry_budget: {ratio: 0.5}}");

  ASSERT_TRUE(cluster.ejection);
  EXPECT_EQ(cluster.ejection->consecutive_server_errors, 3);
  EXPECT_EQ(cluster.ejection->base_ejection, 5s);
  EXPECT_EQ(cluster.ejection->max_ejection, 60s);
  EXPECT_EQ(cluster.ejection->max_ejected_percent, 20);
  EXPECT_TRUE(cluster.ejection->always_eject_one);
  EXPECT_EQ(cluster.limits.max_connections, 1);
  EXPECT_EQ(cluster.limits.max_pending, 2);
  EXPECT_EQ(cluster.limits.max_requests, 3);
  EXPECT_EQ(cluster.limits.max_retries, 4);
  EXPECT_DOUBLE_EQ(cluster.retry_budget.ratio, 0.5);
}

TEST(CompiledCluster, HasThePoolOfKongConf) {
  const auto some = compile(service("host: a"),
                            "upstream_keepalive_pool_size=7\nupstream_keepalive_max_requests=9\n"
                            "upstream_keepalive_idle_timeout=3\nproxy_listen=off");
  const auto unbounded = compile(service("host: a"),
                                 "upstream_keepalive_max_requests=0\n"
                                 "upstream_keepalive_idle_timeout=0\nproxy_listen=off");

  EXPECT_EQ(some.clusters.at(0).pool.max_idle, 7);
  EXPECT_EQ(some.clusters.at(0).pool.max_requests, 9);
  EXPECT_EQ(some.clusters.at(0).pool.idle_timeout, 3s);
  EXPECT_EQ(unbounded.clusters.at(0).pool.max_requests, 1'000'000'000);
  EXPECT_EQ(unbounded.clusters.at(0).pool.idle_timeout, 24h);
}

TEST(CompiledClusters, AreThoseOfEnabledServicesEachUpstreamOnce) {
  const auto made = compile(R"(
services:
- {name: off, host: c, enabled: false, routes: [{paths: [/off]}]}
- {name: a, host: u, routes: [{paths: [/a]}]}
- {name: b, host: u, port: 81, routes: [{paths: [/b]}]}
- {name: d, host: d, routes: [{paths: [/d]}]}
upstreams: [{name: u, targets: [{target: t}]}, {name: c, targets: [{target: t}]}]
)");

  ASSERT_TRUE(made.snapshot);
  ASSERT_THAT(made.clusters, SizeIs(2));
  EXPECT_EQ(made.clusters[0].name, "u");
  EXPECT_EQ(made.clusters[1].name, "service:d");
  EXPECT_EQ(made.snapshot->routes[1].cluster, 0U);
  EXPECT_EQ(made.snapshot->routes[2].cluster, 0U);
  EXPECT_EQ(made.snapshot->routes[3].cluster, 1U);
  EXPECT_FALSE(made.snapshot->table.match({.method = "GET", .host = "x", .path = "/off"}));
  EXPECT_EQ(made.snapshot->table.match({.method = "GET", .host = "x", .path = "/d"})->route, 3U);
}

TEST(CompiledListeners, AreThoseOfKongConf) {
  const auto made = compile(
      R"(sinew: {listeners: [{
        address: "[::1]:81", proxy_protocol: {from: [10.0.0.0/8], timeout: 2s},
        trusted_addresses: ["fd00::/8"], header_timeout: 3s, body_timeout: 4s, idle_timeout: 5s,
        max_body: 0B}]})",
      "proxy_listen = 127.0.0.1:80 backlog=7, [::1]:81 proxy_protocol\n"
      "trusted_ips = 192.0.2.1, 10.1.0.0/16\nreal_ip_header = X-Forwarded-For\n"
      "real_ip_recursive = on\nclient_max_body_size = 8k");

  ASSERT_TRUE(made.snapshot) << lines_of(made.errors);
  ASSERT_THAT(made.snapshot->listeners, SizeIs(2));
  const auto& plain = made.snapshot->listeners[0];
  EXPECT_EQ(plain.address, (async::Endpoint{"127.0.0.1", 80}));
  EXPECT_EQ(plain.backlog, 7);
  EXPECT_FALSE(plain.tls);
  EXPECT_FALSE(plain.proxy_protocol);
  EXPECT_EQ(plain.max_body, 8'192U);
  EXPECT_EQ(plain.client_field, "x-forwarded-for");
  EXPECT_TRUE(plain.client_recursive);
  ASSERT_THAT(plain.trusted, SizeIs(2));
  EXPECT_EQ(plain.trusted[0].prefix, 32U);
  EXPECT_TRUE(plain.trusted[1].contains(*wire::parse_ip("10.1.255.1")));
  EXPECT_FALSE(plain.trusted[1].contains(*wire::parse_ip("10.2.0.1")));
  const auto& other = made.snapshot->listeners[1];
  EXPECT_EQ(other.address, (async::Endpoint{"::1", 81}));
  ASSERT_TRUE(other.proxy_protocol);
  EXPECT_EQ(other.proxy_protocol->timeout, 2s);
  EXPECT_TRUE(other.proxy_protocol->from.at(0).contains(*wire::parse_ip("10.9.9.9")));
  EXPECT_THAT(other.trusted, SizeIs(3));
  EXPECT_EQ(other.header_timeout, 3s);
  EXPECT_EQ(other.body_timeout, 4s);
  EXPECT_EQ(other.idle_timeout, 5s);
  EXPECT_EQ(other.max_body, UINT64_MAX);
}

TEST(CompiledListeners, MustBeThere) {
  const auto made = compile("sinew: {listeners: [{address: \"0.0.0.0:2\"}]}");

  EXPECT_FALSE(made.snapshot);
  EXPECT_THAT(lines_of(made.errors), HasSubstr("0.0.0.0:2 is no address of proxy_listen"));
}

}  // namespace
}  // namespace sinew::gateway
