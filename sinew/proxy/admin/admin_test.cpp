#include "sinew/proxy/admin/admin.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "sinew/async/offload_pool.hpp"
#include "sinew/async/reactor.hpp"
#include "sinew/base/log_sink.hpp"
#include "sinew/http/client.hpp"
#include "sinew/net/resolver.hpp"
#include "sinew/proxy/admin/admin_routes.hpp"
#include "sinew/proxy/observe/test_exchange.hpp"
#include "tests/support/error_of.hpp"

namespace sinew::proxy {
namespace {

using namespace std::chrono_literals;
using http::Method;
using http::Response;
using tests::error_of;

class AdminTest : public testing::Test {
 protected:
  AdminTest() {
    cluster_ = std::make_shared<Cluster>(
        ClusterSettings{.name = "catalog.upstream", .ejection = OutlierSettings{}},
        exchange_.cluster.endpoints());
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->version = 3;
    snapshot->source = "kong.yml";
    snapshot->loaded_at = parse_rfc3339("2026-05-04T10:30:00Z");
    snapshot->routes.push_back(exchange_.route);
    snapshot->clusters.push_back(cluster_);
    snapshot->listeners.push_back({.address = {.address = "0.0.0.0", .port = 8000}});
    snapshot_ = snapshot;
    admin_.start();
  }
  ~AdminTest() override { reactor_.run(admin_.drain(1s)); }

  AdminParts parts() {
    return {.state = [this]() -> Task<ProxyState> { co_return state(); },
            .readiness = [this] { return readiness_; },
            .reload = [this]() -> Task<ReloadResult> { co_return reloaded_; },
            .last_reload =
                [] {
                  return LastReload{.result = {.outcome = ReloadResult::Outcome::refused,
                                               .errors = {"kong.yml:7: unknown field"},
                                               .error_count = 1},
                                    .cause = "signal",
                                    .at = parse_rfc3339("2026-05-04T11:00:00Z")};
                },
            .drain = [this] { ++drains_; },
            .metrics = &metrics_,
            .registry = &registry_,
            .access_log = &log_};
  }

  ProxyState state() const {
    return {.now = reactor_.now(),
            .snapshot = snapshot_,
            .workers = {{.connections = 4, .snapshot = 3}},
            .clusters = {{cluster_, {.pool = {.in_use = 2, .idle = 1}}}}};
  }

  Response ask(Method method, const std::string& path, const std::string& body = "",
               const http::Headers& headers = {{"Content-Type", "application/json"}}) {
    return reactor_.run(
        client_.send({.method = method,
                      .url = "http://" + async::to_string(admin_.local().front()) + path,
                      .headers = headers,
                      .body = body}));
  }
  Json get(const std::string& path) {
    const Response response = ask(Method::get, path);
    EXPECT_EQ(response.status, 200) << path << response.body;
    return response.json();
  }

  async::OffloadPools pools_;
  async::Reactor reactor_{pools_};
  net::FixedResolver resolver_;
  test::Exchange exchange_;
  ClusterPtr cluster_;
  SnapshotPtr snapshot_;
  Readiness readiness_;
  ReloadResult reloaded_;
  int drains_ = 0;
  ProxyMetrics metrics_{1};
  metrics::Registry registry_;
  AccessLog log_{{.target = "off"}, 1};
  Admin admin_{reactor_, {.addresses = {{.address = "127.0.0.1", .port = 0}}}, parts()};
  http::Client client_{reactor_, resolver_};
};

TEST_F(AdminTest, ItLivesAlsoWhileItIsNotReady) {
  readiness_.reasons = {"draining since 10:30", "listener 0.0.0.0:8000 is not open"};

  EXPECT_EQ(get("/health").at("status").as_string(), "live");
  const Response ready = ask(Method::get, "/ready");
  EXPECT_EQ(ready.status, 503);
  EXPECT_EQ(ready.json().at("detail").as_string(), "draining since 10:30");
  EXPECT_EQ(ready.json().at("reasons").as_array().size(), 2U);

  readiness_.reasons.clear();
  EXPECT_EQ(ask(Method::get, "/ready").status, 200);
}

TEST_F(AdminTest, MetricsAreOfExchangesStateAndProcess) {
  registry_.counter("process_things_total", "Things.").add(2);
  metrics_.worker(0).count(exchange_.record);

  const Response response = ask(Method::get, "/metrics");

  EXPECT_EQ(response.headers.get("Content-Type"), metrics::Registry::kContentType);
  for (const char* line :
       {"sinew_proxy_requests_total{route=\"items\"", "sinew_proxy_connections{worker=\"0\"} 4",
        "sinew_proxy_snapshot_version 3", "process_things_total 2"})
    EXPECT_TRUE(response.body.contains(line)) << line;
}

TEST_F(AdminTest, TheSnapshotSaysWhatRuns) {
  const Json snapshot = get("/snapshot");

  EXPECT_EQ(snapshot.at("version").as_integer(), 3);
  EXPECT_EQ(snapshot.at("source").as_string(), "kong.yml");
  EXPECT_EQ(snapshot.at("loaded_at").as_string(), "2026-05-04T10:30:00Z");
  EXPECT_EQ(snapshot.at("listeners").as_array()[0].at("address").as_string(), "0.0.0.0:8000");
  const Json& route = snapshot.at("routes").as_array()[0];
  EXPECT_EQ(route.at("name").as_string(), "items");
  EXPECT_EQ(route.at("cluster").as_string(), "catalog.upstream");
}

TEST_F(AdminTest, WorkersSayWhatTheyDo) {
  const Json worker = get("/workers").at("workers").as_array().at(0);

  EXPECT_EQ(worker.at("connections").as_integer(), 4);
  EXPECT_EQ(worker.at("snapshot").as_integer(), 3);
}

TEST_F(AdminTest, ClustersSayHowTheirEndpointsAre) {
  const auto permit = cluster_->limits().try_take(ClusterLimit::requests);

  const Json cluster = get("/clusters").at("clusters").as_array().at(0);

  EXPECT_EQ(cluster.at("name").as_string(), "catalog.upstream");
  EXPECT_EQ(cluster.at("limits").at("requests").at("in_use").as_integer(), 1);
  EXPECT_EQ(cluster.at("connections").at("idle").as_integer(), 1);
  const Json& endpoint = cluster.at("endpoints").as_array()[0];
  EXPECT_EQ(endpoint.at("address").as_string(), "10.1.2.3:8080");
  EXPECT_EQ(endpoint.at("health").as_string(), "healthy");
  EXPECT_TRUE(endpoint.at("available").as_bool());
}

TEST_F(AdminTest, AnOperatorTurnsAnEndpointAndEndsItsEjection) {
  const std::string path = "/clusters/catalog.upstream/endpoints/10.1.2.3:8080/";
  const auto changes = exchange_.endpoint().signals().changes();

  EXPECT_EQ(ask(Method::post, path + "unhealthy").status, 200);
  EXPECT_EQ(exchange_.endpoint().health().state(), HealthState::unhealthy);
  EXPECT_GT(exchange_.endpoint().signals().changes(), changes) << "balancers have to know";

  exchange_.endpoint().ejection().eject(Instant(1s), 10);
  const Response answer = ask(Method::post, path + "healthy");
  EXPECT_TRUE(exchange_.endpoint().available());
  EXPECT_TRUE(answer.json().at("endpoints").as_array()[0].at("available").as_bool());
}

TEST_F(AdminTest, WhatIsNotThereIsSaidByName) {
  const Response cluster = ask(Method::post, "/clusters/nobody/endpoints/10.1.2.3:8080/healthy");
  EXPECT_EQ(cluster.status, 404);
  EXPECT_TRUE(cluster.json().at("detail").as_string().contains("\"nobody\""));
  const Response endpoint =
      ask(Method::post, "/clusters/catalog.upstream/endpoints/10.1.2.3:1/healthy");
  EXPECT_EQ(endpoint.status, 404);
  EXPECT_TRUE(endpoint.json().at("detail").as_string().contains("10.1.2.3:1"));
  EXPECT_EQ(ask(Method::get, "/clusters/catalog.upstream/endpoints/10.1.2.3:8080/healthy").status,
            405);
}

TEST_F(AdminTest, TheLogLevelIsReadAndChanged) {
  const log::Capture quiet(log::Level::warn);

  EXPECT_EQ(get("/log-level").at("level").as_string(), "warn");
  EXPECT_EQ(ask(Method::put, "/log-level", R"({"level":"debug"})").status, 200);
  EXPECT_EQ(log::root().level(), log::Level::debug);

  const Response wrong = ask(Method::put, "/log-level", R"({"level":"chatty"})");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_TRUE(wrong.json().at("detail").as_string().contains("debug, info, warn"));
  EXPECT_EQ(ask(Method::put, "/log-level", "{").status, 400);
  EXPECT_EQ(log::root().level(), log::Level::debug);
}

TEST_F(AdminTest, DrainBegins) {
  EXPECT_EQ(ask(Method::post, "/drain").status, 202);
  EXPECT_EQ(drains_, 1);
}

TEST_F(AdminTest, AReloadSaysWhatBecameOfIt) {
  reloaded_ = {.version = 4, .took = 250ms, .warnings = {"kong.yml:3: deprecated"}};
  const Response applied = ask(Method::post, "/reload");
  EXPECT_EQ(applied.status, 200);
  EXPECT_EQ(applied.json().at("outcome").as_string(), "replaced");
  EXPECT_EQ(applied.json().at("warnings").as_array().size(), 1U);

  reloaded_ = {.outcome = ReloadResult::Outcome::refused,
               .version = 4,
               .errors = {"kong.yml:7: unknown field", "kong.yml:9: no such service"},
               .error_count = 2};
  const Response refused = ask(Method::post, "/reload");
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.headers.get("Content-Type"), "application/problem+json");
  EXPECT_EQ(refused.json().at("errors").as_array()[1].as_string(), "kong.yml:9: no such service");
  EXPECT_EQ(refused.json().at("version").as_integer(), 4);
}

TEST_F(AdminTest, TheLastReloadIsShownWhateverAskedForIt) {
  const Json last = get("/reload");

  EXPECT_EQ(last.at("cause").as_string(), "signal");
  EXPECT_EQ(last.at("at").as_string(), "2026-05-04T11:00:00Z");
  EXPECT_EQ(last.at("outcome").as_string(), "refused");
  EXPECT_EQ(last.at("errors").as_array()[0].as_string(), "kong.yml:7: unknown field");
}

TEST_F(AdminTest, TheAccessLogIsOpenedAnew) {
  EXPECT_EQ(ask(Method::post, "/access-log/reopen").status, 202);
}

TEST_F(AdminTest, APageInABrowserIsRefused) {
  EXPECT_EQ(ask(Method::post, "/drain", "", {{"Origin", "http://evil.example"}}).status, 403);
  EXPECT_EQ(drains_, 0);
}

TEST_F(AdminTest, ANameThatWasMadeToPointHereIsRefused) {
  const auto refused = [&](const char* host, bool allow_remote) {
    const AdminParts given = parts();
    const auto router = admin_routes(given, allow_remote);
    http::Request request;
    request.path = "/drain";
    request.headers.set("Host", host);
    try {
      router.check(request);
      return false;
    } catch (const http::StatusError& error) {
      return error.status() == 403;
    }
  };
  for (const char* host : {"localhost", "localhost:8001", "127.0.0.1:8001", "[::1]:8001", ""})
    EXPECT_FALSE(refused(host, false)) << host;
  EXPECT_TRUE(refused("rebound.evil.example:8001", false));
  EXPECT_FALSE(refused("admin.internal:8001", true));
}

TEST_F(AdminTest, AddressesThatOthersReachHaveToBeAllowed) {
  const auto error = error_of([&] {
    Admin(reactor_,
          {.addresses = {{.address = "0.0.0.0"}, {.address = "::1"}, {.address = "192.0.2.1"}}},
          parts());
  });
  EXPECT_EQ(error.condition(), Condition::invalid_input);
  EXPECT_TRUE(error.detail().contains("0.0.0.0:0 is not loopback"));
  EXPECT_TRUE(error.detail().contains("192.0.2.1:0 is not loopback"));
  EXPECT_FALSE(error.detail().contains("::1]:0 is not"));

  Admin allowed(reactor_, {.addresses = {{.address = "0.0.0.0"}}, .allow_remote = true}, parts());
}

TEST_F(AdminTest, WhatThisProxyCannotDoIsSaid) {
  AdminParts few = parts();
  few.reload = {};
  Admin admin(reactor_, {.addresses = {{.address = "127.0.0.1", .port = 0}}}, few);
  admin.start();
  const Response answer = reactor_.run(
      client_.send({.method = Method::post,
                    .url = "http://" + async::to_string(admin.local().front()) + "/reload"}));
  EXPECT_EQ(answer.status, 501);
  reactor_.run(admin.drain(1s));
}

}  // namespace
}  // namespace sinew::proxy
